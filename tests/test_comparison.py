"""Sides are drawn evenly, again from their seed, and being asked for a guess tells nothing of them."""

from collections import Counter
from dataclasses import replace

from medvlm.compare.ballot import Ballot, Remarks
from medvlm.compare.comparison import ASKED, Comparison, asks_guess, drawn
from tests.compare_cases import TUNED, entrants
from tests.fakes import FakeModel


def test_sides_are_drawn_evenly_and_the_recorded_seed_draws_them_again() -> None:
    both = entrants(FakeModel())
    lefts = Counter(drawn(both, seed)[0].candidate.name for seed in range(1000))
    assert 440 < lefts["quokkabase"] < 560 and len(lefts) == 2
    for seed in range(20):
        assert [one.candidate for one in drawn(both, seed)] == [one.candidate for one in drawn(both[::-1], seed)]


def test_of_three_each_pair_is_drawn_on_both_sides() -> None:
    model = FakeModel()
    three = [*entrants(model), replace(entrants(model)[1], candidate=replace(TUNED, name="third"))]
    pairs = Counter(tuple(one.candidate.name for one in drawn(three, seed)) for seed in range(1200))
    assert len(pairs) == 6 and min(pairs.values()) > 140


def test_a_fifth_is_asked_which_is_tuned_whatever_the_sides() -> None:
    both = entrants(FakeModel())
    asked = [seed for seed in range(4000) if asks_guess(drawn(both, seed), seed)]
    assert abs(len(asked) / 4000 - ASKED) < 0.02
    lefts = sum(drawn(both, seed)[0].candidate.arm == "tuned" for seed in asked)
    assert 0.44 < lefts / len(asked) < 0.56, "being asked tells nothing of the sides"
    assert not any(asks_guess((both[0], both[0]), seed) for seed in range(100))


def test_answers_to_a_prompt_of_the_readers_own_are_another_candidates() -> None:
    both = [replace(one, candidate=replace(one.candidate, prompt_version=3)) for one in entrants(FakeModel())]
    ballot = Ballot("0" * 32, Remarks("yes"), Remarks("no"), "left")
    for system, version in ((None, 3), ("You are a poet.", None)):
        case = Comparison.begun(both, 1, True).asked("Is it ill?", None, system).answered(("yes", "no"))
        rating = case.voted(ballot, "r1")
        assert [one.candidate.prompt_version for one in rating.answers] == [version] * 2
