"""Looks of data sets' pictures, by name and kept in a file, so that copies between training and test are found."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from eval import pictures
from medvlm import scores
from medvlm.errors import DatasetError, UserError
from medvlm.imaging import render
from medvlm.imaging.likeness import looks


@dataclass(frozen=True, slots=True)
class Look:
    """`exact`: a hash of the pixels as they are shown; `bits`: 256 bits in hexadecimal, of how greys rise and fall."""

    exact: str
    bits: str

    def distance(self, other: "Look") -> int:
        """In how many of the 256 bits they differ."""
        return (int(self.bits, 16) ^ int(other.bits, 16)).bit_count()


def look(name: str) -> Look:
    """The look of a picture by its name. Raises DatasetError where it is not there, UserError for a damaged one."""
    pixels = render(pictures.scan(name))
    return Look(hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest(), looks(pixels))


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
