"""JSON Lines files that are written whole or not at all; equal rows give equal bytes."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from medvlm.scores import Record


def write(path: Path, rows: Iterable[Record]) -> Path:
    """The rows in the order given; a file that stood there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    Path(temporary).chmod(0o644)
    return Path(temporary).replace(path)
