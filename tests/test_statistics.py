"""Intervals agree with published figures and cover what they should."""

import numpy as np
import pytest

from medvlm import statistics


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score, without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    found = statistics.wilson(hits, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == hits / n


def test_nothing_asked_has_no_share() -> None:
    assert statistics.wilson(0, 0) is None
    assert statistics.clustered([], []) is None
    assert statistics.balanced_accuracy([], []) is None
    with pytest.raises(ValueError, match="5 of 3"):
        statistics.wilson(5, 3)
    with pytest.raises(ValueError, match="2 values and 1 clusters"):
        statistics.clustered([1.0, 0.0], ["a"])


def test_mcnemar_is_exact() -> None:
    # 10 pairs differ, 1 against 9: 2 * (1 + 10) / 2^10.
    assert statistics.mcnemar(1, 9) == statistics.mcnemar(9, 1) == 22 / 1024
    assert statistics.mcnemar(0, 0) == statistics.mcnemar(3, 3) == 1.0


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one() -> None:
    values, clusters = list(np.random.default_rng(0).random(60)), [i // 3 for i in range(60)]
    first, again, other = (statistics.clustered(values, clusters, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first is not None and other is not None
    assert first.low < first.value < first.high
    assert first.value == pytest.approx(np.mean(values))
    assert other.low == pytest.approx(first.low, abs=0.01)


def test_questions_of_one_picture_are_not_counted_as_independent() -> None:
    values = [float(i % 2) for i in range(40) for _ in range(5)]
    together = statistics.clustered(values, [i for i in range(40) for _ in range(5)])
    apart = statistics.clustered(values, range(200))
    assert together is not None and apart is not None
    # Five equal answers a picture: the standard error grows by the square root of five.
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(5**0.5, rel=0.1)


def test_a_paired_difference_is_surer_than_two_means() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(80)
    first, second = list(hard + 0.1), list(hard)
    found = statistics.paired(first, second, range(80))
    assert found is not None and found.excludes_zero
    assert found.value == pytest.approx(0.1)
    assert found.high - found.low < 1e-9
    none = statistics.paired(second, second, range(80))
    assert none is not None and not none.excludes_zero


def test_intervals_cover_in_simulation() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(100):
        pictures = rng.normal(0.5, 0.2, 50)
        values = [p + e for p in pictures for e in rng.normal(0, 0.1, 4)]
        found = statistics.clustered(values, [i for i in range(50) for _ in range(4)], trial, resamples=400)
        assert found is not None
        covered += found.low <= 0.5 <= found.high
    # 95 of 100 are due; the binomial's 0.1 % quantile is 87, and a percentile bootstrap of 50 clusters is a bit short.
    assert 86 <= covered <= 99


def test_balanced_accuracy_weighs_classes_alike() -> None:
    truths = ["ct"] * 8 + ["mri"] * 2
    found = statistics.balanced_accuracy(truths, [True] * 8 + [False, True])
    assert found is not None
    assert found.value == 0.75  # (8/8 + 1/2) / 2
    assert 0.4 < found.low < 0.6 and 0.9 < found.high < 1.0


def test_a_few_right_answers_are_no_certainty() -> None:
    found = statistics.balanced_accuracy(["ct"] * 5 + ["mri"] * 4, [True] * 9)
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0) and 0.7 < found.low < 0.9
