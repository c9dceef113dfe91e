"""Figures on disk: WebDataset tar shards, the same bytes for the same figures.

Tar shards need no library to write, stream over any pipe, and are what loaders for many machines read.
"""

import io
import json
import tarfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from medvlm.datasets.corpus import INDEX, SPLITS, Figure, FigureSplit, figures, read, stream

__all__ = ["INDEX", "SPLITS", "Figure", "FigureSplit", "add", "figures", "read", "stream", "write"]

EACH = 1000  # figures a shard
_BLOCK = 512  # a tar header; USTAR has exactly one for names of up to 100 characters


def add(tar: tarfile.TarFile, figure: Figure) -> int:
    """Append one figure, without times or owners; returns where in the file its picture's bytes begin."""
    start = tar.offset + _BLOCK
    facts = json.dumps(figure.facts(), ensure_ascii=False, sort_keys=True).encode()
    for suffix, data in ((figure.suffix, figure.picture), ("json", facts)):
        member = tarfile.TarInfo(f"{figure.id}.{suffix}")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return start


def write(folder: Path, wanted: Iterable[Figure], each: int = EACH) -> dict[FigureSplit, int]:
    """Shards of `each` figures and the index into an existing folder; how many figures each split has."""
    counts: dict[FigureSplit, int] = dict.fromkeys(SPLITS, 0)
    with ExitStack() as opened, (folder / INDEX).open("w", encoding="utf-8") as index:
        shelves = {split: Shelf(folder, split, each) for split in SPLITS}
        for shelf in shelves.values():
            opened.callback(shelf.close)
        for figure in wanted:
            row = shelves[figure.split].put(figure)
            index.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
            counts[figure.split] += 1
    return counts


@dataclass
class Shelf:
    """The shards of one split; the next one is begun when one is full."""

    folder: Path
    split: FigureSplit
    each: int
    _count: int = 0
    _open: tuple[IO[bytes], tarfile.TarFile] | None = field(default=None, repr=False)

    def put(self, figure: Figure) -> dict[str, Any]:
        """Appends the figure; returns its row of the index."""
        name = f"{self.split}-{self._count // self.each:05}.tar"
        if self._count % self.each == 0:
            self.close()
            file = (self.folder / name).open("wb")
            self._open = file, tarfile.TarFile(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)
        assert self._open is not None
        self._count += 1
        offset = add(self._open[1], figure)
        place = {"shard": name, "offset": offset, "size": len(figure.picture)}
        wanted = ("id", "article", "split", "domain", "licence", "caption")
        return {**{key: getattr(figure, key) for key in wanted}, **place}

    def close(self) -> None:
        if self._open is not None:
            file, tar = self._open
            tar.close()
            file.close()
            self._open = None
