"""One answer from beginning to end: the text as it grows, then the conversation with the answer in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from medvlm.errors import UserError
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Report

LONGEST_QUESTION = 4000  # characters


@dataclass(frozen=True, slots=True)
class Partial:
    """An answer so far, whole from its beginning."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of an answer: the conversation that now holds it, and what it cost."""

    conversation: Conversation
    text: str
    report: Report


def answer(model: ChatModel, conversation: Conversation, arm: Arm, decoding: Decoding) -> Iterator[Partial | Answered]:
    """Ask the model; each item but the last is a Partial, the last one is Answered.

    Closing the iterator stops the model within one token. Raises UserError with what to do.
    """
    stream = model.stream(conversation, arm, decoding)
    text = ""
    try:
        for piece in stream:
            text += piece
            yield Partial(text)
        assert stream.report is not None, "an answer that was read to its end has a report"
        yield Answered(conversation.answered(text.strip()), text.strip(), stream.report)
    finally:
        stream.close()


def whole(model: ChatModel, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answered:
    """The same without looking on. Raises UserError with what to do."""
    *_, last = answer(model, conversation, arm, decoding)
    assert isinstance(last, Answered)
    return last


def checked(question: str) -> str:
    """A question as it is put: without space around it. Raises UserError for none, or one that is too long."""
    question = question.strip()
    if not question:
        raise UserError("There is no question yet; type one, or choose a suggestion.")
    if len(question) > LONGEST_QUESTION:
        raise UserError(
            f"The question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are read. Shorten it."
        )
    return question
