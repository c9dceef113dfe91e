"""Puts what probes ask to a model, every answer kept as it comes: killed anywhere, the next call goes on.

The local model answers in batches, each picture read once for all that is asked of it alike; any other ChatModel
(a server, a fake) answers one question after the other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from eval import pictures
from eval.asking import Progress
from eval.predict import Item, Predictor, windows
from medvlm import scores
from medvlm.chat import whole
from medvlm.probes.asked import Ask
from medvlm.scores import PREDICTIONS, Prediction
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Scan, View


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `tokens`: how many were drawn."""

    text: str
    tokens: int


class Answering(Protocol):
    """Whatever can answer a batch of asks, all with the same decoding, in order."""

    def answer(self, asks: Sequence[Ask], arm: Arm) -> list[Said]: ...

    def batches(self, asks: Sequence[Ask]) -> list[list[Ask]]:
        """The asks in the order and the batches in which they are best answered; it depends on nothing but them."""
        ...


class Local:
    """The model on this machine."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def batches(self, asks: Sequence[Ask]) -> list[list[Ask]]:
        by_decoding: dict[Decoding, list[Ask]] = {}
        for ask in asks:
            by_decoding.setdefault(ask.decoding, []).append(ask)
        made = []
        for group in by_decoding.values():
            named = {ask.id: ask for ask in group}
            made += [[named[item.id] for item in window] for window in windows([as_item(ask) for ask in group])]
        return made

    def answer(self, asks: Sequence[Ask], arm: Arm) -> list[Said]:
        decoding = asks[0].decoding
        found = self._predictor.answer([as_item(ask) for ask in asks], arm, decoding.max_tokens, decoding)
        return [Said(answer.text, answer.tokens) for answer in found]


class OneByOne:
    """Any other model; `at_once`: so many questions are in flight, for a server answers them side by side."""

    def __init__(self, model: ChatModel, at_once: int = 1) -> None:
        self._model, self._at_once = model, at_once

    def batches(self, asks: Sequence[Ask]) -> list[list[Ask]]:
        size = 4 * self._at_once
        return [list(asks[start : start + size]) for start in range(0, len(asks), size)]

    def answer(self, asks: Sequence[Ask], arm: Arm) -> list[Said]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(lambda ask: self._one(ask, arm), asks))

    def _one(self, ask: Ask, arm: Arm) -> Said:
        answered = whole(self._model, conversation(ask), arm, ask.decoding)
        return Said(answered.text.strip(), answered.report.tokens)


def as_item(ask: Ask) -> Item:
    return Item(ask.id, ask.picture, ask.question, ask.system, ask.earlier)


@lru_cache(maxsize=64)
def scan(name: str) -> Scan:
    """The picture of that name, kept for the questions that follow about it."""
    return pictures.scan(name)


def conversation(ask: Ask) -> Conversation:
    """What a model that takes conversations is asked: the picture with the first question."""
    made = Conversation(system=ask.system).with_scan(scan(ask.picture))
    views: tuple[View, ...] = (View(0),)
    for question, answer in ask.earlier:
        made, views = made.asked(question, views).answered(answer), ()
    return made.asked(ask.question, views)


def put(
    answering: Callable[[], Answering],
    asks: Sequence[Ask],
    arm: Arm,
    folder: Path,
    name: str,
) -> dict[str, str]:
    """Ask id -> answer of every ask. What stands in the folder is not asked again; `answering` is called when needed.

    Asks that are alike in all that the model sees are answered once.
    """
    path = folder / PREDICTIONS
    known = {str(row["sample_id"]): str(row["text"]) for row in scores.rows(path) if row["arm"] == arm}
    missing = [ask for ask in asks if ask.id not in known]
    if not missing:
        return {ask.id: known[ask.id] for ask in asks}
    model = answering()
    firsts = first_alike(asks)
    progress = Progress(name, len(asks), len(asks) - len(missing))
    for batch in model.batches(list(dict.fromkeys(firsts.values()))):
        ids = {ask.id for ask in batch}
        meant = [ask for ask in asks if firsts[ask.id].id in ids and ask.id not in known]
        if meant:
            said = dict(zip((ask.id for ask in batch), model.answer(batch, arm), strict=True))
            scores.append(path, [scores.row_of(prediction(ask, arm, said[firsts[ask.id].id])) for ask in meant])
            known |= {ask.id: said[firsts[ask.id].id].text for ask in meant}
            progress.tell(len(meant))
    return {ask.id: known[ask.id] for ask in asks}


def first_alike(asks: Sequence[Ask]) -> dict[str, Ask]:
    """Ask id -> the first ask that puts the very same to the model."""
    firsts: dict[tuple[object, ...], Ask] = {}
    return {ask.id: firsts.setdefault(seen(ask), ask) for ask in asks}


def seen(ask: Ask) -> tuple[object, ...]:
    """All that the model sees of an ask."""
    return ask.picture, ask.question, ask.system, ask.earlier, ask.decoding


def prediction(ask: Ask, arm: Arm, said: Said) -> Prediction:
    """An answer as run folders keep it: with what the model saw, and what it is scored against."""
    subject = ask.subject
    return Prediction(
        ask.id, arm, said.text, said.tokens, ask.question, subject.reference, subject.domain, subject.kind,
        subject.closed, ask.picture, subject.cluster, subject.choices, subject.free_form, subject.about,
        subject.held_out,
    )  # fmt: skip
