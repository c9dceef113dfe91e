"""Contradictions between answers: claims, conflicts, the sentences, and how well the rules do on real answers.

`contradiction_pairs.jsonl` holds 602 pairs of answers of nano ("base") and nano-med ("tuned", or its sister that never
saw the pictures kept back): to one question by both arms (`kind` "arms"), or to two questions about one picture by one
arm ("turns"). The 136 pictures are VQA-RAD's, phantoms of the test split and a histology tile. Pairs were drawn
at random among those that share a content word or name a side; so conflicts are commoner here than in a conversation.

How they were labelled, by reading, before the first rule was written: "negation" where one answer says that a finding
or a quality is there (or that a thing is normal) and the other denies the same, different words for the same thing
included. A general denial excludes what is more special ("no pneumothorax" and "a pneumothorax in the left apex"); a
special denial excludes nothing general ("no left pneumothorax" and "a pneumothorax"). Saying where something is says
that it is there. "side" where one thing is put at the left and at the right, or at a side and not at that side. "none"
for everything else: other lobes, sizes, counts, planes and modalities that exclude each other; answers that contradict
themselves ("No, the spleen is present"), repeat themselves, or are no statement.

`split` is by picture: "held_out" for every third, by a hash of its name; no rule was made or changed because of these
pairs, which were tried when all rules stood. A second reading, before that, changed two labels (one in each part);
`first_label` keeps what they were. "later" are 41 pairs of whole sentences as the chat gives them, about two pictures,
drawn and labelled when all rules stood.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medvlm.claims.contradictions import Conflict, between, conflict, in_conversation, marks, sentence, short
from medvlm.claims.statements import Claim, Exchange, claims, side_of, topic_of
from medvlm.types import Conversation, View

PAIRS = Path(__file__).parent / "contradiction_pairs.jsonl"


@dataclass(frozen=True, slots=True)
class Tally:
    """How the rules did on some pairs."""

    hits: int
    false_alarms: int
    missed: int

    @property
    def precision(self) -> float:
        return self.hits / (self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        return self.hits / (self.hits + self.missed)


def pairs(split: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["split"] == split]


def exchange(row: dict[str, str]) -> Exchange:
    return Exchange(row["question"], row["answer"])


def tally(rows: list[dict[str, Any]], label: str) -> Tally:
    found = [conflict(exchange(row["first"]), exchange(row["second"])) is not None for row in rows]
    wanted = [row.get(label, row["label"]) != "none" for row in rows]
    pairs_ = list(zip(found, wanted, strict=True))
    return Tally(pairs_.count((True, True)), pairs_.count((True, False)), pairs_.count((False, True)))


def test_the_pairs_are_many_and_a_third_of_them_by_picture_is_held_out() -> None:
    known, kept = pairs("rules"), pairs("held_out")
    assert len(known) + len(kept) >= 150 and 0.25 <= len(kept) / (len(known) + len(kept)) <= 0.4
    assert not {row["picture"] for row in known} & {row["picture"] for row in kept}
    assert sum(row["label"] != "none" for row in kept) >= 30


@pytest.mark.parametrize("label", ["label", "first_label"])
def test_the_rules_find_contradictions_of_real_answers_they_were_not_made_on(label: str) -> None:
    held_out = tally(pairs("held_out"), label)
    assert held_out.precision >= 0.9 and held_out.recall >= 0.6
    # Golden: 34 of 34 marks were right (33 of 34 by the first reading), 1 contradiction was missed.
    assert held_out == (Tally(34, 0, 1) if label == "label" else Tally(33, 1, 1))


def test_the_rules_still_do_on_the_answers_that_they_were_made_on() -> None:
    assert tally(pairs("rules"), "label") == Tally(71, 1, 4)


def test_the_rules_do_on_answers_that_came_after_them() -> None:
    assert tally(pairs("later"), "label") == Tally(5, 1, 0)


YES, NO = "Yes.", "No."


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (("Is there a nodule?", YES), ("Is there a nodule?", NO), "negation"),
        (("Is there a nodule?", YES), ("Are there any nodules?", "No nodules are seen."), "negation"),
        (("Any haemorrhage?", YES), ("Is there bleeding?", NO), "negation"),
        (("Describe it.", "There is a right pleural effusion."), ("Is there an effusion?", NO), "negation"),
        (("Is there an effusion?", NO), ("Where is the effusion?", "left lung base"), "negation"),
        (("Is there a left effusion?", YES), ("Is there an effusion?", NO), "negation"),
        (("Is there a left effusion?", NO), ("Is there an effusion?", YES), None),
        (("Is there a left effusion?", NO), ("Is there a right effusion?", YES), None),
        (("Is there a mass?", NO), ("Is there a mass effect?", YES), None),
        (("Is the heart normal in size?", YES), ("Is the heart enlarged?", "Yes, it is."), "negation"),
        (("Is the heart of normal size?", "No, it is enlarged."), ("Is the heart enlarged?", NO), "negation"),
        (
            ("Does it look normal?", "It looks normal; I see no abnormality."),
            ("And?", "There is a nodule."),
            "negation",
        ),
        (("Does it look normal?", YES), ("Is there a central line?", YES), None),
        (
            ("Which side is affected?", "The mass is on the left."),
            ("Where is it?", "The mass is on the right."),
            "side",
        ),
        (("On which side is the mass?", "Right."), ("Is the mass on the right?", NO), "side"),
        (("On which side is the mass?", "Right."), ("Is the mass on the left?", NO), None),
        (("On which side is the mass?", "Right."), ("Is the mass on the left?", YES), "side"),
        (("Is the mass on the left?", YES), ("Is the mass on the right?", YES), None),
        (("Left or right: where is the mass?", "both sides"), ("Is the mass on the left?", YES), None),
        (("And there?", "On the left I see no mass."), ("Where is it?", "The mass is on the left."), "side"),
        (("Any findings?", "There is a nodule."), ("Anything else abnormal?", NO), None),
        (("Any findings?", "There is a nodule."), ("And?", "No, apart from it I see nothing abnormal."), None),
        (("Is there a nodule?", "I cannot tell."), ("Is there a nodule?", NO), None),
        (("Is the spleen present?", "No, the spleen is present."), ("Is the spleen present?", YES), None),
        (("Is contrast used or not?", "No, it uses contrast."), ("Was contrast given?", YES), None),
        (("Contrast or no contrast?", NO), ("Has contrast been given?", YES), "negation"),
        # How it was taken denies nothing, unless that is what is asked.
        (
            ("Is there a mass?", "There is a mass in the liver on a CT without IV contrast."),
            ("Is there a mass?", YES),
            None,
        ),
        (("Is there a mass?", "Yes, a CT without contrast shows a mass."), ("Is there a mass?", NO), "negation"),
        (("Was contrast given?", "No, it is a CT without contrast."), ("Was contrast given?", YES), "negation"),
        (("Was contrast given?", "A CT without contrast."), ("Was contrast given?", "No, without contrast."), None),
        (("Is it a CT or an MRI?", YES), ("Is it a CT or an MRI?", NO), None),
        (("Which lung is larger?", "right"), ("Is the lung abnormal?", NO), None),
        (("Is there a nodule?", ""), ("Is there a nodule?", NO), None),
        (("Is it?", YES), ("Is it?", NO), None),
    ],
)
def test_two_answers_conflict_or_not(first: tuple[str, str], second: tuple[str, str], kind: str | None) -> None:
    for a, b in ((first, second), (second, first)):
        found = conflict(Exchange(*a), Exchange(*b))
        assert (found.kind if found else None) == kind


def test_an_answer_claims_what_its_question_asks_and_what_it_says_itself() -> None:
    found = claims(Exchange("Is there an effusion?", "Yes, there is a small effusion on the left."))
    assert found == (
        Claim(frozenset({"effusion"}), True),
        Claim(frozenset({"small", "effusion"}), True, "left"),
    )
    assert claims(Exchange("Is the R lung normal?", "no")) == (Claim(frozenset({"lung", "abnormal"}), True, "right"),)
    assert claims(Exchange("Is the liver healthy?", "A) No, it looks healthy.")) == ()
    assert claims(Exchange("Where is the mass?", "A dark spot of a dark spot of a dark spot")) == ()
    assert claims(Exchange("Is the skull fractured?", "A skull fractured?")) == ()


def test_words_for_the_same_thing_are_one_and_frames_are_none() -> None:
    assert topic_of("is there any evidence of masses in the patient's left kidney?") == {"mass", "kidney"}
    assert topic_of("bleeding") == topic_of("haemorrhages") == {"bleed"}
    assert (
        side_of("left or right") is None and side_of("both, mainly left") is None and side_of("the left one") == "left"
    )


def talk(*turns: tuple[str, str, View | None]) -> Conversation:
    made = Conversation()
    for question, answer, view in turns:
        made = made.asked(question, (view,) if view else ()).answered(answer)
    return made


def test_an_answer_is_held_against_all_earlier_ones_about_the_same_picture_the_newest_first() -> None:
    found = in_conversation(
        talk(("Is there a mass?", YES, View(0)), ("Where is the mass?", "left lung", None), ("Any mass?", NO, None))
    )
    assert [len(one) for one in found] == [0, 0, 2]
    assert found[2][0].first.answer == "left lung" and found[2][1].first.answer == YES


def test_another_picture_is_no_contradiction_unless_the_caller_says_that_it_is_the_same() -> None:
    made = talk(("Is there a mass?", YES, View(0)), ("Is there a mass?", NO, View(1)))
    assert marks(made) == ("", "")
    assert marks(made, lambda view: "the same slice through another window")[1].startswith("This contradicts")
    back = talk(("Is there a mass?", YES, View(0)), ("Hello?", "Hello.", View(1)), ("Is there a mass?", NO, View(0)))
    assert marks(back)[2], "whoever comes back to a picture is told what was said of it"


def test_a_question_without_an_answer_yet_breaks_nothing() -> None:
    assert marks(talk(("Is there a mass?", YES, None)).asked("Is there a mass?")) == ("",)
    assert marks(Conversation()) == ()


def test_the_sentence_names_what_is_contradicted_in_its_own_words() -> None:
    one = Conflict("negation", Exchange("Is there a mass?", "Yes, a mass."), Exchange("Any mass?", "No."))
    assert (
        sentence((one,))
        == "This contradicts an earlier answer: \u201cIs there a mass?\u201d \u2013 \u201cYes, a mass.\u201d."
    )
    side = Conflict("side", *((one.first, one.second)))
    assert sentence((side, one)).startswith("This names another side than an earlier answer")
    assert sentence((side, one)).endswith("(and 1 more).") and sentence(()) == ""


def test_the_two_arms_are_told_apart_only_where_both_answered_and_conflict() -> None:
    question = "Is there a mass?"
    assert between(question, YES, NO).startswith("The two answers contradict each other")
    assert between("Where is the mass?", "left lung", "right lung").startswith("The two answers name different sides")
    assert between(question, YES, "Yes, there is.") == ""


def test_long_answers_are_cut_at_a_word() -> None:
    assert short("one two\nthree", 100) == "one two three" and short("one two three", 9) == "one two \u2026"
