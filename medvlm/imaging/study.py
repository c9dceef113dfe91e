"""Everything that was dropped at once -> the series in it, each of which opens as a `Scan` when it is chosen."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.archives import archive_form, unpacked
from medvlm.imaging.dicomdir import is_dicomdir, listed, references_of
from medvlm.imaging.domain import MODALITIES
from medvlm.imaging.edge import called, only_advice
from medvlm.imaging.facts import FileFacts, facts_of
from medvlm.imaging.grouping import Stack, stacks_of
from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part, part_of
from medvlm.imaging.reading import kind_of, read_one
from medvlm.imaging.rendering import render
from medvlm.imaging.sniff import Format, form_of, sniff
from medvlm.imaging.stack import description, scan_of
from medvlm.types import Scan

STUDY_LIMITS = Limits(file_bytes=2_000_000_000, total_bytes=2_000_000_000)
Progress = Callable[[int, int], None]
_REASONS = 4
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the list that the user chooses from. `thumbnail` is the index of the slice that shows it best.

    `modality` is DICOM's code ("CT"), or "" for other formats; `description` holds words of a closed list only; `size`
    is (rows, columns) where the header says it without unpacking anything.
    """

    number: int
    modality: str
    name: str
    description: str
    count: int
    size: tuple[int, int] | None
    thumbnail: int
    notes: tuple[str, ...]


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
                with only_advice(f"The {self.series.name}", "a series"):
                    self._scan = self._opener()
                self._opener = self._peek = None
            return self._scan

    def thumbnail(self) -> NDArray[np.uint8]:
        peek = self._peek
        if peek is None:
            scan = self.open()
            return render(scan, min(self.series.thumbnail, len(scan.slices) - 1))
        with only_advice(f"The {self.series.name}", "a series"):
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


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """A file of the drop; `what` names it in errors: a file in an archive by its number."""

    part: Part
    what: str


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
    files: Sequence[tuple[str, bytes]], limits: Limits = STUDY_LIMITS, progress: Progress | None = None
) -> Study:
    """Sorts what was dropped, (name, bytes) each: files, a folder's files, archives, a disc with its DICOMDIR.

    Reads headers, no pixels. `progress(done, total)` counts files. Raises `UserError`, and nothing else, where nothing
    can be shown, for an archive that is not safe to unpack, and beyond the limits.
    """
    given = _given(files, limits)
    with only_advice("The study", "a study"):
        given, notes = _picked(given)
        return _sorted_out(given, limits, notes, progress)


def first_picture(files: Sequence[tuple[str, bytes]], limits: Limits = STUDY_LIMITS) -> Scan | None:
    """One picture of a drop at once, to look at while `read_study` reads the headers.

    It is that of the middle file, or of one near it; None where none of those can be read. Raises `UserError` for an
    archive that is not safe to unpack, and beyond the limits.
    """
    for one in _near(_given(files, limits)):
        try:
            with only_advice(one.what, "a file"):
                form = form_of(one.part.head())
                if form is not None and not is_dicomdir(one.part.head()):
                    return read_one(one.part.read(), form, one.what, limits)
        except UserError:
            continue
    return None


def _near(given: list[_Given]) -> list[_Given]:
    """The middle file and those around it, nearest first."""
    middle = len(given) // 2
    order = sorted(range(max(0, middle - _TRIES), min(len(given), middle + _TRIES)), key=lambda at: abs(at - middle))
    return [given[at] for at in order[:_TRIES]]


def _given(files: Sequence[tuple[str, bytes]], limits: Limits) -> list[_Given]:
    """All files, those of archives unpacked."""
    found: list[_Given] = []
    if not files:
        raise UserError("No file was given. Choose the files of a study, its folder, or an archive of it.")
    limits.check_files(len(files), "The study")
    for name, data in files:
        what = called(name)
        with only_advice(what, kind_of(data[:1024])):
            limits.check_file(len(data), what)
            form = archive_form(data)
            if form is None:
                found.append(_Given(part_of(name, data), what))
                continue
            parts = unpacked(data, form, what, limits)
            found += [_Given(part, f"{what} (file {number} in it)") for number, part in enumerate(parts, 1)]
            if not parts:
                raise UserError(f"{what} is an archive without any files. Export or copy it again.")
        limits.check_files(len(found), "The study")
        limits.check_study(sum(one.part.size for one in found), "The study")
    return found


def _picked(given: list[_Given]) -> tuple[list[_Given], list[str]]:
    """Without the tables of contents; where one lists some of the files, only those."""
    tables = [one for one in given if is_dicomdir(one.part.head())]
    if not tables or len(tables) == len(given):
        return given, []
    rest = [one for one in given if one not in tables]
    references = [reference for one in tables for reference in references_of(one.part.read())]
    chosen = listed([one.part.name for one in rest], references)
    if not chosen:
        return rest, ["the DICOMDIR lists none of the files: all of them are shown"]
    notes = [f"{len(rest) - len(chosen)} files that the DICOMDIR does not list left out"] * (len(chosen) < len(rest))
    missing = len(set(references)) - len(chosen)
    notes += [f"{missing} files that the DICOMDIR lists are not here"] * (missing > 0)
    return [rest[index] for index in chosen], notes


def _sorted_out(given: list[_Given], limits: Limits, notes: list[str], progress: Progress | None) -> Study:
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
    notes = [*notes, *([f"{twice} files were there twice"] if twice else []), *_reasons(refused)]
    return Study(_entries(given, facts, others, limits), tuple(notes))


def _look(one: _Given, limits: Limits) -> "FileFacts | _Other":
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
    said = Counter(message.removeprefix(what).strip().split(". ")[0].rstrip(".") for what, message in refused)
    common = said.most_common(_REASONS)
    notes = [f"{count} {'file' if count == 1 else 'files'} left out: {reason}" for reason, count in common]
    more = sum(said.values()) - sum(count for _, count in common)
    return [*notes, *([f"{more} files left out for other reasons"] if more else [])]


def _entries(
    given: list[_Given], facts: dict[int, FileFacts], others: dict[int, _Other], limits: Limits
) -> list[_Entry]:
    keys = list(facts)
    made: list[_Entry] = []
    for stack in stacks_of([facts[key] for key in keys]):
        files = {at: facts[keys[at]] for at in {one.file for one in stack.slices}}
        parts = {at: given[keys[at]].part for at in files}
        made.append(_stack_entry(len(made), stack, files, parts, limits))
    for index, other in others.items():
        made.append(_file_entry(len(made), given[index].part, other, limits))
    return made


def _stack_entry(
    number: int, stack: Stack, files: dict[int, FileFacts], parts: dict[int, Part], limits: Limits
) -> _Entry:
    middle = len(stack.slices) // 2
    file = files[stack.slices[middle].file]
    count = len(stack.slices)
    word = MODALITIES.get(file.modality, "DICOM")
    name = f"{word} {'picture' if count == 1 else 'stack'}"
    size = (file.layout.rows, file.layout.columns)
    series = Series(number, file.modality, name, description(stack, file), count, size, middle, stack.notes)
    alone = replace(stack, slices=(stack.slices[middle],), notes=())
    peek = None if count == 1 else lambda: scan_of(alone, files, parts, limits, f"The {name}")
    return _Entry(series, lambda: scan_of(stack, files, parts, limits, f"The {name}"), peek)


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
