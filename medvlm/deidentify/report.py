"""What a run of de-identification did, for programs and for people; it names no file that came in, and no value."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.deidentify.profile import EDITION
from medvlm.deidentify.rules import Changes

BEST_EFFORT = (
    "Best effort: no program finds everything that can name a person. Look at what was written before you pass it on; "
    "faces in volumes of a head, rare findings and implants can be recognised, and text in pixels can be missed."
)
_NAMED = 40


@dataclass(frozen=True, slots=True)
class Written:
    """One file of the output: its place under OUT, and how many places with text were covered in its pixels."""

    file: str
    regions: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One file of the input by its position among all files, sorted by path, from 1; `reason` without its name."""

    position: int
    reason: str


@dataclass(slots=True)
class Report:
    """A whole run. `options`: codes of CID 7050 that were carried out. Field names are counted by file."""

    options: tuple[str, ...]
    seen: int = 0
    patients: int = 0
    studies: int = 0
    series: int = 0
    written: list[Written] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    echoes: Counter[str] = field(default_factory=Counter)
    private: int = 0

    def add(self, changes: Changes) -> None:
        """Count what was done to one file that was written."""
        for name in ("removed", "replaced", "moved", "echoes"):
            getattr(self, name).update(dict.fromkeys(getattr(changes, name), 1))
        self.private += changes.private

    def as_json(self) -> str:
        """Everything, as JSON."""
        record: dict[str, Any] = {
            "label": NOT_FOR_DIAGNOSIS,
            "program": f"MedVLM {__version__}",
            "profile": f"DICOM PS3.15 {EDITION}, table E.1-1, Basic Profile, and free text beyond it",
            "caution": BEST_EFFORT,
            **{one.name: _plain(getattr(self, one.name)) for one in fields(self)},
        }
        return json.dumps(record, indent=1, ensure_ascii=False, sort_keys=False) + "\n"

    def as_text(self) -> str:
        """The same, to read."""
        lines = [
            f"De-identified by MedVLM {__version__} after DICOM PS3.15 {EDITION}, Basic Profile",
            f"Codes recorded: {', '.join(self.options)}",
            "",
            f"Files seen: {self.seen}; written: {len(self.written)}; left out: {len(self.left_out)}",
            f"Patients: {self.patients}; studies: {self.studies}; series: {self.series}",
            f"Places with text covered: {sum(one.regions for one in self.written)}",
            f"Private elements removed: {self.private}",
            "",
            *_table("Removed or emptied", self.removed),
            *_table("Replaced", self.replaced),
            *_table("Dates moved", self.moved),
            *_table("Removed because they repeated an identifier", self.echoes),
            *self._reasons(),
            BEST_EFFORT,
            NOT_FOR_DIAGNOSIS,
        ]
        return "\n".join(lines) + "\n"

    def _reasons(self) -> list[str]:
        if not self.left_out:
            return []
        places: dict[str, list[str]] = {}
        for one in self.left_out:
            places.setdefault(one.reason, []).append(str(one.position))
        said = [f"  {reason}: {_listed(where)}" for reason, where in places.items()]
        return ["Left out, by position among the files sorted by path:", *said, ""]


def _plain(value: Any) -> Any:
    """As JSON has it; counts by name."""
    if isinstance(value, Counter):
        return dict(sorted(value.items()))
    return [asdict(one) for one in value] if isinstance(value, list) else value


def _listed(positions: list[str]) -> str:
    more = len(positions) - _NAMED
    return ", ".join(positions[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _table(title: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    return [f"{title} (element: files)", *(f"  {name}: {count}" for name, count in sorted(counts.items())), ""]
