"""Whether readers saw through the blinding: Bang's index of their guesses, apart for each arm."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medvlm import resampling
from medvlm.ratings.records import Side, Vote
from medvlm.statistics import SEED, Z95, Figure, Interval


@dataclass(frozen=True, slots=True)
class Blinding:
    """Bang's index, -1 to 1: 0 is guessing, 1 all saw through, -1 all guessed the opposite.

    A guess names one side of a pair, so the two arms of the index are the two ways in which a pair is laid out: the
    candidate on the left, and on the right. A reader who always says "left" has 1 in one and -1 in the other;
    `overall` would not show it.
    """

    left: Figure
    right: Figure
    overall: Figure


def blinding(votes: Sequence[Vote], candidate: str, seed: int = SEED) -> Blinding:
    """Of the votes whose reader was asked which answer is the candidate's."""
    asked = [vote for vote in votes if vote.guess is not None]
    sides: tuple[Side, Side] = ("left", "right")
    left, right = ([v for v in asked if getattr(v, side) == candidate] for side in sides)
    return Blinding(*(_index(part, candidate, seed) for part in (left, right, asked)))


def bang(correct: int, wrong: int, unsure: int) -> Interval | None:
    """The index of one arm's counts with its normal interval (Bang, Ni and Davis 2004, Control Clin Trials 25:143-156).

    None for no guesses. It takes guesses as independent; `blinding` does not.
    """
    n = correct + wrong + unsure
    if n == 0:
        return None
    right, other = correct / n, wrong / n
    value = right - other
    half = Z95 * math.sqrt((right * (1 - right) + other * (1 - other) + 2 * right * other) / n)
    return Interval(value, max(-1.0, value - half), min(1.0, value + half))


def _index(votes: Sequence[Vote], candidate: str, seed: int) -> Figure:
    """The same value as `bang`'s, as a mean of 1 (right), -1 (wrong) and 0 (unsure), with a bootstrap over cases."""
    values = [_point(vote, candidate) for vote in votes]
    return resampling.mean(values, [vote.case for vote in votes], [vote.reader for vote in votes], seed=seed)


def _point(vote: Vote, candidate: str) -> float:
    if vote.guess == "unsure":
        return 0.0
    guessed = vote.left if vote.guess == "left" else vote.right
    return 1.0 if guessed == candidate else -1.0
