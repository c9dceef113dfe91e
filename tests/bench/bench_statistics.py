"""How often 95 % intervals hold the truth in 1,000 simulated reader studies of known effect."""

from typing import Any

import numpy as np

from medvlm import resampling
from medvlm.outcomes.bradley_terry import ranking
from medvlm.outcomes.verdicts import nets
from medvlm.ratings.records import Verdict
from medvlm.statistics import Figure
from tests.vote_cases import FIRST, Vote, table, true_net, votes

# name -> cases, readers, effect, spread of cases, spread of readers
STUDIES: dict[str, tuple[int, int, float, float, float]] = {
    "20 cases, 3 readers": (20, 3, 0.3, 0.5, 0.0),
    "60 cases, 1 reader": (60, 1, 0.3, 0.5, 0.0),
    "30 cases, 5 readers, cases differ much": (30, 5, 0.3, 1.5, 0.0),
    "40 cases, 12 readers, readers differ": (40, 12, 0.3, 0.5, 0.6),
    "60 cases, 10 readers, readers alike": (60, 10, 0.3, 0.5, 0.0),
    "100 cases, 20 readers, both differ": (100, 20, 0.3, 0.8, 0.8),
}
LEAST, MOST = 0.93, 0.97


def net(study: list[Vote], seed: int) -> Figure:
    return resampling.mean(nets(table(study), FIRST), [v.case for v in study], [v.reader for v in study], seed=seed)


def coverage(name: str, trials: int) -> float:
    """The share of trials whose interval of the net win rate holds the true one."""
    cases, readers, effect, case_spread, reader_spread = STUDIES[name]
    truth = true_net(effect, case_spread, reader_spread)
    found = [net(votes(cases, readers, effect, case_spread, reader_spread, seed), seed) for seed in range(trials)]
    return float(np.mean([_holds(figure, truth) for figure in found]))


def strength_coverage(trials: int) -> float:
    """The same for Bradley and Terry's strengths of four candidates, 40 cases of six duels."""
    truth = np.array([0.6, 0.2, -0.2, -0.6])
    hits = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)] * 40
        study = [_duel(number, i, j, truth, rng) for number, (i, j) in enumerate(pairs)]
        found = ranking(table(study), ridge=0.01, seed=seed).strengths
        hits += [_holds(found[str(place)], value) for place, value in enumerate(truth)]
    return float(np.mean(hits))


def run(smoke: bool) -> list[dict[str, Any]]:
    """Raises AssertionError where an interval covers too little or too much."""
    trials = 5 if smoke else 1_000
    found = {name: coverage(name, trials) for name in STUDIES}
    found["strengths of four candidates"] = strength_coverage(2 if smoke else 250)
    if not smoke:
        wrong = {name: share for name, share in found.items() if not LEAST <= share <= MOST}
        assert not wrong, f"95 % intervals cover {wrong}"
    return [
        {"name": f"95 % intervals: {name}", "value": 100 * share, "unit": "% cover"} for name, share in found.items()
    ]


def _duel(number: int, i: int, j: int, truth: np.ndarray[Any, Any], rng: np.random.Generator) -> Vote:
    verdict: Verdict = "left" if rng.random() < 1 / (1 + np.exp(truth[j] - truth[i])) else "right"
    return Vote(str(number), "r", f"c{number // 6}", str(i), str(j), verdict)


def _holds(figure: Figure, truth: float) -> bool:
    return figure.low is not None and figure.high is not None and figure.low <= truth <= figure.high
