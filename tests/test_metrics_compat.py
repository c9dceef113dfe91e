"""Other people's scores, bug for bug, against tables worked out by hand."""

from fractions import Fraction
from typing import Any

import pytest

from medvlm.metrics import compat, med_idefics, medevalkit
from medvlm.metrics.relative import Pair, by_group, first_domain, mean_of_ratios, ratio_of_means, relative
from tests.golden_rows import number, rows

OPEN, CLOSED = rows("llava_med_open"), rows("llava_med_closed")


def test_the_llava_med_table_has_at_least_100_cases() -> None:
    assert len(OPEN) + len(CLOSED) >= 100
    assert len({row["id"] for row in OPEN + CLOSED}) == len(OPEN) + len(CLOSED)


@pytest.mark.parametrize("row", OPEN, ids=lambda row: str(row["id"]))
def test_llava_meds_open_scores_agree_to_the_last_digit(row: dict[str, Any]) -> None:
    score = compat.open_score(row["answer"], row["reference"])
    recall, precision = number(row["recall"]), number(row["precision"])
    assert (score.recall, score.precision) == (recall, precision), row["why"]
    # The same two operations on the two quotients: the last digit of the F1 is that of this arithmetic.
    assert score.f1 == (2 * precision * recall / (precision + recall) if recall else 0.0)
    assert score.f1 == pytest.approx(number(row["f1"]), abs=1e-15)


@pytest.mark.parametrize("row", OPEN, ids=lambda row: str(row["id"]))
def test_the_tables_own_arithmetic_holds(row: dict[str, Any]) -> None:
    tp, fp, fn = row["tp"], row["fp"], row["fn"]
    if not tp:
        assert (row["recall"], row["precision"], row["f1"]) == ("0", "0", "0")
        return
    assert Fraction(row["recall"]) == Fraction(tp, tp + fn)
    assert Fraction(row["precision"]) == Fraction(tp, tp + fp)
    assert Fraction(row["f1"]) == Fraction(2 * tp, 2 * tp + fp + fn)


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: str(row["id"]))
def test_llava_meds_closed_answers_are_substrings(row: dict[str, Any]) -> None:
    assert compat.closed_correct(row["answer"], row["reference"]) is row["right"], row["why"]
    counted = compat.closed_without_zeros(row["answer"], row["reference"])
    assert counted is (row["right"] if row["counted"] else None), row["why"]


def test_the_tables_means_are_those_of_llava_med() -> None:
    recalls = [compat.open_score(row["answer"], row["reference"]).recall for row in OPEN]
    assert sum(recalls) / len(recalls) == pytest.approx(float(sum(Fraction(r["recall"]) for r in OPEN) / len(OPEN)))
    # 29 right of 52; with forgotten zeros the 7 wrong ones that name yes or no leave: 29 of 45.
    right = sum(compat.closed_correct(row["answer"], row["reference"]) for row in CLOSED)
    kept = [compat.closed_without_zeros(row["answer"], row["reference"]) for row in CLOSED]
    assert (right, len(CLOSED), sum(one is not None for one in kept)) == (29, 52, 45)


@pytest.mark.parametrize("row", rows("llava_med_others"), ids=lambda row: str(row["id"]))
def test_llava_meds_other_scores(row: dict[str, Any]) -> None:
    score: float
    if row["kind"] == "exact":
        score = compat.exact_match(row["answer"], row["reference"])
    elif row["kind"] == "open_hit":
        score = float(compat.open_hit(row["answer"], row["reference"], row["candidates"]))
    else:
        score = compat.bleu(row["answer"], row["reference"], int(row["kind"][-1]))
    assert score == pytest.approx(number(row["value"]), abs=1e-15), row["why"]


def test_open_accuracy_needs_candidates() -> None:
    with pytest.raises(ValueError, match="at least one"):
        compat.open_hit("lung", "lung", [])


@pytest.mark.parametrize("row", rows("llava_med_relative"), ids=lambda row: str(row["id"]))
def test_relative_scores_both_ways(row: dict[str, Any]) -> None:
    pairs = [Pair(*pair) for pair in row["pairs"]]
    for score, wanted in ((mean_of_ratios(pairs), "mean_of_ratios"), (ratio_of_means(pairs), "ratio_of_means")):
        if row[wanted] is None:
            assert score is None
        else:
            assert score == pytest.approx(number(row[wanted]), rel=1e-14), row["why"]


def test_unscored_questions_enter_no_relative_score() -> None:
    # (5/10 + 10/10) / 2; (5 + 10) / 20; None and the reference of 0 stand aside.
    found = relative([Pair(10, 5), None, Pair(10, 10), Pair(0, 3)])
    assert (found.n, found.unscored, found.mean_of_ratios, found.ratio_of_means) == (2, 2, 0.75, 0.75)
    assert relative([None]).mean_of_ratios is None
    with pytest.raises(ZeroDivisionError):
        mean_of_ratios([Pair(0, 3)])


