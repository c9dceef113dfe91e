"""Contradictions between answers about one picture: a finding here and denied there, left here and right there."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from medvlm.claims.statements import COMPARED, Claim, Exchange, claims
from medvlm.compare.comparison import Comparison
from medvlm.page.session import Session, Shown
from medvlm.types import Conversation, View

Kind = Literal["side", "negation"]
# What makes a picture abnormal wherever it is; a catheter or a plane does not.
FINDINGS = frozenset((
    "abscess", "aneurysm", "atelectasis", "atrophy", "bleed", "calcified", "cardiomegaly", "consolidation", "cyst",
    "deviation", "edema", "effusion", "embolism", "emphysema", "fracture", "herniation", "infarct", "inflammation",
    "lesion", "lymphadenopathy", "mass", "metastasis", "necrosis", "nodule", "obstruction", "opacity", "pneumonia",
    "pneumoperitoneum", "pneumothorax", "shift", "stenosis", "stone", "thickening", "tumour", "ulcer",
))  # fmt: skip


# An exchange, and what picture it is about.
Told = tuple[Hashable, Exchange]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two claims that cannot both be true of one picture."""

    kind: Kind
    first: Exchange
    second: Exchange


def conflict(first: Exchange, second: Exchange) -> Conflict | None:
    """The first conflict between two answers about the same picture, if there is one."""
    for a, b in product(claims(first), claims(second)):
        kind = clash(a, b)
        if kind is not None:
            return Conflict(kind, first, second)
    return None


def clash(a: Claim, b: Claim) -> Kind | None:
    """Whether two claims exclude one another, and by what."""
    if a.holds and b.holds:
        return "side" if _two_sides(a, b) else None
    if a.holds == b.holds:
        return None
    held, denied = (a, b) if a.holds else (b, a)
    if denied.side is not None and denied.side != held.side:
        return None
    if not _covers(denied.topic, held.topic):
        return None
    return "side" if denied.side is not None and (denied.about_side or held.about_side) else "negation"


def _two_sides(a: Claim, b: Claim) -> bool:
    """The same thing at the left and at the right, of which one was said to be its only place."""
    if a.side is None or b.side is None or a.side == b.side or not (a.alone or b.alone):
        return False
    return a.topic == b.topic or (bool(a.topic & b.topic & FINDINGS) and (a.topic <= b.topic or b.topic <= a.topic))


def _covers(denied: frozenset[str], held: frozenset[str]) -> bool:
    """Whether what is denied leaves no room for what is held: the same, or something more general."""
    if denied == held:
        return True
    if held & COMPARED or denied & COMPARED:
        return False
    if denied == {"abnormal"}:
        return bool(held & FINDINGS)
    return denied < held and bool(denied & FINDINGS)


def in_conversation(
    conversation: Conversation, picture: Callable[[View], Hashable] = lambda view: view
) -> tuple[tuple[Conflict, ...], ...]:
    """For each answer, in order, the conflicts with earlier answers about the same picture, the newest of these first.

    `picture`: what makes two views the same picture, such as scan and slice whatever the window.
    """
    told: list[Told] = []
    shown: Hashable = None
    question = ""
    for turn in conversation.turns:
        if turn.role == "user":
            shown, question = (picture(turn.views[-1]) if turn.views else shown), turn.text
        else:
            told.append((shown, Exchange(question, turn.text)))
    return among(told)


def among(told: Sequence[Told]) -> tuple[tuple[Conflict, ...], ...]:
    """For each answer, in order, the conflicts with earlier ones about the same picture, the newest of these first."""
    found = []
    for n, (shown, now) in enumerate(told):
        earlier = [exchange for seen, exchange in reversed(told[:n]) if seen == shown]
        found.append(tuple(one for one in (conflict(before, now) for before in earlier) if one is not None))
    return tuple(found)


def marks(conversation: Conversation, picture: Callable[[View], Hashable] = lambda view: view) -> tuple[str, ...]:
    """For each answer, in order, the sentence to stand under it; empty where it contradicts nothing."""
    return tuple(sentence(conflicts) for conflicts in in_conversation(conversation, picture))


def contradicted(session: Session) -> tuple[str, ...]:
    """For each answer of a sitting, in order, the sentence to stand under it; empty where it contradicts nothing.

    Another window or turn of the same slice is the same picture: what is there does not change with them. A part of a
    picture is another one: what is not there may well be elsewhere.
    """
    answers = [turn.text for turn in session.conversation.turns if turn.role == "assistant"]
    told = [
        (_picture(q.about), Exchange(q.text, answer)) for q, answer in zip(session.questions, answers, strict=False)
    ]
    return tuple(sentence(conflicts) for conflicts in among(told))


def _picture(shown: Shown | None) -> Hashable:
    return None if shown is None else (shown.item, shown.look.plane, shown.look.slice, shown.region)


def sentence(conflicts: Sequence[Conflict]) -> str:
    """What to say under an answer: what it contradicts, word for word, shortened."""
    if not conflicts:
        return ""
    newest = conflicts[0].first
    what = {"side": "names another side than", "negation": "contradicts"}[conflicts[0].kind]
    said = f"\u201c{short(newest.question)}\u201d \u2013 \u201c{short(newest.answer)}\u201d"
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    return f"This {what} an earlier answer: {said}{more}."


@dataclass(frozen=True, slots=True)
class Marked:
    """What stands under one exchange of a case: a sentence about both answers, and one under each, empty for none."""

    both: str = ""
    sides: tuple[str, str] = ("", "")


def in_case(now: Comparison) -> tuple[Marked, ...]:
    """For each question of a case that both have answered, in order; answers are read as their reader saw them."""
    told: tuple[list[Told], list[Told]] = [], []
    for number in range(len(now.conversations[0].turns) // 2):
        question, seen = now.questions[number], now.seen[number]
        place = None if seen is None else (seen.scan.sha256, seen.look.plane, seen.look.slice)
        for side in (0, 1):
            told[side].append((place, Exchange(question, now.as_voted(side, 2 * number + 1).text)))
    alone = (among(told[0]), among(told[1]))
    return tuple(
        Marked(between(one.question, one.answer, other.answer), (sentence(alone[0][n]), sentence(alone[1][n])))
        for n, ((_, one), (_, other)) in enumerate(zip(*told, strict=True))
    )


def between(question: str, one: str, other: str) -> str:
    """The sentence for two answers to one question; empty where they do not contradict each other."""
    found = conflict(Exchange(question, one), Exchange(question, other))
    if found is None:
        return ""
    what = {"side": "name different sides", "negation": "contradict each other"}[found.kind]
    return f"The two answers {what}; at least one of them is wrong."


def short(text: str, longest: int = 60) -> str:
    """The beginning of a text, cut at a word."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0] + " \u2026"
