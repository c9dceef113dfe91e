"""Reviews of one answer: counted by what was judged, from the store to the figure."""

from dataclasses import replace
from pathlib import Path

import pytest

from medvlm import reviews
from medvlm.ratings.records import Correctness, Filter
from medvlm.ratings.store import RatingStore
from tests.rating_cases import BASE, TUNED, simple, single

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
