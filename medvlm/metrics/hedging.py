"""Words by which an answer keeps a way out ("appears", "may", "suggests"), counted, and what they are worth."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from medvlm.metrics.similarity import length

# Name -> what counts as it. "appearance" is no hedge, nor is the month of May.
HEDGES: dict[str, str] = {
    "appear": r"appear(?:s|ed|ing)?",
    "may": r"may(?!,?\s+\d)",
    "might": r"might",
    "could": r"could(?!\s*n[o']t)",
    "seem": r"seem(?:s|ed|ing|ingly)?",
    "suggest": r"suggest(?:s|ed|ing|ive)?",
    "possible": r"possib(?:le|ly)|possibilit(?:y|ies)",
    "probable": r"probabl[ey]|presumabl[ey]",
    "likely": r"(?:un)?likely",
    "perhaps": r"perhaps|maybe",
    "consistent with": r"(?:consistent|compatible) with",
    "suspicious": r"suspicious (?:for|of)|suspected|concerning for",
    "cannot be excluded": r"(?:cannot|can ?not|can't) (?:be )?(?:excluded?|ruled? out)",
    "indicative": r"indicative of",
    "unsure": r"(?:not (?:sure|certain|clear)|unsure|uncertain|unclear)",
}
_PATTERNS = {name: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for name, pattern in HEDGES.items()}


@dataclass(frozen=True, slots=True)
class Hedging:
    """Hedges in some texts: how often each, in how many texts at all, and how many words there are."""

    texts: int
    hedged: int
    words: int
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def per_100_words(self) -> float | None:
        """None for no words."""
        return 100 * self.total / self.words if self.words else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Mean scores of the answers that hedge and of those that do not, with their numbers; unscored ones aside.

    A model that hedges where it is wrong has `hedged_mean` below `plain_mean`.
    """

    hedged: int
    hedged_mean: float | None
    plain: int
    plain_mean: float | None
    unscored: int


def hedges(text: str) -> dict[str, int]:
    """Each kind of hedge in a text and how often it occurs; kinds that do not are left out."""
    found = Counter({name: len(pattern.findall(text)) for name, pattern in _PATTERNS.items()})
    return {name: count for name, count in found.items() if count}


def hedging(texts: Sequence[str]) -> Hedging:
    """The hedges of all texts together, kinds in the order of `HEDGES`."""
    each = [hedges(text) for text in texts]
    counts = {name: sum(one.get(name, 0) for one in each) for name in HEDGES}
    return Hedging(
        len(texts),
        sum(bool(one) for one in each),
        sum(length(text) for text in texts),
        {name: count for name, count in counts.items() if count},
    )


def calibration(texts: Sequence[str], scores: Sequence[float | None]) -> Calibration:
    """How good answers are when they hedge and when they do not. Raises ValueError for unequal lengths."""
    if len(texts) != len(scores):
        raise ValueError(f"{len(texts)} texts and {len(scores)} scores do not belong together.")
    scored = [(bool(hedges(text)), value) for text, value in zip(texts, scores, strict=True) if value is not None]
    with_hedge = [value for hedged, value in scored if hedged]
    without = [value for hedged, value in scored if not hedged]
    return Calibration(len(with_hedge), _mean(with_hedge), len(without), _mean(without), len(texts) - len(scored))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
