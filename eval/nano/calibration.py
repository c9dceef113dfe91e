"""What the probability of "yes" is worth: area under the curve, expected calibration error, reliability bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medvlm.scores import Record

BINS = 10


@dataclass(frozen=True, slots=True)
class Belief:
    """How probable "yes" was among "yes" and "no" (0 to 1), and whether it is the right answer."""

    probability: float
    true: bool


def auc(beliefs: Sequence[Belief]) -> float | None:
    """The chance that a true "yes" was more probable than a false one, ties counting half (Hanley and McNeil 1982).

    None where one of the two is missing.
    """
    yes = np.array([b.probability for b in beliefs if b.true])
    no = np.array([b.probability for b in beliefs if not b.true])
    if not len(yes) or not len(no):
        return None
    higher = (yes[:, None] > no[None, :]).mean()
    return float(higher + 0.5 * (yes[:, None] == no[None, :]).mean())


def bins(beliefs: Sequence[Belief], count: int = BINS) -> list[Record]:
    """Equal steps of probability: how many fell in, their mean probability, and the share that was truly "yes"."""
    made: list[Record] = []
    for number in range(count):
        inside = [b for b in beliefs if min(int(b.probability * count), count - 1) == number]
        if inside:
            mean = sum(b.probability for b in inside) / len(inside)
            true = sum(b.true for b in inside)
            made.append({"from": number / count, "n": len(inside), "mean": round(mean, 5), "true": true})
    return made


def ece(beliefs: Sequence[Belief], count: int = BINS) -> float | None:
    """Expected calibration error: gap of mean probability and truth, over bins, weighted by n (Naeini et al. 2015)."""
    if not beliefs:
        return None
    gaps = [abs(one["mean"] * one["n"] - one["true"]) for one in bins(beliefs, count)]
    return float(sum(gaps) / len(beliefs))


def summary(beliefs: Sequence[Belief]) -> Record:
    """n, true yes, area, error and bins, as they are kept."""
    area, error = auc(beliefs), ece(beliefs)
    return {
        "n": len(beliefs),
        "true": sum(b.true for b in beliefs),
        "auc": None if area is None else round(area, 5),
        "ece": None if error is None else round(error, 5),
        "bins": bins(beliefs),
    }
