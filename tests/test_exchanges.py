"""A teacher's reply is read in whatever shape it comes, and what speaks of a text is cut off or told."""

import pytest

from medvlm.claims.statements import Exchange
from medvlm.exchanges import freed, read

TWO = [Exchange("What is it?", "A CT scan."), Exchange("Where?", "On the left.")]


@pytest.mark.parametrize(
    "reply",
    [
        "Q1: What is it?\nA1: A CT scan.\nQ2: Where?\nA2: On the left.",
        "So:\n\n**Question 1:** What is it?\n**Answer 1:** A CT\nscan.\n\nQ2. Where?\nA2. On the left.\n\nThat is all.",
        "User: What is it?\nAssistant: A CT scan.\nUser: Where?\nAssistant: On the left.\nUser: And then?",
        '```json\n[{"question": "What is it?", "answer": "A CT scan."},'
        ' {"question": "Where?", "answer": "On the left."}]\n```',
        '{"question1": "What is it?", "answer1": "A CT scan.", "question2": "Where?", "answer2": "On the left."}',
        '{"conversations": [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": "A CT scan."},'
        ' {"from": "human", "value": "Where?"}, {"from": "gpt", "value": "On the left."}, {"from": "human", "val',
    ],
)
def test_every_usual_shape_is_read_also_where_it_is_broken_off(reply: str) -> None:
    assert read(reply) == TWO


@pytest.mark.parametrize(
    "reply", ["", "The lung is clear.", "> Q1: What?\n> A1: That.", '{"question": "What?"', "Q1: A?"]
)
def test_what_holds_no_exchange_gives_none(reply: str) -> None:
    assert read(reply) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The lung is clear.", "The lung is clear."),
        ("The caption says that the lung is clear.", "The lung is clear."),
        ("According to the provided text, the lung is clear.", "The lung is clear."),
        ("As mentioned in the caption, the lung is clear.", "The lung is clear."),
        ("The lung is clear, as stated in the figure legend.", "The lung is clear."),
        ("What does the caption call it?", None),
        ("It is not mentioned.", None),
        ("The authors saw a cyst.", None),
        ("According to the text,", None),
        ("The material shows a lung.", None),
    ],
)
def test_phrases_that_give_away_a_text_are_cut_off_or_the_whole_is_none(text: str, left: str | None) -> None:
    assert freed(text) == left
