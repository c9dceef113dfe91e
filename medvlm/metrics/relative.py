"""Relative scores: what a judge gave the model's answers, as a share of what it gave the reference answers.

Both ways of averaging are published: LLaVA-Med's later code takes the mean over questions of score / reference score,
LLaVA and LLaVA-Med v1.0.0 take the mean score / the mean reference score. They differ; every table says which it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
# The order in which LLaVA-Med looks for a question's domain: the first that is true counts, and only that.
DOMAIN_ORDER = ("chest_xray", "mri", "histology", "gross", "ct_scan")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scores of one question by one judge, in the judge's points."""

    reference: float
    model: float


@dataclass(frozen=True, slots=True)
class Relative:
    """A group's scores. The means are points, the two relative scores shares (1 = as good as the reference).

    `n` counts the questions with both scores; `unscored` those without, which enter nothing.
    """

    n: int
    unscored: int
    reference: float | None
    model: float | None
    mean_of_ratios: float | None
    ratio_of_means: float | None


def mean_of_ratios(pairs: Sequence[Pair]) -> float | None:
    """The mean over questions of model / reference; None for no pairs. A reference of 0 is a ZeroDivisionError."""
    return sum(pair.model / pair.reference for pair in pairs) / len(pairs) if pairs else None


def ratio_of_means(pairs: Sequence[Pair]) -> float | None:
    """The sum of the model's scores over that of the reference's; None for no pairs or a reference that sums to 0."""
    total = sum(pair.reference for pair in pairs)
    return sum(pair.model for pair in pairs) / total if total else None


def relative(pairs: Sequence[Pair | None]) -> Relative:
    """Everything of one group. Unscored: None (a question without both scores), and a reference of 0 (no ratio)."""
    whole = [pair for pair in pairs if pair is not None and pair.reference]
    n = len(whole)
    return Relative(
        n,
        len(pairs) - n,
        sum(pair.reference for pair in whole) / n if n else None,
        sum(pair.model for pair in whole) / n if n else None,
        mean_of_ratios(whole),
        ratio_of_means(whole),
    )


def by_group(
    items: Sequence[T], group: Callable[[T], str | None], pair: Callable[[T], Pair | None]
) -> dict[str, Relative]:
    """Each group and "overall". An item of no group counts in "overall" only."""
    groups: dict[str, list[Pair | None]] = {}
    for item in items:
        if (name := group(item)) is not None:
            groups.setdefault(name, []).append(pair(item))
    return {name: relative(groups[name]) for name in sorted(groups)} | {"overall": relative([pair(i) for i in items])}


def first_domain(domains: Mapping[str, bool]) -> str | None:
    """The first true domain in LLaVA-Med's order; None where none is true (its table drops such a question)."""
    return next((name for name in DOMAIN_ORDER if domains.get(name)), None)
