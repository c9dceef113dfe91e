"""What length and style do: whether the longer answer wins, and how well style alone tells two candidates apart."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medvlm import resampling
from medvlm.ratings.records import VERDICTS
from medvlm.ratings.votes import Numbers, Votes
from medvlm.statistics import FEWEST, SEED, Figure, too_few

# The left and the right answer of ratings, by their ids.
Texts = Callable[[Sequence[str]], Mapping[str, tuple[str, str]]]
MOST_TEXTS = 500  # cases whose answers are read: an interval of 4 points to each side
FOLDS = 5
RIDGE = 1.0
# Counted in an answer. Hedges: words by which a writer holds back.
_HEDGES = r"\b(?:may|might|could|possibl[ey]|probabl[ey]|likely|suggest\w*|appear\w*|seem\w*|cannot|unclear)\b"
FEATURES: dict[str, re.Pattern[str]] = {
    "words": re.compile(r"\S+"),
    "sentences": re.compile(r"[.!?](?:\s|$)"),
    "list items": re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s", re.MULTILINE),
    "headings": re.compile(r"^\s*#{1,6}\s", re.MULTILINE),
    "bold": re.compile(r"\*\*[^*\n]+\*\*"),
    "digits": re.compile(r"\d+"),
    "commas": re.compile(r"[,;:]"),
    "first person": re.compile(r"\b(?:I|we|my|our)\b"),
    "hedges": re.compile(_HEDGES, re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Style:
    """`told_apart`: share of pairs in which style alone, learnt on other cases, names the candidate (0.5: it cannot).

    `weights`: what it goes by, per standard deviation of each feature; positive speaks for the candidate.
    """

    told_apart: Figure
    weights: Mapping[str, float]


def longer_wins(votes: Votes, seed: int = SEED) -> Figure:
    """The share of decided votes on answers of different length, in words, that went to the longer one."""
    verdicts = votes.verdicts.codes
    left = verdicts == VERDICTS.index("left")
    decided = (left | (verdicts == VERDICTS.index("right"))) & (votes.words[:, 0] != votes.words[:, 1])
    values = ((votes.words[:, 0] > votes.words[:, 1]) == left)[decided].astype(np.float64)
    some = votes.where(decided)
    return resampling.mean(values, some.cases.numbered(), some.readers.numbered(), (0.0, 1.0), seed)


def style(votes: Votes, candidate: str, texts: Texts, seed: int = SEED) -> Style:
    """Of the votes between two candidates: one pair of answers a case, of at most MOST_TEXTS cases drawn by seed."""
    _, places = np.unique(votes.cases.codes, return_index=True)
    cases = len(places)
    if cases > MOST_TEXTS:
        places = np.random.default_rng(seed).choice(places, MOST_TEXTS, replace=False)
    some = votes.where(np.sort(places))
    ids = [str(one) for one in some.ids]
    said = texts(ids)
    sides = [said[one] if own else said[one][::-1] for one, own in zip(ids, some.own(candidate), strict=True)]
    found = told_apart([own for own, _ in sides], [other for _, other in sides], ids, seed)
    note = f"{MOST_TEXTS} of {cases:,} cases, drawn" if cases > MOST_TEXTS else ""
    return replace(found, told_apart=replace(found.told_apart, note=note))


def features(text: str) -> Numbers:
    """(features,) log(1 + count) of each; logarithms, because ten words more mean less in a long answer."""
    return np.log1p([len(pattern.findall(text)) for pattern in FEATURES.values()])


def told_apart(own: Sequence[str], others: Sequence[str], cases: Sequence[str], seed: int = SEED) -> Style:
    """Cross-validated over cases: share of pairs whose own answer the style score puts first (an equal score is half).

    A logistic regression with a ridge on the differences of features; all pairs of a case are in one fold.
    """
    places = {case: number for number, case in enumerate(dict.fromkeys(cases))}
    if len(places) < FEWEST:
        return Style(too_few(len(own), len(places)), {})
    differences = np.array([features(a) - features(b) for a, b in zip(own, others, strict=True)])
    scale = np.sqrt((differences**2).mean(axis=0))
    differences = differences / np.where(scale > 0, scale, 1)
    fold_of = np.random.default_rng(seed).permutation(len(places)) % FOLDS
    folds = fold_of[[places[case] for case in cases]]
    scores = np.zeros(len(own))
    for fold in range(FOLDS):
        scores[folds == fold] = differences[folds == fold] @ signs(differences[folds != fold])
    hits = np.where(np.isclose(scores, 0, atol=1e-9), 0.5, scores > 0)
    weights = dict(zip(FEATURES, map(float, signs(differences)), strict=True))
    return Style(resampling.mean(list(map(float, hits)), cases, bounds=(0.0, 1.0), seed=seed), weights)


def signs(differences: Numbers, ridge: float = RIDGE) -> Numbers:
    """(features,) weights w that make sigmoid(w . difference) large: logistic regression without intercept, by Newton.

    The penalty is ridge / 2 times the sum of squares. Mirrored pairs say the same, so there is no intercept to fit.
    """
    weights = np.zeros(differences.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-differences @ weights))
        slope = differences.T @ (1 - chance) - ridge * weights
        bend = (differences.T * (chance * (1 - chance))) @ differences + ridge * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights
