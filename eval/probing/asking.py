"""Puts what probes ask to a model, every answer kept as it comes: killed anywhere, the next call goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from eval.answering import Answerer, Said, answered, to_arms
from eval.asking import Progress
from eval.items import Item, windows
from medvlm import scores
from medvlm.probes.asked import Ask
from medvlm.scores import PREDICTIONS, Prediction
from medvlm.types import Arm, Decoding


def as_item(ask: Ask) -> Item:
    return Item(ask.id, ask.picture, ask.question, ask.system, ask.earlier)


def put(ready: Callable[[], Answerer], asks: Sequence[Ask], arm: Arm, folder: Path, name: str) -> dict[str, str]:
    """Ask id -> answer of every ask. What stands in the folder is not asked again; `ready` is called when needed.

    Asks that are alike in all that the model sees are answered once.
    """
    path = folder / PREDICTIONS
    known = {str(row["sample_id"]): str(row["text"]) for row in scores.rows(path) if row["arm"] == arm}
    missing = [ask for ask in asks if ask.id not in known]
    if not missing:
        return {ask.id: known[ask.id] for ask in asks}
    answerer, progress = ready(), Progress(name, len(asks), len(asks) - len(missing))
    firsts = first_alike(asks)
    due = {(as_item(firsts[ask.id]), arm) for ask in missing}
    for decoding, window in together(dict.fromkeys(firsts.values())):
        asked = to_arms(window, [arm])
        for said, _ in answered(answerer, asked, due, decoding) if due.intersection(asked) else ():
            by_id = {item.id: one for (item, _), one in said}
            meant = [ask for ask in missing if firsts[ask.id].id in by_id]
            scores.append(path, [scores.row_of(prediction(ask, arm, by_id[firsts[ask.id].id])) for ask in meant])
            known |= {ask.id: by_id[firsts[ask.id].id].text for ask in meant}
            progress.tell(len(meant))
    return {ask.id: known[ask.id] for ask in asks}


def together(asks: Iterable[Ask]) -> Iterator[tuple[Decoding, list[Item]]]:
    """The asks in windows of one way of decoding each, in an order that depends on nothing but them."""
    by_decoding: dict[Decoding, list[Item]] = {}
    for ask in asks:
        by_decoding.setdefault(ask.decoding, []).append(as_item(ask))
    for decoding, items in by_decoding.items():
        yield from ((decoding, window) for window in windows(items))


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
