"""How sure one may be of a score: intervals for shares, bootstrap by cluster, paired comparison."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile
RESAMPLES = 10_000
SEED = 20_26
FEWEST = 10  # clusters that an interval takes; below, the number of draws that differ says more than the data do
MOST_CLUSTERS = 1_000  # more are drawn in groups of equal size: the same spread for a fraction of the work
READERS = 10  # from here on readers count as a sample of readers; below, as the ones who happened to be there
FIXED_READERS = "readers counted as fixed"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its 95 % interval, all in the estimate's unit."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it may be shown. `n`: ratings, `clusters`: cases that it stands on.

    `value` None says that there is none, and `reason` why; `low` and `high` are the ends of the 95 % interval. `note`
    is what must be said beside it.
    """

    n: int
    clusters: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    note: str = ""

    @property
    def excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def too_few(n: int, clusters: int, fewest: int = FEWEST, unit: str = "cases") -> Figure:
    """The figure that says how many there are and how many it takes."""
    return Figure(n, clusters, reason=f"too few: {clusters} {unit}, {fewest} needed")


def wilson(hits: int, n: int, z: float = Z95) -> Interval | None:
    """A share and its score interval (Wilson 1927, J Am Stat Assoc 22:209-212); None for no trials."""
    if n == 0:
        return None
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share.")
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, middle - half) if hits else 0.0, min(1.0, middle + half) if hits < n else 1.0)


def clustered(
    values: Sequence[float], clusters: Sequence[Hashable], seed: int = SEED, resamples: int = RESAMPLES
) -> Interval | None:
    """The mean of `values` with a percentile bootstrap over whole clusters (such as all questions of one picture).

    Questions about one picture are not independent; resampling pictures keeps that (Field and Welsh 2007). None for
    no values. The same seed gives the same interval.
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values and {len(clusters)} clusters do not belong together.")
    if not values:
        return None
    sums, sizes = by_cluster(values, clusters)
    drawn = resampled(len(sums), seed, resamples)
    means = (drawn @ sums) / (drawn @ sizes)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(sums.sum() / sizes.sum()), float(low), float(high))


def paired(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable], seed: int = SEED
) -> Interval | None:
    """The mean of first minus second, item by item, with a bootstrap over clusters."""
    return clustered([a - b for a, b in zip(first, second, strict=True)], clusters, seed)


def by_cluster(
    values: Sequence[float], clusters: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(clusters,) sum of the values and (clusters,) number of values, clusters in order of appearance."""
    numbers: dict[Hashable, int] = {}
    index = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    data = np.asarray(values, dtype=np.float64)
    return np.bincount(index, data).astype(np.float64), np.bincount(index).astype(np.float64)


