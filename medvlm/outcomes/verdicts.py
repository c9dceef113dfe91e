"""Who won: shares, net win rate, criteria, error tags and time of two candidates, each figure with n and interval.

Named votes, training cases and hidden repeats never count here. Ties and "both unacceptable" are kept apart: that
neither answer will do is a result of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medvlm import resampling
from medvlm.ratings.records import (
    CORRECTNESS,
    CRITERIA,
    HARMS,
    HIGHEST,
    LOWEST,
    SIDES,
    Correctness,
    Criterion,
    Harm,
    Tagged,
)
from medvlm.ratings.votes import Codes, Names, Numbers, Votes
from medvlm.statistics import SEED, Figure, mcnemar

Outcome = Literal["win", "loss", "tie", "neither"]
OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "neither", "loss")
NET: dict[Outcome, float] = {"win": 1.0, "loss": -1.0, "tie": 0.0, "neither": 0.0}
_SHARE = (0.0, 1.0)
# Place in OUTCOMES of each verdict (in the order of VERDICTS) for who stood right, and for who stood left.
_OUTCOME_OF = np.array(
    [
        [OUTCOMES.index(one) for one in row]
        for row in (("loss", "win", "tie", "neither"), ("win", "loss", "tie", "neither"))
    ]
)
_NET = np.array([NET[one] for one in OUTCOMES])


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

    cases: Codes
    readers: Codes

    def where(self, chosen: NDArray[np.bool_]) -> "Clusters":
        return Clusters(self.cases[chosen], self.readers[chosen])


def between(votes: Votes, first: str, second: str) -> Votes:
    """The votes that count between two candidates (by id): blinded, no training, no repeats."""
    return votes.where(votes.met(first, second) & votes.counted)


def repeats(votes: Votes, first: str, second: str) -> Votes:
    """The hidden repeats between two candidates, for agreement of readers with themselves."""
    return votes.where(votes.met(first, second) & votes.blinded & ~votes.training & (votes.repeats > 0))


def outcomes(votes: Votes, candidate: str) -> Codes:
    """(votes,) how each vote went for one of its two candidates: a place in OUTCOMES."""
    return np.asarray(_OUTCOME_OF[votes.own(candidate).astype(np.intp), votes.verdicts.codes])


def nets(votes: Votes, candidate: str) -> Numbers:
    """(votes,) 1 for a win, -1 for a loss, else 0."""
    return np.asarray(_NET[outcomes(votes, candidate)])


def summary(votes: Votes, first: str, seed: int = SEED) -> Summary:
    """How `first` (an id) fared in the votes that `between` gave."""
    codes, places = outcomes(votes, first), clusters(votes)
    counts = np.bincount(codes, minlength=len(OUTCOMES)).tolist()
    net = _mean(_NET[codes], places, (-1.0, 1.0), seed)
    return Summary(
        counts=dict(zip(OUTCOMES, counts, strict=True)),
        cases=int(places.cases.max(initial=-1)) + 1,
        readers=int(places.readers.max(initial=-1)) + 1,
        shares={one: _mean(codes == place, places, _SHARE, seed) for place, one in enumerate(OUTCOMES)},
        net=net,
        sign_test=sign_test(votes, first),
        more=more_ratings(net),
    )


def clusters(votes: Votes) -> Clusters:
    """The case and the reader of each vote, numbered."""
    return Clusters(votes.cases.numbered(), votes.readers.numbered())


def grouped(votes: Votes, first: str, by: Names, seed: int = SEED) -> dict[str, Summary]:
    """The summary of each part of the votes, by the alphabet. `by`: their domains, kinds of question or readers."""
    return {name: summary(votes.where(places), first, seed) for name, places in by.parts()}


def sign_test(votes: Votes, first: str) -> Figure:
    """Exact two-sided p that as many cases go to one candidate as to the other (Dixon and Mood 1946, JASA 41:557-566).

    A case goes to whoever won more of its votes, so that several readers of one case count once.
    """
    net = np.bincount(votes.cases.codes, nets(votes, first))
    wins, losses = int((net > 0).sum()), int((net < 0).sum())
    if wins + losses == 0:
        return Figure(len(votes), 0, reason="too few: no case is decided")
    return Figure(len(votes), wins + losses, mcnemar(wins, losses))


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


def criteria(votes: Votes, first: str, seed: int = SEED) -> dict[Criterion, Compared]:
    """Each criterion's mean (1 to 5) for both candidates, and their paired difference, from votes that scored both."""
    places, (ones, others) = clusters(votes), _by_candidate(votes, votes.scores, first)
    found: dict[Criterion, Compared] = {}
    for column, criterion in enumerate(CRITERIA):
        whole = ~np.isnan(ones[:, column]) & ~np.isnan(others[:, column])
        found[criterion] = _compared(
            places.where(whole), ones[whole, column], others[whole, column], (LOWEST, HIGHEST), seed
        )
    return found


def correctness(votes: Votes, first: str, seed: int = SEED) -> dict[Correctness, Compared]:
    """The share of each judgement among the answers of both candidates that could be judged, and the difference."""
    ones, others = _by_candidate(votes, votes.correctness, first)
    kinds = [(place, kind) for place, kind in enumerate(CORRECTNESS) if kind != "cannot_judge"]
    known = [place for place, _ in kinds]
    whole = np.isin(ones, known) & np.isin(others, known)
    places = clusters(votes).where(whole)
    return {
        kind: _compared(places, ones[whole] == place, others[whole] == place, _SHARE, seed) for place, kind in kinds
    }


def errors(votes: Votes, tags: Iterable[Tagged], first: str, seed: int = SEED) -> dict[Harm, Compared]:
    """The share of each candidate's answers with at least one error of this harm or worse, and the difference."""
    worst = np.full((len(votes), len(SIDES)), -1)
    place = {rating: number for number, rating in enumerate(votes.ids)}
    for tag in tags:
        if (number := place.get(tag.rating)) is not None:
            at = number, SIDES.index(tag.side)
            worst[at] = max(worst[at], HARMS.index(tag.harm))
    ones, others = _by_candidate(votes, worst, first)
    places = clusters(votes)
    return {harm: _compared(places, ones >= level, others >= level, _SHARE, seed) for level, harm in enumerate(HARMS)}


def error_counts(votes: Votes, tags: Iterable[Tagged]) -> dict[tuple[str, str, Harm], int]:
    """How many tags of each (candidate, kind, harm) the votes carry."""
    sides = {"left": votes.left, "right": votes.right}
    place = {rating: number for number, rating in enumerate(votes.ids)}
    found: Counter[tuple[str, str, Harm]] = Counter()
    for tag in tags:
        if (number := place.get(tag.rating)) is not None:
            names = sides[tag.side]
            found[names.known[names.codes[number]], tag.kind, tag.harm] += 1
    return dict(found)


def seconds(votes: Votes, seed: int = SEED) -> Figure:
    """The mean time a vote took, in seconds, of the votes that know it."""
    timed = votes.where(~np.isnan(votes.seconds))
    return _mean(timed.seconds, clusters(timed), (0.0, float("inf")), seed)


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


def _by_candidate(votes: Votes, sides: NDArray[Any], first: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """(votes, 2, ...) of left and right, as (votes, ...) of the first and of the second candidate."""
    own = votes.own(first).reshape(len(votes), *[1] * (sides.ndim - 2))
    return np.where(own, sides[:, 0], sides[:, 1]), np.where(own, sides[:, 1], sides[:, 0])
