"""Conversations of two to six questions about one phantom; follow-ups only make sense after the turn before."""

import random
from collections.abc import Iterator

from medvlm.phantoms.absurd import unanswerable
from medvlm.phantoms.balance import lone
from medvlm.phantoms.truth import Finding, Truth
from medvlm.phantoms.wording import (
    be,
    definite,
    described,
    exposure_clause,
    indefinite,
    is_mass,
    listed,
    measured,
    number,
    picture_name,
    plural,
    size,
    start,
    technique,
    verb,
    where,
    with_article,
)
from medvlm.types import Turn, View

Exchange = tuple[str, str]

OPENERS = (
    "What is this?",
    "What kind of picture is this?",
    "What am I looking at?",
    "Hello, what do you see here?",
    "Please tell me what this picture is.",
    "Which examination is this?",
)
PLANES = ("Which plane is that?", "And the plane?", "In which view?", "Which view is it?", "From which direction?")
FINDINGS = (
    "Is that normal?",
    "Is anything abnormal in it?",
    "Does it look normal?",
    "Do you see any abnormality?",
    "What do you find?",
    "Is there something wrong?",
)
WHERE = ("Where exactly?", "Where is it?", "And where is that?", "Where do you see it?", "Can you say where?")
SIZES = ("How large is it?", "How big is that?", "What does it measure?", "And its size?")
COUNTS = ("How many of them?", "How many do you count?", "And how many are there?", "How many are there?")
OTHER_SIDE = (
    "And on the other side?",
    "What about the other side?",
    "Is the other side affected too?",
    "Does the other side show it as well?",
)
ANYTHING_ELSE = ("Anything else?", "Is there anything else?", "Do you see something else?", "And besides that?")
SURE_ABSENT = ("What about {name}?", "And {name}?", "Could there be {name}?", "Any {bare} as well?")
TECHNIQUES = {
    "mri": ("Which sequence is it?", "How is it weighted?", "And the sequence?"),
    "ct": ("Was contrast given?", "With contrast?", "Did they use contrast?"),
    "histology": ("Which stain is that?", "How is it stained?", "And the stain?"),
    "cxr": ("How is the exposure?", "And the exposure?", "How well was it exposed?"),
}
THANKS = (
    ("Can I rely on that?", "No. I am a research model and my answers are not for diagnosis."),
    ("Should I treat the patient on this basis?", "No. This is a research demonstration; please ask a specialist."),
)


def dialogues(truth: Truth, rng: random.Random, held_out: bool) -> tuple[tuple[Turn, ...], ...]:
    """Two conversations; the picture comes with the first turn of each."""
    return tuple(as_turns(cut(list(conversation(truth, rng, held_out)), rng)) for _ in range(2))


def as_turns(exchanges: list[Exchange]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for place, (question, answer) in enumerate(exchanges):
        turns.append(Turn("user", question, (View(0),) if place == 0 else ()))
        turns.append(Turn("assistant", answer))
    return tuple(turns)


def cut(exchanges: list[Exchange], rng: random.Random) -> list[Exchange]:
    """From the start, as follow-ups need what came before: at least two exchanges, at most six."""
    most = min(6, len(exchanges))
    return exchanges[: rng.randint(min(3, most), most)]


def conversation(truth: Truth, rng: random.Random, held_out: bool) -> Iterator[Exchange]:
    if rng.random() < 0.75:
        yield rng.choice(OPENERS), opening(truth)
        yield from technical(truth, rng)
    yield rng.choice(FINDINGS[:4] if truth.normal else FINDINGS), verdict(truth)
    if truth.normal:
        yield from about_nothing(truth, rng)
    elif (finding := topic(truth)) is not None:
        yield from about_finding(truth, finding, rng)
        yield rng.choice(ANYTHING_ELSE), anything_else(truth, finding)
    yield from endings(truth, rng, held_out)


def opening(truth: Truth) -> str:
    thing = with_article(picture_name(truth).thing)
    if truth.domain == "cxr":
        return f"This is {thing}."
    return f"This is {thing} of the {truth.organ}."


def technical(truth: Truth, rng: random.Random) -> Iterator[Exchange]:
    if truth.plane is not None and rng.random() < 0.6:
        yield rng.choice(PLANES), f"It is {with_article(truth.plane)} view."
    if (used := technique(truth)) is not None and truth.domain in TECHNIQUES and rng.random() < 0.45:
        yield rng.choice(TECHNIQUES[truth.domain]), technique_answer(used, truth)


def technique_answer(used: str, truth: Truth) -> str:
    if truth.domain == "ct":
        given = used == "with contrast"
        return "Yes, the scan was taken with contrast." if given else "No, the scan was taken without contrast."
    if truth.domain == "mri":
        return f"The sequence is {used}."
    if truth.domain == "histology":
        return f"It is stained with {used}."
    return start(f"{exposure_clause(used)}.")


def verdict(truth: Truth) -> str:
    if truth.normal:
        return "It looks normal; I see no abnormality."
    first = truth.findings[0]
    return f"It is not normal: there {verb(first)} {listed([bare(finding) for finding in truth.findings])}."


def bare(finding: Finding) -> str:
    """The finding without place and size, which are left for the follow-ups."""
    return described(Finding(finding.name)) if finding.count == 1 else plural(finding.name)


def topic(truth: Truth) -> Finding | None:
    """The finding that "it" means: only clear when there is one."""
    return lone(truth)[0] if len(truth.findings) == 1 else None


def about_finding(truth: Truth, finding: Finding, rng: random.Random) -> Iterator[Exchange]:
    said, is_are = start(definite(finding)), verb(finding)
    if finding.count > 1 and not is_mass(finding.name):
        yield rng.choice(COUNTS), f"There are {number(finding.count)} {plural(finding.name)}."
    if (at := where(finding)) is not None:
        yield rng.choice(WHERE), f"{said} {is_are} {at}."
    follow = list(sized(finding, rng)) + list(other_side(finding, rng))
    yield from rng.sample(follow, len(follow))


def sized(finding: Finding, rng: random.Random) -> Iterator[Exchange]:
    if (size_mm := measured(finding)) is not None:
        yield rng.choice(SIZES), f"{start(definite(finding))} measures about {size(size_mm)}."


def other_side(finding: Finding, rng: random.Random) -> Iterator[Exchange]:
    if finding.side in ("left", "right"):
        other = "right" if finding.side == "left" else "left"
        yield rng.choice(OTHER_SIDE), f"On the {other} I see no {finding.name}."


def anything_else(truth: Truth, finding: Finding) -> str:
    return f"No, apart from {definite(finding)} I see nothing abnormal."


def about_nothing(truth: Truth, rng: random.Random) -> Iterator[Exchange]:
    for name in rng.sample(truth.possible, min(2, len(truth.possible))):
        yield rng.choice(SURE_ABSENT).format(name=indefinite(name), bare=name), f"No, there {be(name)} no {name}."


def endings(truth: Truth, rng: random.Random, held_out: bool) -> Iterator[Exchange]:
    if rng.random() < 0.35:
        question = rng.choice(unanswerable(truth, rng, held_out))
        yield question.text, question.sentence
    yield rng.choice(THANKS)
