"""Who won: shares, net win rate, criteria, error tags and time of two candidates, each figure with n and interval.

Named votes, training cases and hidden repeats never count here. Ties and "both unacceptable" are kept apart: that
neither answer will do is a result of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medvlm import resampling
from medvlm.ratings.records import CRITERIA, HARMS, HIGHEST, LOWEST, Correctness, Criterion, Harm, Tagged, Vote
from medvlm.statistics import SEED, Figure, mcnemar

Outcome = Literal["win", "loss", "tie", "neither"]
OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "neither", "loss")
Group = Literal["domain", "question_type", "reader"]
NET: dict[Outcome, float] = {"win": 1.0, "loss": -1.0, "tie": 0.0, "neither": 0.0}
_SHARE = (0.0, 1.0)
_GROUPS: dict[Group, Callable[[Vote], str]] = {
    "domain": lambda vote: vote.domain,
    "question_type": lambda vote: vote.question_type,
    "reader": lambda vote: vote.reader,
}


@dataclass(frozen=True, slots=True)
class Summary:
    """One candidate against another. `net`: share of wins less share of losses, -1 to 1.

    `counts` are there however few there are. `sign_test`: exact two-sided p over cases (more wins than losses, or
    the reverse); its n is the number of cases that are decided. `more`: about how many more ratings until the
    interval of `net` excludes zero, if the effect stays as it is and each case goes on to get as many ratings; 0 where
    it does already, None where no number can be given.
    """

    counts: Mapping[Outcome, int]
    cases: int
    readers: int
    shares: Mapping[Outcome, Figure]
    net: Figure
    sign_test: Figure
    more: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Means of the first and the second candidate, and the mean of their paired differences."""

    first: Figure
    second: Figure
    difference: Figure


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """(votes,) numbers of each vote's case and reader: what the intervals resample."""

    cases: NDArray[np.intp]
    readers: NDArray[np.intp]

    def where(self, chosen: NDArray[np.bool_]) -> "Clusters":
        return Clusters(self.cases[chosen], self.readers[chosen])


def between(votes: Iterable[Vote], first: str, second: str, *, named: bool = False) -> list[Vote]:
    """The votes that count between two candidates (by id): blinded, or `named` instead; no training, no repeats."""
    pair = {first, second}
    return [
        vote
        for vote in votes
        if {vote.left, vote.right} == pair and vote.blinded != named and not vote.training and vote.repeat == 0
    ]


def repeats(votes: Iterable[Vote], first: str, second: str) -> list[Vote]:
    """The hidden repeats between two candidates, for agreement of readers with themselves."""
    pair = {first, second}
    return [v for v in votes if {v.left, v.right} == pair and v.blinded and not v.training and v.repeat > 0]


def outcome(vote: Vote, candidate: str) -> Outcome:
    """How the vote went for one of its two candidates."""
    if vote.verdict in ("tie", "neither"):
        return "tie" if vote.verdict == "tie" else "neither"
    winner = vote.left if vote.verdict == "left" else vote.right
    return "win" if winner == candidate else "loss"


def summary(votes: Sequence[Vote], first: str, seed: int = SEED) -> Summary:
    """How `first` (an id) fared in the votes that `between` gave."""
    outcomes = [outcome(vote, first) for vote in votes]
    places, counts = clusters(votes), Counter(outcomes)
    codes = np.array([OUTCOMES.index(one) for one in outcomes], np.intp)
    net = _mean(np.array([NET[one] for one in OUTCOMES])[codes], places, (-1.0, 1.0), seed)
    return Summary(
        counts={one: counts[one] for one in OUTCOMES},
        cases=len(np.unique(places.cases)),
        readers=len(np.unique(places.readers)),
        shares={one: _mean(codes == place, places, _SHARE, seed) for place, one in enumerate(OUTCOMES)},
        net=net,
        sign_test=sign_test(votes, first),
        more=more_ratings(net),
    )


def clusters(votes: Sequence[Vote]) -> Clusters:
    """The case and the reader of each vote, numbered."""
    return Clusters(resampling.numbered([v.case for v in votes]), resampling.numbered([v.reader for v in votes]))


def grouped(votes: Sequence[Vote], first: str, group: Group, seed: int = SEED) -> dict[str, Summary]:
    """The summary of each domain, question type or reader, in alphabetical order."""
    parts: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        parts[_GROUPS[group](vote)].append(vote)
    return {name: summary(parts[name], first, seed) for name in sorted(parts)}


def sign_test(votes: Sequence[Vote], first: str) -> Figure:
    """Exact two-sided p that as many cases go to one candidate as to the other (Dixon and Mood 1946, JASA 41:557-566).

    A case goes to whoever won more of its votes, so that several readers of one case count once.
    """
    net: dict[str, float] = defaultdict(float)
    for vote in votes:
        net[vote.case] += NET[outcome(vote, first)]
    wins, losses = sum(n > 0 for n in net.values()), sum(n < 0 for n in net.values())
    if wins + losses == 0:
        return Figure(len(votes), 0, reason="too few: no case is decided")
    return Figure(len(votes), wins + losses, sign_p(wins, losses))


