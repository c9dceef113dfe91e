"""What a picture looks like in 256 bits, so that a copy is known again after re-saving, scaling or brightening."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from eval import pictures
from medvlm import scores
from medvlm.errors import DatasetError, UserError
from medvlm.imaging import render

SIDE = 16  # SIDE x SIDE bits
# Bits of 256 that two pictures of one origin may differ in. On VQA-RAD, JPEG at quality 40, half the size and a fifth
# more brightness changed at most 24 bits of 63 pictures; the two likest of 314 different pictures differ in 30. Cutting
# 2 % off every edge changes 30 in the median: crops are not found.
NEAR = 25


@dataclass(frozen=True, slots=True)
class Look:
    """`exact`: a hash of the pixels as they are shown; `bits`: 256 bits in hexadecimal, of how greys rise and fall."""

    exact: str
    bits: str

    def distance(self, other: "Look") -> int:
        """In how many of the 256 bits they differ."""
        return (int(self.bits, 16) ^ int(other.bits, 16)).bit_count()


def look(name: str) -> Look:
    """The look of a picture by its name. Raises DatasetError where it is not there, UserError for a damaged one.

    A difference hash: the picture in grey at 17 x 16 pixels, a bit for each pixel that is brighter than its left
    neighbour.
    """
    pixels = render(pictures.scan(name))
    small = Image.fromarray(pixels).convert("L").resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(small, dtype=np.int16)
    rises = np.packbits(grey[:, 1:] > grey[:, :-1])
    return Look(hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest(), rises.tobytes().hex())


class Looks:
    """Looks of pictures by name, kept in a file by the hash of what they were made of. Pictures that are missing or
    damaged have none."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept = {row["identity"]: Look(row["exact"], row["bits"]) for row in scores.rows(path)} if path else {}

    def of(self, names: Iterable[str]) -> dict[str, Look]:
        """Name -> look, for those that can be read."""
        found: dict[str, Look] = {}
        new: list[scores.Record] = []
        for name in dict.fromkeys(names):
            try:
                key = pictures.identity(name)
                if key not in self._kept:
                    self._kept[key] = made = look(name)
                    new.append({"identity": key, "exact": made.exact, "bits": made.bits})
                found[name] = self._kept[key]
            except (DatasetError, UserError):
                continue
        if self._path and new:
            scores.append(self._path, new)
        return found