def resampled(clusters: int, seed: int = SEED, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """(resamples, clusters): how often each cluster is drawn, with replacement, in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(np.float64)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test, from the items that only one of two got right; 1 where none differ."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    if n > 1_000:  # the same sum by its logarithms: 2**n would be no number any more
        steps = np.arange(1, fewer + 1, dtype=np.float64)
        logs = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps))]) - n * math.log(2)
        return min(1.0, 2 * float(np.exp(logs - logs.max()).sum()) * math.exp(logs.max()))
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2.0**n)


def balanced_accuracy(truths: Sequence[str], right: Sequence[bool], seed: int = SEED) -> Interval | None:
    """The mean over classes of the share that is right, with the interval of its posterior. None for no items.

    Each class's share is drawn from its beta posterior, as Brodersen et al. do (ICPR 2010), with Jeffreys' prior: a
    bootstrap would call a few items that are all right a certainty.
    """
    groups: dict[str, list[bool]] = {}
    for truth, hit in zip(truths, right, strict=True):
        groups.setdefault(truth, []).append(hit)
    if not groups:
        return None
    rng = np.random.default_rng(seed)
    drawn = [rng.beta(sum(hits) + 0.5, len(hits) - sum(hits) + 0.5, RESAMPLES) for hits in groups.values()]
    low, high = np.percentile(np.mean(drawn, axis=0), (2.5, 97.5))
    value = float(np.mean([sum(hits) / len(hits) for hits in groups.values()]))
    return Interval(value, min(value, float(low)), max(value, float(high)))


SHOWN_RESAMPLES = 2_000  # for what is drawn anew with each click: an end moves by a thirtieth of the interval's width


@dataclass(frozen=True, slots=True)
class GroupMean:
    """The mean of one group. `below`: the share of resamples whose mean is below zero (ties count half).

    `figure` has a value but no interval where fewer than `FEWEST` clusters stand behind it.
    """

    figure: Figure
    below: float | None = None

    @property
    def p(self) -> float | None:
        """The two-sided bootstrap p of the mean being zero, never below one over the resamples."""
        if self.below is None:
            return None
        return max(1 / SHOWN_RESAMPLES, min(1.0, 2 * min(self.below, 1 - self.below)))


def means_by_group(
    values: NDArray[np.float64], clusters: NDArray[np.int64], groups: NDArray[np.int64], count: int, seed: int = SEED
) -> list[GroupMean]:
    """The mean of each of `count` groups with a bootstrap over clusters, all groups in one pass.

    `values`, `clusters`, `groups`: (n,), cluster and group numbers from 0. The same resamples of clusters serve every
    group, so that a page of twenty groups costs as much as one. More than `MOST_CLUSTERS` clusters are drawn in
    groups of equal size.
    """
    if not len(values):
        return [GroupMean(Figure(0, 0, reason="no scores")) for _ in range(count)]
    _, codes = np.unique(clusters, return_inverse=True)
    found = int(codes.max()) + 1
    there = np.unique(codes * count + groups)
    of_clusters = np.bincount(there % count, minlength=count)
    if found > MOST_CLUSTERS:
        codes = (np.random.default_rng(seed).permutation(found) % MOST_CLUSTERS)[codes]
        found = MOST_CLUSTERS
    cells = codes * count + groups
    sums = np.bincount(cells, values, found * count).reshape(found, count)
    sizes = np.bincount(cells, minlength=found * count).reshape(found, count)
    drawn = _draws(found, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (drawn @ sums.astype(np.float32)) / (drawn @ sizes.astype(np.float32))
    totals, numbers = sums.sum(axis=0), sizes.sum(axis=0)
    return [_group_mean(means[:, g], totals[g], int(numbers[g]), int(of_clusters[g])) for g in range(count)]


@lru_cache(maxsize=8)
def _draws(clusters: int, seed: int) -> NDArray[np.float32]:
    """(SHOWN_RESAMPLES, clusters): how often each cluster is drawn in each resample."""
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, clusters, (SHOWN_RESAMPLES, clusters), dtype=np.int32)
    picked += np.arange(SHOWN_RESAMPLES, dtype=np.int32)[:, None] * clusters
    counts = np.bincount(picked.ravel(), minlength=SHOWN_RESAMPLES * clusters)
    return counts.reshape(SHOWN_RESAMPLES, clusters).astype(np.float32)


def _group_mean(means: NDArray[np.float32], total: float, n: int, clusters: int) -> GroupMean:
    if not n:
        return GroupMean(Figure(0, 0, reason="no scores"))
    value, kept = float(total / n), means[np.isfinite(means)]
    if clusters < FEWEST:
        return GroupMean(Figure(n, clusters, value, reason=f"no interval: {clusters} pictures, {FEWEST} needed"))
    low, high = (float(end) for end in np.percentile(kept, (2.5, 97.5)))
    below = float((kept < 0).mean() + (kept == 0).mean() / 2)
    return GroupMean(Figure(n, clusters, value, min(low, value), max(high, value)), below)


def holm(probabilities: Sequence[float | None]) -> list[float | None]:
    """p values corrected for being many (Holm 1979, Scand J Stat 6:65-70), in their order; None stays None."""
    known = sorted((p, place) for place, p in enumerate(probabilities) if p is not None)
    made: list[float | None] = [None] * len(probabilities)
    worst = 0.0
    for rank, (p, place) in enumerate(known):
        worst = max(worst, min(1.0, p * (len(known) - rank)))
        made[place] = worst
    return made
