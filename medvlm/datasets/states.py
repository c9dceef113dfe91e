"""Which data sets are here: rows, pictures, domains, hash and licence of each."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from medvlm.datasets.entries import DATASETS, Dataset, Rows, load, rows_sha256
from medvlm.datasets.places import SOURCES, data_home, picture
from medvlm.errors import DatasetError
from medvlm.types import Domain, Sample

# "text only": questions are here, some of their pictures are not. "drawn": made when asked for, as many as are wanted.
Presence = Literal["here", "text only", "missing", "drawn", "yours"]


@dataclass(frozen=True, slots=True)
class State:
    """How one data set stands on this machine. `rows`: split -> how many; `sha256`: of all rows, "" where missing.

    `pictures`: how many the rows name, `absent`: how many of these are not here. `advice`: what to do about it.
    """

    name: str
    title: str
    presence: Presence
    licence: str
    rows: dict[str, int]
    pictures: int
    absent: int
    domains: dict[Domain, int]
    sha256: str
    advice: str = ""


def states() -> list[State]:
    """All entries, in their order; nothing is raised for what is not here."""
    return [state(name) for name in DATASETS]


def state(name: str) -> State:
    entry = DATASETS[name]
    if entry.real is False:
        return State(name, entry.title, "drawn", "this project's own", {}, 0, 0, {}, "", entry.takes)
    if entry.source is None:
        return State(name, entry.title, "yours", "yours", {}, 0, 0, {}, "", f"{name}:PATH, {entry.takes}")
    licence = SOURCES[entry.source].licence
    try:
        return _found(name, entry, licence, [load(name, split) for split in entry.splits if split != "held_out"])
    except DatasetError as error:
        return State(name, entry.title, "missing", licence, {}, 0, 0, {}, "", str(error))


def _found(name: str, entry: Dataset, licence: str, found: list[Rows]) -> State:
    samples = [sample for rows in found for sample in rows.samples]
    pictures = {sample.image for sample in samples if sample.image}
    gone = absent(entry, samples)
    advice = f"{gone} pictures are not below {data_home() / str(entry.source)}" if gone else ""
    return State(
        name,
        entry.title,
        "text only" if gone else "here",
        licence,
        {rows.split: len(rows.samples) for rows in found},
        len(pictures),
        gone,
        dict(Counter(sample.domain for sample in samples)),
        rows_sha256(samples),
        advice,
    )


def absent(entry: Dataset, samples: list[Sample]) -> int:
    """How many pictures that belong to the rows are not on this machine."""
    if entry.source is None:
        return 0
    if entry.source == "llava_med_chat":  # leaves absent pictures out of its samples
        return sum(not sample.image for sample in samples)
    return sum(not picture(entry.source, image).is_file() for image in {s.image for s in samples if s.image})
