"""Figures of probes: their intervals, differences of arms, curves over runs and the spread of repeated trainings."""

import math
from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import DatasetError
from medvlm.probes.asked import Measure, agree, quality
from medvlm.probes.curves import Point, data_curve, hours_curve, spread
from medvlm.probes.figures import difference, difference_of_arms, mean_figure
from tests.probe_cases import subject, values


def test_quality_is_right_or_not_for_closed_and_f1_for_open_questions() -> None:
    assert [quality(subject(0), text) for text in ("Yes.", "no", "perhaps")] == [1.0, 0.0, 0.0]
    side = replace(subject(0, "Where?", "left lung"), closed=False)
    assert quality(side, "the left lung") == 1.0 and quality(side, "left") == pytest.approx(2 / 3)
    assert quality(replace(side, reference="?"), "left") is None
    assert agree("Yes, there is.", "yes") and not agree("yes", "no") and agree("The left lung", "left lung.")


def test_a_figure_has_its_n_its_clusters_and_what_is_unscored() -> None:
    found = mean_figure(values([1.0, 0.0] * 15 + [None], 2))
    assert (found.n, found.clusters, found.value) == (30, 15, 0.5)
    assert found.note == "1 of 31 unscored: silent (1)"
    few = mean_figure(values([1.0] * 9))
    assert few.value is None and few.reason == "too few: 9 pictures, 10 needed"


def test_all_right_is_not_certain() -> None:
    found = mean_figure(values([1.0] * 20))
    # Wilson for 20 of 20: 1 / (1 + z^2 / 20) = 20 / 23.841.
    assert found.value == 1.0 and found.high == 1.0 and found.low == pytest.approx(20 / (20 + 1.959964**2))


def test_a_difference_of_two_sets_covers_the_truth() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(40):
        first = values(list(map(float, rng.random(60) < 0.7)), 3)
        second = values(list(map(float, rng.random(60) < 0.5)), 3)
        found = difference(first, second)
        assert found.low is not None and found.high is not None
        held += found.low <= 0.2 <= found.high
    assert held >= 32, "95 % intervals: fewer of 40 has a chance below one in a thousand"


def test_arms_differ_answer_by_answer() -> None:
    measure = Measure("m", "m", "m", "high")
    tuned, base = values([1.0] * 12 + [None]), values([0.0] * 6 + [1.0] * 6 + [1.0])
    found = difference_of_arms([measure], tuned, base)["m"]
    assert (found.n, found.value) == (12, 0.5)


def point(name: str, amount: float | None, chance: float, seed: int = 0, samples: int = 300) -> Point:
    rng = np.random.default_rng(seed)
    right_ = {f"s{n}": float(rng.random() < chance) for n in range(samples)}
    return Point(name, amount, right_, {f"s{n}": f"p{n // 3}" for n in range(samples)})


def test_a_scaling_curve_finds_its_slope() -> None:
    # Exactly linear in log10: 0.2, 0.4, 0.6 of the same samples.
    exact = [
        Point(
            f"r{n}",
            10.0**n,
            {f"s{k}": float(k % 10 < 2 * n) for k in range(100)},
            {f"s{k}": f"p{k}" for k in range(100)},
        )
        for n in (1, 2, 3)
    ]
    found = data_curve(exact)["data_gain"]
    assert found.value == pytest.approx(0.2) and found.low is not None and found.low > 0 and found.clusters == 100
    assert hours_curve(exact)["hours_gain"].value == pytest.approx(0.2)
    assert data_curve(list(reversed(exact)))["data_gain"] == found, "the order of the runs says nothing"


def test_a_curve_of_one_amount_has_no_slope() -> None:
    same = [point("a", 5, 0.5), point("b", 5, 0.5, 1)]
    assert data_curve(same)["data_gain"].value is None
    assert data_curve([point("a", 0, 0.5), point("b", 5, 0.5)])["data_gain"].reason.startswith("it takes runs of")


def test_runs_of_other_samples_make_no_curve() -> None:
    with pytest.raises(DatasetError, match="no sample in common"):
        data_curve([point("a", 1, 0.5), Point("b", 2, {"x": 1.0}, {"x": "x"})])


def test_a_slope_of_nothing_covers_zero_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(40):
        found = data_curve([point("a", 10, 0.5, seed, 90), point("b", 100, 0.5, seed + 1000, 90)])["data_gain"]
        assert found.low is not None and found.high is not None
        held += found.low <= 0 <= found.high
    assert held >= 32, "fewer of 40 has a chance below one in a thousand"


def test_spread_over_trainings_is_by_student_and_chi_square() -> None:
    runs = [Point(f"r{n}", None, {"s": value}, {"s": "p"}) for n, value in enumerate((0.5, 0.6, 0.7))]
    found = spread(runs)
    middle, deviation = found["repeats_mean"], found["repeats_deviation"]
    # Mean 0.6, deviation 0.1; t(2) = 4.303: 0.6 +- 4.303 * 0.1 / sqrt(3). Chi-square(2) ends: 0.0506 and 7.378.
    assert middle.value == pytest.approx(0.6) and middle.high == pytest.approx(0.6 + 0.4303 / math.sqrt(3))
    assert deviation.value == pytest.approx(0.1)
    assert deviation.low == pytest.approx(0.1 * math.sqrt(2 / 7.378), rel=0.02)
    assert deviation.high == pytest.approx(0.1 * math.sqrt(2 / 0.0506), rel=0.02)
    assert spread(runs[:1])["repeats_mean"].value is None
