"""The cases behind a figure, page by page: which questions, what both sides answered, and how it was scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from medvlm.metrics.flips import Comparison, Flip
from medvlm.metrics.profiles import METRICS
from medvlm.scoreboard.board import Board, Bools, Values
from medvlm.scoreboard.sides import Compared, Side
from medvlm.scores import Prediction

# Which cases are listed: all, where the sides differ, where the first or the second lost points, or was not scored.
Which = Literal["all", "differ", "first wrong", "second wrong", "unscored"]
WHICH: tuple[Which, ...] = get_args(Which)
PAGE = 25
# Ways of counting how right an answer is, between 0 and 1.
COUNTED = frozenset(METRICS) - {"length_ratio"}


@dataclass(frozen=True, slots=True)
class Line:
    """One case: its question, and for each side the answer and the score; None where there is none."""

    place: int
    case: Prediction
    texts: tuple[str | None, str | None]
    scores: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Page:
    """`lines` of `total` cases, from `start` on."""

    lines: tuple[Line, ...]
    total: int
    start: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One metric of one side's answer; `reason` is why it is missing, or the judge's own words."""

    metric: str
    value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """One case with everything that is known of it: (side, answer, verdicts) for each side."""

    case: Prediction
    sides: tuple[tuple[Side, Prediction | None, tuple[Verdict, ...]], ...]


def page(found: Compared, which: Which = "all", words: str = "", start: int = 0, size: int = PAGE) -> Page:
    """One page of the cases that the metric is for and that pass all filters, in the order asked."""
    kept = np.flatnonzero(_which(found, which))
    if words.strip():
        kept = np.array([place for place in kept if _says(found, int(place), words.strip().lower())], dtype=np.int64)
    start = max(0, min(start, (max(len(kept) - 1, 0) // size) * size))
    return Page(tuple(_line(found, int(place)) for place in kept[start : start + size]), len(kept), start)


def _which(found: Compared, which: Which) -> Bools:
    first, aligned = found.first, found.aligned
    asked = first.asked & found.filter
    if which == "all":
        return asked
    if which == "first wrong":
        return asked & first.scored & (np.nan_to_num(first.values) < 1)
    if aligned is None:
        return asked & ~first.scored if which == "unscored" else np.zeros_like(asked)
    if which == "unscored":
        return asked & (~first.scored | (aligned.asked & ~aligned.scored))
    if which == "second wrong":
        return asked & aligned.scored & (np.nan_to_num(aligned.values) < 1)
    differ: Bools = np.not_equal(np.nan_to_num(first.values), np.nan_to_num(aligned.values))
    return asked & first.scored & aligned.scored & differ


def _says(found: Compared, place: int, words: str) -> bool:
    case = found.one.cases[place]
    texts = (case.question, case.reference, *(text or "" for text in _texts(found, place)))
    return any(words in text.lower() for text in texts)


def _line(found: Compared, place: int) -> Line:
    scores = (_number(found.first.values[place]), found.second_score(place))
    return Line(place, found.one.cases[place], _texts(found, place), scores)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _texts(found: Compared, place: int) -> tuple[str | None, str | None]:
    name = found.one.cases[place].sample_id
    first = _answer(found.one, found.selection.first, name)
    second = found.selection.second
    other = _answer(found.other, second, name) if found.other is not None and second is not None else None
    return (first.text if first else None, other.text if other else None)


def _answer(one: Board, side: Side, name: str) -> Prediction | None:
    return one.answers.get(side.arm, {}).get(name)


def opened(found: Compared, place: int) -> Opened:
    """Everything of the case at this place of the first board. Raises IndexError for a place that is not there."""
    if not 0 <= place < len(found.one.cases):
        raise IndexError(place)
    case = found.one.cases[place]
    sides = [(found.one, found.selection.first)]
    if found.other is not None and found.selection.second is not None:
        sides.append((found.other, found.selection.second))
    return Opened(
        case,
        tuple((s, _answer(b, s, case.sample_id), _verdicts(b, s, case.sample_id)) for b, s in sides),
    )


def _verdicts(one: Board, side: Side, name: str) -> tuple[Verdict, ...]:
    place = one.places.get(name)
    if place is None:
        return ()
    made = []
    for metric in one.metrics:
        column = one.column(side.arm, metric)
        if column is not None and column.asked[place]:
            reason = one.reasons.get((name, side.arm, metric), "")
            made.append(Verdict(metric, _number(column.values[place]), reason))
    return tuple(made)


def flips(found: Compared, metrics: Sequence[str] | None = None) -> list[Comparison]:
    """The first side by its metric against every other that counts the same: which items change, and by how much the
    score does. From what was scored; a metric that changes nothing is left in, with no flips. A judge's points, the
    truth's scores and ratios of lengths are no other way of counting an answer as right."""
    side, made = found.selection.first, []
    for metric in metrics or found.one.metrics:
        other = found.one.column(side.arm, metric)
        if other is None or metric == found.selection.metric or not {metric, found.selection.metric} <= COUNTED:
            continue
        both = found.first.asked & other.asked & found.filter
        if both.any() and other.share == found.first.share:
            made.append(_flips(found, metric, other.values, both))
    return made


def _flips(found: Compared, metric: str, values: Values, both: Bools) -> Comparison:
    one, arm = found.one, found.selection.first.arm
    a, b = found.first.values, values
    known = both & ~np.isnan(a) & ~np.isnan(b)
    differ = both & ~((a == b) | (np.isnan(a) & np.isnan(b)))
    items = []
    for place in np.flatnonzero(differ):
        case = one.cases[place]
        answer = one.answers[arm][case.sample_id]
        items.append(Flip(case.sample_id, answer.text, case.reference, _number(a[place]), _number(b[place])))
    firsts, seconds = a[both & ~np.isnan(a)], b[both & ~np.isnan(b)]
    return Comparison(
        found.selection.metric,
        metric,
        int(both.sum()),
        int(known.sum()),
        int(both.sum()) - len(firsts),
        int(both.sum()) - len(seconds),
        float(firsts.mean()) if len(firsts) else None,
        float(seconds.mean()) if len(seconds) else None,
        float((b[known] - a[known]).mean()) if known.any() else None,
        tuple(items),
    )
