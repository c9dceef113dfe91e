"""Questions about the picture itself: modality, plane, region, organ, and how it was made."""

import random
from collections.abc import Callable, Iterator

from medvlm.phantoms import asking, balance
from medvlm.phantoms.asker import Asker
from medvlm.phantoms.asking import Wordings
from medvlm.phantoms.truth import Question, QuestionKind
from medvlm.phantoms.wording import PICTURES, PictureName, exposure_clause, picture_name, start, with_article
from medvlm.types import DOMAINS


def about_modality(asker: Asker) -> Iterator[Question]:
    truth, rng = asker.truth, asker.rng
    name = picture_name(truth)
    sentence = asker.one_of(f"This is {with_article(name.thing)}.", f"The picture is {with_article(name.thing)}.")
    yield Question("modality", asker.say(asking.MODALITY_OPEN), name.modality, sentence, False)
    others = [PICTURES[domain] for domain in DOMAINS if domain != truth.domain]
    asked = name if rng.random() < 0.5 else rng.choice(others)
    yes = asked == name
    answer = f"Yes, this is {with_article(name.thing)}." if yes else f"No, this is {with_article(name.thing)}."
    text = asker.say(asking.MODALITY_YES_NO, a=with_article(asked_as(asked, rng)))
    yield asker.yes_no("modality", text, yes, answer)
    other = rng.choice(others)
    a, b = rng.sample((name, other), 2)
    pair = asker.say(asking.MODALITY_PAIR, a=with_article(a.thing), b=with_article(b.thing))
    yield Question("modality", pair, name.modality, sentence, True, (a.modality, b.modality))


def asked_as(name: PictureName, rng: random.Random) -> str:
    return rng.choice((name.thing, name.modality)) if name.modality in ("CT", "MRI", "X-ray") else name.thing


def about_attribute(
    asker: Asker,
    kind: QuestionKind,
    fact: str,
    forms: tuple[Wordings, Wordings, Wordings],
    sentence: Callable[[str], str],
) -> Iterator[Question]:
    """Open, yes/no and A-or-B questions about one attribute of the whole picture."""
    value = asker.facts.get(fact)
    if value is None:
        return
    opened, yes_no, pair = forms
    said = sentence(value)
    yield Question(kind, asker.say(opened), value, start(f"{said}."), False)
    values = asker.frequencies.get(fact, {})
    for asked in sorted(values):
        if balance.ask_yes_no(asker.rng, asked == value, values[asked]):
            text = asker.say(yes_no, value=asked, a=with_article(asked), v=f"the {asked}")
            yield asker.yes_no(kind, text, asked == value, f"{'Yes' if asked == value else 'No'}, {said}.")
    other = balance.other_value(asker.rng, value, values)
    if other is not None:
        a, b = asker.rng.sample((value, other), 2)
        yield Question(kind, asker.say(pair, value=a, other=b), value, start(f"{said}."), True, (a, b))


def about_plane(asker: Asker) -> Iterator[Question]:
    forms = (asking.PLANE_OPEN, asking.PLANE_YES_NO, asking.PLANE_PAIR)
    yield from about_attribute(asker, "plane", "plane", forms, lambda plane: f"this is {with_article(plane)} view")


def about_region(asker: Asker) -> Iterator[Question]:
    forms = (asking.REGION_OPEN, asking.REGION_YES_NO, asking.REGION_PAIR)
    yield from about_attribute(asker, "region", "region", forms, lambda region: f"this is the {region}")


def about_organ(asker: Asker) -> Iterator[Question]:
    forms = (asking.ORGAN_OPEN, asking.ORGAN_YES_NO, asking.ORGAN_PAIR)
    yield from about_attribute(asker, "organ", "organ", forms, lambda organ: f"the picture shows the {organ}")


def about_technique(asker: Asker) -> Iterator[Question]:
    domain, technique = asker.truth.domain, asker.facts.get("technique")
    if technique is None:
        return
    if domain == "ct" and technique in ("with contrast", "without contrast"):
        yield from about_contrast(asker, technique)
    elif domain == "mri":
        forms = (asking.SEQUENCE_OPEN, asking.SEQUENCE_YES_NO, asking.SEQUENCE_PAIR)
        yield from about_attribute(asker, "technique", "technique", forms, sequence_sentence)
    elif domain == "histology":
        forms = (asking.STAIN_OPEN, asking.STAIN_YES_NO, asking.STAIN_PAIR)
        yield from about_attribute(asker, "technique", "technique", forms, lambda stain: f"the stain is {stain}")
    elif domain == "cxr":
        forms = (asking.EXPOSURE_OPEN, asking.EXPOSURE_YES_NO, asking.EXPOSURE_PAIR)
        yield from about_attribute(asker, "technique", "technique", forms, exposure_clause)


def sequence_sentence(sequence: str) -> str:
    weighted = f"{sequence}-weighted" if sequence in ("T1", "T2", "PD") else sequence
    if sequence.endswith(" with contrast"):
        return f"this is {with_article(sequence.removesuffix(' with contrast'))}-weighted image with contrast"
    return f"this is {with_article(weighted)} image"


def about_contrast(asker: Asker, technique: str) -> Iterator[Question]:
    given = technique == "with contrast"
    said = f"this scan was taken {technique}"
    values = asker.frequencies.get("technique", {})
    if balance.ask_evenly(asker.rng, technique, values):
        yield asker.yes_no("technique", asker.say(asking.CONTRAST), given, f"{'Yes' if given else 'No'}, {said}.")
    if balance.ask_evenly(asker.rng, technique, values):
        text = asker.say(asking.CONTRAST_OPEN)
        yield Question("technique", text, technique, start(f"{said}."), True, ("with contrast", "without contrast"))


def about_magnification(asker: Asker) -> Iterator[Question]:
    forms = (asking.MAGNIFICATION_OPEN, asking.MAGNIFICATION_YES_NO, asking.MAGNIFICATION_PAIR)
    yield from about_attribute(
        asker, "technique", "magnification", forms, lambda power: f"the picture was taken at {power} magnification"
    )
