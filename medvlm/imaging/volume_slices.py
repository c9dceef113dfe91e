"""A volume that is in memory once, as stored, as slices whose numbers are rescaled when they are asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from medvlm.imaging.slices import Slices
from medvlm.types import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class VolumeSlices(Slices):
    """Slices of a volume that is in memory once, as stored: (slices, H, W) or (slices, H, W, 3).

    Each slice is rescaled when it is asked for; `kind` is the type of its numbers then. `bounds`, where there are
    undefined numbers, are the lowest and highest of the others in the whole volume: undefined ones take the lowest.
    """

    volume: Pixels
    kind: "np.dtype[Any]"
    slope: float = 1.0
    intercept: float = 0.0
    bounds: tuple[float, float] | None = None

    def __len__(self) -> int:
        return int(self.volume.shape[0])

    def _slice(self, place: int) -> Pixels:
        stored = self.volume[place]
        if self.kind.kind in "iu":
            return np.ascontiguousarray(np.add(stored, int(self.intercept), dtype=self.kind, casting="unsafe"))
        scaled = (np.ascontiguousarray(stored, dtype=np.float64) * self.slope + self.intercept).astype(np.float32)
        if self.bounds is None:
            return scaled
        return np.nan_to_num(scaled, nan=self.bounds[0], posinf=self.bounds[1], neginf=self.bounds[0])


def bounds_of(slices: VolumeSlices) -> tuple[float, float] | None:
    """Lowest and highest defined number of a volume that has undefined ones; None where all are defined."""
    if slices.kind.kind != "f":
        return None
    lows, highs, undefined = [], [], False
    for one in slices:
        good = np.isfinite(one)
        if good.all():
            lows.append(float(one.min()))
            highs.append(float(one.max()))
            continue
        undefined = True
        if good.any():
            lows.append(float(one[good].min()))
            highs.append(float(one[good].max()))
    return (min(lows, default=0.0), max(highs, default=0.0)) if undefined else None
