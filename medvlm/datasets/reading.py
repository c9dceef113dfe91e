"""Published files as rows, each with its place, so that an error can say where it is."""

import csv
import json
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm.errors import DatasetError

LONGEST_CELL = 10_000_000  # characters; captions and options are longer than csv's default allows


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file; `number` counts from 1."""

    path: Path
    number: int
    values: dict[str, Any]

    def text(self, key: str, otherwise: str | None = None) -> str:
        """The field as text without outer space. Raises DatasetError where it is missing and nothing stands in."""
        value = self.values.get(key)
        if value is None:
            if otherwise is None:
                raise self.wrong(f"has no {key!r} among {', '.join(map(repr, self.values))}")
            return otherwise
        return str(value).strip()

    def wrong(self, what: str) -> DatasetError:
        return DatasetError(f"{self.path}, row {self.number}: it {what}. Get the file again, or correct it.")


def json_rows(path: Path) -> Iterator[Row]:
    """The objects of a JSON list. Raises DatasetError."""
    return _rows(path, _parsed(path, _text(path)))


def jsonl_rows(path: Path) -> Iterator[Row]:
    """The objects of a JSON Lines file. Raises DatasetError."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            yield _row(path, number, _parsed(path, line, number))


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with a header. Raises DatasetError."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        for number, values in enumerate(csv.DictReader(_text(path).splitlines(keepends=True)), 2):
            yield Row(path, number, {key: value for key, value in values.items() if key})
    except csv.Error as error:
        raise DatasetError(f"{path} is no CSV file: {error}. Save it as CSV with commas and quotes.") from error


def pickle_rows(path: Path) -> Iterator[Row]:
    """The dicts of a pickled list of plain values; anything that would run code is refused. Raises DatasetError."""
    try:
        with path.open("rb") as file:
            found = _Plain(file).load()
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError, IndexError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Get the file again.") from error
    return _rows(path, found)


class _Plain(pickle.Unpickler):
    """Reads lists, dicts, text and numbers; a pickle that names any class or function is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which plain data does not need")


def _rows(path: Path, found: Any) -> Iterator[Row]:
    if not isinstance(found, list):
        raise DatasetError(f"{path} holds {type(found).__name__} where a list of rows should be. Get the file again.")
    return (_row(path, number, values) for number, values in enumerate(found, 1))


def _row(path: Path, number: int, values: Any) -> Row:
    if not isinstance(values, dict):
        raise Row(path, number, {}).wrong(f"is {type(values).__name__} where an object should be")
    return Row(path, number, values)


def _parsed(path: Path, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        where = f"{path}, line {line}" if line else str(path)
        raise DatasetError(f"{where} is no JSON: {error}. Get the file again, or correct it.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Put the file there, as UTF-8.") from error


def first_of(paths: Iterable[Path]) -> Path | None:
    """The first path that exists."""
    return next((path for path in paths if path.exists()), None)
