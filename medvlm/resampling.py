"""Intervals for shares, means and whatever else is made of sums over cases: bootstrap by case, and by reader as well.

Readers judge the same cases, so ratings are not independent. Whole cases are drawn anew; from ten readers on readers
are a second sample, below they are the ones who happened to be there, and the figure says so.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from medvlm.statistics import FEWEST, FIXED_READERS, MOST_CLUSTERS, READERS, SEED, Figure, resampled, too_few, wilson

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]
Values = Sequence[float] | Numbers
# What tells clusters apart: any names, or an array of their numbers, for those who ask many figures of the same ones.
Names = Sequence[Hashable] | Places
RESAMPLES = 2_000
_NORMAL = NormalDist()


def mean(
    values: Values,
    cases: Names,
    readers: Names | None = None,
    bounds: tuple[float, float] = (-1.0, 1.0),
    seed: int = SEED,
) -> Figure:
    """The mean of `values` with its interval; see `ratio`."""
    return ratio(values, np.ones(len(values)), cases, readers, bounds, seed)


def ratio(
    tops: Values,
    bottoms: Values,
    cases: Names,
    readers: Names | None = None,
    bounds: tuple[float, float] = (-1.0, 1.0),
    seed: int = SEED,
) -> Figure:
    """Sum of `tops` over sum of `bottoms` with a 95 % interval; one entry a rating, `bounds` are the ratio's range.

    By case: the expanded percentile interval (Hesterberg 2015, Am Stat 69:371-386). With `readers`, from READERS of
    them on: the two bootstraps' variances added, less that of independent ratings (Cameron, Gelbach and Miller 2011,
    J Bus Econ Stat 29:238-249), with Student's t on Satterthwaite's degrees of freedom (1946, Biometrics Bull
    2:110-114), at least the fewer clusters less one. n counts the ratings with a bottom above 0. Where all clusters
    agree, a bootstrap knows no doubt: then Wilson's bound on the clusters.
    """
    top, bottom = np.asarray(tops, np.float64), np.asarray(bottoms, np.float64)
    counted = bottom > 0
    n, places = int(counted.sum()), numbered(cases)
    by_case = _sums(top, bottom, places)
    by_case = by_case[by_case[:, 1] > 0]
    clusters = len(by_case)
    if clusters < FEWEST:
        return too_few(n, clusters)
    value = float(top.sum() / bottom.sum())
    readings = None if readers is None else numbered(readers)
    people = 0 if readings is None else np.count_nonzero(np.bincount(readings[counted]))
    note = FIXED_READERS if readings is not None and people < READERS else ""
    if np.allclose(by_case[:, 0] / by_case[:, 1], value, rtol=0, atol=1e-12):
        low, high = _all_alike(value, clusters, bounds)
    elif readings is None or people < READERS:
        low, high = expanded(quotients(by_case, seed), clusters)
    else:
        low, high = _crossed(value, top[counted], bottom[counted], (places[counted], readings[counted]), seed)
    return Figure(n, clusters, value, max(low, bounds[0]), min(high, bounds[1]), note=note)


def figure(
    rows: NDArray[np.float64], statistic: Callable[[Numbers], Numbers], n: int, undefined: str, seed: int = SEED
) -> Figure:
    """Any statistic of the sum of rows, one row a case, with its expanded percentile interval.

    `statistic`: (..., k) sums to (...) values, NaN where it is not defined; then `undefined` is the reason.
    """
    clusters = len(rows)
    if clusters < FEWEST:
        return too_few(n, clusters)
    value = float(statistic(rows.sum(axis=0)))
    if math.isnan(value):
        return Figure(n, clusters, reason=undefined)
    draws = statistic(drawn_sums(rows, seed))
    known = draws[~np.isnan(draws)]
    if len(known) < 0.95 * len(draws):
        return Figure(
            n, clusters, reason=f"too few: {undefined} in {len(draws) - len(known)} of {len(draws)} resamples"
        )
    low, high = expanded(known, clusters)
    return Figure(n, clusters, value, min(value, low), max(value, high))


def expanded(draws: Numbers, clusters: int) -> tuple[float, float]:
    """Percentiles as far out as Student's t is beyond the normal: a bootstrap of few clusters is too narrow."""
    reach = t_quantile(clusters - 1) * math.sqrt(clusters / (clusters - 1))
    tail = 100 * _NORMAL.cdf(-reach)
    low, high = np.percentile(draws, (tail, 100 - tail))
    return float(low), float(high)


