"""Reviews of one answer: counted by what was judged, from the store to the figure."""

from dataclasses import replace
from pathlib import Path

import pytest

from medvlm.compare.ballot import Ballot, Remarks
from medvlm.errors import UserError
from medvlm.outcomes import reviews
from medvlm.privacy import Gate
from medvlm.ratings.records import Correctness, Filter
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.studies.reviewing import Reviewing, study_of
from tests.rating_cases import BASE, TUNED, simple, single
from tests.score_cases import open_run, written

SAID: tuple[Correctness, ...] = ("right", "right", "right", "partly", "wrong", "cannot_judge")


def test_the_share_that_is_right_leaves_out_what_could_not_be_judged(tmp_path: Path) -> None:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        for number in range(36):
            one = single(number)
            store.add(replace(one, left=replace(one.left, correctness=SAID[number % 6])))
        store.add(simple(1))
        store.add(replace(single(99), training=True))
        store.add(replace(single(98), left=replace(single(98).left, candidate=BASE)))
        found = store.reviews(Filter(training=False))
    assert len(found) == 37
    assert (found[0].candidate, found[0].correctness, found[0].domain) == (TUNED.id, "right", "mri")
    shares = reviews.shares(reviews.of_candidate(found, TUNED.id))
    assert [shares[kind].value for kind in reviews.JUDGED] == pytest.approx([0.6, 0.2, 0.2])
    right = shares["right"]
    assert (right.n, right.clusters) == (30, 30) and right.low is not None and right.high is not None
    assert 0.35 < right.low < 0.6 < right.high < 0.85


def test_repeats_training_and_named_reviews_do_not_count(tmp_path: Path) -> None:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        store.add(single(1))
        store.add(replace(single(2), repeat=1))
        store.add(replace(single(3), training=True))
        store.add(replace(single(4), blinded=False))
        assert [review.id for review in reviews.of_candidate(store.reviews(), TUNED.id)] == ["review-1"]
        assert reviews.shares(store.reviews())["right"].reason.startswith("too few: 4 cases")


def test_the_answers_of_a_run_are_judged_one_at_a_time_and_each_once(tmp_path: Path) -> None:
    shelf = RunShelf([written(tmp_path / "runs" / "drawn", open_run()).parent])
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        room = Reviewing(store, shelf, Gate("off"))
        assert room.runs() == {"drawn": 6}, "three open questions and two arms; yes or no is left out"
        with pytest.raises(UserError, match="no longer there"):
            room.turn("gone", "r1")
        seen = []
        while (turn := room.turn("drawn", "r1")) is not None:
            assert turn.number == len(seen) + 1 and turn.total == 6 and turn.scan.domain == "ct"
            assert "nano" not in turn.shown.text and "[masked]" in turn.shown.text
            said: Correctness = "right" if turn.asked.arm == "tuned" else "wrong"
            ballot = Ballot("0" * 32, Remarks(turn.shown.text, correctness=said), seconds=2.0)
            first = room.submit(turn, ballot, None)
            assert room.submit(turn, ballot, None).id == first.id
            seen.append((turn.asked.sample_id, turn.asked.arm))
        assert len(set(seen)) == 6 and seen != sorted(seen)
        again = room.turn("drawn", "r2")
        assert again is not None and again.number == 1
        kept = list(store.ratings(Filter(study=study_of("drawn"))))
    assert len(kept) == 6 and {one.form for one in kept} == {"single"} and all(one.case.reference for one in kept)
    said_of = {(one.left.candidate.name, one.left.correctness) for one in kept}
    assert said_of == {("nano-med", "right"), ("nano", "wrong")}


def test_answers_whose_picture_is_not_here_are_passed_over(tmp_path: Path) -> None:
    run = open_run()
    lost = replace(run, predictions=tuple(replace(one, image="phantom:none:1") for one in run.predictions))
    shelf = RunShelf([written(tmp_path / "runs" / "drawn", lost).parent])
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        assert Reviewing(store, shelf, Gate("off")).turn("drawn", "r1") is None
