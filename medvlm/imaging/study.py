"""Everything that was dropped at once -> the series in it, each of which opens as a `Scan` when it is chosen."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.dicomdir import is_dicomdir
from medvlm.imaging.domain import word_of
from medvlm.imaging.drop import STUDY_LIMITS, Drop, Given, files_word, picked, unpack
from medvlm.imaging.edge import only_advice
from medvlm.imaging.facts import FileFacts, facts_of
from medvlm.imaging.grouping import Stack, stacks_of
from medvlm.imaging.identity import merged
from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part, kept
from medvlm.imaging.reading import read_one
from medvlm.imaging.rendering import render
from medvlm.imaging.sniff import Format, form_of, sniff
from medvlm.imaging.stack import description, scan_of
from medvlm.imaging.traces import traces_in
from medvlm.types import Origin, Scan

Progress = Callable[[int, int], None]
_REASONS = 4
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the list that the user chooses from. `thumbnail` is the index of the slice that shows it best.

    `modality` is DICOM's code ("CT"), or "" for other formats; `description` holds words of a closed list only; `size`
    is (rows, columns) where the header says it without unpacking anything. `origin` and `burned_in` as in `Traces`.
    """

    number: int
    modality: str
    name: str
    description: str
    count: int
    size: tuple[int, int] | None
    thumbnail: int
    notes: tuple[str, ...]
    origin: Origin = "unknown"
    burned_in: bool | None = None


class _Entry:
    """A series with the way to open it, which is let go, with the bytes it holds, once it is used."""

    def __init__(self, series: Series, opener: Callable[[], Scan], peek: Callable[[], Scan] | None) -> None:
        self.series = series
        self._opener: Callable[[], Scan] | None = opener
        self._peek = peek
        self._scan: Scan | None = None
        self._lock = threading.Lock()

    def open(self) -> Scan:
        with self._lock:
            if self._scan is None:
                assert self._opener is not None, "a series without a scan has an opener"
                with only_advice(f"The {self.series.name}", "one"):
                    self._scan = self._opener()
                self._opener = self._peek = None
            return self._scan

    def thumbnail(self) -> NDArray[np.uint8]:
        peek = self._peek
        if peek is None:
            scan = self.open()
            return render(scan, min(self.series.thumbnail, len(scan.slices) - 1))
        with only_advice(f"The {self.series.name}", "one"):
            return render(peek())


class Study:
    """The series of one drop, in the order of their numbers, and notes on what was left out."""

    def __init__(self, entries: Sequence[_Entry], notes: tuple[str, ...]) -> None:
        self._entries = tuple(entries)
        self.notes = notes

    @property
    def series(self) -> tuple[Series, ...]:
        return tuple(entry.series for entry in self._entries)

    @property
    def largest(self) -> int:
        """The number of the series with the most slices, the first of several."""
        return max(self.series, key=lambda one: (one.count, -one.number)).number

    def open(self, number: int, background: bool = False) -> Scan:
        """The scan of series `number`, the same at each call. Only what its window needs is decoded; `background`
        has the rest decoded meanwhile, from the thumbnail's slice outwards. Raises `UserError`."""
        entry = self._entry(number)
        scan = entry.open()
        if background and isinstance(scan.slices, LazySlices):
            scan.slices.load(entry.series.thumbnail)
        return scan

    def thumbnail(self, number: int) -> NDArray[np.uint8]:
        """One slice of series `number` as (H, W, 3) RGB, without opening the series. Raises `UserError`."""
        return self._entry(number).thumbnail()

    def _entry(self, number: int) -> _Entry:
        if not 0 <= number < len(self._entries):
            raise UserError(f"Series {number + 1} is not there: there are {len(self._entries)}. Choose one of them.")
        return self._entries[number]


@dataclass(frozen=True, slots=True)
class _Other:
    """A file that is a series by itself, and how many slices its start says it has."""

    form: Format
    count: int


def ready(scan: Scan) -> tuple[int, int]:
    """How many slices of a scan are decoded, of how many."""
    total = len(scan.slices)
    return (scan.slices.ready if isinstance(scan.slices, LazySlices) else total), total


def read_study(
    files: "Sequence[tuple[str, bytes]] | Drop", limits: Limits = STUDY_LIMITS, progress: Progress | None = None
) -> Study:
    """Sorts what was dropped, (name, bytes) each: files, a folder's files, archives, a disc with its DICOMDIR.

    Reads headers, no pixels. `progress(done, total)` counts files. Raises `UserError`, and nothing else, where nothing
    can be shown, for an archive that is not safe to unpack, and beyond the limits.
    """
    drop = files if isinstance(files, Drop) else unpack(files, limits)
    with only_advice("The study", "one"):
        given, notes = picked(drop.given)
        return _sorted_out(given, limits, notes, progress)


def first_picture(files: "Sequence[tuple[str, bytes]] | Drop", limits: Limits = STUDY_LIMITS) -> Scan | None:
    """One picture of a drop at once, to look at while `read_study` reads the headers.

    It is that of the middle file, or of one near it; None where none of those can be read. Raises `UserError` for an
    archive that is not safe to unpack, and beyond the limits.
    """
    drop = files if isinstance(files, Drop) else unpack(files, limits)
    for one in _near(drop.given):
        try:
            with only_advice(one.what, "a file"):
                form = form_of(one.part.head())
                if form is not None and not is_dicomdir(one.part.head()):
                    return read_one(one.part.read(), form, one.what, limits)
        except UserError:
            continue
    return None


