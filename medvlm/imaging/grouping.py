"""Files of a drop -> stacks that can be scrolled: split where slices do not belong together, sorted by position.

Every split, gap and duplicate is said in a note. Names of files play no part.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from medvlm.imaging.facts import FileFacts
from medvlm.imaging.geometry import SAME, Arrangement, arranged, normal
from medvlm.imaging.placement import DISCRIMINATORS, FrameFacts
from medvlm.types import Vector

# Each of these pictures stands for itself, even if a series holds several: another view, with a window of its own.
SINGLES = frozenset({"CR", "DX", "RG", "MG", "PX", "IO", "SM", "RTIMAGE", "XA", "RF"})
# Directions that differ by less than this (about half a degree) are the same: headers hold rounded text.
_PARALLEL = 0.01
# A series with more directions than this turns about an axis: its slices stay together, in the order of their numbers.
_MOST_DIRECTIONS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One frame of one file, by the file's index in the drop."""

    file: int
    frame: int
    facts: FrameFacts
    number: float
    discriminators: tuple[float | str | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices in the order in which they are shown; `arrangement` is None where the file says nothing of places."""

    slices: tuple[Slice, ...]
    directions: tuple[Vector, Vector] | None
    arrangement: Arrangement | None
    notes: tuple[str, ...]


class _Key(NamedTuple):
    """What the files of one series have in common; `alone` is a file's index where it stands for itself."""

    series: str
    form: tuple[object, ...]
    alone: int | None


def stacks_of(files: Sequence[FileFacts]) -> list[Stack]:
    """All stacks of a drop, in the order of their series numbers. Indices in the slices are those of `files`."""
    series: dict[_Key, list[int]] = {}
    for index, file in enumerate(files):
        alone = index if file.modality in SINGLES or file.layout.frames > 1 else None
        series.setdefault(_Key(file.uids[0], file.form, alone), []).append(index)
    forms = Counter(key.series for key in series if key.alone is None)
    order = sorted(series.items(), key=lambda one: _rank(files[one[1][0]]))
    return [
        stack
        for key, members in order
        for stack in _split(members, files, _form_note(forms[key.series], files[members[0]]))
    ]


def _rank(file: FileFacts) -> tuple[float, float]:
    return (
        np.inf if file.series_number is None else file.series_number,
        np.inf if file.instance is None else file.instance,
    )


def _form_note(forms: int, file: FileFacts) -> tuple[str, ...]:
    if forms < 2 or file.modality in SINGLES:
        return ()
    return (f"split from a series of {forms} kinds of picture (size, colours or localizer)",)


def _split(members: list[int], files: Sequence[FileFacts], notes: tuple[str, ...]) -> list[Stack]:
    slices = _numbered(members, files)
    first = files[members[0]]
    if len(slices) == 1 or first.modality in SINGLES or (first.layout.frames > 1 and not first.plain):
        return [_placed(slices, notes)] if len(slices) == 1 else [_unplaced(slices, notes)]
    lost = [one for one in slices if one.facts.position is None or one.facts.directions is None]
    placed = [one for one in slices if one.facts.position is not None and one.facts.directions is not None]
    if not placed:
        said = ("no positions in the files: slices in the order of their numbers",) if len(members) > 1 else ()
        return [_unplaced(lost, (*notes, *said))]
    if lost:
        notes = (*notes, f"split: no position in the files of {len(lost)} of {len(slices)} slices")
    found = [stack for group in _by_direction(placed, notes) for stack in group]
    return [*found, *([_unplaced(lost, notes)] if lost else [])]


def _numbered(members: list[int], files: Sequence[FileFacts]) -> list[Slice]:
    """All frames of the files, in the order of instance numbers, else in that in which they came."""
    found = []
    for index in members:
        file = files[index]
        number = np.inf if file.instance is None else file.instance
        found += [
            Slice(index, frame, facts, number, (*facts.discriminators, file.image_type))
            for frame, facts in enumerate(file.frames)
        ]
    return sorted(found, key=lambda one: one.number)


def _by_direction(slices: list[Slice], notes: tuple[str, ...]) -> Iterable[list[Stack]]:
    groups: list[list[Slice]] = []
    for one in slices:
        near = next((group for group in groups if _parallel(group[0], one)), None)
        if near is not None:
            near.append(one)
        else:
            groups.append([one])
        if len(groups) > _MOST_DIRECTIONS:
            return [[_unplaced(slices, (*notes, "slices of many directions, in the order of their numbers"))]]
    if len(groups) > 1:
        notes = (*notes, f"split from a series of {len(groups)} directions")
    return [_by_place(group, notes) for group in groups]


def _parallel(one: Slice, other: Slice) -> bool:
    if one.facts.directions == other.facts.directions:
        return True
    return bool(np.abs(np.subtract(one.facts.directions, other.facts.directions)).max() < _PARALLEL)  # type: ignore[arg-type]


def _by_place(slices: list[Slice], notes: tuple[str, ...]) -> list[Stack]:
    """Slices at the same place are told apart by what the header says of them, else by their numbers."""
    if _crowd(slices) == 1:
        return [_placed(slices, notes)]
    for column, name in enumerate((*(name for name, _, _ in DISCRIMINATORS), "image type")):
        parts = _parted(slices, column)
        if len(parts) > 1 and max(_crowd(part) for part in parts) < _crowd(slices):
            said = (*notes, f"split by {name}: {len(parts)} stacks lie at the same places")
            return [stack for part in parts for stack in _by_place(part, said)]
    return _by_turn(slices, notes)


def _parted(slices: list[Slice], column: int) -> list[list[Slice]]:
    parts: dict[object, list[Slice]] = {}
    for one in slices:
        parts.setdefault(one.discriminators[column], []).append(one)
    return list(parts.values())


def _places(slices: list[Slice]) -> list[int]:
    """A number for each slice: that of its place along the normal."""
    assert slices[0].facts.directions is not None
    along = np.asarray([one.facts.position for one in slices]) @ normal(*slices[0].facts.directions)
    order = np.argsort(along, kind="stable")
    ranks = np.empty(len(slices), dtype=int)
    ranks[order] = np.cumsum(np.diff(along[order], prepend=along[order[0]]) > SAME)
    return [int(rank) for rank in ranks]


def _crowd(slices: list[Slice]) -> int:
    """The largest number of slices at one place."""
    return int(np.bincount(_places(slices)).max())


def _by_turn(slices: list[Slice], notes: tuple[str, ...]) -> list[Stack]:
    """The first slice of each place, then the second of each, and so on."""
    seen: dict[int, int] = {}
    turns: dict[int, list[Slice]] = {}
    for one, place in zip(slices, _places(slices), strict=True):
        turn = seen[place] = seen.get(place, -1) + 1
        turns.setdefault(turn, []).append(one)
    if len(seen) == 1:
        return [_unplaced(slices, (*notes, "all slices lie at the same place, in the order of their numbers"))]
    extra = len(slices) - len(seen)
    lie = "1 slice lies where another does" if extra == 1 else f"{extra} slices lie where others do"
    said = (*notes, f"{lie}: put into {len(turns)} stacks in the order of their numbers")
    return [_placed(turn, said) for turn in turns.values()]


def _unplaced(slices: list[Slice], notes: tuple[str, ...]) -> Stack:
    directions = slices[0].facts.directions
    same = directions is not None and all(
        one.facts.directions is not None and _parallel(slices[0], one) for one in slices
    )
    return Stack(tuple(slices), directions if same else None, None, notes)


def _placed(slices: list[Slice], notes: tuple[str, ...]) -> Stack:
    directions = slices[0].facts.directions
    positions = [one.facts.position for one in slices if one.facts.position is not None]
    if directions is None or len(positions) != len(slices):
        return _unplaced(slices, notes)
    found = arranged(positions, *directions)
    ordered = tuple(slices[index] for index in found.order)
    return Stack(ordered, directions, replace(found, order=()), (*notes, *_arrangement_notes(found, len(slices))))


def _arrangement_notes(found: Arrangement, count: int) -> tuple[str, ...]:
    if count < 2:
        return ()
    notes = ["sorted by position"]
    if found.spacing is not None:
        notes.append(f"{found.spacing:.3g} mm from slice to slice")
    else:
        missing = "1 slice seems" if found.gaps == 1 else f"{found.gaps:,} slices seem"
        notes.append(f"a gap: {missing} to be missing" if found.gaps else "slices unevenly spaced")
    if found.tilt:
        notes.append(f"gantry tilted by {found.tilt:.3g} degrees")
    return tuple(notes)
