"""What is made of finished dialogues: reasons for their answers, and whether a dialogue is left out."""

from dataclasses import replace
from pathlib import Path

import pytest

from medvlm.claims.statements import Exchange
from tests.generate_cases import CYST, MASS, Scripted, made
from train.generate.faults import Fault
from train.generate.filtering import Filter
from train.generate.making import TRIES
from train.generate.reason import ANSWER, Reason, each
from train.generate.sources import Kind, Source

YES = Exchange("Is there a cyst in the liver?", "Yes, there is a cyst.")
STEPS = "1. The picture is a CT scan of the liver.\n2. A round dark area lies on the left, which is a cyst.\n"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (STEPS + "Answer: Yes", None),
        (STEPS, None),
        (STEPS + "Answer: No, there is none.", "answer changed"),
        ("The picture is a CT scan of the liver.\nThere is no cyst in it.\nAnswer: Yes", "contradiction"),
        ("As the caption and the text mention, a cyst can be seen by all.\nAnswer: Yes", "giveaway"),
        ("Answer: Yes", "too short"),
    ],
)
def test_reasoning_ends_with_the_very_answer_or_is_dropped(reply: str, outcome: Fault | None, tmp_path: Path) -> None:
    source = replace(CYST, exchanges=(YES,))
    tally, kept = made(Reason(), Scripted(reply), tmp_path, source, kind="reasoning")
    assert tally.dropped == ({outcome: 1} if outcome else {})
    for _, said in kept.all:
        lines = said[0].answer.splitlines()
        assert said[0].question == YES.question and lines[-1] == ANSWER + YES.answer and not lines[0].startswith("1")


def test_each_answer_is_reasoned_for_by_itself_and_a_source_without_one_is_refused(tmp_path: Path) -> None:
    two = list(each([replace(CYST, exchanges=(YES, YES)), MASS]))
    assert [one.id for one in two] == ["cyst-1", "cyst-2"]
    tally, _ = made(Reason(), Scripted(STEPS), tmp_path, MASS, kind="reasoning")
    assert tally.dropped == {"format": 1}


def dialogue(*said: tuple[str, str], caption: str = CYST.caption, kind: Kind = "conversation") -> Source:
    return replace(CYST, caption=caption, exchanges=tuple(Exchange(*one) for one in said), kind=kind)


FINE = ("What kind of picture is it?", "It is a CT scan.")
COPIED = "In this patient an axial CT scan of the liver with a 2 cm cyst on the left was made after the first visit."
FILTERED: list[tuple[Source, str, Fault | None]] = [
    (dialogue(FINE), "Good.\nScore: 8", None),
    (dialogue(FINE), "Bad.\nScore: 2", "score"),
    (dialogue(FINE), "It is fine.", "format"),
    (dialogue(("Is there a cyst?", "No, there is no cyst.")), "Score: 9", "contradiction"),
    (
        dialogue(("Is there a mass?", "Yes."), caption="CT of a liver. There is a cyst, no mass."),
        "Score: 9",
        "contradiction",
    ),
    (dialogue(("Is there a cyst?", "Yes."), caption="CT without contrast with a cyst, no mass."), "Score: 9", None),
    (dialogue(("Is there a cyst?", "Yes, there is a cyst."), ("Is there a cyst?", "No.")), "Score: 9", "contradiction"),
    (dialogue(("Anything else?", "Yes, there is a fracture.")), "Score: 9", "unsupported"),
    (dialogue(("What?", "The caption names a cyst.")), "Score: 9", "giveaway"),
    (dialogue(("What?", "...")), "Score: 9", "empty"),
    (dialogue(("What?", "Das ist ein Bild der Leber mit einer Zyste und ohne Blutung.")), "Score: 9", "language"),
    (dialogue(("What?", "It is dark there. " * 20)), "Score: 9", "repeats"),
    (dialogue(("What?", COPIED), caption=COPIED), "Score: 9", "copied"),
    (dialogue(("Describe it.", COPIED), caption=COPIED, kind="detailed description"), "Score: 9", None),
]


@pytest.mark.parametrize(("source", "judged", "fault"), FILTERED)
def test_a_filter_names_why_a_dialogue_is_left_out(
    source: Source, judged: str, fault: Fault | None, tmp_path: Path
) -> None:
    model = Scripted(judged)
    tally, kept = made(Filter(6), model, tmp_path, source, kind=source.kind)
    assert tally.dropped == ({fault: 1} if fault else {})
    assert len(model.asked) == {None: 1, "score": 1, "format": TRIES}.get(fault, 0), (
        "rules come first, judges are not begged"
    )
    assert kept.all == ([] if fault else [("cyst", source.exchanges)])


def test_the_same_long_dialogue_under_another_caption_is_a_duplicate(tmp_path: Path) -> None:
    long = dialogue(
        FINE, ("What does it show?", " ".join(["It shows", *"abcdefghijklmnopqrstuvwxyz", "and the liver of a man."]))
    )
    model = Scripted("Score: 7")
    given = [
        replace(one, caption=caption) for one in (long, dialogue(FINE)) for caption in ("A CT.", "A CT.", "Another CT.")
    ]
    tally, _ = made(Filter(6), model, tmp_path, *given)
    assert tally.kept == 5 and tally.dropped == {"duplicate": 1}
