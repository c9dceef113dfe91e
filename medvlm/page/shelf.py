"""The example pictures on the empty page: phantoms, named in `examples.json` beside them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from medvlm.errors import DatasetError, UserError
from medvlm.paths import EXAMPLES
from medvlm.types import DOMAIN_NAMES, Domain

MANIFEST = "examples.json"


@dataclass(frozen=True, slots=True)
class Example:
    """One file with the two words under its thumbnail."""

    path: Path
    label: str
    domain: Domain

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise UserError(
                f"The example {self.path.name} cannot be read ({error.strerror}); drop a file of your own."
            ) from None


@cache
def shelf(folder: Path = EXAMPLES) -> tuple[Example, ...]:
    """The examples in the order of the manifest `[{"file", "label", "domain"}, ...]`; none where there is no manifest.

    Raises `DatasetError` for a manifest that is malformed or names files that are not there.
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        return ()
    try:
        rows = json.loads(manifest.read_text(encoding="utf-8"))
        found = tuple(Example(folder / Path(row["file"]).name, row["label"], row["domain"]) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{manifest} is malformed ({error}); each row needs "file", "label" and "domain". Check it out again.'
        ) from None
    for example in found:
        if not example.path.exists() or example.domain not in DOMAIN_NAMES:
            raise DatasetError(
                f"{manifest}: {example.path.name} of domain {example.domain!r} is not there or not a kind of picture. "
                "Check it out again."
            )
    return found
