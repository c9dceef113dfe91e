"""The runs that can be looked at: folders are watched, each is read once a change, and a broken one is only listed."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medvlm import paths
from medvlm.errors import DatasetError
from medvlm.scoreboard import packed, probe_sheets
from medvlm.scoreboard.board import Board, board
from medvlm.scoreboard.probe_sheets import CURVES, Curve, ProbeSheet
from medvlm.scores import RUN, Broken

OWN = paths.ASSETS / "scores" / "runs"
Found = Board | ProbeSheet | Broken
# What a file says of itself without being read: name, size, and when it was changed (in ns).
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What was found: boards by name, in order, the broken runs beside them, and what probes have found."""

    boards: dict[str, Board]
    broken: tuple[Broken, ...] = ()
    sheets: tuple[ProbeSheet, ...] = ()
    curves: tuple[Curve, ...] = ()
    version: int = 0


class RunShelf:
    """Reads the run folders below some roots; `look` gives what is there now. Any thread may call it."""

    def __init__(self, roots: Sequence[Path] | None = None) -> None:
        """`roots`: searched for `run.json`; default: what is kept beside the code, then the checkout's `runs/`."""
        self.roots = tuple(roots) if roots is not None else (OWN, paths.ROOT / "runs")
        self._read: dict[Path, tuple[Signature, Found]] = {}
        self._lock = threading.Lock()
        self._shelf = Shelf({})
        self._seen: dict[Path, Signature] | None = None

    def look(self) -> Shelf:
        """All runs; folders that have not changed are not read again. `version` grows with every change."""
        with self._lock:
            seen = {folder: _signature(folder) for root in self.roots for folder in _folders(root)}
            curved = {root / CURVES: _signature(root / CURVES) for root in self.roots}
            if seen | curved != self._seen:
                self._read = {folder: self._of(folder, signature) for folder, signature in seen.items()}
                seen |= curved
                self._seen, self._shelf = seen, self._shelved()
            return self._shelf

    def _of(self, folder: Path, signature: Signature) -> tuple[Signature, Found]:
        known = self._read.get(folder)
        return known if known is not None and known[0] == signature else (signature, _board(folder))

    def _shelved(self) -> Shelf:
        """Two runs of one name are both kept, the second named after its folder as well; of a run that is here packed
        and as it was written, the latter stands for both, for it has every metric."""
        boards: dict[str, Board] = {}
        for folder, (_, found) in self._read.items():
            if isinstance(found, Board):
                if found.name in boards and _is_packed_copy(boards[found.name], found):
                    boards[found.name] = found if packed.is_packed(boards[found.name].folder) else boards[found.name]
                    continue
                name = found.name if found.name not in boards else f"{found.name} ({folder.parent.name}/{folder.name})"
                boards[name] = found
        read = [one for _, one in self._read.values()]
        broken = tuple(one for one in read if isinstance(one, Broken))
        sheets = tuple(one for one in read if isinstance(one, ProbeSheet))
        curves = tuple(curve for root in self.roots for curve in probe_sheets.curves(root))
        return Shelf(boards, broken, sheets, curves, self._shelf.version + 1)


def _is_packed_copy(one: Board, other: Board) -> bool:
    """Whether one of them is the other, packed."""
    same = (one.info.fingerprint, one.info.created) == (other.info.fingerprint, other.info.created)
    return same and packed.is_packed(one.folder) != packed.is_packed(other.folder)


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


def _board(folder: Path) -> Found:
    """Of a probe run, its figures: its answers are to changed questions and stand in no other run."""
    try:
        return probe_sheets.read(folder) or board(packed.read(folder))
    except (DatasetError, OSError, ValueError, KeyError, TypeError) as error:
        return Broken(folder, str(error) or repr(error))
