"""What a judge is worth: order, repetition, silence, length and agreement, on cases worked out by hand."""

import pytest

from medvlm.judging import audit
from medvlm.judging.judgement import BothOrders, Judgement
from medvlm.judging.verdicts import Choice, OneScore, Preferred, TwoScores, Unparsed, Verdict


def both(forward: Choice | None, backward: Choice | None) -> BothOrders:
    def said(choice: Choice | None) -> Judgement:
        verdict: Verdict = Unparsed("silent") if choice is None else Preferred(choice)
        return Judgement(verdict, ("",))

    return BothOrders(said(forward), said(backward))


def test_a_judge_that_prefers_whoever_stands_first_is_found_out() -> None:
    found = audit.swap_audit([both("first", "first")] * 4)
    assert (found.consistent.value, found.first_preferred.value) == (0.0, 1.0)


def test_swaps_are_counted() -> None:
    pairs = [both("first", "second"), both("second", "second"), both("tie", "tie"), both("first", None)]
    found = audit.swap_audit(pairs)
    # Consistent: the first and the third of three. For a side: first, second, second, second: 1 of 4 first.
    assert (found.consistent.hits, found.consistent.n, found.unparsed) == (2, 3, 1)
    assert (found.first_preferred.hits, found.first_preferred.n) == (1, 4)


def test_the_bonus_of_standing_first_is_in_points() -> None:
    pairs: list[tuple[Verdict, Verdict]] = [
        (TwoScores(9, 5), TwoScores(6, 8)),  # first answer 9 then 8, second 5 then 6: bonus (1 + 1) / 2
        (TwoScores(7, 7), TwoScores(7, 7)),  # none
        (TwoScores(8, 6), TwoScores(8, 6)),  # 8 then 6, 6 then 8: bonus (2 + 2) / 2, and the winner changes
        (TwoScores(8, 6), Unparsed("silent")),
    ]
    found = audit.score_swap(pairs)
    assert (found.n, found.unparsed) == (3, 1)
    assert found.first_bonus == pytest.approx(1.0) and found.mean_change == pytest.approx(1.0)
    assert (found.same_winner.hits, found.same_winner.n) == (2, 3)


def test_repetition_is_measured_within_cases() -> None:
    # Variances: 0; ((1 + 1) / 2) = 1; one score alone says nothing.
    found = audit.repeats([[5, 5, 5], [4, 6], [7, None], []])
    assert (found.n, found.variance, found.unparsed) == (2, 0.5, 1)
    assert (found.identical.hits, found.identical.n) == (1, 2)


def test_silence_is_counted_with_its_reasons() -> None:
    said: list[Verdict] = [
        OneScore(3),
        Unparsed("an empty reply"),
        Unparsed("an empty reply"),
        Unparsed("several verdicts"),
    ]
    assert audit.unparsed(said).value == 0.75
    assert audit.reasons(said) == {"an empty reply": 2, "several verdicts": 1}
    assert audit.unparsed([]).value is None


def test_a_judge_that_likes_length_is_found_out() -> None:
    found = audit.length_bias([10, 20, 30, 40], [1, 2, 3, 4])
    assert (found.n, found.correlation) == (4, pytest.approx(1.0))
    assert audit.length_bias([10, 20, 30], [3, 2, 1]).correlation == pytest.approx(-1.0)
    assert audit.length_bias([10, 20], [None, 2.0]).n == 1


def test_length_is_held_against_the_other_answer() -> None:
    # Longer by 5, 5, shorter by 5, equal; scores +1, -1, -1, +1. Of three decided, the longer wins the first and last.
    found = audit.length_bias([15, 15, 5, 10], [6, 4, 4, 6], [(10, 5.0)] * 4)
    assert (found.longer_wins.hits, found.longer_wins.n) == (2, 3)
    # Ranks of lengths 3.5, 3.5, 1, 2; of scores 3.5, 1.5, 1.5, 3.5: covariance 0.5 * ... / 4 by hand below.
    # d = (1, 1, -1.5, -0.5), e = (1, -1, -1, 1): sum d*e = 1 - 1 + 1.5 - 0.5 = 1; sqrt(4.5 * 4) = sqrt(18).
    assert found.correlation == pytest.approx(1 / 18**0.5)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ([1, 2, 3], [1, 2, 3], 1.0),
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),  # scipy.stats.spearmanr's documented example
        ([1, 1, 1], [1, 2, 3], None),
        ([1], [1], None),
        ([], [], None),
    ],
)
def test_rank_correlation(first: list[float], second: list[float], value: float | None) -> None:
    found = audit.spearman(first, second)
    assert found == (None if value is None else pytest.approx(value))


def test_agreement_with_readers_leaves_silence_out() -> None:
    judge: list[Choice | None] = ["first", "first", "second", "second", None] * 4
    readers: list[Choice | None] = ["first", "second", "second", "second", "first"] * 4
    found = audit.with_readers(judge, readers, [str(number) for number in range(20)])
    # 16 pairs; observed 12/16; chance (8*4 + 8*12)/256 = 1/2; kappa (3/4 - 1/2)/(1/2).
    assert found.n == 16 and found.value == pytest.approx(0.5)
    assert found.low is not None and found.high is not None and found.low < 0.5 < found.high
    assert audit.with_readers([], [], []).value is None
    with pytest.raises(ValueError):
        audit.with_readers(judge, readers[:3], ["a"] * 20)
