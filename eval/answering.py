"""Who answers a run's questions: weights in this process, batched, or any ChatModel, several questions at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eval import pictures
from eval.pictures import Features
from eval.predict import Item, Predictor
from medvlm.chat import whole
from medvlm.loading import Loaded
from medvlm.model import LocalModel
from medvlm.types import Arm, ChatModel, Conversation, Decoding, View

# Families whose pictures are one run of tokens at plain positions: only these can share a batch as `Predictor` does.
BATCHED = ("llava", "llava_next")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `yes`, `no`: the probability mass on these as the first word, None where nobody tells."""

    text: str
    tokens: int
    yes: float | None = None
    no: float | None = None


class Answerer(Protocol):
    """Answers a window of questions that share one system prompt, in the window's order."""

    def answer(self, window: Sequence[Item], arm: Arm) -> list[Said]: ...


class Batched:
    """One set of weights, pictures encoded once, questions of like length in one batch."""

    def __init__(self, loaded: Loaded, features: Path, decoding: Decoding) -> None:
        self._predictor = Predictor(loaded, Features(features, loaded))
        self._decoding = decoding

    def answer(self, window: Sequence[Item], arm: Arm) -> list[Said]:
        found = self._predictor.answer(window, arm, self._decoding.max_tokens, self._decoding)
        return [Said(one.text, one.tokens, one.yes, one.no) for one in found]


class Asked:
    """A ChatModel, so many questions at once: a server answers them side by side."""

    def __init__(self, model: ChatModel, decoding: Decoding, at_once: int = 1) -> None:
        self._model, self._decoding, self._at_once = model, decoding, at_once

    def answer(self, window: Sequence[Item], arm: Arm) -> list[Said]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(lambda item: self._one(item, arm), window))

    def _one(self, item: Item, arm: Arm) -> Said:
        answered = whole(self._model, conversation(item), arm, self._decoding)
        return Said(answered.text, answered.report.tokens)


def conversation(item: Item) -> Conversation:
    """The question as it would be asked on the page."""
    asked, views = Conversation(system=item.system), ()
    if item.picture is None:
        return asked.asked(item.question, views)
    return asked.with_scan(pictures.scan(item.picture)).asked(item.question, (View(0),))


def local(loaded: Loaded, features: Path, decoding: Decoding) -> Answerer:
    """Batched where the family can, else one question after the other."""
    if loaded.family.name in BATCHED:
        return Batched(loaded, features, decoding)
    return Asked(LocalModel(loaded), decoding)
