"""Image reliance: the same question about a blank, another, a foreign and a mirrored picture; does the answer follow?

The score goes from 0 (the picture never mattered) to 1. With d(x) the change (see `change`) from the answer about the
picture itself to the answer about x,

    score = (d(blank) + max(d(swapped), d(foreign))) / 2

A blank picture takes everything away, so the answer has to change. Of the two others the one that changes more
counts: another picture of the same kind may rightly get the same answer ("This is a CT"), and so may a foreign one
("Is there a catheter? No"). The mirrored picture isn't part of the score, as most answers should not follow it; the
side that an answer names should, and a warning says where it doesn't.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import count
from typing import Literal

import numpy as np

from medvlm.imaging import render
from medvlm.metrics.strict import yes_no
from medvlm.metrics.text import words
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.probes import Brake, Inquiry, Shown, put
from medvlm.types import DOMAIN_NAMES, Arm, ChatModel, Decoding, Domain

Kind = Literal["own", "blank", "swapped", "foreign", "mirrored"]
# What looks least like each kind of picture.
FOREIGN: dict[Domain, Domain] = {
    "cxr": "histology",
    "ct": "gross",
    "mri": "histology",
    "histology": "cxr",
    "gross": "ct",
    "other": "histology",
}
# Phantoms of the training split: the examples, which people ask about, are of the other.
SWAP_SEED = 11
_SIDE = re.compile(r"\b(left|right)\b", re.I)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of an answer, and whether it is new against the answer about the picture itself."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What was answered about one picture. `change`: 0 (the same words) to 1."""

    kind: Kind
    label: str
    text: str
    change: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Reliance:
    """All trials with what follows from them; `score` is None until blank and another picture have been tried."""

    trials: tuple[Trial, ...]
    score: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One picture to ask about in place of the own."""

    kind: Kind
    label: str
    pixels: Shown


def own(inquiry: Inquiry) -> Probe:
    return Probe("own", "The picture itself", inquiry.pixels())


def blank(inquiry: Inquiry) -> Probe:
    """One grey of the picture's mean brightness: nothing to see, and nothing that black alone would give away."""
    pixels = inquiry.pixels()
    return Probe("blank", "A blank picture", np.full_like(pixels, round(float(pixels.mean()))))


def swapped(inquiry: Inquiry) -> Probe | None:
    """Another picture of the same kind; None where the kind is not known."""
    domain = inquiry.scan.domain
    if domain == "other":
        return None
    return Probe("swapped", f"Another picture of its kind ({_named(domain)})", _phantom(domain, inquiry))


def foreign(inquiry: Inquiry) -> Probe:
    """A picture of quite another kind."""
    domain = FOREIGN[inquiry.scan.domain]
    return Probe("foreign", f"A picture of another kind ({_named(domain)})", _phantom(domain, inquiry))


def mirrored(inquiry: Inquiry) -> Probe | None:
    """Left and right exchanged; None for a question about a region, which would lie elsewhere then."""
    if inquiry.region is not None:
        return None
    return Probe("mirrored", "Mirrored, left to right", np.ascontiguousarray(inquiry.pixels()[:, ::-1]))


PROBES: dict[Kind, Callable[[Inquiry], Probe | None]] = {
    "own": own,
    "blank": blank,
    "swapped": swapped,
    "foreign": foreign,
    "mirrored": mirrored,
}


def probes(inquiry: Inquiry) -> tuple[Probe, ...]:
    """All pictures to ask about, the own one first. Raises `UserError` where a slice is damaged."""
    made = (make(inquiry) for make in PROBES.values())
    return tuple(probe for probe in made if probe is not None)


def reliance(
    model: ChatModel, inquiry: Inquiry, through: Sequence[Probe], arm: Arm, decoding: Decoding, brake: Brake
) -> Iterator[Trial]:
    """Ask greedily about each probe, in order, until the brake is pulled. Raises `UserError` as the model does.

    The first one's answer is what the others are held against: asked anew, without chance and without earlier turns.
    """
    before: str | None = None
    for probe in through:
        text = put(model, inquiry, probe.pixels, arm, decoding, brake)
        if text is None:
            return
        before = text if before is None else before
        yield Trial(probe.kind, probe.label, text, change(before, text), pieces(before, text))


def judged(trials: Sequence[Trial]) -> Reliance:
    """The score and the warnings, as far as the trials go."""
    changes = {trial.kind: trial.change for trial in trials}
    others = [changes[kind] for kind in ("swapped", "foreign") if kind in changes]
    score = (changes["blank"] + max(others)) / 2 if "blank" in changes and others else None
    return Reliance(tuple(trials), score, tuple(_warnings({trial.kind: trial for trial in trials})))


def change(before: str, after: str) -> float:
    """How far an answer moved, 0 (the same words) to 1.

    1 where a yes became a no, or the only side named became the other one; else the share of words that are not common
    in order: 1 - 2 M / T with Ratcliff and Obershelp's M matching words of T in both, case, punctuation and articles
    aside.
    """
    old, new = words(before), words(after)
    if old == new:
        return 0.0
    said, says = yes_no(before), yes_no(after)
    if said and says and said != says:
        return 1.0
    if (was := side(before)) and (now := side(after)) and was != now:
        return 1.0
    return 1.0 - SequenceMatcher(None, old, new, autojunk=False).ratio()


def side(text: str) -> str | None:
    """ "left" or "right", where an answer names only one of them."""
    named = {word.lower() for word in _SIDE.findall(text)}
    return named.pop() if len(named) == 1 else None


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """The words of `after` as written, in runs: kept from `before`, or changed."""
    old, new = before.split(), after.split()
    was, now = (["".join(words(word)) or word.lower() for word in text] for text in (old, new))
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    return tuple(
        Piece(" ".join(new[start:end]), tag != "equal")
        for tag, _, _, start, end in matcher.get_opcodes()
        if end > start
    )


def _warnings(trials: dict[Kind, Trial]) -> Iterator[str]:
    if "blank" in trials and trials["blank"].change == 0:
        yield "The answer does not change with a blank picture: it does not rest on what this picture shows."
    if "own" in trials and "mirrored" in trials:
        was, now = side(trials["own"].text), side(trials["mirrored"].text)
        if was is not None and was == now:
            yield f"The answer still says {was} when the picture is mirrored: the side does not come from the picture."


def _named(domain: Domain) -> str:
    name = DOMAIN_NAMES[domain]
    return name if name[:2].isupper() else name[0].lower() + name[1:]


def _phantom(domain: Domain, inquiry: Inquiry) -> Shown:
    """A drawn picture of that kind, not the one that was asked about."""
    asked = inquiry.pixels()
    drawn = (render(as_scan(draw(domain, seed))) for seed in count(SWAP_SEED))
    return next(pixels for pixels in drawn if not np.array_equal(pixels, asked))
