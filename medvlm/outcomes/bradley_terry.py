"""Strengths of three or more candidates from who beat whom: Bradley and Terry's model with a ridge, and intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medvlm.ratings.votes import Numbers, Votes
from medvlm.resampling import drawn_sums, expanded
from medvlm.statistics import FEWEST, SEED, Figure, too_few

RIDGE = 0.1  # as a prior: strengths lie around zero with a deviation of about 3, which is odds of 1 to 24
RESAMPLES = 1_000
_STEPS, _CLOSE = 50, 1e-10
_SHARES = np.array([1.0, 0.0, 0.5, 0.5])  # of a win for who stood left, in the order of VERDICTS


@dataclass(frozen=True, slots=True)
class Ranking:
    """`strengths`: log odds, with a mean of zero; `ranks`: (best, worst) that the intervals allow, from 1."""

    strengths: Mapping[str, Figure]
    ranks: Mapping[str, tuple[int, int]]


def ranking(votes: Votes, ridge: float = RIDGE, seed: int = SEED) -> Ranking:
    """All candidates of the votes, the strongest first, with intervals from a bootstrap over cases.

    A tie, and "both unacceptable", is half a win for each. The chance that i is preferred to j is
    1 / (1 + exp(s_j - s_i)) (Bradley and Terry 1952, Biometrika 39:324-345). The ridge keeps the strength of one who
    never lost finite. No figures are given below three candidates, below FEWEST cases, or where some of the candidates
    never met the others, directly or through a third.
    """
    names = [votes.left.known[code] for code in np.union1d(votes.left.codes, votes.right.codes)]
    rows = _rows(votes, names)
    cases = len(rows)
    reason = _unfit(rows, names, cases)
    if reason:
        return Ranking({name: Figure(len(votes), cases, reason=reason) for name in names}, {})
    k = len(names)
    values = strengths(rows.sum(axis=0).reshape(k, k), ridge)
    draws = strengths(drawn_sums(rows, seed, RESAMPLES).reshape(-1, k, k), ridge)
    ends = [expanded(draws[:, place], cases) for place in range(k)]
    met = [int((votes.own(name) | (votes.right.codes == votes.right.code(name))).sum()) for name in names]
    found = {
        names[i]: Figure(met[i], cases, float(values[i]), min(ends[i][0], values[i]), max(ends[i][1], values[i]))
        for i in np.argsort(-values)
    }
    return Ranking(found, {name: _rank(name, found) for name in found})


def strengths(wins: Numbers, ridge: float = RIDGE) -> Numbers:
    """(..., k) log odds from (..., k, k) wins of row over column: Newton's method on the penalised likelihood.

    The penalty is ridge / 2 times the sum of squares; with ridge 0 every set of candidates must have beaten one of the
    others.
    """
    k = wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2)
    found = np.zeros(wins.shape[:-1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(found[..., None, :] - found[..., :, None]))
        slope = wins.sum(-1) - (games * chance).sum(-1) - ridge * found
        weight = games * chance * (1 - chance)
        # The likelihood does not know where zero is; adding to every entry holds the mean there.
        bend = -weight + np.eye(k) * (weight.sum(-1)[..., None] + ridge) + 1.0 / k
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < _CLOSE:
            break
    return np.asarray(found - found.mean(-1, keepdims=True))


def _rows(votes: Votes, names: Sequence[str]) -> Numbers:
    """(cases, k * k): wins of row over column in each case. `names`: by the alphabet, as the candidates' codes are."""
    k, cases = len(names), votes.cases.numbered()
    known = np.array([votes.left.code(name) for name in names], np.intp)
    left, right = np.searchsorted(known, votes.left.codes), np.searchsorted(known, votes.right.codes)
    share = _SHARES[votes.verdicts.codes]
    rows = np.zeros((cases.max(initial=-1) + 1, k, k))
    np.add.at(rows, (cases, left, right), share)
    np.add.at(rows, (cases, right, left), 1 - share)
    return rows.reshape(len(rows), -1)


def _unfit(rows: Numbers, names: Sequence[str], cases: int) -> str:
    """Why no strengths can be given, or nothing."""
    if len(names) < 3:
        return f"too few: {len(names)} candidates, 3 needed; two are compared by their net win rate"
    if cases < FEWEST:
        return too_few(len(rows), cases).reason
    k = len(names)
    met = rows.sum(axis=0).reshape(k, k) + np.eye(k)
    reached = np.linalg.matrix_power(((met + met.T) > 0).astype(np.float64), k)[0] > 0
    apart = [name for name, there in zip(names, reached, strict=True) if not there]
    return f"too few: {', '.join(apart)} never met the others" if apart else ""


def _rank(name: str, found: Mapping[str, Figure]) -> tuple[int, int]:
    mine = found[name]
    others = [one for other, one in found.items() if other != name]
    surely_better = sum((one.low or 0) > (mine.high or 0) for one in others)
    surely_worse = sum((one.high or 0) < (mine.low or 0) for one in others)
    return 1 + surely_better, len(found) - surely_worse
