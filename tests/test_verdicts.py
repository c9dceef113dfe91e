"""Shares, net win rate, criteria and errors: counted right, said with n, refused where there are too few."""

from dataclasses import replace

import pytest

from medvlm.outcomes import verdicts
from medvlm.ratings.records import Side, Tagged
from medvlm.statistics import Figure
from tests.vote_cases import FIRST, SECOND, said, table, votes


def test_only_blinded_first_showings_outside_training_count() -> None:
    good = said("wl")
    others = [
        replace(good[0], id="named", blinded=False),
        replace(good[0], id="training", training=True),
        replace(good[0], id="repeat", repeat=1),
        replace(good[0], id="third", left="third"),
    ]
    rows = table([*good, *others])
    assert list(verdicts.between(rows, FIRST, SECOND).ids) == [vote.id for vote in good]
    assert list(verdicts.between(rows, SECOND, "third").ids) == ["third"]
    assert list(verdicts.repeats(rows, FIRST, SECOND).ids) == ["repeat"]
    assert len(verdicts.between(rows, FIRST, "nobody")) == 0


def test_a_summary_counts_wins_whichever_side_they_were_on() -> None:
    found = verdicts.summary(table(said("wwwwwwwwlltn")), FIRST)
    assert found.counts == {"win": 8, "tie": 1, "neither": 1, "loss": 2}
    assert (found.cases, found.readers) == (12, 1)
    assert found.net.value == pytest.approx(6 / 12)
    assert found.shares["neither"].value == pytest.approx(1 / 12)
    other = verdicts.summary(table(said("wwwwwwwwlltn")), SECOND)
    assert other.counts["loss"] == 8 and other.net.value == pytest.approx(-6 / 12)


def test_a_few_cases_give_counts_and_no_figures() -> None:
    found = verdicts.summary(table(said("wwl")), FIRST)
    assert found.counts["win"] == 2
    assert found.net == Figure(3, 3, reason="too few: 3 cases, 10 needed", note="")
    assert found.more is None
    nothing = verdicts.summary(table([]), FIRST)
    assert nothing.net.value is None and nothing.sign_test.reason == "too few: no case is decided"


def test_the_sign_test_is_exact_and_counts_cases_not_votes() -> None:
    # Conover, Practical Nonparametric Statistics (1999), 3.4, example 1: 8 of 9 pairs that differ prefer item B,
    # 1 item A; one-sided p 0.0195.
    found = verdicts.sign_test(table(said("wwwwwwwwlt")), FIRST)
    assert (found.value, found.clusters, found.n) == (pytest.approx(2 * 10 / 2**9), 9, 10)
    tripled = verdicts.sign_test(table(said("www" * 8 + "lll" + "ttt", readers=3)), FIRST)
    assert (tripled.value, tripled.clusters, tripled.n) == (found.value, 9, 30)


def test_groups_are_told_apart() -> None:
    data = table(replace(v, domain="ct" if i % 2 else "mri") for i, v in enumerate(said("wl" * 12)))
    found = verdicts.grouped(data, FIRST, data.domains)
    assert list(found) == ["ct", "mri"]
    assert found["ct"].counts["loss"] == 12 and found["mri"].counts["win"] == 12
    read = table(said("wlwl", readers=2))
    assert list(verdicts.grouped(read, FIRST, read.readers)) == ["r0", "r1"]


def test_more_ratings_is_what_it_takes() -> None:
    assert verdicts.more_ratings(Figure(100, 50, 0.1, -0.1, 0.3)) == 300  # half the width: four times as many
    assert verdicts.more_ratings(Figure(100, 50, -0.1, -0.3, 0.1)) == 300
    assert verdicts.more_ratings(Figure(100, 50, 0.3, 0.1, 0.5)) == 0
    assert verdicts.more_ratings(Figure(100, 50, 0.0, -0.2, 0.2)) is None
    assert verdicts.more_ratings(Figure(3, 3, reason="too few")) is None


def test_more_ratings_come_true() -> None:
    few = verdicts.summary(table(votes(60, 2, 0.12, seed=4)), FIRST)
    assert few.more is not None and 0 < few.more < 3000
    cases = 60 + round(few.more / 2)
    later = verdicts.summary(table(votes(cases, 2, 0.12, seed=5)), FIRST)
    assert few.net.value is not None and later.net.low is not None and later.net.high is not None
    assert (later.net.high - later.net.low) / 2 == pytest.approx(abs(few.net.value), rel=0.3)


def test_criteria_are_compared_pair_by_pair() -> None:
    data = []
    for place, vote in enumerate(said("w" * 30)):
        own, other = (4 + place % 2, None, 3, 3, 3), (3 + place % 2, 5, 3, 3, 3)
        left, right = (own, other) if vote.left == FIRST else (other, own)
        data.append(replace(vote, left_scores=left, right_scores=right))
    found = verdicts.criteria(table(data), FIRST)
    assert found["correct"].first.value == 4.5 and found["correct"].second.value == 3.5
    assert found["correct"].difference.value == 1.0 and found["correct"].difference.excludes_zero
    assert found["complete"].difference.reason.startswith("too few: 0 cases")
    assert found["safe"].difference.value == 0.0 and not found["safe"].difference.excludes_zero


def test_correctness_leaves_out_what_could_not_be_judged() -> None:
    data = [
        replace(v, left_correctness="right", right_correctness="cannot_judge" if i == 0 else "wrong")
        for i, v in enumerate(said("w" * 13))
    ]
    found = verdicts.correctness(table(data), FIRST)
    # The first candidate stands left in every second vote, and the first vote is left out.
    assert found["right"].first.n == 12 and found["right"].first.value == 0.5


def test_errors_count_answers_by_their_worst_harm() -> None:
    data = said("w" * 20)
    own: list[Side] = ["left" if vote.left == FIRST else "right" for vote in data]
    tags = [Tagged(v.id, side, "side", "severe") for v, side in zip(data[:5], own, strict=False)]
    tags += [Tagged(v.id, side, "other", "mild") for v, side in zip(data[:10], own, strict=False)]
    found = verdicts.errors(table(data), tags, FIRST)
    assert [found[harm].first.value for harm in ("none", "mild", "moderate", "severe")] == [0.5, 0.5, 0.25, 0.25]
    assert found["severe"].second.value == 0.0 and found["severe"].difference.value == 0.25
    assert found["severe"].second.high is not None and found["severe"].second.high > 0.1, "none seen is not none there"
    counts = verdicts.error_counts(table(data), [*tags, Tagged("gone", "left", "side", "severe")])
    assert counts == {(FIRST, "side", "severe"): 5, (FIRST, "other", "mild"): 10}


def test_time_is_of_the_votes_that_know_it() -> None:
    data = [replace(v, seconds=None if i < 5 else 10.0 + i) for i, v in enumerate(said("w" * 20))]
    found = verdicts.seconds(table(data))
    assert found.n == 15 and found.value == pytest.approx(22.0)