def _near(given: Sequence[Given]) -> list[Given]:
    """The middle file and those around it, nearest first."""
    middle = len(given) // 2
    order = sorted(range(max(0, middle - _TRIES), min(len(given), middle + _TRIES)), key=lambda at: abs(at - middle))
    return [given[at] for at in order[:_TRIES]]


def _sorted_out(given: list[Given], limits: Limits, notes: list[str], progress: Progress | None) -> Study:
    facts: dict[int, FileFacts] = {}
    others: dict[int, _Other] = {}
    refused: list[tuple[str, str]] = []
    for index, one in enumerate(given):
        try:
            with only_advice(one.what, "a file"):
                found = _look(one, limits)
            if isinstance(found, FileFacts):
                facts[index] = found
            else:
                others[index] = found
        except UserError as error:
            refused.append((one.what, str(error)))
        if progress is not None:
            progress(index + 1, len(given))
    facts, twice = _once(facts)
    if not facts and not others:
        raise _nothing(refused)
    notes = [*notes, *([f"left out: {files_word(twice)} that came twice"] if twice else []), *_reasons(refused)]
    return Study(_entries(given, facts, others, limits), tuple(notes))


def _look(one: Given, limits: Limits) -> "FileFacts | _Other":
    form = sniff(one.part.head(), one.what)
    if form == "dicom":
        return facts_of(one.part, one.what, limits)
    return _Other(form, _count(one.part, form, limits))


def _once(facts: dict[int, FileFacts]) -> tuple[dict[int, FileFacts], int]:
    """Without files that came twice, which their instance identifiers tell."""
    seen: set[tuple[str, str]] = set()
    kept = {}
    for index, file in facts.items():
        if not file.uids[1] or file.uids not in seen:
            kept[index] = file
        seen.add(file.uids)
    return kept, len(facts) - len(kept)


def _nothing(refused: list[tuple[str, str]]) -> UserError:
    if len(refused) == 1:
        return UserError(refused[0][1])
    reasons = "; ".join(_reasons(refused))
    return UserError(f"None of the {len(refused)} files can be shown: {reasons}. Add the pictures of a study.")


def _reasons(refused: list[tuple[str, str]]) -> list[str]:
    """How many files were left out for what reason, without their names."""
    said = Counter(_reason(what, message) for what, message in refused)
    common = said.most_common(_REASONS)
    notes = [f"{files_word(count)} left out: {reason}" for reason, count in common]
    more = sum(said.values()) - sum(count for _, count in common)
    return [*notes, *([f"{files_word(more)} left out for other reasons"] if more else [])]


def _reason(what: str, message: str) -> str:
    """The first sentence of a refusal without the name of the file, which is not kept."""
    if not message.startswith(what):
        return "not readable"
    return message.removeprefix(what).strip().removeprefix("is ").split(". ")[0].rstrip(".")


def _entries(
    given: list[Given], facts: dict[int, FileFacts], others: dict[int, _Other], limits: Limits
) -> list[_Entry]:
    keys = list(facts)
    made: list[_Entry] = []
    for stack in stacks_of([facts[key] for key in keys]):
        # Identifiers and names of files have done their work: what is kept for opening is without them.
        files = {at: replace(facts[keys[at]], uids=("", "")) for at in {one.file for one in stack.slices}}
        parts = {at: replace(given[keys[at]].part, name="") for at in files}
        made.append(_stack_entry(len(made), stack, files, parts, limits))
    for index, other in others.items():
        made.append(_file_entry(len(made), replace(given[index].part, name=""), other, limits))
    return made


def _stack_entry(
    number: int, stack: Stack, files: dict[int, FileFacts], parts: dict[int, Part], limits: Limits
) -> _Entry:
    middle = len(stack.slices) // 2
    file = files[stack.slices[middle].file]
    count = 1 if file.tiled else len(stack.slices)
    middle = middle if count > 1 else 0
    word = word_of(file.modality)
    name = f"{word} {'picture' if count == 1 else 'stack'}"
    size = None if file.tiled else (file.layout.rows, file.layout.columns)
    traces = merged(one.traces for one in files.values())
    series = Series(
        number, file.modality, name, description(stack, file), count, size, middle, stack.notes,
        traces.origin, traces.burned_in,
    )  # fmt: skip
    alone = replace(stack, slices=(stack.slices[middle],), notes=())
    peek = None if count == 1 else lambda: scan_of(alone, files, parts, limits, f"The {name}")
    shown = stack.slices[len(stack.slices) // 2].file

    def opened() -> Scan:
        # A file of many frames is unpacked once; of a series that would keep all its files beside their pixels.
        own = {shown: kept(parts[shown])} if len(files[shown].frames) > 1 else parts
        # Sequences are looked into in one file of a series only: the others are read in microseconds each.
        nested = replace(traces_in(own[shown].read(), "dicom"), private=0)  # counted already
        return replace(scan_of(stack, files, own, limits, f"The {name}"), traces=merged([traces, nested]))

    return _Entry(series, opened, peek)


def _file_entry(number: int, part: Part, other: _Other, limits: Limits) -> _Entry:
    form, count = other.form, other.count
    kind = {"nifti": "NIfTI"}.get(form, form.upper())
    name = f"{kind} {'picture' if count == 1 else 'volume' if form == 'nifti' else 'stack'}"
    series = Series(number, "", name, "", count, None, count // 2, ())
    return _Entry(series, lambda: read_one(part.read(), form, f"The {name}", limits), None)


def _count(part: Part, form: Format, limits: Limits) -> int:
    if form == "nifti":
        from medvlm.imaging.nifti import slices_in

        return slices_in(part.head())
    if form == "tiff":
        from medvlm.imaging.tiff import page_count

        return max(1, page_count(part.read(), limits.frames, "The TIFF stack"))
    return 1
