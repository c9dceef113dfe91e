"""Anatomy as tissues laid over each other, to be painted with whatever each tissue measures (HU, signal)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Patch, Point, paint


@dataclass(slots=True)
class Layers:
    """Tissues in painting order, the organ's mask that findings stay in, and the spots where findings may lie.

    `spots` maps (patient's side or None, place) to a page point.
    """

    page: Frame
    stack: list[tuple[str, Patch]] = field(default_factory=list)
    masks: dict[str, Grey] = field(default_factory=dict)
    spots: dict[tuple[str | None, str | None], Point] = field(default_factory=dict)

    def lay(self, tissue: str, *patches: Patch | Grey) -> None:
        """Add patches, or full-size opacity maps, of one tissue on top."""
        for patch in patches:
            if isinstance(patch, np.ndarray):
                patch = Patch(slice(0, patch.shape[0]), slice(0, patch.shape[1]), patch)
            self.stack.append((tissue, patch))

    def painted(self, values: Mapping[str, float | Grey]) -> Grey:
        """The picture in which each tissue has its value. Raises KeyError for a tissue without one."""
        picture = np.full(self.page.shape, float(np.mean(values["air"])))
        for tissue, patch in self.stack:
            paint(picture, patch, values[tissue])
        return picture
