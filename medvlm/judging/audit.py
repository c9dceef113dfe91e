"""How far a judge can be believed: whether order matters, whether it repeats itself, whether length pleases it.

Everything is a pure function of verdicts that are there already. None stands where nothing can be said; n always does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, pvariance

import numpy as np
from numpy.typing import NDArray

from medvlm.agreement import cohen
from medvlm.judging.judgement import BothOrders
from medvlm.judging.verdicts import CHOICES, Choice, Preferred, TwoScores, Unparsed, Verdict
from medvlm.statistics import Figure


@dataclass(frozen=True, slots=True)
class Share:
    """A count of n; `value` is None for no trials."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class SwapAudit:
    """Pairs judged in both orders. `first_preferred`: among verdicts for one side, how often the one that stood first.

    0.5 is fair. `unparsed` counts pairs with an order that says nothing; they enter nothing else.
    """

    consistent: Share
    first_preferred: Share
    unparsed: int


@dataclass(frozen=True, slots=True)
class ScoreSwap:
    """Two scores given in both orders, in points. `first_bonus`: how much more an answer gets for standing first."""

    n: int
    first_bonus: float | None
    mean_change: float | None
    same_winner: Share
    unparsed: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """The same case judged again. `variance`: the mean over cases of each one's own variance, in points squared."""

    n: int
    variance: float | None
    identical: Share
    unparsed: int


@dataclass(frozen=True, slots=True)
class LengthBias:
    """Whether longer answers score higher: Spearman's rank correlation, and how often the longer of two wins."""

    n: int
    correlation: float | None
    longer_wins: Share


def unparsed(verdicts: Sequence[Verdict]) -> Share:
    """How many verdicts say nothing."""
    return Share(sum(isinstance(verdict, Unparsed) for verdict in verdicts), len(verdicts))


def reasons(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Why they say nothing, most frequent first."""
    return dict(Counter(verdict.reason for verdict in verdicts if isinstance(verdict, Unparsed)).most_common())


def swap_audit(pairs: Sequence[BothOrders]) -> SwapAudit:
    """Consistency and position bias of a judge that prefers."""
    whole = [pair for pair in pairs if pair.consistent is not None]
    given = [v for pair in whole for v in (pair.forward.verdict, pair.backward.verdict) if isinstance(v, Preferred)]
    sided = [verdict for verdict in given if verdict.choice in ("first", "second")]
    return SwapAudit(
        Share(sum(bool(pair.consistent) for pair in whole), len(whole)),
        Share(sum(verdict.choice == "first" for verdict in sided), len(sided)),
        len(pairs) - len(whole),
    )


def score_swap(pairs: Sequence[tuple[Verdict, Verdict]]) -> ScoreSwap:
    """The same of a judge that gives two scores; in the second verdict of each pair the two answers were swapped."""
    whole = [(a, b) for a, b in pairs if isinstance(a, TwoScores) and isinstance(b, TwoScores)]
    bonuses = [((a.first - b.second) + (b.first - a.second)) / 2 for a, b in whole]
    changes = [(abs(a.first - b.second) + abs(a.second - b.first)) / 2 for a, b in whole]
    same = sum(np.sign(a.first - a.second) == np.sign(b.second - b.first) for a, b in whole)
    n = len(whole)
    return ScoreSwap(n, mean(bonuses) if n else None, mean(changes) if n else None, Share(int(same), n), len(pairs) - n)


def repeats(scores: Sequence[Sequence[float | None]]) -> Repeats:
    """Scores of the same case by the same judge, case by case; a case needs two of them. None: unparsed."""
    known = [[value for value in case if value is not None] for case in scores]
    several = [case for case in known if len(case) > 1]
    return Repeats(
        len(several),
        mean(pvariance(case) for case in several) if several else None,
        Share(sum(len(set(case)) == 1 for case in several), len(several)),
        sum(value is None for case in scores for value in case),
    )


def length_bias(
    lengths: Sequence[int], scores: Sequence[float | None], other: Sequence[tuple[int, float]] | None = None
) -> LengthBias:
    """Lengths (words) of answers and their scores, None for unscored; `other` has those of what each stood against.

    With `other`, differences are correlated, so that a question that asks for much does not look like a bias.
    Raises ValueError for unequal lengths.
    """
    against = other if other is not None else [(0, 0.0)] * len(lengths)
    rows = [
        (length - far, score - theirs)
        for length, score, (far, theirs) in zip(lengths, scores, against, strict=True)
        if score is not None
    ]
    decided = [(length, score) for length, score in rows if other is not None and length and score]
    return LengthBias(
        len(rows),
        spearman([float(length) for length, _ in rows], [score for _, score in rows]),
        Share(sum((length > 0) == (score > 0) for length, score in decided), len(decided)),
    )


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation (1904), ties at their mean rank; None for fewer than two, or if one never varies."""
    if len(first) < 2:
        return None
    a, b = _ranks(first), _ranks(second)
    if not a.std() or not b.std():
        return None
    return float(np.mean((a - a.mean()) * (b - b.mean())) / (a.std() * b.std()))


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64)
    below = (data[None, :] < data[:, None]).sum(axis=1)
    equal = (data[None, :] == data[:, None]).sum(axis=1)
    ranks: NDArray[np.float64] = below + (equal + 1) / 2
    return ranks


def with_readers(judge: Sequence[Choice | None], readers: Sequence[Choice | None], clusters: Sequence[str]) -> Figure:
    """Cohen's kappa of a judge's choices and readers' verdicts on the same pairs, with an interval over cases.

    None in place of a choice leaves the pair out. Both must name the same answer by the same word: put a pair's choices
    in terms of candidates, not of sides, first. Raises ValueError for unequal lengths.
    """
    both = [
        (CHOICES.index(ours), CHOICES.index(theirs), case)
        for ours, theirs, case in zip(judge, readers, clusters, strict=True)
        if ours is not None and theirs is not None
    ]
    columns = [row[0] for row in both], [row[1] for row in both]
    return cohen(columns[0], columns[1], len(CHOICES), clusters=numbered([row[2] for row in both]))


def numbered(names: Sequence[str]) -> NDArray[np.intp]:
    """(n,) a number for each name, equal where the names are."""
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.intp)
