"""Who answers questions: weights in this process, batched, or any ChatModel, several questions at once."""

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eval import pictures
from eval.items import Item, Put
from eval.pictures import Features
from eval.predict import Predictor
from eval.run_info import Weights, Wish
from medvlm.chat import whole
from medvlm.engine.loading import Loaded, choose_device, choose_dtype, load_weights
from medvlm.errors import UserError
from medvlm.model import LocalModel
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Scan, View

if TYPE_CHECKING:
    import torch

# Families whose pictures are one run of tokens at plain positions: only these can share a batch as `Predictor` does.
BATCHED = ("llava", "llava_next")
BATCHES_IN_FLIGHT = 4  # so many times `at_once` questions are kept together: threads are busy, a kill costs little


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `yes`, `no`: the probability mass on these as the first word, None where nobody tells."""

    text: str
    tokens: int
    yes: float | None = None
    no: float | None = None


class Answerer(Protocol):
    """Answers questions that share one system prompt and one decoding."""

    def batches(self, window: Sequence[Put], missing: Collection[Put], decoding: Decoding) -> Sequence[Sequence[Put]]:
        """What is answered together, and kept together, of a window in which these answers are missing."""
        ...

    def answer(self, batch: Sequence[Put], decoding: Decoding) -> list[Said | UserError]:
        """An answer for each, in order, or why there is none."""
        ...


def to_arms(window: Sequence[Item], arms: Sequence[Arm]) -> list[Put]:
    """Every question of the window to each arm, one arm after the other."""
    return [(item, arm) for arm in arms for item in window]


def answered(
    answerer: Answerer, window: Sequence[Put], missing: Collection[Put], decoding: Decoding
) -> Iterator[tuple[list[tuple[Put, Said]], float]]:
    """What is missing of a window with the answers, to be kept as they come: a batch at a time, with the seconds that
    each of its answers took on average.

    Raises the first UserError of a batch once the batch's other answers were given out.
    """
    for batch in answerer.batches(window, missing, decoding):
        start = time.monotonic()
        pairs = list(zip(batch, answerer.answer(batch, decoding), strict=True))
        seconds = round((time.monotonic() - start) / len(batch), 4)
        if said := [(asked, one) for asked, one in pairs if isinstance(one, Said) and asked in missing]:
            yield said, seconds
        for _, one in pairs:
            if isinstance(one, UserError):
                raise one


class Batched:
    """One set of weights, pictures encoded once, questions of like length in one batch, both arms in one pass."""

    def __init__(self, loaded: Loaded, features: Path) -> None:
        self._predictor = Predictor(loaded, Features(features, loaded))

    def batches(self, window: Sequence[Put], missing: Collection[Put], decoding: Decoding) -> Sequence[Sequence[Put]]:
        """Parts of the whole window, whatever of each is there already: after a kill they are the same."""
        parts = self._predictor.parts(window, decoding.max_tokens)
        return [part for part in parts if any(put in missing for put in part)]

    def answer(self, batch: Sequence[Put], decoding: Decoding) -> list[Said | UserError]:
        found = self._predictor.answer(batch, decoding.max_tokens, decoding)
        return [Said(one.text, one.tokens, one.yes, one.no) for one in found]


class Asked:
    """A ChatModel, so many questions at once: a server answers them side by side."""

    def __init__(self, model: ChatModel, at_once: int = 1) -> None:
        self._model, self._at_once = model, at_once

    def batches(self, window: Sequence[Put], missing: Collection[Put], decoding: Decoding) -> Sequence[Sequence[Put]]:
        due, size = [asked for asked in window if asked in missing], BATCHES_IN_FLIGHT * self._at_once
        return [due[start : start + size] for start in range(0, len(due), size)]

    def answer(self, batch: Sequence[Put], decoding: Decoding) -> list[Said | UserError]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(lambda asked: self._one(asked[0], asked[1], decoding), batch))

    def _one(self, item: Item, arm: Arm, decoding: Decoding) -> Said | UserError:
        try:
            said = whole(self._model, conversation(item), arm, decoding)
        except UserError as error:
            return error
        return Said(said.text, said.report.tokens)


@lru_cache(maxsize=64)
def scan(name: str) -> Scan:
    """The picture of that name, kept for the questions that follow about it."""
    return pictures.scan(name)


def conversation(item: Item) -> Conversation:
    """The question as it would be asked on the page: the picture with the first question."""
    made = Conversation(system=item.system)
    views: tuple[View, ...] = ()
    if item.picture is not None:
        made, views = made.with_scan(scan(item.picture)), (View(0),)
    for question, answer in item.earlier:
        made, views = made.asked(question, views).answered(answer), ()
    return made.asked(item.question, views)


def local(wish: Wish, there: Weights, features: Path, device: "torch.device | None" = None) -> Answerer:
    """The weights, loaded; batched where the family can, else one question after the other."""
    assert there.base is not None, "without an endpoint the weights are here"
    device = device or choose_device(wish.device)
    dtype = choose_dtype(wish.compute_dtype, device)
    loaded = load_weights(there.base, there.adapter, device, dtype, wish.quantization, "auto")
    if loaded.family.name in BATCHED:
        return Batched(loaded, features)
    return Asked(LocalModel(loaded))
