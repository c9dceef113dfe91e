"""Image reliance: what is asked about, how far an answer moved, the score and the warnings."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medvlm.page.region import Region
from medvlm.page.viewing import Look
from medvlm.probes import Brake, Inquiry
from medvlm.probes.reliance import (
    FOREIGN,
    PROBES,
    Kind,
    Piece,
    Reliance,
    Trial,
    change,
    judged,
    mirrored,
    pieces,
    probes,
    reliance,
    side,
    swapped,
)
from medvlm.types import DOMAIN_NAMES, Arm, Conversation, Decoding, Domain, Scan, Window
from tests.fakes import FakeModel, Script


def inquiry(domain: Domain = "cxr") -> Inquiry:
    """A grey picture with a bright spot at its left."""
    pixels = np.random.default_rng(0).integers(0, 90, (40, 60)).astype(np.uint16)
    pixels[10:20, 5:15] = 255
    window = Window(255, 127.5, "LINEAR_EXACT")
    scan = Scan((pixels,), domain, "file", "0" * 64, "a scan", window=window)
    return Inquiry(scan, Look("stored", 2, 0, window, False, (1, 0, 0, 1)), "Where is the spot?")


def spot(conversation: Conversation, arm: Arm) -> str:
    """An answer that looks: at which side of the picture is what is white?"""
    white = conversation.scans[0].slices[0][..., 0] > 240
    if not white.any():
        return "No, there is no spot."
    columns = np.nonzero(white)[1]
    return f"The spot is on the {'left' if columns.mean() < white.shape[1] / 2 else 'right'}."


def tried(script: Script, domain: Domain = "cxr") -> Reliance:
    asked = inquiry(domain)
    return judged(list(reliance(FakeModel(script), asked, probes(asked), "tuned", Decoding(), Brake())))


def trial(kind: Kind, text: str, against: str = "") -> Trial:
    return Trial(kind, kind, text, change(against or text, text), ())


def by_kind(found: Reliance) -> dict[Kind, Trial]:
    return {one.kind: one for one in found.trials}


@pytest.mark.parametrize("kind", PROBES)
def test_every_probe_is_a_picture_and_all_but_the_first_are_others(kind: Kind) -> None:
    asked = inquiry()
    probe = PROBES[kind](asked)
    assert probe is not None and probe.kind == kind and probe.label
    assert probe.pixels.dtype == np.uint8 and probe.pixels.ndim == 3 and probe.pixels.shape[2] == 3
    assert np.array_equal(probe.pixels, asked.pixels()) == (kind == "own")


def test_the_blank_picture_is_one_grey_as_bright_as_the_own_and_as_large() -> None:
    own, empty, *_ = probes(inquiry())
    assert empty.pixels.shape == own.pixels.shape and len(np.unique(empty.pixels)) == 1
    assert abs(float(empty.pixels.mean()) - float(own.pixels.mean())) <= 0.5


def test_the_mirrored_picture_has_left_and_right_exchanged() -> None:
    asked = inquiry()
    assert np.array_equal(mirrored(asked).pixels[:, ::-1], asked.pixels())


@pytest.mark.parametrize("domain", DOMAIN_NAMES)
def test_each_kind_of_picture_is_swapped_for_its_own_kind_and_for_another(domain: Domain) -> None:
    labels = {probe.kind: probe.label for probe in probes(inquiry(domain))}
    assert FOREIGN[domain] not in (domain, "other")
    assert DOMAIN_NAMES[FOREIGN[domain]].lower() in labels["foreign"].lower()
    if domain == "other":
        assert "swapped" not in labels, "of an unknown kind there is no other picture"
    else:
        assert DOMAIN_NAMES[domain].lower() in labels["swapped"].lower()


def test_whoever_asks_about_the_very_picture_that_stands_in_gets_another() -> None:
    first = swapped(inquiry("ct"))
    assert first is not None
    scan = Scan((first.pixels,), "ct", "file", "0" * 64, "phantom")
    second = swapped(Inquiry(scan, Look("stored", 2, 0, None, False, (1, 0, 0, 1)), "?"))
    assert second is not None and not np.array_equal(first.pixels, second.pixels)


def test_a_model_that_looks_scores_one_and_is_not_warned_of() -> None:
    found = tried(spot)
    changes = {kind: one.change for kind, one in by_kind(found).items()}
    assert changes["own"] == 0 and changes["blank"] > 0.5 and changes["mirrored"] == 1
    expected = (changes["blank"] + max(changes["swapped"], changes["foreign"])) / 2
    assert found.score == pytest.approx(expected) and found.score > 0 and found.warnings == ()


def test_a_model_that_never_looks_scores_zero_and_is_warned_of() -> None:
    found = tried(lambda *_: "The spot is on the left.")
    assert found.score == 0
    blank, side_stays = found.warnings
    assert blank.startswith("The answer does not change with a blank picture") and blank.count(".") == 1
    assert "still says left when the picture is mirrored" in side_stays


def test_the_score_counts_the_blank_and_whichever_other_picture_moved_the_answer_more() -> None:
    told = [trial("own", "Yes.")]
    told += [trial("blank", "No.", "Yes."), trial("swapped", "Yes."), trial("foreign", "Yes.")]
    assert judged(told).score == 0.5 and judged(told).warnings == ()
    assert judged([*told[:3], trial("foreign", "No.", "Yes.")]).score == 1.0
    assert judged([*told[:2], trial("foreign", "Yes.")]).score == 0.5, "without another of its kind the foreign counts"


def test_there_is_no_score_before_blank_and_another_picture_were_tried() -> None:
    told = [trial("own", "Yes."), trial("blank", "Yes.")]
    assert judged(told[:1]).score is None and judged(told).score is None and judged(()).score is None
    assert len(judged(told).warnings) == 1, "the warning needs no more than the blank picture"


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("Yes.", "yes", 0.0),
        ("The nodule is on the left.", "Nodule is on the left", 0.0),
        ("Yes, there is an effusion.", "No, there is no effusion.", 1.0),
        ("It is in the left lung.", "It is in the right lung.", 1.0),
        ("Both the left and the right lung", "The left lung", 1 - 2 * 2 / 7),
        ("one two three four", "one two five six", 0.5),
        ("one two", "three four", 1.0),
        ("", "something", 1.0),
        ("", "", 0.0),
    ],
)
def test_an_answer_moves_by_its_words_and_wholly_by_a_no_or_another_side(before: str, after: str, moved: float) -> None:
    assert change(before, after) == pytest.approx(moved)


def test_a_side_is_named_where_only_one_is() -> None:
    assert [side(text) for text in ("on the LEFT", "right, not left", "nowhere", "bright")] == [
        "left",
        None,
        None,
        None,
    ]


def test_changed_words_are_marked_as_they_were_written() -> None:
    assert pieces("A nodule on the left.", "The nodule, on the right.") == (
        Piece("The", True), Piece("nodule, on the", False), Piece("right.", True),
    )  # fmt: skip
    assert pieces("Same words.", "Same words.") == (Piece("Same words.", False),)
    assert pieces("Something.", "") == ()


def test_what_is_stopped_keeps_what_was_found() -> None:
    asked, brake, count = inquiry(), Brake(), 0

    def pulling(conversation: Conversation, arm: Arm) -> str:
        nonlocal count
        count += 1
        if count == 3:
            brake()
        return "Yes."

    made: list[Any] = list(reliance(FakeModel(pulling), asked, probes(asked), "tuned", Decoding(), brake))
    assert [one.kind for one in made] == ["own", "blank"]


def test_a_question_about_a_region_is_asked_again_about_that_region_and_not_mirrored() -> None:
    asked = replace(inquiry(), region=Region("box", 0.1, 0.2, 0.5, 0.6))
    kinds = [probe.kind for probe in probes(asked)]
    assert "mirrored" not in kinds and kinds[:2] == ["own", "blank"]
    talk = asked.about(asked.pixels())
    assert talk.turns[0].text.endswith(asked.question) and talk.turns[0].text != asked.question
    assert all(view.scan < len(talk.scans) for view in talk.turns[0].views)
