"""What `python -m eval probes` has found, as the Scores tab shows it: figures of every probe, and curves over runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.scores import RunInfo
from medvlm.statistics import Figure
from medvlm.types import Arm

FIGURES, CURVES = "probes.json", "curves"


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One measure of one probe for one arm."""

    probe: str
    title: str
    measure: str
    arm: Arm
    figure: Figure


@dataclass(frozen=True, slots=True)
class ProbeSheet:
    """Every figure of one probe run; `missing`: probes that could not be asked, and why."""

    info: RunInfo
    rows: tuple[ProbeRow, ...]
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """Points over finished runs, such as score by training examples; `amount` None where runs only repeat."""

    probe: str
    title: str
    metric: str
    arm: Arm
    task: str
    points: tuple[tuple[str, float | None, Figure], ...]
    figures: Mapping[str, Figure]


def read(folder: Path) -> ProbeSheet | None:
    """A probe run's figures; None where the folder has none. Raises DatasetError where they are damaged."""
    path = folder / FIGURES
    record = scores.read(path)
    if record is None:
        return None
    try:
        rows = tuple(row for name, one in record["probes"].items() for row in _rows(name, one))
        missing = tuple((one["title"], one["missing"]) for one in record["probes"].values() if "missing" in one)
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is damaged: {error!r}. Run `python -m eval probes` again.") from error
    return ProbeSheet(scores.read_info(folder), rows, missing)


def _rows(name: str, record: dict[str, Any]) -> list[ProbeRow]:
    title = record["title"]
    return [
        ProbeRow(name, title, measure, arm, Figure(**figure))
        for arm, measures in record.get("arms", {}).items()
        for measure, figure in measures.items()
    ]


def curves(root: Path) -> list[Curve]:
    """The curves that were written below a folder of runs; a damaged one is left out."""
    found = []
    for path in sorted((root / CURVES).glob("*.json")):
        try:
            found.append(_curve(scores.read(path) or {}))
        except (DatasetError, KeyError, TypeError):
            continue
    return found


def _curve(record: dict[str, Any]) -> Curve:
    figures = {name: Figure(**one) for name, one in record["figures"].items()}
    points = tuple((one.pop("run"), one.pop("amount"), Figure(**one)) for one in map(dict, record["points"]))
    return Curve(
        record["probe"], record["title"], record["metric"], record["arm"], record["task"], points, figures
    )  # fmt: skip
