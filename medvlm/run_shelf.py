"""The runs that can be looked at: folders are watched, each is read once a change, and a broken one is only listed."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medvlm import packed, paths
from medvlm.board import Board, board
from medvlm.errors import DatasetError
from medvlm.scores import RUN, Broken

OWN = paths.ASSETS / "scores" / "runs"
# What a file says of itself without being read: name, size, and when it was changed (in ns).
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What was found: boards by name, in order, and the broken ones beside them."""

    boards: dict[str, Board]
    broken: tuple[Broken, ...] = ()
    version: int = 0


class RunShelf:
    """Reads the run folders below some roots; `look` gives what is there now. Any thread may call it."""

    def __init__(self, roots: Sequence[Path] | None = None) -> None:
        """`roots`: searched for `run.json`; default: what is kept beside the code, then the checkout's `runs/`."""
        self.roots = tuple(roots) if roots is not None else (OWN, paths.ROOT / "runs")
        self._read: dict[Path, tuple[Signature, Board | Broken]] = {}
        self._lock = threading.Lock()
        self._shelf = Shelf({})
        self._seen: dict[Path, Signature] | None = None

    def look(self) -> Shelf:
        """All runs; folders that have not changed are not read again. `version` grows with every change."""
        with self._lock:
            seen = {folder: _signature(folder) for root in self.roots for folder in _folders(root)}
            if seen != self._seen:
                self._read = {folder: self._of(folder, signature) for folder, signature in seen.items()}
                self._seen, self._shelf = seen, self._shelved()
            return self._shelf

    def _of(self, folder: Path, signature: Signature) -> tuple[Signature, Board | Broken]:
        known = self._read.get(folder)
        return known if known is not None and known[0] == signature else (signature, _board(folder))

    def _shelved(self) -> Shelf:
        """Two runs of one name are both kept: the second is named after its folder as well."""
        boards: dict[str, Board] = {}
        for folder, (_, found) in self._read.items():
            if isinstance(found, Board):
                name = found.name if found.name not in boards else f"{found.name} ({folder.parent.name}/{folder.name})"
                boards[name] = found
        broken = tuple(found for _, found in self._read.values() if isinstance(found, Broken))
        return Shelf(boards, broken, self._shelf.version + 1)


def _folders(root: Path) -> list[Path]:
    return [path.parent for path in sorted(root.rglob(RUN))] if root.is_dir() else []


def _signature(folder: Path) -> Signature:
    found = []
    for path in sorted(folder.glob("*.json*")):
        try:
            stat = path.stat()
        except OSError:
            continue  # gone since it was listed: the next look tells
        found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _board(folder: Path) -> Board | Broken:
    try:
        return board(packed.read(folder))
    except (DatasetError, OSError, ValueError, KeyError, TypeError) as error:
        return Broken(folder, str(error) or repr(error))
