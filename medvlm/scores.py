"""Run folders and score files: predictions appended line by line, results written whole, readable after any kill."""

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medvlm.errors import DatasetError
from medvlm.statistics import Interval, wilson

# A JSON object.
Record = dict[str, Any]


def append(path: Path, rows: Iterable[Record]) -> None:
    """Add rows to a JSON Lines file and see to it that they are on the disk. What a kill left torn is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with path.open("a+b") as file:
        file.truncate(_whole(path))
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def rows(path: Path) -> list[Record]:
    """The whole lines of a JSON Lines file; none where there is no file. Raises DatasetError if one is no JSON."""
    if not path.is_file():
        return []
    lines = path.read_bytes()[: _whole(path)].decode().splitlines()
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise DatasetError(f"{path} is damaged: {error}. Delete it and run the evaluation again.") from error


def _whole(path: Path) -> int:
    """The length up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1


def write(path: Path, record: Record) -> Path:
    """A JSON file, whole or not at all; keys in the order given, so that equal results are equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    Path(temporary).chmod(0o644)
    return Path(temporary).replace(path)


def read(path: Path) -> Record | None:
    """The record of a score file, None where there is none. Raises DatasetError when it is damaged."""
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path} is damaged: {error}. Delete it and run the evaluation again.") from error
    if not isinstance(record, dict):
        raise DatasetError(f"{path} holds no record but {type(record).__name__}. Run the evaluation again.")
    return record


def share(hits: int, n: int) -> Record:
    """A count as it is kept: hits, n, and the share with its Wilson interval (null for no trials)."""
    return {"hits": hits, "n": n, **interval(wilson(hits, n))}


def interval(one: Interval | None) -> Record:
    """value, low and high, rounded to 5 digits; all null where there is nothing to estimate."""
    if one is None:
        return {"value": None, "low": None, "high": None}
    return {name: round(value, 5) for name, value in asdict(one).items()}
