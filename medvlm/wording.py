"""What length and style do: whether the longer answer wins, and how well style alone tells two candidates apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm import resampling
from medvlm.ratings.records import Rating, Vote
from medvlm.statistics import FEWEST, SEED, Figure, too_few

Numbers = NDArray[np.float64]
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
class Wording:
    """`longer_wins`: share of decided votes that went to the longer answer (0.5: length does not matter).

    `told_apart`: share of pairs in which style alone, learnt on other cases, names the candidate (0.5: it cannot).
    `weights`: what it goes by, per standard deviation of each feature; positive speaks for the candidate.
    """

    longer_wins: Figure
    told_apart: Figure
    weights: dict[str, float]


def longer_wins(votes: Sequence[Vote], seed: int = SEED) -> Figure:
    """Over decided votes on answers of different length, in words."""
    decided = [v for v in votes if v.verdict in ("left", "right") and v.left_words != v.right_words]
    values = [float((v.left_words > v.right_words) == (v.verdict == "left")) for v in decided]
    return resampling.mean(values, [v.case for v in decided], [v.reader for v in decided], (0.0, 1.0), seed)


def wording(ratings: Sequence[Rating], votes: Sequence[Vote], candidate: str, seed: int = SEED) -> Wording:
    """Of the votes between two candidates, with the same pairs' whole ratings for their texts."""
    told, weights = told_apart(*_pairs(ratings, candidate), seed=seed)
    return Wording(longer_wins(votes, seed), told, weights)


def features(text: str) -> Numbers:
    """(features,) log(1 + count) of each; logarithms, because ten words more mean less in a long answer."""
    return np.log1p([len(pattern.findall(text)) for pattern in FEATURES.values()])


def told_apart(
    own: Sequence[str], others: Sequence[str], cases: Sequence[str], seed: int = SEED
) -> tuple[Figure, dict[str, float]]:
    """Cross-validated over cases: share of pairs whose own answer the style score puts first (an equal score is half).

    A logistic regression with a ridge on the differences of features; all pairs of a case are in one fold.
    """
    places = {case: number for number, case in enumerate(dict.fromkeys(cases))}
    if len(places) < FEWEST:
        return too_few(len(own), len(places)), {}
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
    return resampling.mean(list(map(float, hits)), cases, bounds=(0.0, 1.0), seed=seed), weights


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


def _pairs(ratings: Sequence[Rating], candidate: str) -> tuple[list[str], list[str], list[str]]:
    """Own text, the other's text and the case, once for each pair of texts however many readers judged it."""
    found: dict[tuple[str, str, str], None] = {}
    for rating in ratings:
        if rating.right is None:
            continue
        own, other = rating.left, rating.right
        if own.candidate.id != candidate:
            own, other = other, own
        if own.candidate.id == candidate:
            found[own.text, other.text, rating.case.id] = None
    return [own for own, _, _ in found], [other for _, other, _ in found], [case for _, _, case in found]
