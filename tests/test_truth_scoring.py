"""Texts held against what a phantom shows: right, wrong and missed are told apart; our own captions are all right."""

import random
from dataclasses import replace

import pytest

from medvlm.claims.truth_scoring import TruthScore, score
from medvlm.phantoms import captions
from medvlm.phantoms.truth import Finding, Side, Truth
from tests.phantom_truths import kept_truths

EFFUSION = Finding("pleural effusion", "left", "lower zone")
NODULES = Finding("nodule", "right", "upper zone", count=2)
POSSIBLE = ("pleural effusion", "nodule", "pneumothorax", "cardiomegaly", "consolidation")


def chest(*findings: Finding) -> Truth:
    return Truth("cxr", "X-ray", "chest", "lungs", "PA", None, findings, POSSIBLE, "A grey picture.")


def facets(found: TruthScore) -> list[tuple[str, str, str]]:
    return [(one.facet, one.outcome, one.finding) for one in found.checked]


def test_a_whole_right_description_scores_1() -> None:
    found = score(
        "There is an effusion in the left lower zone and two nodules in the right upper zone.", chest(EFFUSION, NODULES)
    )
    # 2 findings, 2 sides, 2 places, 1 number.
    assert (found.count("right"), found.count("wrong"), found.count("missed"), found.value) == (7, 0, 0, 1.0)
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_wrong_side_place_and_number_are_wrong_once_each() -> None:
    found = score("Three nodules in the left lower zone.", chest(NODULES))
    assert facets(found) == [
        ("finding", "right", "nodule"),
        ("side", "wrong", "nodule"),
        ("place", "wrong", "nodule"),
        ("count", "wrong", "nodule"),
    ]
    assert found.value == 0.25 and found.precision == 1.0
    assert [(one.said, one.truth) for one in found.checked[1:]] == [
        ("left", "right"),
        ("lower zone", "upper zone"),
        ("3", "2"),
    ]


def test_a_finding_that_is_not_there_is_wrong_and_one_that_is_not_said_is_missed() -> None:
    found = score("There is a pneumothorax.", chest(EFFUSION))
    assert facets(found) == [("finding", "wrong", "pneumothorax"), ("finding", "missed", "pleural effusion")]
    assert (found.value, found.precision, found.recall) == (0.0, 0.0, 0.0)


def test_denying_what_is_there_misses_it_once() -> None:
    found = score("There is no effusion.", chest(EFFUSION))
    assert facets(found) == [("finding", "missed", "pleural effusion")] and found.value == 0.0


def test_right_denials_are_kept_and_earn_nothing() -> None:
    found = score("No pneumothorax, nodule or consolidation.", chest(EFFUSION))
    assert found.count("right", "denial") == 3 and found.value == 0.0
    assert score("No pneumothorax.", chest()).value is None, "nothing was claimed and nothing is there"


def test_normal_is_right_of_a_normal_picture_only() -> None:
    assert score("The lungs are clear.", chest()).value == 1.0
    found = score("The picture looks normal.", chest(EFFUSION))
    assert facets(found) == [("normal", "wrong", "normal"), ("finding", "missed", "pleural effusion")]


def test_maybe_is_neither_right_nor_wrong_nor_missed() -> None:
    found = score("There may be an effusion.", chest(EFFUSION))
    assert (found.unsure, found.checked, found.value) == (1, (), None)


def test_only_what_was_asked_for_can_be_missed() -> None:
    truth = chest(EFFUSION, NODULES)
    assert score("There is an effusion.", truth).recall == 0.5
    assert score("There is an effusion.", truth, about=("pleural effusion",)).recall == 1.0


def test_many_is_more_than_one() -> None:
    assert score("Multiple nodules.", chest(NODULES)).value == 1.0
    assert score("Multiple nodules.", chest(replace(NODULES, count=1))).count("wrong", "count") == 1


def test_saying_a_finding_twice_earns_it_once() -> None:
    found = score("There is an effusion. An effusion is seen. Effusion.", chest(EFFUSION))
    assert found.count("right", "finding") == 1 and found.value == 1.0


def test_each_claim_is_held_against_the_finding_that_fits_it() -> None:
    two = chest(Finding("nodule", "left", "upper zone"), Finding("nodule", "right", "lower zone"))
    found = score("There is a nodule in the right lower zone.", two)
    assert [one.outcome for one in found.checked] == ["right"] * 3


@pytest.mark.parametrize("text", ["", "What is this?", "This is a chest X-ray."])
def test_a_text_that_says_nothing_misses_everything(text: str) -> None:
    assert score(text, chest(EFFUSION)).value == 0.0
    assert score(text, chest()).value is None


def test_all_that_our_own_captions_say_is_right() -> None:
    for seed, truth in enumerate(kept_truths()[::10]):
        for caption in (captions.brief, captions.detailed):
            text = caption(truth, random.Random(seed))
            found = score(text, truth)
            assert (found.value, found.unsure) == (1.0, 0), f"{text} {facets(found)}"


def test_captions_of_mirrored_truths_have_the_wrong_side() -> None:
    swap: dict[Side | None, Side] = {"left": "right", "right": "left"}
    checked = 0
    for seed, truth in enumerate(kept_truths()[::7]):
        text = captions.detailed(truth, random.Random(seed))
        if len(truth.findings) != 1 or not score(text, truth).count("right", "side"):
            continue
        (lone,) = truth.findings
        if lone.side not in swap:
            continue
        found = score(text, replace(truth, findings=(replace(lone, side=swap[lone.side]),)))
        assert found.count("wrong", "side") >= 1 and found.count("right", "side") == 0, text
        checked += 1
    assert checked >= 50
