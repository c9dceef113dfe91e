"""What is shown of scores: figures as worked out by hand, filters, pairing, and nothing made of what is unscored."""

import math
from dataclasses import replace

import numpy as np
import pytest

from medvlm import statistics
from medvlm.scoreboard import sides as scoreboard
from medvlm.scoreboard.board import board, scale, title
from medvlm.scoreboard.case_list import flips, opened, page
from medvlm.scoreboard.kindred import label, probes, same_data
from medvlm.scoreboard.query import Query, query, selection, side, side_text, table_of, which
from medvlm.scoreboard.sentences import sentence
from medvlm.scoreboard.sides import Selection, Side, compared, groups, overall
from medvlm.scoreboard.spread import histogram
from tests.score_cases import Case, both, many, run

FIRST, SECOND = Side("first", "tuned"), Side("first", "base")


def shown(made: object = None, **chosen: object) -> scoreboard.Compared:
    found = board(made or many())  # type: ignore[arg-type]
    return compared({found.name: found}, Selection(FIRST, SECOND, "strict_closed", **chosen))  # type: ignore[arg-type]


def test_figures_are_those_worked_out_by_hand() -> None:
    """CT: tuned 45 of 60, base 15 of 60; chest X-ray: both 30 of 60."""
    whole = overall(shown())
    assert (whole.first.value, whole.first.n) == (75 / 120, 120)
    assert whole.second is not None and whole.second.value == 45 / 120
    assert whole.difference is not None and whole.difference.value == pytest.approx(30 / 120)
    wilson = statistics.wilson(75, 120)
    assert wilson is not None and (whole.first.low, whole.first.high) == (wilson.low, wilson.high)
    by = {one.name: one for one in groups(shown(), "domain")}
    assert list(by) == ["cxr", "ct"]
    assert by["ct"].first.value == 0.75 and by["ct"].second is not None and by["ct"].second.value == 0.25
    assert by["cxr"].difference is not None and by["cxr"].difference.value == 0
    assert by["cxr"].p == 1.0


def test_differences_are_paired_and_corrected_for_their_number() -> None:
    """CT: i % 4 of 0, 1, 2, 3 is base right and tuned right, both wrong, tuned alone, tuned alone: 30 against 0."""
    by = {one.name: one for one in groups(shown(), "domain")}
    assert by["ct"].p == statistics.mcnemar(30, 0)
    assert by["ct"].corrected == pytest.approx(2 * statistics.mcnemar(30, 0))
    assert by["ct"].difference is not None and by["ct"].difference.excludes_zero


def test_unscored_is_counted_and_enters_no_figure() -> None:
    cases = [Case(f"q{i}", "ct", both(1.0 if i < 5 else None, 1.0 if i < 8 else None)) for i in range(10)]
    whole = overall(shown(run(cases)))
    assert (whole.first.n, whole.first.value, whole.unscored) == (8, 1.0, (2, 5))
    assert whole.difference is not None and whole.difference.n == 5


def test_filters_leave_what_they_say() -> None:
    assert overall(shown(domain="ct")).first.n == 60
    assert overall(shown(domain="ct", kind="POS")).first.n == 30
    assert overall(shown(domain="mri")).first.n == 0 and overall(shown(domain="mri")).first.value is None
    assert [one.name for one in groups(shown(domain="ct"), "kind")] == ["POS", "PRES"]


def test_two_runs_are_paired_by_their_questions() -> None:
    one = board(run([Case(f"q{i}", "ct", both(0.0, 1.0)) for i in range(20)]))
    other = board(run([Case(f"q{i}", "ct", both(0.0, float(i % 2))) for i in range(19, 9, -1)], name="second"))
    boards = {"first": one, "second": other}
    found = compared(boards, Selection(FIRST, Side("second", "tuned"), "strict_closed"))
    whole = overall(found)
    assert whole.second is not None and whole.difference is not None
    assert (whole.first.n, whole.second.n, whole.difference.n) == (20, 10, 10)
    assert (whole.second.value, whole.difference.value) == (0.5, 0.5)
    assert found.second_score(11) == 1.0 and found.second_score(10) == 0.0 and found.second_score(2) is None


def test_few_pictures_have_a_mean_and_no_interval() -> None:
    cases = [Case(f"q{i}", "ct", both(0.5, 0.75, "strict_f1"), cluster=f"p{i % 4}", closed=False) for i in range(40)]
    found = board(run(cases))
    whole = overall(compared({"first": found}, Selection(FIRST, SECOND, "strict_f1")))
    assert (whole.first.value, whole.first.low, whole.first.clusters) == (0.75, None, 4)
    assert "4 pictures" in whole.first.reason


def test_means_by_group_agree_with_the_slow_bootstrap() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(80), 3)
    values = rng.normal(0.5, 0.2, 240) + rng.normal(0, 0.3, 80)[clusters]
    (made,) = statistics.means_by_group(values, clusters, np.zeros(240, dtype=np.int64), 1)
    slow = statistics.clustered(list(values), list(clusters))
    assert slow is not None and made.figure.value == pytest.approx(slow.value)
    assert made.figure.low == pytest.approx(slow.low, abs=0.012) and made.figure.high == pytest.approx(
        slow.high, abs=0.012
    )


