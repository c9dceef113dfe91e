"""One run's scores as columns, so that a hundred thousand of them are filtered at a click."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medvlm.metrics.profiles import METRICS
from medvlm.scores import Prediction, Run, RunInfo, Score
from medvlm.types import DOMAINS, Arm, Domain

Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]
Values = NDArray[np.float64]
# VQA-RAD's names for its types of question, in words.
KINDS = {
    "ABN": "Abnormality", "ATTRIB": "Attribute", "COLOR": "Colour", "COUNT": "Count", "MODALITY": "Modality",
    "ORGAN": "Organ", "OTHER": "Other", "PLANE": "Plane", "POS": "Position", "PRES": "Presence", "SIZE": "Size",
}  # fmt: skip
# How a metric is shown: as per cent, as a plain ratio, or in a judge's points.
Scale = Literal["percent", "ratio", "points"]
ALL_DOMAINS: tuple[Domain, ...] = (*DOMAINS, "other")
ARMS: tuple[Arm, ...] = ("base", "tuned")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One metric of one arm: (n,) values, NaN where there is none, and (n,) whether the metric is for that question.

    Asked for and NaN is unscored, which is never 0. `share`: every value is 0 or 1.
    """

    values: Values
    asked: Bools
    share: bool

    @property
    def scored(self) -> Bools:
        return self.asked & ~np.isnan(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """A run by questions: each question once, in the order asked, with the columns of its scores.

    `domains`: (n,) numbers in `ALL_DOMAINS`; `kinds`: (n,) numbers in `kind_names`; `clusters`: (n,) numbers of
    pictures. `reasons`: why a score is missing, or what a judge said.
    """

    folder: Path
    info: RunInfo
    cases: tuple[Prediction, ...]
    answers: Mapping[Arm, Mapping[str, Prediction]]
    columns: Mapping[tuple[Arm, str], Column]
    domains: Codes
    kinds: Codes
    clusters: Codes
    kind_names: tuple[str, ...]
    places: Mapping[str, int]
    reasons: Mapping[tuple[str, Arm, str], str]

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those that have scores, base first."""
        there = {arm for arm, _ in self.columns}
        return tuple(arm for arm in ARMS if arm in there)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that have scores, in the order of the run."""
        return tuple(dict.fromkeys(metric for _, metric in self.columns))

    def column(self, arm: Arm, metric: str) -> Column | None:
        return self.columns.get((arm, metric))


def board(run: Run) -> Board:
    """The columns of a run. A score of a question without an answer is left out."""
    cases = tuple({one.sample_id: one for one in run.predictions}.values())
    places = {one.sample_id: place for place, one in enumerate(cases)}
    answers: dict[Arm, dict[str, Prediction]] = {}
    for one in run.predictions:
        answers.setdefault(one.arm, {})[one.sample_id] = one
    kind_names = tuple(sorted({one.kind for one in cases}))
    return Board(
        run.folder,
        run.info,
        cases,
        answers,
        _columns(run.scores, places),
        _codes((one.domain for one in cases), ALL_DOMAINS),
        _codes((one.kind for one in cases), kind_names),
        _codes((one.cluster for one in cases), tuple(dict.fromkeys(one.cluster for one in cases))),
        kind_names,
        places,
        {(one.sample_id, one.arm, one.metric): one.reason for one in run.scores if one.reason},
    )


def _codes(found: Iterable[str], names: Sequence[str]) -> Codes:
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[name] for name in found], dtype=np.int64)


def _columns(given: Iterable[Score], places: Mapping[str, int]) -> dict[tuple[Arm, str], Column]:
    rows: dict[tuple[Arm, str], tuple[list[int], list[float]]] = {}
    for one in given:
        if (place := places.get(one.sample_id)) is not None:
            at, values = rows.setdefault((one.arm, one.metric), ([], []))
            at.append(place)
            values.append(np.nan if one.value is None else one.value)
    return {key: _column(key[1], at, values, len(places)) for key, (at, values) in rows.items()}


def _column(metric: str, at: list[int], given: list[float], n: int) -> Column:
    values, asked = np.full(n, np.nan), np.zeros(n, dtype=bool)
    values[at], asked[at] = given, True
    known = METRICS[metric].share if metric in METRICS else False
    return Column(values, asked, known or bool(np.isin(values[asked & ~np.isnan(values)], (0, 1)).all()))


def scale(metric: str, columns: Iterable[Column]) -> Scale:
    """Per cent for what lies between 0 and 1, points for a judge's scale."""
    if metric == "length_ratio":
        return "ratio"
    most = max((float(np.nanmax(c.values[c.scored])) for c in columns if c.scored.any()), default=0.0)
    return "points" if most > 1 else "percent"


def kind_words(kind: str) -> str:
    """A type of question for people: "Presence" for VQA-RAD's "PRES"; others as their data set names them."""
    return KINDS.get(kind, kind)


def title(metric: str) -> str:
    """A metric's name for people, with whose counting it is."""
    known = METRICS.get(metric)
    if known is None:
        return metric.replace("_", " ")
    return f"{known.title} · {known.applies} questions · {known.profile}"
