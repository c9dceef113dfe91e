"""How far readers agree, with each other and with themselves: kappas, Krippendorff's alpha, plain agreement.

Each coefficient is a function of sums over cases, so that a bootstrap over cases costs one matrix product. That is
why they stand here and are not called in a library thousands of times; the tests hold them against statsmodels and
against published examples. (The usual library for alpha is under the GPL.)
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medvlm import resampling
from medvlm.ratings.records import CRITERIA, HIGHEST, LOWEST, Criterion, Vote
from medvlm.statistics import SEED, Figure, too_few
from medvlm.verdicts import NET, outcome

Level = Literal["nominal", "ordinal"]
Weights = Literal["none", "linear", "quadratic"]
Numbers = NDArray[np.float64]
UNDEFINED = "everyone chose the same, so there is no chance agreement to compare with"
# A category's number, or None where a reader gave none.
Code = int | None
MOST_IN_PAIRS = 10  # with more readers, a table of all pairs tells nobody anything
_OUTCOMES = ("loss", "tie", "neither", "win")
# A preference on a line: neither answer preferred, be both good or both unacceptable, lies between the two.
_PREFERENCE = {-1.0: 0, 0.0: 1, 1.0: 2}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on the verdict. `exact`: share of pairs of readers, case by case, who said the same of four outcomes.

    `fleiss`: cases with the most usual number of readers; `ordinal`: loss < no preference < win. `cohen` by pair of
    readers, up to MOST_IN_PAIRS of them. `self_exact`, `self_kappa`: hidden repeats against the first showing, all
    readers together.
    """

    exact: Figure
    fleiss: Figure
    alpha_nominal: Figure
    alpha_ordinal: Figure
    cohen: Mapping[tuple[str, str], Figure]
    self_exact: Figure
    self_kappa: Figure


def agreement(votes: Sequence[Vote], first: str, repeats: Sequence[Vote] = (), seed: int = SEED) -> Agreement:
    """Of the votes that `verdicts.between` gave; `repeats`: the hidden repeats of the same readers and candidates."""
    said = [(vote.case, vote.reader, _OUTCOMES.index(outcome(vote, first))) for vote in votes]
    leaning = [(vote.case, vote.reader, _PREFERENCE[NET[outcome(vote, first)]]) for vote in votes]
    first_time, second_time = _twice(votes, repeats, first)
    cases = [case for case, _ in first_time]
    same = [float(a == b) for (_, a), b in zip(first_time, second_time, strict=True)]
    return Agreement(
        exact=exact(units(said), len(_OUTCOMES), seed),
        fleiss=fleiss(units(said), len(_OUTCOMES), seed),
        alpha_nominal=krippendorff(units(said), len(_OUTCOMES), "nominal", seed),
        alpha_ordinal=krippendorff(units(leaning), len(_PREFERENCE), "ordinal", seed),
        cohen=_by_pair(said, seed) if len({reader for _, reader, _ in said}) <= MOST_IN_PAIRS else {},
        self_exact=resampling.mean(same, cases, bounds=(0.0, 1.0), seed=seed),
        self_kappa=cohen([a for _, a in first_time], second_time, len(_OUTCOMES), clusters=cases, seed=seed),
    )


def on_criteria(votes: Sequence[Vote], candidate: str, seed: int = SEED) -> dict[Criterion, Figure]:
    """Krippendorff's alpha (ordinal) of each criterion's scores for one candidate."""
    found: dict[Criterion, Figure] = {}
    for place, criterion in enumerate(CRITERIA):
        scores = [(v, (v.left_scores if v.left == candidate else v.right_scores)[place]) for v in votes]
        said = [(v.case, v.reader, score - LOWEST) for v, score in scores if score is not None]
        found[criterion] = krippendorff(units(said), HIGHEST - LOWEST + 1, "ordinal", seed)
    return found


