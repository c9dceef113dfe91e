"""Every named metric runs, keeps unscored apart from 0, and can be held against every other."""

import pytest

from medvlm.metrics.flips import compare
from medvlm.metrics.profiles import METRICS, Item, Metric, Summary, summarise, summary

CLOSED = {
    "1": Item("yes", "yes", True),
    "2": Item("the lungs are normal", "no", True),
    "3": Item("axial", "axial", True),
    "4": Item("yes, there is a nodule", "no", True),
    "5": Item("maybe", "yes", True),
}
OPEN = {"6": Item("lung lung lung lung heart", "left lung", False), "7": Item("left lung", "left lung", False)}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: str(metric.name))
def test_every_metric_scores_what_it_is_for(metric: Metric) -> None:
    items = [item for item in (CLOSED | OPEN).values() if metric.scores(item)]
    assert items
    values = [metric.score(item) for item in items]
    assert any(value is not None for value in values)
    if metric.name != "length_ratio":
        assert all(value is None or 0 <= value <= 1 + 1e-9 for value in values)
    if metric.share:
        assert {value for value in values if value is not None} <= {0.0, 1.0}
    right = Item("left lung", "left lung", False) if metric.applies == "open" else Item("yes", "yes", True)
    assert metric.score(right) == pytest.approx(1.0, abs=1e-8), "what says the same gets all there is"


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: str(metric.name))
def test_every_metric_tells_a_wrong_answer_from_a_right_one(metric: Metric) -> None:
    wrong = Item("a totally other thing", "lung", False) if metric.applies == "open" else Item("yes", "no", True)
    assert metric.score(wrong) in ({None, 0.0} if metric.name != "length_ratio" else {4.0})


def test_unscored_is_never_0_and_is_always_told() -> None:
    found = summary(METRICS["strict_closed_parsed"], list(CLOSED.values()))
    # yes/yes right, normal/no unparsed, axial right, yes/no wrong, maybe/yes unparsed: 2 of 3 parsed.
    assert (found.n, found.unscored, found.scored) == (5, 2, 3)
    assert found.value == pytest.approx(2 / 3) and found.unscored_share == 0.4
    assert found.sentence() == "66.7 %, n = 3 (2 of 5 unscored, 40.0 %)"
    assert summary(METRICS["strict_closed"], list(CLOSED.values())).value == pytest.approx(2 / 5)


def test_nothing_scored_has_no_value() -> None:
    assert summarise([None, None]) == Summary(2, 2, None)
    assert summarise([None]).sentence() == "not scored, n = 0 (1 of 1 unscored, 100.0 %)"
    assert summarise([]).sentence() == "no items" and summarise([]).unscored_share is None


def test_a_metric_leaves_other_items_alone() -> None:
    assert summary(METRICS["compat_open"], list(CLOSED.values())).n == 0


def test_flips_between_profiles_are_listed_with_their_effect() -> None:
    found = compare(CLOSED | OPEN, METRICS["compat_closed"], METRICS["strict_closed"])
    # LLaVA-Med: 1 right, 2 right (NOrmal), 3 wrong, 4 right (NOdule), 5 wrong; strict: 1 and 3 right.
    assert [flip.id for flip in found.flips] == ["2", "3", "4"]
    assert [flip.direction for flip in found.flips] == ["down", "up", "down"]
    assert (found.n, found.both, found.mean_first, found.mean_second) == (5, 5, 0.6, 0.4)
    assert found.effect == pytest.approx(-0.2)
    assert found.counted() == {"up": 1, "down": 2, "scored": 0, "unscored": 0}


def test_what_only_one_side_scores_is_a_flip_of_its_own() -> None:
    found = compare(CLOSED, METRICS["compat_closed"], METRICS["strict_closed_parsed"])
    assert found.counted() == {"up": 1, "down": 1, "scored": 0, "unscored": 2}
    assert (found.both, found.unscored_first, found.unscored_second) == (3, 0, 2)
    # Over 1, 3 and 4, which both score: 1, 0, 1 against 1, 1, 0.
    assert found.effect == 0.0 and found.mean_first == 0.6
    back = compare(CLOSED, METRICS["strict_closed_parsed"], METRICS["compat_closed"])
    assert back.counted()["scored"] == 2


def test_the_open_profiles_differ_where_words_are_repeated() -> None:
    found = compare(OPEN, METRICS["compat_open"], METRICS["strict_open"])
    # 4/5 against 1/2 on the first, 1 against 1 on the second.
    assert [flip.id for flip in found.flips] == ["6"] and found.effect == pytest.approx(-0.15)


def test_no_items_have_no_effect() -> None:
    found = compare({}, METRICS["compat_open"], METRICS["strict_open"])
    assert (found.n, found.effect, found.flips) == (0, None, ())
