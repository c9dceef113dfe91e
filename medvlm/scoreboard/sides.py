"""What the Scores tab shows of a selection: two sides compared, overall and in groups, each with n and an interval.

It selects and averages scores that an evaluation has written; it scores no answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from medvlm import statistics
from medvlm.scoreboard.board import ALL_DOMAINS, Board, Bools, Codes, Column, kind_words
from medvlm.statistics import Figure, wilson
from medvlm.types import DOMAIN_NAMES, Arm, Domain

Grouping = Literal["domain", "kind"]
# Shown first where a run has them: what can be right or wrong, our own counting.
PREFERRED = ("strict_closed", "truth", "compat_closed", "strict_f1")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: an arm of a run."""

    run: str
    arm: Arm


@dataclass(frozen=True, slots=True)
class Selection:
    """What is looked at. `first` is what is judged (the tuned arm), `second` what it is held against, if anything.

    `domain` None: all; `kind` None: every kind of question.
    """

    first: Side
    second: Side | None
    metric: str
    domain: Domain | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The standing of both sides in one group. `difference`: first minus second over the questions that both share.

    `p`: of the difference, McNemar's for shares and else the bootstrap's, uncorrected; `corrected` by Holm over the
    groups shown together. `unscored`: answers that the metric is for and could not score, which enter no figure.
    """

    name: str
    label: str
    first: Figure
    second: Figure | None = None
    difference: Figure | None = None
    p: float | None = None
    corrected: float | None = None
    unscored: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Compared:
    """The columns of a selection. `filter`: (n,) questions of the first board that pass; `at`: (m,) the place in the
    first board of each question of the second, -1 where it is not there."""

    selection: Selection
    one: Board
    first: Column
    filter: Bools
    other: Board | None = None
    second: Column | None = None
    other_filter: Bools | None = None
    at: Codes | None = None

    @cached_property
    def aligned(self) -> Column | None:
        """The second side's column in the order of the first board's questions."""
        if self.second is None or self.at is None:
            return None
        n, here = len(self.one.cases), self.at >= 0
        values, asked = np.full(n, np.nan), np.zeros(n, dtype=bool)
        values[self.at[here]], asked[self.at[here]] = self.second.values[here], self.second.asked[here]
        return Column(values, asked, self.second.share)

    def second_score(self, place: int) -> float | None:
        """The second side's score of the first board's question at this place."""
        aligned = self.aligned
        return None if aligned is None or np.isnan(aligned.values[place]) else float(aligned.values[place])


def default(boards: Mapping[str, Board]) -> Selection | None:
    """The newest whole run with two arms on real pictures that training has not seen, or what comes next to it."""
    usable = [name for name, one in boards.items() if one.metrics]
    return of_run(boards, max(usable, key=lambda name: _worth(boards[name]))) if usable else None


def _worth(one: Board) -> tuple[bool, bool, bool, bool, bool, str]:
    info = one.info
    return (info.real is True, ":" not in info.task, len(one.arms) > 1, _whole(one), not seen(one), info.created)


def _whole(one: Board) -> bool:
    """Finished, and no trial of a few questions."""
    return one.info.state == "finished" and one.info.limit is None


def _asked(one: Board) -> bool:
    """A whole run whose questions were put as they are."""
    return _whole(one) and ":" not in one.info.task


def seen(one: Board) -> bool:
    """Whether training has seen the run's pictures, by what the run says of itself."""
    return any("training" in note for note in one.info.notes)