def units(said: Sequence[tuple[str, str, int]]) -> list[list[int]]:
    """(case, reader, code) as the codes of each case, in order of appearance; a reader's last word on a case counts."""
    cases: dict[str, dict[str, int]] = defaultdict(dict)
    for case, reader, code in said:
        cases[case][reader] = code
    return [list(codes.values()) for codes in cases.values()]


def cohen(
    first: Sequence[int],
    second: Sequence[int],
    categories: int,
    weights: Weights = "none",
    clusters: Sequence[Hashable] | None = None,
    seed: int = SEED,
) -> Figure:
    """Cohen's kappa of two lists of codes (Cohen 1960, Educ Psychol Meas 20:37-46; weighted: 1968, Psychol Bull 70)."""
    rows = np.zeros((len(first), categories, categories))
    rows[np.arange(len(first)), np.asarray(first, np.intp), np.asarray(second, np.intp)] = 1
    flat = _clustered(rows.reshape(len(first), categories**2), clusters)
    return resampling.figure(flat, lambda sums: cohen_of(_square(sums), weights), len(first), UNDEFINED, seed)


def fleiss(cases: Sequence[Sequence[int]], categories: int, seed: int = SEED) -> Figure:
    """Fleiss' kappa (Fleiss 1971, Psychol Bull 76:378-382) over the cases with the most usual number of readers.

    It is defined for equally many readers a case only; `krippendorff` takes all.
    """
    counts = _counts(cases, categories)
    sizes = Counter(map(int, counts.sum(-1)))
    if not sizes:
        return too_few(0, 0)
    readers = max(sizes, key=lambda size: (sizes[size], size))
    usual = counts[counts.sum(-1) == readers]
    same = (usual * (usual - 1)).sum(-1) / (readers * (readers - 1))
    rows = np.column_stack([np.ones(len(usual)), same, usual / readers])
    return resampling.figure(rows, fleiss_of, len(rows) * readers, UNDEFINED, seed)


def krippendorff(
    cases: Sequence[Sequence[Code]], categories: int, level: Level = "nominal", seed: int = SEED
) -> Figure:
    """Krippendorff's alpha (Krippendorff 2011, Computing Krippendorff's alpha-reliability); n counts pairable codes."""
    counts = _counts([[code for code in case if code is not None] for case in cases], categories)
    rows = coincidences(counts).reshape(len(counts), categories**2)
    return resampling.figure(rows, lambda sums: alpha_of(_square(sums), level), int(counts.sum()), UNDEFINED, seed)


def exact(cases: Sequence[Sequence[int]], categories: int, seed: int = SEED) -> Figure:
    """The share of pairs of readers who chose the same, over all pairs within a case; n counts the codes."""
    counts = _counts(cases, categories)
    codes = counts.sum(-1)
    same, pairs = (counts * (counts - 1)).sum(-1) / 2, codes * (codes - 1) / 2
    found = resampling.ratio(same, pairs, np.arange(len(counts)), bounds=(0.0, 1.0), seed=seed)
    return Figure(int(codes.sum()), found.clusters, found.value, found.low, found.high, found.reason)


def _counts(cases: Sequence[Sequence[int]], categories: int) -> Numbers:
    """(cases, k): how often each category was chosen, of the cases with two codes or more."""
    paired = [case for case in cases if len(case) > 1]
    sizes = np.array([len(case) for case in paired], np.intp)
    codes = np.fromiter((code for case in paired for code in case), np.intp, count=int(sizes.sum()))
    places = np.repeat(np.arange(len(paired)), sizes) * categories + codes
    return np.bincount(places, minlength=len(paired) * categories).reshape(len(paired), categories).astype(np.float64)


