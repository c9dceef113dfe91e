"""How far readers agree, with each other and with themselves: kappas, Krippendorff's alpha, plain agreement.

Each coefficient is a function of sums over cases, so that a bootstrap over cases costs one matrix product. That is
why they stand here and are not called in a library thousands of times; the tests hold them against statsmodels and
against published examples. (The usual library for alpha is under the GPL.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from medvlm import resampling
from medvlm.outcomes.verdicts import OUTCOMES, nets, outcomes
from medvlm.ratings.votes import Codes, Numbers, Votes
from medvlm.statistics import SEED, Figure, too_few

Level = Literal["nominal", "ordinal"]
Weights = Literal["none", "linear", "quadratic"]
UNDEFINED = "everyone chose the same, so there is no chance agreement to compare with"
MOST_IN_PAIRS = 10  # with more readers, a table of all pairs tells nobody anything
_KINDS = len(OUTCOMES)
_LEANINGS = 3  # Preferences on a line: neither answer preferred, be both good or both unacceptable, lies between.


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


def agreement(votes: Votes, first: str, repeats: Votes, seed: int = SEED) -> Agreement:
    """Of the votes that `verdicts.between` gave; `repeats`: the hidden repeats of the same readers and candidates."""
    cases, readers = votes.cases.numbered(), votes.readers.numbered()
    kept = last_words(cases, readers)
    cases, readers, votes = cases[kept], readers[kept], votes.where(kept)
    said, leaning = outcomes(votes, first), (nets(votes, first) + 1).astype(np.intp)
    verdicts = counts(cases, said, _KINDS)
    once, again = _twice(votes, repeats)
    one, other = said[once], outcomes(repeats.where(again), first)
    return Agreement(
        exact=exact(verdicts, seed),
        fleiss=fleiss(verdicts, seed),
        alpha_nominal=krippendorff(verdicts, "nominal", seed),
        alpha_ordinal=krippendorff(counts(cases, leaning, _LEANINGS), "ordinal", seed),
        cohen=_by_pair(votes, said, seed) if len(np.unique(readers)) <= MOST_IN_PAIRS else {},
        self_exact=resampling.mean(
            (one == other).astype(np.float64), votes.cases[once].numbered(), bounds=(0.0, 1.0), seed=seed
        ),
        self_kappa=cohen(one, other, _KINDS, clusters=cases[once], seed=seed),
    )


def last_words(cases: Codes, readers: Codes) -> Codes:
    """The places of what counts where a reader has judged a case several times: the last, in the place of the first."""
    keys = cases * (readers.max(initial=0) + 1) + readers
    _, first = np.unique(keys, return_index=True)
    _, from_end = np.unique(keys[::-1], return_index=True)
    return np.asarray((len(keys) - 1 - from_end)[np.argsort(first)])


def counts(cases: Codes, codes: Codes, categories: int) -> Numbers:
    """(cases, k): how often each category was chosen, of the cases with two codes or more, in order of appearance."""
    found = np.bincount(cases * categories + codes, minlength=(cases.max(initial=-1) + 1) * categories)
    found = found.reshape(-1, categories).astype(np.float64)
    return np.asarray(found[found.sum(-1) > 1])


def cohen(
    first: Sequence[int] | Codes,
    second: Sequence[int] | Codes,
    categories: int,
    weights: Weights = "none",
    clusters: Codes | None = None,
    seed: int = SEED,
) -> Figure:
    """Cohen's kappa of two lists of codes (Cohen 1960, Educ Psychol Meas 20:37-46; weighted: 1968, Psychol Bull 70)."""
    rows = np.zeros((len(first), categories, categories))
    rows[np.arange(len(first)), np.asarray(first, np.intp), np.asarray(second, np.intp)] = 1
    flat = _clustered(rows.reshape(len(first), categories**2), clusters)
    return resampling.figure(flat, lambda sums: cohen_of(_square(sums), weights), len(first), UNDEFINED, seed)


def fleiss(cases: Numbers, seed: int = SEED) -> Figure:
    """Fleiss' kappa (Fleiss 1971, Psychol Bull 76:378-382) over the cases with the most usual number of readers.

    `cases`: from `counts`. It is defined for equally many readers a case only; `krippendorff` takes all.
    """
    if not len(cases):
        return too_few(0, 0)
    sizes, often = np.unique(cases.sum(-1).astype(np.intp), return_counts=True)
    readers = int(sizes[often == often.max()].max())
    usual = cases[cases.sum(-1) == readers]
    same = (usual * (usual - 1)).sum(-1) / (readers * (readers - 1))
    rows = np.column_stack([np.ones(len(usual)), same, usual / readers])
    return resampling.figure(rows, fleiss_of, len(rows) * readers, UNDEFINED, seed)


def krippendorff(cases: Numbers, level: Level = "nominal", seed: int = SEED) -> Figure:
    """Krippendorff's alpha (Krippendorff 2011, Computing Krippendorff's alpha-reliability); n counts pairable codes.

    `cases`: from `counts`.
    """
    rows = coincidences(cases).reshape(len(cases), cases.shape[-1] ** 2)
    return resampling.figure(rows, lambda sums: alpha_of(_square(sums), level), int(cases.sum()), UNDEFINED, seed)


def exact(cases: Numbers, seed: int = SEED) -> Figure:
    """The share of pairs of readers who chose the same, over all pairs within a case; n counts the codes."""
    codes = cases.sum(-1)
    same, pairs = (cases * (cases - 1)).sum(-1) / 2, codes * (codes - 1) / 2
    found = resampling.ratio(same, pairs, np.arange(len(cases)), bounds=(0.0, 1.0), seed=seed)
    return Figure(int(codes.sum()), found.clusters, found.value, found.low, found.high, found.reason)


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


def _clustered(rows: Numbers, clusters: Codes | None) -> Numbers:
    """Rows of one cluster added up, in order of appearance."""
    if clusters is None or not len(rows):
        return rows
    _, first, places = np.unique(clusters, return_index=True, return_inverse=True)
    summed = np.zeros((len(first), rows.shape[1]))
    np.add.at(summed, places, rows)
    return np.asarray(summed[np.argsort(first)])


def _by_pair(votes: Votes, said: Codes, seed: int) -> dict[tuple[str, str], Figure]:
    """Cohen's kappa of every two readers over the cases that both have judged, each once."""
    cases, found = votes.cases.codes, {}
    chosen = {reader: np.full(len(votes.cases.known), -1) for reader, _ in votes.readers.parts()}
    for reader, places in votes.readers.parts():
        chosen[reader][cases[places]] = said[places]
    for (one, places), (other, _) in combinations(votes.readers.parts(), 2):
        shared = cases[places][chosen[other][cases[places]] >= 0]
        found[one, other] = cohen(chosen[one][shared], chosen[other][shared], _KINDS, seed=seed)
    return found


def _twice(votes: Votes, repeats: Votes) -> tuple[Codes, Codes]:
    """Places of the first showing and of the repeat, for each repeat of what the same reader saw before."""
    if not len(repeats):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    seen = {key: place for place, key in enumerate(zip(votes.cases.words(), votes.readers.words(), strict=True))}
    keys = zip(repeats.cases.words(), repeats.readers.words(), strict=True)
    found = [(seen[key], place) for place, key in enumerate(keys) if key in seen]
    once, again = np.array(found, np.intp).reshape(-1, 2).T
    return once, again
