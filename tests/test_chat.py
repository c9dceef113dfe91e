"""One answer from beginning to end."""

import pytest

from medvlm.chat import Answered, Partial, answer, whole
from medvlm.errors import UserError
from medvlm.types import Conversation, Decoding
from tests.fakes import FakeModel

ASKED = Conversation().asked("What is it?")


def test_the_text_grows_and_ends_in_a_new_conversation() -> None:
    *partial, last = answer(FakeModel(lambda c, a: " A knee. "), ASKED, "tuned", Decoding())
    assert all(isinstance(step, Partial) for step in partial)
    assert isinstance(last, Answered)
    assert last.text == "A knee." and last.report.ended == "end"
    assert last.conversation.turns[-1].text == "A knee." and last.conversation.id == ASKED.id
    assert len(ASKED.turns) == 1


def test_closing_stops_the_model() -> None:
    model = FakeModel(lambda c, a: "word " * 1000, seconds=0.01)
    steps = answer(model, ASKED, "base", Decoding(max_tokens=1000))
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert whole(FakeModel(), ASKED, "base", Decoding()).text == "base: What is it?"
    assert whole(model, ASKED, "base", Decoding(max_tokens=2)).text == "word word", "the line is free again"


def test_an_error_passes_and_the_next_question_works() -> None:
    model = FakeModel(error=UserError("Out of memory. Start a new conversation."))
    with pytest.raises(UserError, match="new conversation"):
        whole(model, ASKED, "tuned", Decoding())
    assert whole(model, ASKED, "tuned", Decoding()).text == "tuned: What is it?"
