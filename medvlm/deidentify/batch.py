"""A run over a file or folder: what is read, what is written whole or not at all, and what is left out and why."""

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medvlm.deidentify.pixels import clean
from medvlm.deidentify.profile import INSTALL, table
from medvlm.deidentify.pseudonyms import Pseudonyms, key_from
from medvlm.deidentify.report import LeftOut, Report, Written
from medvlm.deidentify.rules import (
    BASIC,
    CLEAN_PIXELS,
    MODIFIED_DATES,
    Rules,
    identifiers_of,
    patient_of,
    several,
)
from medvlm.errors import UserError
from medvlm.folders import write_whole
from medvlm.imaging.dicom import parsed
from medvlm.imaging.drop import STUDY_LIMITS
from medvlm.imaging.edge import only_advice
from medvlm.imaging.reading import read
from medvlm.imaging.sniff import form_of
from medvlm.privacy.gate import OFTEN_NAMED
from medvlm.privacy.pixels import INSTALL as DETECTOR
from medvlm.privacy.pixels import Detector, detector
from medvlm.types import Scan

Progress = Callable[[int, int], None]
THE_FILE = "The file"
_LIMITS = STUDY_LIMITS
_BURNED_IN = "may show a name in its pixels (capture, ultrasound or so marked); clean_pixels covers text"


@dataclass(frozen=True, slots=True)
class Options:
    """`shift_dates`: move them instead of removing them. `key`: the file that makes runs repeatable, never beside OUT.

    `clean_pixels`: find text in the pixels and cover it; without it, pictures of kinds that often show a name are left
    out, unless their header says that there is no text in them.
    """

    shift_dates: bool = False
    clean_pixels: bool = False
    key: Path | None = None


@dataclass(slots=True)
class _Places:
    """Numbers for patients, studies and series in the order in which they come; nothing of their names."""

    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)
    counts: dict[tuple[str, ...], int] = field(default_factory=dict)

    def number(self, *path: str) -> int:
        if path not in self.numbers:
            self.counts[path[:-1]] = self.counts.get(path[:-1], 0) + 1
            self.numbers[path] = self.counts[path[:-1]]
        return self.numbers[path]

    def at_depth(self, depth: int) -> int:
        return sum(len(path) == depth for path in self.numbers)


def deidentify(
    source: Path,
    out: Path,
    options: Options | None = None,
    progress: Progress = lambda done, total: None,
    find: Callable[[], Detector | None] = detector,
) -> Report:
    """Write de-identified copies of the DICOM pictures in `source` to `out`, which must be empty or not there.

    Originals are only read. Raises `UserError` where nothing can be done at all, or nothing was written.
    """
    options = options or Options()
    files = _checked(source, out)
    finder = _finder(options, find)
    key = key_from(options.key, out) if options.key is not None else None
    _check_profile()
    rules = Rules(Pseudonyms(key) if key is not None else Pseudonyms(), options.shift_dates)
    run = _Run(out, rules, finder)
    out.mkdir(parents=True, exist_ok=True)
    for position, file in enumerate(files, 1):
        run.take(position, file)
        progress(position, len(files))
    return run.finished()


class _Run:
    """What one run knows while it goes from file to file."""

    def __init__(self, out: Path, rules: Rules, finder: Detector | None) -> None:
        codes = [BASIC, *([MODIFIED_DATES] if rules.shift else []), *([CLEAN_PIXELS] if finder is not None else [])]
        self._out = out
        self._rules = rules
        self._finder = finder
        self._places = _Places()
        self._report = Report(tuple(f"{code} {meaning}" for code, meaning in codes))
        self._seen: set[str] = set()

    def take(self, position: int, file: Path) -> None:
        """One file: written, or left out with the reason."""
        self._report.seen += 1
        try:
            with only_advice(THE_FILE, "a file"):
                self._one(file)
        except UserError as error:
            self._report.left_out.append(LeftOut(position, _reason(str(error))))

    def finished(self) -> Report:
        """Writes the report beside the pictures."""
        report = self._report
        if not report.written:
            raise UserError(_nothing(report))
        report.patients, report.studies, report.series = (self._places.at_depth(depth) for depth in (1, 2, 3))
        _write(self._out / "report.json", report.as_json().encode())
        _write(self._out / "report.txt", report.as_text().encode())
        return report

    def _one(self, file: Path) -> None:
        data = _bytes_of(file)
        scan = read(data, THE_FILE, _LIMITS)
        self._check_pixels(scan)
        dataset = parsed(data, THE_FILE, _LIMITS)
        place, identifiers = self._place(dataset), identifiers_of(dataset)
        old = str(dataset.get("SOPInstanceUID") or "")
        if not old or old in self._seen:
            raise UserError(f"{THE_FILE} {'came twice' if old else 'has no identifier of its own'}.")
        changes = self._rules.apply(dataset)
        regions = 0 if self._finder is None else clean(dataset, scan, self._finder, _LIMITS, THE_FILE)
        made = _written(dataset)
        _validate(made, scan, identifiers, covered=regions > 0)
        _write(self._out / place, made)
        self._seen.add(old)
        self._report.add(changes)
        self._report.written.append(Written(place, regions))

    def _check_pixels(self, scan: Scan) -> None:
        traces = scan.traces
        if self._finder is None and (traces.burned_in or (traces.origin in OFTEN_NAMED and traces.burned_in is None)):
            raise UserError(f"{THE_FILE} {_BURNED_IN}.")

    def _place(self, dataset: Any) -> str:
        patient = patient_of(dataset)
        study = str(dataset.get("StudyInstanceUID") or "")
        series = str(dataset.get("SeriesInstanceUID") or "")
        instance = str(dataset.get("SOPInstanceUID") or "")
        number = self._places.number
        return (
            f"patient-{number(patient):03}/study-{number(patient, study):03}/"
            f"series-{number(patient, study, series):03}/{number(patient, study, series, instance):05}.dcm"
        )