def sign_p(wins: int, losses: int) -> float:
    """The exact two-sided p of a fair coin's `wins` heads and `losses` tails; 1 where there are none.

    In logarithms from a thousand tosses on, where 2^n no longer fits a float.
    """
    n, fewer = wins + losses, min(wins, losses)
    if n < 1000:
        return mcnemar(wins, losses)
    places = np.arange(1, fewer + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(n - places + 1.0) - np.log(places))]) - n * np.log(2.0)
    return float(min(1.0, 2 * np.exp(logs).sum()))


def more_ratings(net: Figure) -> int | None:
    """About how many more ratings until the interval excludes zero, at this effect and this number a case."""
    if net.value is None or net.low is None or net.high is None:
        return None
    if net.excludes_zero:
        return 0
    towards_zero = net.value - net.low if net.value > 0 else net.high - net.value
    if net.value == 0 or towards_zero / abs(net.value) > 100:
        return None  # ten thousand times as many: there is no effect to speak of
    # The interval narrows with the square root of the number of cases.
    return max(1, ceil(net.n * ((towards_zero / abs(net.value)) ** 2 - 1)))


def criteria(votes: Sequence[Vote], first: str, seed: int = SEED) -> dict[Criterion, Compared]:
    """Each criterion's mean (1 to 5) for both candidates, and their paired difference, from votes that scored both."""
    places, ones, others = clusters(votes), *_scores(votes, first)
    found: dict[Criterion, Compared] = {}
    for column, criterion in enumerate(CRITERIA):
        whole = ~np.isnan(ones[:, column]) & ~np.isnan(others[:, column])
        found[criterion] = _compared(
            places.where(whole), ones[whole, column], others[whole, column], (LOWEST, HIGHEST), seed
        )
    return found


def correctness(votes: Sequence[Vote], first: str, seed: int = SEED) -> dict[Correctness, Compared]:
    """The share of each judgement among the answers of both candidates that could be judged, and the difference."""
    kinds: tuple[Correctness, ...] = ("right", "partly", "wrong")
    number = {kind: float(place) for place, kind in enumerate(kinds)}
    own = np.array([vote.left == first for vote in votes], np.bool_)
    left, right = (
        np.array([number.get(said or "cannot_judge", np.nan) for said in column])
        for column in ([v.left_correctness for v in votes], [v.right_correctness for v in votes])
    )
    ones, others = np.where(own, left, right), np.where(own, right, left)
    whole = ~np.isnan(ones) & ~np.isnan(others)
    places = clusters(votes).where(whole)
    return {
        kind: _compared(places, ones[whole] == place, others[whole] == place, _SHARE, seed)
        for place, kind in enumerate(kinds)
    }


def errors(
    votes: Sequence[Vote], tags: Iterable[Tagged], first: str, second: str, seed: int = SEED
) -> dict[Harm, Compared]:
    """The share of each candidate's answers with at least one error of this harm or worse, and the difference."""
    worst: dict[tuple[str, str], int] = {}
    for tag in tags:
        key = (tag.rating, tag.candidate)
        worst[key] = max(worst.get(key, -1), HARMS.index(tag.harm))
    found: dict[Harm, Compared] = {}
    places = clusters(votes)
    for level, harm in enumerate(HARMS):
        ones, others = (
            [float(worst.get((vote.id, candidate), -1) >= level) for vote in votes] for candidate in (first, second)
        )
        found[harm] = _compared(places, np.array(ones), np.array(others), _SHARE, seed)
    return found


def error_counts(votes: Sequence[Vote], tags: Iterable[Tagged]) -> dict[tuple[str, str, Harm], int]:
    """How many tags of each (candidate, kind, harm) the votes carry."""
    counted = {vote.id for vote in votes}
    return dict(Counter((tag.candidate, tag.kind, tag.harm) for tag in tags if tag.rating in counted))


def seconds(votes: Sequence[Vote], seed: int = SEED) -> Figure:
    """The mean time a vote took, in seconds, of the votes that know it."""
    timed = [vote for vote in votes if vote.seconds is not None]
    return _mean(np.array([vote.seconds for vote in timed]), clusters(timed), (0.0, float("inf")), seed)


def _compared(
    places: Clusters, first: NDArray[Any], second: NDArray[Any], bounds: tuple[float, float], seed: int
) -> Compared:
    width, ones, others = bounds[1] - bounds[0], first.astype(np.float64), second.astype(np.float64)
    return Compared(
        _mean(ones, places, bounds, seed),
        _mean(others, places, bounds, seed),
        _mean(ones - others, places, (-width, width), seed),
    )


def _mean(values: NDArray[Any], places: Clusters, bounds: tuple[float, float], seed: int) -> Figure:
    return resampling.mean(values.astype(np.float64), places.cases, places.readers, bounds, seed)


def _scores(votes: Sequence[Vote], first: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(votes, criteria) of the first and of the second candidate, NaN where a reader gave none."""
    left, right = (
        np.array(column, np.float64).reshape(len(votes), len(CRITERIA))
        for column in ([v.left_scores for v in votes], [v.right_scores for v in votes])
    )
    own = np.array([vote.left == first for vote in votes], np.bool_)[:, None]
    return np.where(own, left, right), np.where(own, right, left)
