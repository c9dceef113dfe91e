"""The teacher without a model: exchanges, descriptions and steps by templates, from what rules read in a caption.

It says nothing that the caption does not say in so many words; for trials and demos. Its records name it "rules".
"""

import random
import re

from medvlm.claims.finding_words import FINDINGS
from medvlm.claims.findings import NORMAL, Claim, claims
from medvlm.claims.statements import Exchange
from medvlm.phantoms.wording import be, indefinite
from medvlm.types import Domain
from train.generate.faults import tokens
from train.generate.sources import Source

NAME = "rules"
PICTURES: dict[Domain, str] = {
    "cxr": "a chest X-ray",
    "ct": "a CT scan",
    "mri": "an MRI scan",
    "histology": "a histology slide",
    "gross": "a photograph of a specimen",
}
KIND = ("What kind of picture is this?", "How was this picture made?", "What am I looking at?")
PRESENT = ("Is there {it}?", "Can you see {it}?", "Does the picture show {it}?", "Do you find {it}?")
SIDE = ("On which side is the {it}?", "Is the {it} on the left or on the right?", "Which side has the {it}?")
NORMALS = (
    Exchange("Does it look normal?", "Yes, it looks normal."),
    Exchange("Is anything abnormal?", "No, nothing abnormal can be seen."),
    Exchange("Do you see anything wrong?", "No, it looks normal."),
)
OVERALL = ("What does the picture show?", "What can be seen here?", "What do you see?")
_LABEL = re.compile(
    r"^\s*(?:supplementary |extended data )?(?:figure|fig)s?\.?\s*S?\d+\s*[A-Za-z]?\s*[.:|)\u2013-]*\s*", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")


def caption(source: Source) -> str:
    """The caption as it is, without the figure's label."""
    return " ".join(_LABEL.sub("", source.caption).split())


def sentences(text: str) -> list[str]:
    return [one for one in _SENTENCE.split(text) if one]


def conversation(source: Source, wanted: int) -> tuple[Exchange, ...]:
    """Up to so many exchanges: the kind of picture, what is found and where, what is absent, else the whole."""
    lot = random.Random(f"{source.id} {source.caption}")
    made = [Exchange(lot.choice(KIND), f"This is {PICTURES[source.domain]}.")] if source.domain in PICTURES else []
    found = claims(source.caption, source.domain) if source.domain in FINDINGS else ()
    for one in found:
        made += _about(one, lot)
    if len(made) < 2 and (said := sentences(caption(source))):
        made.append(Exchange(lot.choice(OVERALL), said[0]))
    return tuple({one.question: one for one in made}.values())[:wanted]


def _about(one: Claim, lot: random.Random) -> list[Exchange]:
    if one.state == "unsure":
        return []
    if one.finding == NORMAL:
        return [lot.choice(NORMALS)]
    it = indefinite(one.finding)
    asked = lot.choice(PRESENT).format(it=it)
    if one.state == "absent":
        return [Exchange(asked, f"No, there {be(one.finding)} no {one.finding}.")]
    made = [Exchange(asked, f"Yes, {it} can be seen.")]
    if one.side in ("left", "right"):
        made.append(Exchange(lot.choice(SIDE).format(it=one.finding), f"It is on the {one.side} side."))
    return made


def description(source: Source) -> str:
    """The caption's sentences."""
    return caption(source)


def steps(source: Source, given: Exchange) -> list[str]:
    """The kind of picture, the sentences of the caption that share words with question and answer, what follows."""
    words = set(tokens(f"{given.question} {given.answer}"))
    near = [one for one in sentences(caption(source)) if len(words & set(tokens(one))) > 1]
    made = [f"The picture is {PICTURES[source.domain]}."] if source.domain in PICTURES else []
    made += near[:3] or sentences(caption(source))[:1]
    return [*made, "What can be seen settles the question."]