def _checked(source: Path, out: Path) -> list[Path]:
    """The files to read, sorted by path. Raises `UserError` for what cannot be a run."""
    if not source.exists():
        raise UserError(f"{source} is not there. Name a DICOM file, or a folder with some.")
    inside, around = source.resolve(), out.resolve()
    if around == inside or inside in around.parents:
        raise UserError(f"{out} lies inside {source}: copies would be taken for originals. Name a folder elsewhere.")
    if around in inside.parents and out.exists():
        raise UserError(f"{source} lies inside {out}. Name an empty folder for the output.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder. Name one that is empty, or that is not there yet.")
    files = [source] if source.is_file() else sorted(_files(source))
    if not files:
        raise UserError(f"{source} holds no files. Name a DICOM file, or a folder with some.")
    return files


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder; links lead elsewhere, and are not followed."""
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names if not (Path(root) / name).is_symlink())


def _finder(options: Options, find: Callable[[], Detector | None]) -> Detector | None:
    if not options.clean_pixels:
        return None
    finder = find()
    if finder is None:
        raise UserError(f"To clean pixels, a detector of text is needed, and none is installed. Run: {DETECTOR}")
    return finder


def _check_profile() -> None:
    try:
        table()
    except ImportError:
        raise UserError(f"The table of PS3.15's Basic Profile is not installed. Run: {INSTALL}") from None


def _bytes_of(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"{THE_FILE} cannot be read ({error.strerror}).") from None
    if form_of(data[:1024]) != "dicom":
        raise UserError(f"{THE_FILE} is no DICOM file.")
    return data


def _written(dataset: Any) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _validate(made: bytes, scan: Scan, identifiers: frozenset[str], covered: bool) -> None:
    """Read what is to be written as the page would. Raises `UserError` where it is another picture, or not clean."""
    again = read(made, THE_FILE, _LIMITS)
    same = len(again.slices) == len(scan.slices) and all(
        new.shape == old.shape and (covered or np.array_equal(new, old))
        for new, old in zip(again.slices, scan.slices, strict=True)
    )
    if not same:
        raise UserError(f"{THE_FILE} could not be read back as the same picture.")
    left = parsed(made, THE_FILE, _LIMITS)
    if again.traces.private or not again.traces.removed or _remains(left, identifiers):
        raise UserError(f"{THE_FILE} would still hold an identifier.")


def _remains(dataset: Any, identifiers: frozenset[str]) -> bool:
    """Whether an identifier is left in any text that is not this program's or a vocabulary's own."""
    from medvlm.deidentify.coded import WORDS

    skipped = (*WORDS, "DeidentificationMethod", "Modality", "PatientName", "PatientID")
    for element in dataset.iterall():
        if element.VR in ("SQ", "UI") or element.keyword in skipped:
            continue
        words = [one.upper() for one in several(element.value) if isinstance(one, str)]
        if any(one in word for one in identifiers for word in words):
            return True
    return False


def _reason(message: str) -> str:
    """A refusal without the words for the file and without what to do at the page."""
    first = message.split(". ")[0].rstrip(".").removeprefix(THE_FILE).strip()
    return re.sub(r"\s+", " ", first)


def _nothing(report: Report) -> str:
    reasons = "; ".join(dict.fromkeys(one.reason for one in report.left_out))
    return f"Nothing was written: none of {report.seen} files could be de-identified ({reasons})."


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Make room, or name another folder.") from None