def test_many_clusters_are_drawn_in_groups_of_the_same_spread() -> None:
    rng = np.random.default_rng(2)
    values, clusters = rng.normal(0, 1, 5000), np.arange(5000)
    (made,) = statistics.means_by_group(values, clusters, np.zeros(5000, dtype=np.int64), 1)
    assert made.figure.low is not None and made.figure.high is not None
    assert made.figure.high - made.figure.low == pytest.approx(2 * 1.96 / 5000**0.5, rel=0.12)
    assert made.figure.clusters == 5000


def test_holm_multiplies_the_smallest_most_and_never_falls_back() -> None:
    # 0.01 x 4; 0.02 x 3; 0.03 x 2 = 0.06 as before; 0.4 x 1. None stays out of the number.
    assert statistics.holm([0.02, None, 0.01, 0.4, 0.03]) == pytest.approx([0.06, None, 0.04, 0.4, 0.06], nan_ok=True)
    assert statistics.holm([]) == [] and statistics.holm([0.9, 0.8]) == [1.0, 1.0]


def test_mcnemar_is_the_same_by_logarithms() -> None:
    """Beyond 1,000 pairs that differ, held against the sum in whole numbers."""
    for first, second in ((600, 500), (3000, 2900), (1500, 1500), (1200, 0)):
        n = first + second
        whole = 2 * sum(math.comb(n, k) for k in range(min(first, second) + 1)) / (1 << n)
        assert statistics.mcnemar(first, second) == pytest.approx(min(1.0, whole), rel=1e-9)


def test_what_is_gone_is_replaced_and_never_an_error() -> None:
    found = {"first": board(many())}
    for asked in (Query(run="gone"), Query(metric="gone"), Query(against="gone|base"), Query(domain="x", kind="y")):
        assert selection(found, asked) == Selection(FIRST, SECOND, "strict_closed") if not asked.against else True
    assert selection(found, Query(against="none")) == Selection(FIRST, None, "strict_closed")
    assert selection(found, Query(against="gone|base")) == Selection(FIRST, None, "strict_closed")
    assert selection({}, Query()) is None
    unscored = board(replace(many(), scores=()))
    assert selection({"first": unscored}, Query()) is None


def test_a_query_takes_nothing_but_short_texts() -> None:
    made = query({"run": "x" * 999, "metric": 7, "start": -4, "kind": ["a"], "evil": "yes"})
    assert (len(made.run), made.metric, made.start, made.kind) == (300, "", 0, "")
    assert query("nonsense") == query(None) == Query()
    assert side(side_text(FIRST)) == FIRST and side("first|neither") is None and side_text(None) == "none"
    assert which(Query(which="differ")) == "differ" and which(Query(which="evil")) == "all"
    narrowed = table_of(Selection(FIRST, None, "m"), Query(at_domain="ct", at_kind="POS"))
    assert (narrowed.domain, narrowed.kind) == ("ct", "POS")


def test_the_default_is_the_newest_run_on_real_pictures_without_a_caution() -> None:
    made = [
        many(name="drawn", real=False, created="2027"),
        many(name="seen", notes=("Seen in training.",), created="2027"),
        many(name="old", created="2020"),
        many(name="new", created="2026"),
        many(name="probe", task="vqa-rad:blank", created="2028"),
        many(name="trial", limit=4, created="2028"),
        many(name="again", notes=("Measured before it was rounded.",), created="2025"),
    ]
    boards = {one.info.name: board(one) for one in made}
    chosen = scoreboard.default(boards)
    assert chosen is not None and chosen.first == Side("new", "tuned")


def test_at_a_glance_stands_the_newest_whole_run_of_each_weights_on_each_data() -> None:
    made = [
        many(name="old", created="2020"),
        many(name="new", created="2026"),
        many(name="mine", adapter_sha256="m"),
        many(name="drawn", real=False, dataset="phantoms", created="2028"),
        many(name="probe", task="vqa-rad:blank", adapter_sha256="p"),
        many(name="trial", limit=4, adapter_sha256="t"),
    ]
    listed = scoreboard.glance({one.info.name: board(one) for one in made})
    names = [found.selection.first.run for found, _ in listed]
    assert names == ["mine", "new", "drawn"] and all(whole.first.value == 75 / 120 for _, whole in listed)


def test_cases_are_listed_by_what_is_wrong_with_them() -> None:
    found = shown()
    assert [page(found, one).total for one in ("all", "differ", "first wrong", "second wrong", "unscored")] == [
        120, 30, 45, 75, 0
    ]  # fmt: skip
    third = page(found, start=50, size=25)
    assert (third.start, len(third.lines), third.lines[0].place) == (50, 25, 50)
    assert page(found, start=9999, size=25).start == 100
    assert page(found, words="CT-7").total == 1
    line = page(found, words="ct-7").lines[0]
    assert line.texts == ("tuned says <b>ct-7</b>", "base says <b>ct-7</b>") and line.scores == (1.0, 0.0)
    assert page(shown(domain="mri")).lines == ()


