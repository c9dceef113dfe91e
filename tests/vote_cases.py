"""Votes row by row, as the statistics' columns, and simulated reader studies with a known effect."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace

import numpy as np

from medvlm.ratings.records import NO_SCORES, Correctness, Guess, Scores, Verdict
from medvlm.ratings.votes import Votes

FIRST, SECOND = "first", "second"


@dataclass(frozen=True)
class Vote:
    """One row of `Votes`, in the order of its columns."""

    id: str
    reader: str
    case: str
    left: str
    right: str
    verdict: Verdict
    domain: str = "other"
    question_type: str = ""
    guess: Guess | None = None
    blinded: bool = True
    training: bool = False
    repeat: int = 0
    seconds: float | None = None
    left_words: int = 0
    right_words: int = 0
    left_scores: Scores = NO_SCORES
    right_scores: Scores = NO_SCORES
    left_correctness: Correctness | None = None
    right_correctness: Correctness | None = None


def table(rows: Iterable[Vote]) -> Votes:
    """The same votes as columns."""
    flat = (astuple(row) for row in rows)
    return Votes.of([(*row[:15], *row[15], *row[16], *row[17:]) for row in flat])


def votes(
    cases: int,
    readers: int,
    effect: float = 0.0,
    case_spread: float = 0.5,
    reader_spread: float = 0.0,
    seed: int = 0,
) -> list[Vote]:
    """Every reader votes on every case; a latent preference above 0.5 is a win, below -0.5 a loss, between a tie."""
    rng = np.random.default_rng(seed)
    latent = effect + case_spread * rng.normal(size=(cases, 1)) + reader_spread * rng.normal(size=(1, readers))
    latent = latent + rng.normal(size=(cases, readers))
    lefts = rng.random((cases, readers)) < 0.5
    return [
        vote(f"c{case}", f"r{reader}", float(latent[case, reader]), bool(lefts[case, reader]))
        for case in range(cases)
        for reader in range(readers)
    ]


def vote(case: str, reader: str, latent: float, first_left: bool = True) -> Vote:
    left, right = (FIRST, SECOND) if first_left else (SECOND, FIRST)
    verdict: Verdict = "tie"
    if abs(latent) > 0.5:
        verdict = "left" if (latent > 0) == first_left else "right"
    return Vote(f"{case}-{reader}", reader, case, left, right, verdict)


def said(outcomes: str, readers: int = 1) -> list[Vote]:
    """Votes from letters: w(in), l(oss), t(ie), n(either); `readers` letters in a row belong to one case."""
    latents = {"w": 1.0, "l": -1.0, "t": 0.0, "n": 0.0}
    found = []
    for place, letter in enumerate(outcomes):
        one = vote(f"c{place // readers}", f"r{place % readers}", latents[letter], place % 2 == 0)
        found.append(replace(one, verdict="neither") if letter == "n" else one)
    return found


def true_net(effect: float, case_spread: float, reader_spread: float) -> float:
    """The net win rate that `votes` draws from: P(latent > 0.5) - P(latent < -0.5)."""
    from statistics import NormalDist

    latent = NormalDist(effect, (1 + case_spread**2 + reader_spread**2) ** 0.5)
    return 1 - latent.cdf(0.5) - latent.cdf(-0.5)
