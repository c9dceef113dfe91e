"""Whether readers saw through the blinding: Bang's index of their guesses, apart for each arm."""

import math
from dataclasses import dataclass

import numpy as np

from medvlm import resampling
from medvlm.ratings.records import GUESSES
from medvlm.ratings.votes import Votes
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


def blinding(votes: Votes, candidate: str, seed: int = SEED) -> Blinding:
    """Of the votes whose reader was asked which answer is the candidate's."""
    asked = votes.where(votes.guesses.codes >= 0)
    left, right = (names.codes == names.code(candidate) for names in (asked.left, asked.right))
    parts = (asked.where(left), asked.where(right), asked)
    return Blinding(*(_index(part, candidate, seed) for part in parts))


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


def _index(votes: Votes, candidate: str, seed: int) -> Figure:
    """The same value as `bang`'s, as a mean of 1 (right), -1 (wrong) and 0 (unsure), with a bootstrap over cases."""
    guess = votes.guesses.codes
    left, right = (names.codes == names.code(candidate) for names in (votes.left, votes.right))
    hit = ((guess == GUESSES.index("left")) & left) | ((guess == GUESSES.index("right")) & right)
    values = np.where(guess == GUESSES.index("unsure"), 0.0, np.where(hit, 1.0, -1.0))
    return resampling.mean(values, votes.cases.numbered(), votes.readers.numbered(), seed=seed)
