"""Intervals cover what they should, grow with dependence, and are refused where there is too little."""

import numpy as np
import pytest

from medvlm import resampling
from medvlm.outcomes.verdicts import nets
from medvlm.statistics import FIXED_READERS, MOST_CLUSTERS, Figure, wilson
from tests.vote_cases import FIRST, Vote, table, true_net, votes


def net(rows: list[Vote], seed: int = 1) -> Figure:
    values = nets(table(rows), FIRST)
    return resampling.mean(values, [v.case for v in rows], [v.reader for v in rows], seed=seed)


def test_too_few_cases_give_a_reason_and_no_number() -> None:
    found = resampling.mean([1.0] * 27, [i // 3 for i in range(27)])
    assert found == Figure(27, 9, reason="too few: 9 cases, 10 needed")
    assert resampling.mean([], []) == Figure(0, 0, reason="too few: 0 cases, 10 needed")


def test_a_ratio_counts_only_what_has_a_bottom() -> None:
    found = resampling.ratio([1, 0] * 10 + [0], [1, 1] * 10 + [0], range(21), bounds=(0, 1))
    assert (found.n, found.clusters, found.value) == (20, 20, 0.5)
    assert found.low is not None and found.high is not None and 0.2 < found.low < 0.35 and 0.65 < found.high < 0.8


@pytest.mark.parametrize(("value", "bounds"), [(1.0, (0.0, 1.0)), (0.0, (-1.0, 1.0)), (-1.0, (-1.0, 1.0))])
def test_where_all_agree_the_interval_is_wilsons_and_not_a_point(value: float, bounds: tuple[float, float]) -> None:
    found, unseen = resampling.mean([value] * 20, range(20), bounds=bounds), wilson(0, 20)
    assert unseen is not None
    assert found.value == value
    assert found.low == pytest.approx(value - unseen.high * (value - bounds[0]))
    assert found.high == pytest.approx(value + unseen.high * (bounds[1] - value))


def test_below_ten_readers_they_count_as_fixed_and_the_figure_says_so() -> None:
    few, many = net(votes(40, 9, 0.3, reader_spread=1.0)), net(votes(40, 10, 0.3, reader_spread=1.0))
    assert few.note == FIXED_READERS and many.note == ""
    assert many.high is not None and many.low is not None and few.high is not None and few.low is not None
    # Readers who differ by as much as the votes' own noise: the spread of ten of them is most of the doubt.
    assert many.high - many.low > 1.5 * (few.high - few.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    data = votes(30, 3, 0.3)
    assert net(data, 1) == net(data, 1) != net(data, 2)


def test_many_cases_are_drawn_in_groups_without_changing_the_width() -> None:
    rows = np.stack([np.random.default_rng(0).normal(0.2, 1, 5 * MOST_CLUSTERS), np.ones(5 * MOST_CLUSTERS)], axis=1)
    spread = resampling.quotients(rows).std()
    assert spread == pytest.approx(1 / np.sqrt(len(rows)), rel=0.1)


def test_an_undefined_statistic_is_no_number() -> None:
    def never(sums: resampling.Numbers) -> resampling.Numbers:
        return np.full(sums.shape[:-1], np.nan)

    def sometimes(sums: resampling.Numbers) -> resampling.Numbers:
        return np.where(sums[..., 0] > 17, 1.0, np.nan)

    rows = np.array([[1.0]] * 18 + [[0.0]] * 2)
    assert resampling.figure(rows, never, 20, "nothing to tell").reason == "nothing to tell"
    assert "in " in resampling.figure(rows, sometimes, 20, "nothing to tell").reason
    assert resampling.figure(rows, sometimes, 20, "nothing to tell").value is None


@pytest.mark.parametrize(
    ("cases", "readers", "reader_spread"), [(20, 3, 0.0), (40, 12, 0.6)], ids=["fixed readers", "sampled readers"]
)
def test_intervals_cover_in_simulated_studies(cases: int, readers: int, reader_spread: float) -> None:
    truth, trials = true_net(0.3, 0.5, reader_spread), 120
    found = [net(votes(cases, readers, 0.3, 0.5, reader_spread, seed), seed) for seed in range(trials)]
    covered = sum(f.low is not None and f.high is not None and f.low <= truth <= f.high for f in found)
    # 114 of 120 are due; under 93 to 97 % the binomial's 0.1 % quantiles are 102 and 120, and all would be too wide.
    assert 103 <= covered <= 119
