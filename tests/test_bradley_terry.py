"""Strengths give the published values and an order that the data can bear."""

import itertools

import numpy as np
import pytest

from medvlm.outcomes.bradley_terry import ranking, strengths
from tests.vote_cases import Vote, table

# Agresti, Categorical Data Analysis (2nd ed. 2002), section 10.6: American League 1987, wins of row over column, and
# the fitted strengths against Baltimore.
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = (
    (0, 7, 9, 7, 7, 9, 11),
    (6, 0, 7, 5, 11, 9, 9),
    (4, 6, 0, 7, 7, 8, 12),
    (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12),
    (4, 4, 5, 6, 6, 0, 6),
    (2, 4, 1, 3, 1, 7, 0),
)
FITTED = (1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0)


def season() -> list[Vote]:
    """The table as votes; every game is a case of its own."""
    games = [
        (winner, loser)
        for i, winner in enumerate(TEAMS)
        for j, loser in enumerate(TEAMS)
        for _ in range(WINS[i][j])
    ]  # fmt: skip
    return [Vote(str(n), "r", str(n), winner, loser, "left") for n, (winner, loser) in enumerate(games)]


def test_strengths_are_the_published_ones() -> None:
    found = strengths(np.array(WINS, dtype=np.float64), ridge=0.0)
    assert [round(float(value - found[-1]), 2) for value in found] == list(FITTED)


def test_a_ranking_knows_what_it_does_not_know() -> None:
    found = ranking(table(season()))
    order = list(found.strengths)
    assert (order[0], order[-1]) == ("Milwaukee", "Baltimore")
    assert found.ranks["Milwaukee"][0] == 1 and found.ranks["Milwaukee"][1] > 1, "13 games a pair leave room"
    assert found.ranks["Baltimore"][1] == 7
    first = found.strengths["Milwaukee"]
    assert first.n == 78 and first.low is not None and first.value is not None and first.low < first.value
    assert sum(f.value or 0 for f in found.strengths.values()) == pytest.approx(0, abs=1e-9)


def test_one_who_never_lost_has_a_finite_strength() -> None:
    pairs = [("a", "b"), ("a", "c"), ("b", "c"), ("c", "b")] * 10
    votes = [Vote(str(n), "r", str(n), one, other, "left") for n, (one, other) in enumerate(pairs)]
    found = ranking(table(votes))
    assert found.ranks["a"] == (1, 1)
    assert all(f.high is not None and np.isfinite(f.high) and f.high < 10 for f in found.strengths.values())


def test_ties_pull_together() -> None:
    pairs = list(itertools.combinations("abc", 2)) * 10
    votes = [Vote(str(n), "r", str(n), *pair, "neither" if n % 2 else "tie") for n, pair in enumerate(pairs)]
    assert [f.value for f in ranking(table(votes)).strengths.values()] == pytest.approx([0, 0, 0])


def test_what_cannot_be_ranked_is_said() -> None:
    two = [Vote(str(n), "r", str(n), "a", "b", "left") for n in range(20)]
    apart = two + [Vote(f"x{n}", "r", f"x{n}", "c", "d", "left") for n in range(20)]
    few = [Vote(str(n), "r", str(n % 3), one, other, "tie") for n, (one, other) in enumerate(["ab", "bc", "ca"])]
    for votes, says in ((two, "2 candidates, 3 needed"), (apart, "c, d never met"), (few, "3 cases, 10 needed")):
        found = ranking(table(votes))
        assert found.ranks == {} and all(f.value is None and says in f.reason for f in found.strengths.values())