def glance(boards: Mapping[str, Board], most: int = 6) -> list[tuple[Compared, Group]]:
    """Every whole run with two arms by its own metric, those on real pictures first, the newest first; at most so many.

    Runs of the same weights on the same data are one: the newest.
    """
    two = {name: one for name, one in boards.items() if one.metrics and len(one.arms) > 1 and _asked(one)}
    kept: dict[tuple[object, ...], str] = {}
    for name in sorted(two, key=lambda name: two[name].info.created):
        info = two[name].info
        kept[info.task, info.dataset, info.split, info.model_revision, info.adapter_sha256, info.quantization] = name
    order = sorted((two[name] for name in kept.values()), key=_worth, reverse=True)[:most]
    names = {id(one): name for name, one in two.items()}
    chosen = [compared(boards, of_run(boards, names[id(one)])) for one in order]
    return [(one, overall(one)) for one in chosen]


def of_run(boards: Mapping[str, Board], name: str) -> Selection:
    """A run's own comparison: tuned against base where it has both. Raises KeyError for a run that is not there."""
    one = boards[name]
    arms = one.arms
    second = Side(name, "base") if len(arms) > 1 else None
    return Selection(Side(name, arms[-1]), second, preferred(one))


def preferred(one: Board) -> str:
    return next((metric for metric in PREFERRED if metric in one.metrics), one.metrics[0])


def fitting(boards: Mapping[str, Board], asked: Selection) -> Selection | None:
    """The nearest to what is asked that the boards can show: what is gone is replaced, never an error."""
    one = boards.get(asked.first.run)
    if one is None or not one.metrics:
        return default(boards)
    arm: Arm = asked.first.arm if asked.first.arm in one.arms else one.arms[-1]
    metric = asked.metric if one.column(arm, asked.metric) is not None else preferred(one)
    second = asked.second
    other = boards.get(second.run) if second else None
    if second is not None and (other is None or other.column(second.arm, metric) is None or second == asked.first):
        second = None
    kind = asked.kind if asked.kind in one.kind_names else None
    domain = asked.domain if asked.domain in ALL_DOMAINS else None
    return replace(asked, first=Side(asked.first.run, arm), second=second, metric=metric, kind=kind, domain=domain)


def compared(boards: Mapping[str, Board], selection: Selection) -> Compared:
    """The columns of a selection that `fitting` gave. Raises KeyError for one that the boards cannot show."""
    one = boards[selection.first.run]
    made = Compared(
        selection,
        one,
        one.columns[selection.first.arm, selection.metric],
        passing(one, selection.domain, selection.kind),
    )
    if selection.second is None:
        return made
    other = boards[selection.second.run]
    at = (
        np.arange(len(one.cases))
        if other is one
        else np.array([one.places.get(case.sample_id, -1) for case in other.cases], dtype=np.int64)
    )
    second = other.columns[selection.second.arm, selection.metric]
    passed = passing(other, selection.domain, selection.kind)
    return replace(made, other=other, second=second, other_filter=passed, at=at)


def passing(one: Board, domain: Domain | None, kind: str | None) -> Bools:
    """(n,) the questions of this domain and kind."""
    made = np.ones(len(one.cases), dtype=bool)
    if domain is not None:
        made &= one.domains == ALL_DOMAINS.index(domain)
    if kind is not None:
        made &= one.kinds == (one.kind_names.index(kind) if kind in one.kind_names else -1)
    return made


def overall(found: Compared) -> Group:
    """Everything that passes the filters, as one group."""
    zeros = np.zeros(len(found.one.cases), dtype=np.int64)
    others = None if found.other is None else np.zeros(len(found.other.cases), dtype=np.int64)
    return _groups(found, zeros, others, [("all", "All")])[0]


def groups(found: Compared, by: Grouping) -> list[Group]:
    """A group for each domain or kind that has scores, p corrected for their number."""
    if by == "domain":
        names: list[tuple[str, str]] = [(name, DOMAIN_NAMES[name]) for name in ALL_DOMAINS]
        numbers, others = found.one.domains, None if found.other is None else found.other.domains
    else:
        names = [(name, kind_words(name)) for name in found.one.kind_names]
        numbers, others = found.one.kinds, None if found.other is None else _renumbered(found.other, names)
    made = [group for group in _groups(found, numbers, others, names) if group.first.n or sum(group.unscored)]
    corrected = statistics.holm([group.p for group in made])
    return [replace(group, corrected=p) for group, p in zip(made, corrected, strict=True)]


