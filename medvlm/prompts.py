"""Every prompt that a model is given, in one place; raise PROMPT_VERSION when any of them changes."""

from dataclasses import replace
from typing import Any

from medvlm.types import Conversation, Turn, View

PROMPT_VERSION = 1

SYSTEM = "You are a careful assistant for medical pictures."
# For benchmarks whose references are words: training puts such references behind this prompt, sentences behind SYSTEM.
SHORT = f"{SYSTEM} Answer in a word or phrase."

# What a loaded model is tried with: it must find this answer likely, and its arms must differ on it.
PROBE_QUESTION = "What is a pleural effusion?"
PROBE_ANSWER = (
    "A pleural effusion is a collection of fluid around the lung. "
    "On a chest X-ray it can be seen as a white area at the bottom of the lung."
)

# As chat templates take it: {"role": ..., "content": [{"type": "image"} or {"type": "text", "text": ...}, ...]}.
Message = dict[str, Any]


def messages(conversation: Conversation) -> list[Message]:
    """The conversation as a chat template takes it; a turn's pictures stand before its text.

    The line break between picture and text belongs to the model's chat template.
    """
    system = {"role": "system", "content": [_text(conversation.system or SYSTEM)]}
    return [system, *(_message(turn) for turn in conversation.turns)]


def plain(conversation: Conversation) -> str:
    """The conversation as text for people and for text-only models: one line a turn, pictures as "[picture]"."""
    lines = [f"system: {conversation.system or SYSTEM}"]
    for turn in conversation.turns:
        pictures = "[picture] " * len(turn.views)
        lines.append(f"{turn.role}: {pictures}{turn.text}")
    return "\n".join(lines)


def views(conversation: Conversation) -> tuple[View, ...]:
    """The pictures in the order in which the prompt shows them."""
    return tuple(view for turn in conversation.turns for view in turn.views)


def without_oldest(conversation: Conversation, questions: int) -> Conversation:
    """The conversation without its oldest `questions` (and their answers); their pictures move to the next question."""
    left = list(conversation.turns)
    carried: list[View] = []
    while left and questions:
        carried += left.pop(0).views
        while left and left[0].role == "assistant":
            left.pop(0)
        questions -= 1
    if left:
        left[0] = Turn(left[0].role, left[0].text, (*carried, *left[0].views))
    return replace(conversation, turns=tuple(left))


def harmless(conversation: Conversation, special: tuple[str, ...]) -> Conversation:
    """The conversation with the model's control words (such as an end-of-turn mark) made into plain text.

    What people type or upload must never open or close a turn, nor stand for a picture that is not there.
    """

    def clean(text: str) -> str:
        for word in special:
            text = text.replace(word, f"{word[0]} {word[1:]}")
        return text

    turns = tuple(replace(turn, text=clean(turn.text)) for turn in conversation.turns)
    system = clean(conversation.system) if conversation.system else conversation.system
    return replace(conversation, turns=turns, system=system)


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _message(turn: Turn) -> Message:
    pictures: list[dict[str, str]] = [{"type": "image"}] * len(turn.views)
    return {"role": turn.role, "content": [*pictures, _text(turn.text)]}