def test_an_opened_case_has_every_verdict_of_both_sides() -> None:
    found = shown(run([Case("q", "ct", both(None, 1.0))]))
    one = opened(found, 0)
    assert [(s.arm, a.text if a else "", [(v.metric, v.value, v.reason) for v in vs]) for s, a, vs in one.sides] == [
        ("tuned", "tuned says <b>q</b>", [("strict_closed", 1.0, "")]),
        ("base", "base says <b>q</b>", [("strict_closed", None, "could not be read")]),
    ]
    with pytest.raises(IndexError):
        opened(found, 1)


def test_flips_are_the_items_that_another_metric_scores_otherwise() -> None:
    cases = [
        Case(f"q{i}", "ct", {"tuned": {"strict_closed": float(i < 6), "compat_closed": float(i % 2), "strict_f1": 0.5}})
        for i in range(10)
    ]
    found = board(run(cases))
    (one,) = flips(compared({"first": found}, Selection(FIRST, None, "strict_closed")))
    # Strict right: 0 to 5; compatible right: 1, 3, 5, 7, 9. Down: 0, 2, 4; up: 7, 9.
    assert (one.second, one.n, one.counted()) == ("compat_closed", 10, {"up": 2, "down": 3, "scored": 0, "unscored": 0})
    assert one.effect == pytest.approx(-0.1) and [flip.id for flip in one.flips] == ["q0", "q2", "q4", "q7", "q9"]


def test_histograms_hold_every_score() -> None:
    cases = [Case(f"q{i}", "ct", both(i / 100, i / 50, "strict_f1"), closed=False) for i in range(51)]
    found = board(run(cases))
    spread = histogram(compared({"first": found}, Selection(FIRST, SECOND, "strict_f1")))
    assert spread is not None and spread.second is not None
    assert spread.first.sum() == spread.second.sum() == 51 and spread.second[10:].sum() == 1
    assert histogram(shown(domain="mri")) is None
    shares = histogram(shown())
    assert shares is not None and shares.share and list(shares.first) == [45, 75]


def test_relative_scores_go_with_the_judges_points() -> None:
    cases = [Case(f"q{i}", "ct", both(4.0, 8.0, "judge_x"), closed=False) for i in range(12)]
    cases = [
        replace(one, scores={a: {**v, "judge_x_relative": v["judge_x"] / 8} for a, v in one.scores.items()})  # type: ignore[operator]
        for one in cases
    ]
    boards = {"first": board(run(cases))}
    found = compared(boards, Selection(FIRST, SECOND, "judge_x"))
    assert scale("judge_x", [found.first]) == "points"
    made = scoreboard.relative(boards, found)
    assert made is not None and overall(made).second is not None and overall(made).second.value == 0.5  # type: ignore[union-attr]
    assert scoreboard.relative(boards, made) is None


def test_probes_are_runs_of_the_same_weights_under_another_condition() -> None:
    cases = [Case(f"q{i}", "ct", both(0.0, float(i % 2))) for i in range(20)]
    made = [
        many(),
        run(cases, name="blank", task="vqa-rad:blank-picture"),
        run(cases, name="other weights", task="vqa-rad:blank-picture", adapter_sha256="b" * 64),
    ]
    boards = {one.info.name: board(one) for one in made}
    found = compared(boards, Selection(FIRST, SECOND, "strict_closed"))
    (one,) = probes(boards, found)
    assert (one.run, one.label) == ("blank", "blank picture")
    rivals = same_data(boards, found)
    assert [(s.run, s.arm) for s in rivals] == [("first", "tuned"), ("first", "base")]
    assert label(boards["first"], "base") == "nano"


def test_a_figure_is_a_sentence_that_stands_alone() -> None:
    found = shown(domain="ct")
    said = sentence(found, overall(found), "first")
    for part in (
        "nano-med (tuned)",
        "VQA-RAD, test split, CT",
        "75.0 % [",
        "n = 60",
        "run first",
        "Not for diagnosis.",
    ):
        assert part in said, said
    gap = sentence(found, overall(found), "difference")
    assert "minus nano (base)" in gap and "+50.0 points [+" in gap and "paired" in gap
    drawn = shown(many(real=False))
    assert "drawings" in sentence(drawn, overall(drawn), "second")
    alone = board(many())
    only = compared({"first": alone}, Selection(FIRST, None, "strict_closed"))
    assert sentence(only, overall(only), "second") == sentence(only, overall(only), "difference") == ""


def test_metrics_have_names_for_people() -> None:
    assert (
        title("compat_open") == "Open recall · open questions · llava-med" and title("judge_x_first") == "judge x first"
    )
