"""Probes that read several finished runs: quality against training data and training hours, spread over repeats."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import DatasetError
from medvlm.probes.asked import Measure
from medvlm.statistics import FEWEST, SEED, Figure, clustered, resampled, too_few

# Two-sided 95 % quantiles of Student's t by degrees of freedom; beyond 30 the next smaller one errs on the safe side.
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One run of one checkpoint. `amount`: of training data, or hours; `values`: sample id -> score of the tuned arm.

    `clusters`: sample id -> what is not independent of each other (a picture).
    """

    name: str
    amount: float | None
    values: Mapping[str, float]
    clusters: Mapping[str, str]

    @property
    def mean(self) -> Figure:
        """The run's own mean over its samples, with a bootstrap over clusters."""
        names = list(self.values)
        found = clustered([self.values[n] for n in names], [self.clusters[n] for n in names])
        n, clusters = len(names), len({self.clusters[name] for name in names})
        return Figure(n, clusters, found.value, found.low, found.high) if found else too_few(0, 0)


@dataclass(frozen=True, slots=True)
class RunsProbe:
    """A probe that asks nothing: it reads finished runs of the same task, one for each checkpoint."""

    name: str
    title: str
    definition: str
    measures: tuple[Measure, ...]
    figures: Callable[[Sequence[Point]], dict[str, Figure]]
    fewest: int

    @property
    def score(self) -> Measure:
        return self.measures[0]


def together(points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """The points by amount, and the samples that all of them scored. Raises DatasetError for none in common."""
    if not points:
        raise DatasetError("There are no runs to read; name some that `python -m eval run` wrote.")
    shared = set.intersection(*(set(point.values) for point in points))
    if not shared:
        named = ", ".join(point.name for point in points)
        raise DatasetError(f"The runs {named} scored no sample in common. Run the same task with each checkpoint.")
    ordered = sorted(points, key=lambda point: point.amount if point.amount is not None else 0.0)
    return ordered, sorted(shared)


def _resampled_means(points: Sequence[Point], shared: Sequence[str]) -> NDArray[np.float64]:
    """(resamples, points): each run's mean over the same resampled clusters, so that runs are compared in pairs."""
    names = sorted({points[0].clusters[sample] for sample in shared})
    index = np.array([names.index(points[0].clusters[sample]) for sample in shared])
    sizes = np.bincount(index, minlength=len(names)).astype(np.float64)
    drawn = resampled(len(names), SEED)
    columns = []
    for point in points:
        sums = np.bincount(index, [point.values[sample] for sample in shared], len(names))
        columns.append((drawn @ sums) / (drawn @ sizes))
    made: NDArray[np.float64] = np.stack(columns, axis=1)
    return made


def slope(points: Sequence[Point], measure: str) -> dict[str, Figure]:
    """The gain in score for ten times the amount: least squares on log10, samples' clusters resampled in all runs."""
    ordered, shared = together(points)
    clusters = len({ordered[0].clusters[sample] for sample in shared})
    amounts = [point.amount for point in ordered]
    if any(amount is None or amount <= 0 for amount in amounts) or len(set(amounts)) < 2:
        reason = "it takes runs of at least two different amounts above 0"
        return {measure: Figure(len(shared), clusters, reason=reason)}
    if clusters < FEWEST:
        return {measure: too_few(len(shared), clusters, unit="pictures")}
    x = np.log10(np.array(amounts, dtype=np.float64))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    observed = np.array([mean(point.values[sample] for sample in shared) for point in ordered])
    low, high = np.percentile(_resampled_means(ordered, shared) @ weights, (2.5, 97.5))
    note = f"{len(ordered)} runs, on the {len(shared)} samples that all of them scored"
    return {measure: Figure(len(shared), clusters, float(observed @ weights), float(low), float(high), note=note)}


def data_curve(points: Sequence[Point]) -> dict[str, Figure]:
    return slope(points, "data_gain")


def hours_curve(points: Sequence[Point]) -> dict[str, Figure]:
    return slope(points, "hours_gain")


def spread(points: Sequence[Point]) -> dict[str, Figure]:
    """Mean over repeated trainings with Student's interval, and their sample standard deviation with the chi-square's.

    A run counts once: its samples are the same in every run, so they say nothing of how trainings differ.
    """
    _, shared = together(points)
    means = [mean(point.values[sample] for sample in shared) for point in points]
    n = len(means)
    if n < 2:
        few = too_few(n, n, 2, "trainings")
        return {"repeats_mean": few, "repeats_deviation": few}
    middle, deviation = mean(means), stdev(means)
    half = T95[min(n - 1, len(T95)) - 1] * deviation / math.sqrt(n)
    low, high = _chi_square_ends(n - 1)
    return {
        "repeats_mean": Figure(n, n, middle, middle - half, middle + half),
        "repeats_deviation": Figure(n, n, deviation, deviation * low, deviation * high),
    }


def _chi_square_ends(freedom: int) -> tuple[float, float]:
    """What a sample standard deviation is multiplied by for the ends of its 95 % interval, draws of a normal assumed.

    From the chi-square distribution by a fixed draw of 200,000, which is exact to about 1 %.
    """
    drawn = np.random.default_rng(SEED).chisquare(freedom, 200_000)
    least, most = np.percentile(drawn, (2.5, 97.5))
    return math.sqrt(freedom / float(most)), math.sqrt(freedom / float(least))


RUNS_PROBES: tuple[RunsProbe, ...] = (
    RunsProbe(
        "training-data",
        "Scaling with training data",
        "The tuned arm's score over runs of the same task with checkpoints that were trained on different amounts of "
        "data (Med-Idefics, figure 3), on the samples that all runs scored. Each run's own mean has its interval.",
        (Measure("data_gain", "Gained with ten times the data", "least-squares slope on log10 of the amount", "high"),),
        data_curve,
        2,
    ),
    RunsProbe(
        "training-hours",
        "Quality against training hours",
        "The same against the hours that the training took.",
        (Measure("hours_gain", "Gained with ten times the hours", "least-squares slope on log10 of hours", "high"),),
        hours_curve,
        2,
    ),
    RunsProbe(
        "repeats",
        "Spread over repeated trainings",
        "Runs of the same task with checkpoints that were trained alike but for the seed: mean and standard deviation "
        "of the runs' means. n counts trainings.",
        (
            Measure("repeats_mean", "Mean over trainings", "mean of the runs' means, Student's interval", "high"),
            Measure("repeats_deviation", "Spread over trainings", "standard deviation, chi-square interval", "low"),
        ),
        spread,
        2,
    ),
)
