"""A folder of one's own: a CSV or JSONL file with questions, and pictures or DICOM files beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from medvlm.datasets.places import inside
from medvlm.datasets.reading import Row, csv_rows, jsonl_rows
from medvlm.errors import DatasetError
from medvlm.metrics.text import normalised
from medvlm.types import DataSplit, Domain, Language, Sample

COLUMNS = "image, question, answer; optional: id, slice, domain, kind, closed, choices, split, language"
_TRUE, _FALSE = ("yes", "true", "1", "closed"), ("no", "false", "0", "open")


def own(address: str, split: DataSplit) -> Iterator[Sample]:
    """The rows of that split. `address`: the folder, or its CSV or JSONL file.

    A row that names no split is a test row, so that nobody trains on it by accident. Raises DatasetError that names the
    row and what it lacks.
    """
    path = manifest(Path(address).expanduser())
    for row in (csv_rows if path.suffix.lower() == ".csv" else jsonl_rows)(path):
        if _one_of(row, "split", get_args(DataSplit), "test") == split:
            yield _sample(row, split)


def manifest(path: Path) -> Path:
    """The file itself, or the only CSV or JSONL file of a folder. Raises DatasetError."""
    if path.is_file():
        return path.resolve()
    found = sorted(file for file in path.glob("*") if file.suffix.lower() in (".csv", ".jsonl"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise DatasetError(
            f"{path} must hold one CSV or JSONL file with the columns {COLUMNS}; found: {names}. "
            "Name the file itself, or see docs/add-a-dataset.md."
        )
    return found[0].resolve()


def _sample(row: Row, split: DataSplit) -> Sample:
    reference = row.text("answer", "")
    choices = _choices(row)
    domain: Domain = next(d for d in get_args(Domain) if d == _one_of(row, "domain", get_args(Domain), "other"))
    language: Language = next(x for x in get_args(Language) if x == _one_of(row, "language", get_args(Language), "en"))
    return Sample(
        id=row.text("id", f"own-{row.number}"),
        image=_image(row),
        question=row.text("question"),
        reference=reference,
        domain=domain,
        kind=row.text("kind", "question"),
        dataset="own",
        split=split,
        closed=_closed(row, bool(choices) or normalised(reference) in ("yes", "no")),
        choices=choices,
        language=language,
    )


def _image(row: Row) -> str:
    """The file's whole path, with "#NUMBER" behind it where the row names a slice (from 1)."""
    name = row.text("image", "")
    if not name:
        return ""
    path = inside(row.path.parent, name)
    if not path.is_file():
        raise row.wrong(f"names the picture {name!r}, which is not at {path}")
    number = row.text("slice", "")
    if number and not (number.isdigit() and int(number) > 0):
        raise row.wrong(f"has slice {number!r}; slices count from 1")
    return f"{path}#{number}" if number else str(path)


def _choices(row: Row) -> tuple[str, ...]:
    given = row.values.get("choices") or ()
    parts = given.split("|") if isinstance(given, str) else [str(one) for one in given]
    return tuple(part.strip() for part in parts if part.strip())


def _closed(row: Row, otherwise: bool) -> bool:
    said = row.text("closed", "").lower()
    if said and said not in (*_TRUE, *_FALSE):
        raise row.wrong(f"has closed {said!r}; write yes or no")
    return said in _TRUE if said else otherwise


def _one_of(row: Row, key: str, allowed: tuple[str, ...], otherwise: str) -> str:
    said = row.text(key, "").lower() or otherwise
    if said not in allowed:
        raise row.wrong(f"has {key} {said!r}; choose one of {', '.join(allowed)}")
    return said
