"""Bang's index gives the published values and tells seeing from a habit of pointing to one side."""

from dataclasses import replace

import pytest

from medvlm.outcomes.blinding import bang, blinding
from medvlm.ratings.records import Guess
from tests.vote_cases import FIRST, Vote, said, table


@pytest.mark.parametrize(
    ("correct", "wrong", "unsure", "index"),
    # CRISP, the cholesterol trial in Bang, Ni and Davis 2004, table 3: lovastatin and placebo.
    [(82, 25, 170, 0.206), (29, 27, 83, 0.014)],
)
def test_bangs_index_gives_the_published_values(correct: int, wrong: int, unsure: int, index: float) -> None:
    found = bang(correct, wrong, unsure)
    assert found is not None and round(found.value, 3) == index
    assert found.low < found.value < found.high


def test_no_guess_has_no_index_and_certainty_is_one() -> None:
    assert bang(0, 0, 0) is None
    assert bang(5, 0, 0) is not None and bang(5, 0, 0).value == 1.0  # type: ignore[union-attr]


def guessing(guess: Guess | None, votes: list[Vote]) -> list[Vote]:
    return [replace(vote, guess=guess) for vote in votes]


def test_a_habit_of_pointing_left_is_no_unblinding() -> None:
    found = blinding(table(guessing("left", said("w" * 40))), FIRST)
    assert (found.left.value, found.right.value) == (1.0, -1.0)
    assert found.overall.value == 0.0 and not found.overall.excludes_zero


def test_readers_who_know_are_seen_on_both_sides() -> None:
    knowing = [replace(v, guess="left" if v.left == FIRST else "right") for v in said("w" * 40)]
    found = blinding(table(knowing), FIRST)
    assert found.left.value == found.right.value == found.overall.value == 1.0
    assert found.overall.low is not None and 0.7 < found.overall.low < 1


def test_unsure_counts_and_unasked_does_not() -> None:
    data = guessing("unsure", said("w" * 30)) + guessing(None, said("w" * 100))
    found = blinding(table(data), FIRST)
    assert found.overall.n == 30 and found.overall.value == 0.0