def cohen_of(tables: Numbers, weights: Weights = "none") -> Numbers:
    """Kappa of (..., k, k) tables of counts; NaN where chance leaves nothing to disagree about."""
    k = tables.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    cost = {"none": (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]
    n = tables.sum((-2, -1))
    chance = tables.sum(-1)[..., :, None] * tables.sum(-2)[..., None, :]
    return _one_less((tables * cost).sum((-2, -1)) * n, (chance * cost).sum((-2, -1)))


def fleiss_of(sums: Numbers) -> Numbers:
    """Kappa of (..., 2 + k) sums over cases: cases, agreement (0 to 1 a case), share of each category a case."""
    cases = sums[..., 0]
    chance = ((sums[..., 2:] / cases[..., None]) ** 2).sum(-1)
    return _one_less(1 - sums[..., 1] / cases, 1 - chance)


def alpha_of(tables: Numbers, level: Level) -> Numbers:
    """Alpha of (..., k, k) coincidence matrices."""
    totals = tables.sum(-1)
    n = totals.sum(-1)
    cost = _distances(totals, level)
    chance = (totals[..., :, None] * totals[..., None, :] * cost).sum((-2, -1))
    return _one_less((tables * cost).sum((-2, -1)) * (n - 1), chance)


def coincidences(counts: Numbers) -> Numbers:
    """(..., k, k) from (..., k) codes of each category: each ordered pair of a case's codes, as 1 / (codes - 1)."""
    same = counts[..., :, None] * np.eye(counts.shape[-1])
    return np.asarray((counts[..., :, None] * counts[..., None, :] - same) / (counts.sum(-1)[..., None, None] - 1))


def _distances(totals: Numbers, level: Level) -> Numbers:
    """(..., k, k) squared differences; ordinal ones depend on how often each category was used."""
    k = totals.shape[-1]
    if level == "nominal":
        return 1 - np.eye(k)
    upto = np.cumsum(totals, -1) - totals / 2  # the middle rank of each category
    return np.asarray((upto[..., :, None] - upto[..., None, :]) ** 2)


def _one_less(observed: Numbers, expected: Numbers) -> Numbers:
    """1 - observed / expected, NaN where nothing is expected."""
    possible = expected > 1e-12
    return np.asarray(np.where(possible, 1 - observed / np.where(possible, expected, 1), np.nan))


def _square(sums: Numbers) -> Numbers:
    k = round(sums.shape[-1] ** 0.5)
    return sums.reshape(*sums.shape[:-1], k, k)


def _clustered(rows: Numbers, clusters: Sequence[Hashable] | None) -> Numbers:
    """Rows of one cluster added up."""
    if clusters is None or not len(rows):
        return rows
    numbers: dict[Hashable, int] = {}
    places = [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]
    summed = np.zeros((len(numbers), rows.shape[1]))
    np.add.at(summed, places, rows)
    return summed


def _by_pair(said: Sequence[tuple[str, str, int]], seed: int) -> dict[tuple[str, str], Figure]:
    """Cohen's kappa of every two readers over the cases that both have judged."""
    codes: dict[str, dict[str, int]] = defaultdict(dict)
    for case, reader, code in said:
        codes[reader][case] = code
    found = {}
    for one, other in combinations(sorted(codes), 2):
        shared = [case for case in codes[one] if case in codes[other]]
        first, second = ([codes[reader][case] for case in shared] for reader in (one, other))
        found[one, other] = cohen(first, second, len(_OUTCOMES), seed=seed)
    return found


def _twice(votes: Sequence[Vote], repeats: Sequence[Vote], first: str) -> tuple[list[tuple[str, int]], list[int]]:
    """(case, code) of the first showing and the code of each repeat, where the same reader saw both."""
    code: Callable[[Vote], int] = lambda vote: _OUTCOMES.index(outcome(vote, first))  # noqa: E731
    seen = {(vote.case, vote.reader): code(vote) for vote in votes}
    again = [v for v in repeats if (v.case, v.reader) in seen and first in (v.left, v.right)]
    return [(v.case, seen[v.case, v.reader]) for v in again], [code(v) for v in again]