def _renumbered(other: Board, names: Sequence[tuple[str, str]]) -> Codes:
    """The other board's kinds in this one's numbers; those that it has not share a number past the last."""
    known = {name: number for number, (name, _) in enumerate(names)}
    table = np.array([known.get(name, len(names)) for name in other.kind_names], dtype=np.int64)
    return table[other.kinds]


def _groups(found: Compared, numbers: Codes, others: Codes | None, names: Sequence[tuple[str, str]]) -> list[Group]:
    count = len(names)
    firsts, unscored = (
        _figures(found.one, found.first, found.filter, numbers, count),
        _unscored(found.first, found.filter, numbers, count),
    )
    made = [Group(n, label, firsts[g], unscored=(unscored[g], 0)) for g, (n, label) in enumerate(names)]
    if found.other is None or found.second is None or found.other_filter is None or others is None:
        return made
    seconds = _figures(found.other, found.second, found.other_filter, others, count)
    other_unscored = _unscored(found.second, found.other_filter, others, count)
    differences = _differences(found, numbers, count)
    return [
        replace(one, second=seconds[g], difference=differences[g][0], p=differences[g][1],
                unscored=(unscored[g], other_unscored[g]))
        for g, one in enumerate(made)
    ]  # fmt: skip


def _figures(one: Board, column: Column, passed: Bools, numbers: Codes, count: int) -> list[Figure]:
    """Wilson's interval for shares, the clustered bootstrap for means."""
    kept = column.scored & passed & (numbers < count)
    values, clusters, groups = column.values[kept], one.clusters[kept], numbers[kept]
    if not column.share:
        return [mean.figure for mean in statistics.means_by_group(values, clusters, groups, count)]
    n = np.bincount(groups, minlength=count)
    hits = np.bincount(groups, values, minlength=count)
    there = np.unique(clusters * count + groups)
    pictures = np.bincount(there % count, minlength=count)
    return [share(round(float(hits[g])), int(n[g]), int(pictures[g])) for g in range(count)]


def share(hits: int, n: int, clusters: int) -> Figure:
    found = wilson(hits, n)
    if found is None:
        return Figure(0, 0, reason="no scores")
    return Figure(n, clusters, found.value, found.low, found.high)


def _unscored(column: Column, passed: Bools, numbers: Codes, count: int) -> list[int]:
    kept = column.asked & ~column.scored & passed & (numbers < count)
    return [int(n) for n in np.bincount(numbers[kept], minlength=count)]


def _differences(found: Compared, numbers: Codes, count: int) -> list[tuple[Figure, float | None]]:
    """First minus second, question by question, with p."""
    aligned = found.aligned
    assert aligned is not None, "only called with two sides"
    kept = found.first.scored & aligned.scored & found.filter
    change = found.first.values[kept] - aligned.values[kept]
    groups = numbers[kept]
    means = statistics.means_by_group(change, found.one.clusters[kept], groups, count)
    if not (found.first.share and aligned.share):
        return [(mean.figure, mean.p) for mean in means]
    better, worse = (np.bincount(groups[side], minlength=count) for side in (change > 0, change < 0))
    return [
        (mean.figure, statistics.mcnemar(int(better[g]), int(worse[g])) if mean.figure.n else None)
        for g, mean in enumerate(means)
    ]


def relative(boards: Mapping[str, Board], found: Compared) -> Compared | None:
    """The same selection by a judge's relative scores: points as a share of the reference's, answer by answer.

    None where the metric has none: `X_relative` goes with `X`.
    """
    name = f"{found.selection.metric}_relative"
    if found.one.column(found.selection.first.arm, name) is None:
        return None
    wanted = fitting(boards, replace(found.selection, metric=name))
    return compared(boards, wanted) if wanted is not None else None
