"""From probes' values to figures: means with intervals over pictures, and differences between two sets of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medvlm.probes.asked import Measure, Value
from medvlm.statistics import FEWEST, SEED, Figure, by_cluster, clustered, resampled, too_few, wilson


def figure(measure: Measure, values: Sequence[Value]) -> Figure:
    """A measure's figure over the values of its probe; what is unscored is counted in the note."""
    if measure.minus is not None:
        return difference(*(_named(values, name) for name in measure.minus))
    return mean_figure(_named(values, measure.name))


def _named(values: Sequence[Value], name: str) -> list[Value]:
    return [one for one in values if one.measure == name]


def mean_figure(values: Sequence[Value]) -> Figure:
    """The mean with a bootstrap over clusters. Too few clusters: no value, and why.

    Where all are 0 or all are 1, a bootstrap would call that certain: then Wilson's interval, each cluster one trial.
    """
    scored = [(one.value, one.cluster) for one in values if one.value is not None]
    clusters = {cluster for _, cluster in scored}
    note = unscored_note(values)
    if len(clusters) < FEWEST:
        few = too_few(len(scored), len(clusters), unit="pictures")
        return Figure(few.n, few.clusters, reason=few.reason, note=note)
    numbers = [number for number, _ in scored]
    if set(numbers) in ({0.0}, {1.0}):
        found = wilson(len(clusters) if numbers[0] else 0, len(clusters))
    else:
        found = clustered(numbers, [cluster for _, cluster in scored])
    assert found is not None
    return Figure(len(scored), len(clusters), found.value, found.low, found.high, note=note)


def unscored_note(values: Sequence[Value]) -> str:
    """ "3 of 40 unscored: an empty answer (3)"; empty where all are scored."""
    reasons: dict[str, int] = {}
    for one in values:
        if one.value is None:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
    if not reasons:
        return ""
    told = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    return f"{sum(reasons.values())} of {len(values)} unscored: {told}"


def difference(first: Sequence[Value], second: Sequence[Value]) -> Figure:
    """The mean of the first minus that of the second, pictures of each resampled by themselves."""
    parts = [[(o.value, o.cluster) for o in part if o.value is not None] for part in (first, second)]
    note = "; ".join(text for part in (first, second) if (text := unscored_note(part)))
    n, clusters = sum(map(len, parts)), [len({cluster for _, cluster in part}) for part in parts]
    if min(clusters) < FEWEST:
        few = too_few(n, min(clusters), unit="pictures on either side")
        return Figure(few.n, few.clusters, reason=few.reason, note=note)
    one, other = (
        _means([v for v, _ in part], [c for _, c in part], SEED + number) for number, part in enumerate(parts)
    )
    low, high = np.percentile(one - other, (2.5, 97.5))
    value = float(np.mean([v for v, _ in parts[0]]) - np.mean([v for v, _ in parts[1]]))
    return Figure(n, sum(clusters), value, float(low), float(high), note=note)


def _means(values: Sequence[float], clusters: Sequence[str], seed: int) -> NDArray[np.float64]:
    """(resamples,): the mean of each resample of clusters."""
    sums, sizes = by_cluster(values, clusters)
    drawn = resampled(len(sums), seed)
    means: NDArray[np.float64] = (drawn @ sums) / (drawn @ sizes)
    return means


def all_figures(measures: Sequence[Measure], values: Sequence[Value]) -> Mapping[str, Figure]:
    """Measure name -> figure, in the probe's order."""
    return {measure.name: figure(measure, values) for measure in measures}


def difference_of_arms(
    measures: Sequence[Measure], tuned: Sequence[Value], base: Sequence[Value]
) -> Mapping[str, Figure]:
    """Measure name -> mean of tuned minus base over what both arms could score, answer by answer."""
    made = {}
    for measure in measures:
        if measure.minus is None:
            other = {one.sample: one.value for one in _named(base, measure.name)}
            both = [replace(one, value=less(one.value, other.get(one.sample))) for one in _named(tuned, measure.name)]
            made[measure.name] = mean_figure([one for one in both if one.value is not None])
    return made


def less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second
