"""Scores of short answers: ours read whole words, LLaVA-Med's are reproduced with their quirks."""

import pytest

from medvlm.metrics import compat, strict
from medvlm.metrics.text import normalised, words


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


def test_an_empty_reference_is_unscored_and_an_empty_answer_scores_nothing() -> None:
    assert strict.overlap("lung", "the") is None
    assert strict.overlap("", "lung") == strict.Overlap(0.0, 0.0, 0.0)
    assert strict.exact("The Lung.", "lung") and not strict.exact("lungs", "lung")


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
