"""Scores of short answers: ours read whole words, LLaVA-Med's are reproduced with their quirks."""

import pytest

from medvlm.metrics import compat, strict
from medvlm.metrics.text import normalised, words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes", "yes"),
        ("No.", "no"),
        ("Yes, there is no doubt", "yes"),
        ("No, but yes on the other side", "no"),
        ("the lungs are normal", None),
        ("note the nodule", None),
        ("I would say yes", "yes"),
        ("it is yes and no", None),
        ("there is no effusion", "no"),
        ("the heart is not enlarged", "no"),
        ("it isn't enlarged", "no"),
        ("it isn\u2019t enlarged", "no"),
        ("I cannot tell", None),
        ("it is not clear", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_yes_and_no_are_whole_words(text: str, said: str | None) -> None:
    assert strict.yes_no(text) == said


@pytest.mark.parametrize(
    ("answer", "reference", "choices", "verdict"),
    [
        ("Yes", "yes", (), "right"),
        ("no", "Yes", (), "wrong"),
        ("the lungs are normal", "no", (), "unparsed"),
        ("The Axial.", "axial", (), "right"),
        ("axial plane", "axial", (), "wrong"),
        ("CT scan", "ct", ("CT", "MRI"), "unparsed"),
        ("MRI", "CT", ("CT", "MRI"), "wrong"),
        ("  ", "axial", (), "unparsed"),
    ],
)
def test_closed_answers_get_a_verdict(answer: str, reference: str, choices: tuple[str, ...], verdict: str) -> None:
    assert strict.closed(answer, reference, choices) == verdict


def test_words_leave_punctuation_and_articles_out_and_decimals_whole() -> None:
    assert words("The left-sided 2.9 cm mass, a nodule.") == ["left", "sided", "2.9", "cm", "mass", "nodule"]
    assert normalised("X-Ray!") == normalised("x ray")


def test_repetition_does_not_pay() -> None:
    # Shared: min(4, 1) "lung"; recall 1/2, precision 1/5, F1 2 * 0.1 / 0.7 = 2/7, the 0.29 of SQuAD's F1.
    found = strict.overlap("lung lung lung lung heart", "left lung")
    assert found is not None
    assert (found.recall, found.precision) == (0.5, 0.2)
    assert found.f1 == pytest.approx(2 / 7)


def test_an_empty_reference_is_unscored_and_an_empty_answer_scores_nothing() -> None:
    assert strict.overlap("lung", "the") is None
    assert strict.overlap("", "lung") == strict.Overlap(0.0, 0.0, 0.0)
    assert strict.exact("The Lung.", "lung") and not strict.exact("lungs", "lung")


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("the lungs are normal", "no", True),
        ("yes, there is a nodule", "no", True),  # "nodule" holds "no"
        ("cannot tell", "no", True),
        ("yes and no", "yes", True),
        ("axial", "axial", False),
        ("no, it is axial", "axial", True),
        ("right", "yes", False),
        ("Yes", "yes", True),
        ("yes", "no", False),
    ],
)
def test_llava_meds_closed_answers_are_substrings(answer: str, reference: str, right: bool) -> None:
    assert compat.closed_correct(answer, reference) is right


def test_llava_meds_open_scores_count_repetition() -> None:
    # tp 4 ("lung" as often as the answer has it), fp 1 ("heart"), fn 1 ("left").
    score = compat.open_score("lung lung lung lung heart", "left lung")
    assert (score.recall, score.precision) == (0.8, 0.8)
    assert score.f1 == pytest.approx(0.8)
    assert compat.open_score("", "lung") == compat.open_score("heart", "lung") == compat.OpenScore(0.0, 0.0, 0.0)
    assert compat.open_score("heart", "") == compat.OpenScore(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "is_now"),
    [
        ("X-ray", "x ray"),  # the hyphen touches no space: it becomes one
        ("X-ray - chest", "xray chest"),  # it touches a space somewhere: it goes everywhere
        ("1,000 x-rays", "1000 xrays"),  # digits with a comma between: every mark goes
        ("left, right", "left right"),
        ("left,right", "left right"),
        ("2.5 cm.", "2.5 cm"),
        ("none of the two", "0 of 2"),
        ("An apple", "apple"),
        ("it isnt", "it isn't"),
        ("patient's: left", "patient's: left"),  # apostrophes and colons survive
        ("." * 40, "." * 8),  # only the first 32 periods go
    ],
)
def test_llava_meds_normalisation_keeps_its_quirks(text: str, is_now: str) -> None:
    assert compat.normalise(text) == is_now


def test_the_two_profiles_disagree_where_they_should() -> None:
    assert (
        compat.closed_correct("the lungs are normal", "no") and strict.closed("the lungs are normal", "no") != "right"
    )
    assert not compat.closed_correct("axial", "axial") and strict.closed("axial", "axial") == "right"
