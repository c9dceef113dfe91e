"""Covering parts of a scan: the numbers under a box are gone, for the page as for the model."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medvlm.imaging.slices import Slices
from medvlm.types import Pixels, Scan

# Around what was found: anti-aliased edges, and the part of a letter that a detector cuts off.
_MARGIN = 0.15
_LEAST_MARGIN = 2
# A side marker ("L", "R", an arrow) is about as wide as high; a name is longer. Nothing on it names anybody.
_MARKER_RATIO = 1.6


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """Pixels [top, bottom) x [left, right) of every slice of a scan."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def is_marker(self) -> bool:
        """Whether it is as wide as high, as a side marker is, and no line of text."""
        width, height = self.right - self.left, self.bottom - self.top
        return max(width, height) < _MARKER_RATIO * min(width, height)

    def grown(self, rows: int, columns: int) -> "Box":
        """With a margin, inside a picture of that size."""
        edge = max(_LEAST_MARGIN, round(_MARGIN * min(self.right - self.left, self.bottom - self.top)))
        return Box(
            max(0, self.left - edge), max(0, self.top - edge),
            min(columns, self.right + edge), min(rows, self.bottom + edge),
        )  # fmt: skip


class MaskedSlices(Slices):
    """Slices under boxes; each is copied and covered when it is looked at."""

    __slots__ = ("_boxes", "_light", "_slices")

    def __init__(self, slices: Sequence[Pixels], boxes: tuple[Box, ...], light: bool) -> None:
        self._slices = slices
        self._boxes = boxes
        self._light = light

    def __len__(self) -> int:
        return len(self._slices)

    def _slice(self, place: int) -> Pixels:
        covered = cover(self._slices[place], self._boxes, self._light)
        covered.flags.writeable = False
        return covered


def cover(pixels: Pixels, boxes: Iterable[Box], light: bool = False) -> Pixels:
    """A copy of one slice, (H, W) or (H, W, 3), with the boxes in its lowest number (`light`: its highest)."""
    covered = np.array(pixels)
    fill = 0 if pixels.ndim == 3 else pixels.max() if light else pixels.min()
    for box in boxes:
        covered[box.top : box.bottom, box.left : box.right] = fill
    return covered


def masked(scan: Scan, boxes: Iterable[Box]) -> Scan:
    """The scan with these boxes covered on every slice, black on the screen; the same scan where there is no box.

    Its `sha256` is another one: nothing kept for the uncovered scan may serve for it. Slices that were all decoded
    are covered now, so that nothing holds the numbers beneath; the others when somebody looks at them.
    """
    rows, columns = scan.slices[0].shape[:2]
    grown = tuple(sorted({box.grown(rows, columns) for box in boxes}))
    if not grown:
        return scan
    slices: Sequence[Pixels] = MaskedSlices(scan.slices, grown, scan.inverted)
    if isinstance(scan.slices, tuple):
        slices = tuple(slices)
    digest = hashlib.sha256(f"{scan.sha256} {[(b.left, b.top, b.right, b.bottom) for b in grown]}".encode())
    regions = "1 region" if len(grown) == 1 else f"{len(grown)} regions"
    note = f"{regions} with text covered"
    return replace(scan, slices=slices, sha256=digest.hexdigest(), notes=(*scan.notes, note))