def test_groups_are_scored_apart_and_together() -> None:
    items = [("a", Pair(10, 5)), ("b", Pair(5, 10)), ("a", None), (None, Pair(8, 8))]
    found = by_group(items, lambda item: item[0], lambda item: item[1])
    assert list(found) == ["a", "b", "overall"]
    assert (found["a"].mean_of_ratios, found["a"].unscored) == (0.5, 1)
    assert (found["overall"].n, found["overall"].unscored) == (3, 1)


def test_the_first_true_domain_counts() -> None:
    assert first_domain({"gross": True, "histology": True, "mri": False}) == "histology"
    assert first_domain({"chest_xray": False}) is None


@pytest.mark.parametrize("row", rows("medevalkit"), ids=lambda row: str(row["id"]))
def test_medevalkits_scores(row: dict[str, Any]) -> None:
    if row["kind"] == "closed":
        assert medevalkit.closed_correct(row["answer"], row["reference"]) == row["value"], row["why"]
    elif row["kind"] == "equal":
        assert medevalkit.closed_equal(row["answer"], row["reference"]) == row["value"], row["why"]
    else:
        score = medevalkit.open_scores(row["answer"], row["reference"])
        assert score is not None and score.em == row["em"]
        assert score.bleu[0] == pytest.approx(number(row["bleu1"]), rel=1e-14), row["why"]
        for name in ("true_precision", "true_recall", "true_f1"):
            assert getattr(score, name) == pytest.approx(number(row[name]), rel=1e-14), row["why"]
        for name in ("rouge1", "rouge2", "rougel"):
            assert getattr(score, name) == pytest.approx(number(row[name]), abs=1e-8), row["why"]


def test_medevalkits_labels_are_one_place_off() -> None:
    score = medevalkit.open_scores("right upper lobe of lung", "right upper lobe")
    assert score is not None  # precision 3/5, recall 1, F1 3/4, each printed under the next name
    assert (score.precision, score.recall, score.f1) == pytest.approx((0.75, 0.6, 1.0))


@pytest.mark.parametrize(("answer", "reference"), [("", "lung"), ("lung", ""), (" . ", "lung"), ("...", "lung")])
def test_where_medevalkit_stops_the_answer_is_unscored(answer: str, reference: str) -> None:
    assert medevalkit.open_scores(answer, reference) is None


def test_medevalkits_judge_counts_hits_twice() -> None:
    graded = [
        medevalkit.Graded(closed=True, right=True, reply="<judge>0</judge>"),
        medevalkit.Graded(closed=True, right=False, reply="<judge>1</judge>"),
        medevalkit.Graded(closed=False, right=True, reply="<think>same</think><judge>0</judge>"),
        medevalkit.Graded(closed=False, right=False, reply=None),
    ]
    # Rules: closed 1 of 2, open 1 of 2, all 2 of 4.
    assert medevalkit.by_rules(graded) == medevalkit.Accuracies(0.5, 0.5, 0.5)
    # VQA-RAD judges the open two: 1 approved; the total keeps both rule hits and adds it: 3 of 4.
    assert medevalkit.with_judge(graded, "vqa_rad") == medevalkit.Accuracies(0.75, 0.5, 0.5)
    # SLAKE judges all: closed 1 by rule + 1 by judge of 2; total 1 closed by rule + 2 approved of 4.
    assert medevalkit.with_judge(graded, "slake") == medevalkit.Accuracies(0.75, 0.5, 1.0)
    assert medevalkit.with_judge([], "slake") == medevalkit.Accuracies(None, None, None)


@pytest.mark.parametrize("row", rows("med_idefics"), ids=lambda row: str(row["id"]))
def test_med_idefics_scores_with_and_without_cutting(row: dict[str, Any]) -> None:
    answer, reference = row["answer"], row["reference"]
    assert med_idefics.answer_span(answer) == row["span"]
    for cut in (False, True):
        wanted = row["cut" if cut else "uncut"]
        assert med_idefics.contains_reference(answer, reference, cut) is wanted["inside"], row["why"]
        assert med_idefics.within_reference(answer, reference, cut) is wanted["reverse"], row["why"]
        assert med_idefics.f1(answer, reference, cut) == pytest.approx(number(wanted["f1"]), rel=1e-14), row["why"]
        assert med_idefics.bleu1(answer, reference, cut) == pytest.approx(number(wanted["bleu1"]), rel=1e-14), row[
            "why"
        ]
