"""The store: every rating comes back as it went in, once, and never changes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from medvlm.errors import UserError
from medvlm.ratings import wire
from medvlm.ratings.records import CORRECTNESS, COUNTED, Filter, Rating, Tagged
from medvlm.ratings.store import RatingStore
from tests.crowd import at_once
from tests.rating_cases import BASE, TUNED, full, simple, single


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RatingStore]:
    with RatingStore(tmp_path / "new folder" / "ratings.sqlite3") as opened:
        yield opened


@pytest.mark.parametrize("rating", [full(), simple(1), single()], ids=["full", "simple", "single"])
def test_a_rating_comes_back_as_it_went_in(store: RatingStore, rating: Rating) -> None:
    receipt = store.add(rating)
    assert receipt.new and receipt.rating == rating
    assert store.get(rating.id) == rating
    assert list(store.ratings()) == [rating]
    assert wire.from_record(wire.as_record(rating)) == rating


def test_the_same_vote_twice_is_one_row_and_the_first_one_stays(store: RatingStore) -> None:
    first = store.add(simple(1, "left"))
    again = store.add(simple(1, "right"))
    assert (first.new, again.new) == (True, False)
    assert again.rating.verdict == "left", "the receipt holds what is stored, not what was sent"
    assert store.count() == 1


def test_sixteen_readers_vote_at_once_and_one_double_click_counts_once(store: RatingStore) -> None:
    receipts: list[bool] = []

    def vote(reader: int) -> None:
        for number in range(3):
            receipts.append(store.add(simple(number, reader=f"r{reader}")).new)
        receipts.append(store.add(simple(99, reader="all")).new)

    at_once(16, vote)
    assert (len(receipts), sum(receipts), store.count()) == (64, 49, 49)
    assert len({rating.id for rating in store.ratings()}) == 49


def test_a_correction_is_a_new_row_that_points_to_the_old_one(store: RatingStore) -> None:
    store.add(simple(1, "left"))
    store.add(replace(simple(1, "tie"), id="second", corrects="vote-1-r1"))
    third = replace(simple(1, "right"), id="third", corrects="second")
    store.add(third)
    assert [rating.verdict for rating in store.history("second")] == ["left", "tie", "right"]
    assert store.votes(COUNTED).verdicts.words() == ["right"]
    assert list(store.ratings(Filter())) == [third] and store.count() == 3
    assert store.history("nobody") == ()


def test_what_is_wrong_with_a_correction_is_said(store: RatingStore) -> None:
    store.add(simple(1))
    store.add(replace(simple(1), id="second", corrects="vote-1-r1"))
    wrong = {
        "corrected already": replace(simple(1), id="other", corrects="vote-1-r1"),
        "is not here": replace(simple(1), id="other", corrects="nobody"),
        "only a rating of the same reader": replace(simple(1, reader="r2"), corrects="second"),
        "another reader's": replace(simple(1, reader="r2"), id="second"),
    }
    for says, rating in wrong.items():
        with pytest.raises(UserError, match=says):
            store.add(rating)
    assert store.count() == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": " "}, "no id"),
        ({"reader": "x" * 201}, "reader is longer than 200"),
        ({"verdict": None}, "verdict is None"),
        ({"verdict": "A"}, "'A' and not one of left"),
        ({"right": None}, "takes a correctness and no verdict"),
        ({"sureness": 6}, "6, lies outside 1 to 5"),
        ({"guess": "base"}, "guess is 'base'"),
        ({"seconds": float("nan")}, "time taken is nan"),
        ({"side_seed": 2**63}, "64 bits"),
        ({"corrects": "vote-1-r1"}, "corrects itself"),
        ({"label": "fit for the clinic"}, "its label is"),
        ({"left": replace(full().left, scores=(0, None, None, None, None))}, "a score of 0"),
        ({"left": replace(full().left, text="short", errors=full().right.errors)}, "characters 3 to 7 of 5"),
        ({"created": full().created.replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_a_rating_that_cannot_be_kept_is_refused_by_name(
    store: RatingStore, change: dict[str, object], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        store.add(replace(simple(1), **change))  # type: ignore[arg-type]
    assert store.count() == 0


def test_what_no_database_can_hold_is_made_visible_instead_of_costing_the_vote(store: RatingStore) -> None:
    rating = simple(1)
    store.add(replace(rating, left=replace(rating.left, text="a\0b\ud800c"), seconds=3))
    kept = store.get(rating.id)
    assert kept is not None and kept.left.text == "a\u2400b?c"
    assert isinstance(kept.seconds, float)


def test_filters_choose(store: RatingStore) -> None:
    store.add_all([simple(1), simple(2, reader="r2"), replace(simple(3), study="s", blinded=False), single(), full()])
    counts = {
        Filter(): 5,
        Filter(reader="r2"): 1,
        Filter(study="s"): 1,
        Filter(study=""): 3,
        Filter(case="case-1"): 2,
        Filter(form="single"): 1,
        Filter(blinded=False): 2,
        Filter(training=True): 1,
        COUNTED: 2,
    }
    assert {chosen: store.count(chosen) for chosen in counts} == counts
    assert list(store.votes(COUNTED).ids) == ["vote-1-r1", "vote-2-r2"]


def test_votes_and_tags_say_what_the_ratings_say(store: RatingStore) -> None:
    rating = full()
    store.add(rating)
    found = store.votes()
    columns = (found.ids[0], found.readers, found.cases, found.left, found.right, found.verdicts, found.guesses)
    said = [one if isinstance(one, str) else one.words()[0] for one in columns]
    assert said == ["full", rating.reader, "case/ü", BASE.id, TUNED.id, "left", "unsure"]
    assert (found.domains.words(), found.question_types.words()) == (["cxr"], ["location"])
    assert (found.blinded[0], found.training[0], found.repeats[0], found.seconds[0]) == (False, True, 2, 12.25)
    assert found.scores[0].tolist()[1] == pytest.approx([1, 2, float("nan"), 4, 5], nan_ok=True)
    assert [CORRECTNESS[code] for code in found.correctness[0]] == ["partly", "right"]
    assert found.words[0].tolist() == [len(rating.left.text.split())] * 2
    assert store.texts(["full", "nobody"]) == {"full": (rating.left.text, rating.left.text)}
    assert store.error_tags("pilot") == [
        Tagged("full", "left", "side", "severe"),
        Tagged("full", "left", "other", "none"),
        Tagged("full", "right", "missed_finding", "mild"),
    ]
    assert store.error_tags("") == []
    assert store.candidates() == {BASE.id: BASE, TUNED.id: TUNED}


def test_many_ratings_come_in_pages_and_in_order(store: RatingStore) -> None:
    store.add_all(simple(number) for number in range(401))
    walk = store.ratings()
    seen = [next(walk).case.id]
    store.add(simple(5000))
    seen += [rating.case.id for rating in walk]
    assert seen == [f"case-{number}" for number in range(401)], "what came after the first was read is left out"


def test_every_write_is_asked_to_reach_the_disk(store: RatingStore) -> None:
    with store.database.reading() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_rows_cannot_point_to_what_is_not_there(store: RatingStore) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"), store.database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO errors VALUES ('nobody', 0, 'left', 'side', 'mild', NULL, NULL)")


def test_the_digest_tells_any_two_ratings_apart_and_survives_the_store(store: RatingStore) -> None:
    rating = full()
    store.add(rating)
    kept = store.get(rating.id)
    assert kept is not None and wire.digest(kept) == wire.digest(rating)
    changed = [
        replace(rating, verdict="tie"),
        replace(rating, comment=""),
        replace(rating, case=replace(rating.case, picture=b"\x89PNG\x00\xfe")),
        replace(rating, left=replace(rating.left, errors=())),
        replace(rating, software="MedVLM 0.1.0"),
    ]
    assert len({wire.digest(one) for one in [rating, *changed]}) == 6


def test_the_file_is_plain_sqlite(store: RatingStore) -> None:
    store.add(simple(1))
    assert store.database.file is not None
    with sqlite3.connect(store.database.file) as plain:
        assert plain.execute("SELECT verdict, label FROM ratings").fetchall() == [
            ("right", "Research demo. Not for diagnosis.")
        ]
    plain.close()