def drawn_sums(rows: NDArray[np.float64], seed: int = SEED, resamples: int = RESAMPLES) -> Numbers:
    """(resamples, k): sums of (clusters, k) rows drawn with replacement."""
    rows = _grouped(np.asarray(rows, np.float64), seed)
    return np.asarray(_draws(len(rows), seed, resamples) @ rows)


@lru_cache(maxsize=4)
def _draws(clusters: int, seed: int, resamples: int) -> Numbers:
    """(resamples, clusters): how often each is drawn; kept, for the figures of one page are of the same cases."""
    drawn = resampled(clusters, seed, resamples)
    drawn.setflags(write=False)
    return drawn


def quotients(rows: NDArray[np.float64], seed: int = SEED) -> Numbers:
    """Resampled values of the first column's sum over the second's."""
    sums = drawn_sums(rows, seed)
    sums = sums[sums[:, 1] > 0]
    return np.asarray(sums[:, 0] / sums[:, 1])


def t_quantile(freedom: float) -> float:
    """Student's t, 97.5 %: Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5); within 0.001 from 5 on."""
    x, v = _NORMAL.inv_cdf(0.975), freedom
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return float(x + sum(term / v**power for power, term in enumerate(terms, 1)))


def _crossed(
    value: float, top: Numbers, bottom: Numbers, clusters: tuple[Places, Places], seed: int
) -> tuple[float, float]:
    """By case and by reader at once."""
    variances, counts = [], []
    for offset, places in enumerate(clusters):
        rows = _sums(top, bottom, places)
        rows = rows[rows[:, 1] > 0]
        counts.append(len(rows))
        variances.append(float(quotients(rows, seed + offset).var()) * len(rows) / (len(rows) - 1))
    by_rating = float(((top - value * bottom) ** 2).sum() / bottom.sum() ** 2)
    variance = max(sum(variances) - by_rating, *variances)
    spread = sum(part**2 / (count - 1) for part, count in zip(variances, counts, strict=True))
    freedom = max(min(counts) - 1, variance**2 / spread) if spread else min(counts) - 1
    half = t_quantile(freedom) * math.sqrt(variance)
    return value - half, value + half


def _all_alike(value: float, clusters: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """As far to each bound as the share of unlike clusters may go when none of them was seen."""
    unseen = wilson(0, clusters)
    assert unseen is not None  # there are clusters
    low, high = (bound if math.isfinite(bound) else value for bound in bounds)
    return value - unseen.high * (value - low), value + unseen.high * (high - value)


def numbered(names: Names) -> Places:
    """Each name's number, in order of appearance; what are numbers already (an array) stays as it is."""
    if isinstance(names, np.ndarray):
        return names
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)


def _sums(top: Numbers, bottom: Numbers, places: Places) -> Numbers:
    """(clusters, 2)."""
    return np.stack([np.bincount(places, top), np.bincount(places, bottom)], axis=1)


def _grouped(rows: Numbers, seed: int) -> Numbers:
    """At most MOST_CLUSTERS rows: shuffled clusters added up in groups as large as each other, or one larger."""
    if len(rows) <= MOST_CLUSTERS:
        return rows
    order = np.random.default_rng(seed).permutation(len(rows))
    starts = np.arange(MOST_CLUSTERS) * len(rows) // MOST_CLUSTERS
    return np.add.reduceat(rows[order], starts, axis=0)
