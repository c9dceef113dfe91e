"""Results that others published, as data: every number with its table, its condition and how it was printed.

They stand beside our own and are never averaged with them. Where a text and its table disagree, both numbers are kept.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm.errors import DatasetError
from medvlm.metrics.relative import Pair, Relative, by_group, first_domain
from medvlm.paths import ASSETS

FOLDER = ASSETS / "scores" / "published"
PAPERS = ("llava-next-reasoning", "ldrt", "med-idefics", "llava-med")
# "79.03", "19,755", "~ 8.93", "$\sim \! 8.86$", "39.49\u00b10.10".
_PRINTED = re.compile(
    r"(?P<about>~|\$\\sim \\!)?\s*(?P<value>\d[\d,]*(?:\.\d+)?)\$?(?:\s*\u00b1\s*(?P<deviation>\d+\.\d+))?"
)


@dataclass(frozen=True, slots=True)
class Number:
    """One published number. `labels` name its row, `deviation` is a printed standard deviation, in the same unit."""

    paper: str
    table: str
    section: str | None
    labels: tuple[str, ...]
    column: str
    condition: str
    unit: str
    printed: str
    value: float
    about: bool = False
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row as printed: its cells, those of the labels first, under the section's heading."""

    cells: tuple[str, ...]
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the names of label columns and of number columns, and the rows."""

    paper: str
    id: str
    title: str
    condition: str
    unit: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    remark: str = ""

    def numbers(self) -> Iterator[Number]:
        """Every number of the table, row by row; cells that are empty or hold words are passed over."""
        split = len(self.labels)
        for row in self.rows:
            for column, printed in zip(self.columns, row.cells[split:], strict=True):
                if (found := parse(printed)) is not None:
                    value, about, deviation = found
                    where = (self.paper, self.id, row.section, row.cells[:split], column, self.condition, self.unit)
                    yield Number(*where, printed, value, about, deviation)


@dataclass(frozen=True, slots=True)
class Statement:
    """A number that the text states; `quote` is the piece of the text that holds it."""

    paper: str
    name: str
    condition: str
    unit: str
    value: float
    quote: str
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing for which a document gives different numbers: (place, the numbers as printed there), two or more."""

    about: str
    places: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """One document's results. `document`: its number among the project's source documents."""

    id: str
    document: str
    title: str
    authors: str
    year: int
    source: str
    tables: tuple[Table, ...]
    statements: tuple[Statement, ...]
    disagreements: tuple[Disagreement, ...]

    def table(self, name: str) -> Table:
        """Raises KeyError for a name that it has not."""
        return {table.id: table for table in self.tables}[name]


@dataclass(frozen=True, slots=True)
class Review:
    """One published judge's verdict: the reference's score and the model's, 1 to 10, of one question."""

    question: int
    type: str
    domains: tuple[str, ...]
    pair: Pair


def parse(printed: str) -> tuple[float, bool, float | None] | None:
    """A printed number's value, whether it is said to be approximate, and its deviation; None if it is no number."""
    found = _PRINTED.fullmatch(printed.strip())
    if found is None:
        return None
    deviation = found["deviation"]
    return float(found["value"].replace(",", "")), bool(found["about"]), float(deviation) if deviation else None


def papers(folder: Path = FOLDER) -> tuple[Paper, ...]:
    """All documents, in the order of their numbers. Raises DatasetError where one is missing or damaged."""
    return tuple(paper(name, folder) for name in PAPERS)


def paper(name: str, folder: Path = FOLDER) -> Paper:
    """One document's results. Raises DatasetError where it is missing or damaged."""
    record = _record(folder / f"{name}.json")
    try:
        return Paper(
            id=record["id"],
            document=record["document"],
            title=record["title"],
            authors=record["authors"],
            year=record["year"],
            source=record["source"],
            tables=tuple(_table(record["id"], table) for table in record["tables"]),
            statements=tuple(Statement(paper=record["id"], **statement) for statement in record["statements"]),
            disagreements=tuple(_disagreement(one) for one in record["disagreements"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{folder / name}.json is not as expected: {error}. Restore it from the repository."
        ) from error


def reviews(folder: Path = FOLDER) -> tuple[Review, ...]:
    """The scores of the 192 published reviews. Raises DatasetError where they are missing or damaged."""
    record = _record(folder / "reviews.json")
    return tuple(
        Review(q, kind, tuple(domains), Pair(first, second)) for q, kind, domains, first, second in record["rows"]
    )


def reviewed(found: tuple[Review, ...]) -> dict[str, dict[str, Relative]]:
    """Their relative scores by question type and by first domain, each with "overall"."""
    return {
        "type": by_group(found, lambda one: one.type, lambda one: one.pair),
        "domain": by_group(found, lambda one: first_domain(dict.fromkeys(one.domains, True)), lambda one: one.pair),
    }


def _table(owner: str, record: dict[str, Any]) -> Table:
    labels, columns = tuple(record["labels"]), tuple(record["columns"])
    rows = tuple(Row(tuple(row["cells"]), row.get("section")) for row in record["rows"])
    for row in rows:
        if len(row.cells) != len(labels) + len(columns):
            raise ValueError(f"{record['id']} has a row of {len(row.cells)} cells: {row.cells}")
    return Table(
        paper=owner,
        id=record["id"],
        title=record["title"],
        condition=record["condition"],
        unit=record["unit"],
        labels=labels,
        columns=columns,
        rows=rows,
        remark=record.get("remark", ""),
    )


def _disagreement(record: dict[str, Any]) -> Disagreement:
    return Disagreement(record["about"], tuple((place["where"], tuple(place["numbers"])) for place in record["places"]))


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Restore it from the repository.") from error
    if not isinstance(record, dict):
        raise DatasetError(f"{path} holds {type(record).__name__}, not a record. Restore it from the repository.")
    return record
