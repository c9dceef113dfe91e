"""Probes that ask what no picture answers: of another kind of picture, exam questions about nothing, absurd ones."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from medvlm.metrics import strict
from medvlm.phantoms.absurd import CANNOT_TELL, bank
from medvlm.probes import wordings
from medvlm.probes.asked import GREEDY, SEED, Ask, Material, Measure, Probe, Subject, Texts, Value, value
from medvlm.probes.declining import declines

UNANSWERABLE_TOKENS = 32  # a refusal takes more words than an answer


def _unanswerable(picture: Subject, question: str, name: str) -> Subject:
    return replace(
        picture, id=name, question=question, reference=CANNOT_TELL, kind="unanswerable", closed=False, choices=(),
        about=None,
    )  # fmt: skip


def _put(probe: str, subject: Subject) -> Ask:
    decoding = replace(GREEDY, max_tokens=UNANSWERABLE_TOKENS)
    return Ask(probe, probe, subject, subject.picture, subject.question, decoding=decoding)


def _ill_fitting(material: Material) -> list[Ask]:
    made = []
    for picture in material.pictures:
        if picture.known and picture.domain in wordings.ILL_FITTING:
            text = random.Random(f"{SEED} {picture.picture}").choice(wordings.ILL_FITTING[picture.domain])
            made.append(_unanswerable(picture, text, f"{picture.picture}-unfit"))
    return [_put("ill-fitting", subject) for subject in made]


def _absurd(material: Material) -> list[Ask]:
    made = []
    for number, picture in enumerate(material.pictures):
        kept = [text for text, _ in bank("other", True)]  # the fifth of the phantoms' bank that training leaves out
        texts = (*wordings.ABSURD, *kept)
        made.append(_unanswerable(picture, texts[number % len(texts)], f"{picture.picture}-absurd"))
    return [_put("absurd", subject) for subject in made]


def _fake(material: Material) -> list[Ask]:
    pictures = material.pictures
    made = [
        _unanswerable(pictures[number % len(pictures)], text, f"medhalt-fake-{number}")
        for number, text in enumerate(material.fake)
        if pictures
    ]
    return [_put("nonsense", subject) for subject in made]


def _declined(prefix: str, asks: Sequence[Ask], texts: Texts) -> list[Value]:
    made = []
    for ask in asks:
        text = texts[ask.id]
        found = declines(text)
        made.append(value(f"{prefix}_declined", ask, found, "" if found is not None else "an empty answer"))
        affirmed = None if found is None else not found and strict.yes_no(text) == "yes"
        made.append(value(f"{prefix}_affirmed", ask, affirmed, "" if found is not None else "an empty answer"))
    return made


def _declining(prefix: str, what: str) -> tuple[Measure, ...]:
    return (
        Measure(
            f"{prefix}_declined", f"Declined: {what}", "share that says that it cannot be told, or why not", "high"
        ),
        Measure(f"{prefix}_affirmed", f"Said yes: {what}", "share that says yes to it", "low"),
    )


UNANSWERABLE_PROBES: tuple[Probe, ...] = (
    Probe(
        "ill-fitting",
        "Wrong modality or absent organ",
        "Questions of ours about another kind of picture, or a part that is not in it (\"What is the echo time of this "
        "sequence?\" of a CT), for pictures whose domain is known. Declining is right; whether an answer declines is "
        "read by rules (medvlm/probes/declining.py), for which a bare \"no\" is an answer.",
        _declining("ill_fitting", "wrong modality or absent organ"),
        _ill_fitting,
        partial(_declined, "ill_fitting"),
        missing="the domain of no picture is known",
    ),
    Probe(
        "nonsense",
        "Med-HALT's fake questions, with a picture",
        "Absurd exam questions of Med-HALT's fake-question test, drawn by a fixed seed, without their options, each "
        "with a picture of the set, as Med-Idefics did (section 5.3). Declining is right.",
        _declining("nonsense", "fake exam questions"),
        _fake,
        partial(_declined, "nonsense"),
        missing="Med-HALT's fake questions are not on this machine (docs/evaluate.md)",
    ),
    Probe(
        "absurd",
        "Absurd questions of ours",
        "Absurd questions about each picture, of ours: twelve written for this probe and the fifth of the phantoms' "
        "own bank that training leaves out. Declining is right.",
        _declining("absurd", "absurd questions"),
        _absurd,
        partial(_declined, "absurd"),
    ),
)  # fmt: skip
