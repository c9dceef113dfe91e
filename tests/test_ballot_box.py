"""What a vote leaves behind, once, however it came in and whatever failed before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from medvlm.compare.ballot_box import BallotBox
from medvlm.compare.comparison import drawn
from medvlm.compare.disguise import MASK
from medvlm.compare.steps import CLOSED
from medvlm.errors import StoreError, UserError
from medvlm.ratings.records import COUNTED
from medvlm.ratings.store import RatingStore
from medvlm.types import Decoding, Window
from tests.compare_cases import BASE, TUNED, Room, entrants, secret
from tests.crowd import at_once


def test_a_vote_keeps_both_answers_whole_with_whose_they_are_and_what_was_masked() -> None:
    room = Room()
    room.ask()
    masked = room.now.as_voted(0).text
    at = masked.index(MASK)
    tag = {"kind": "other", "harm": "mild", "start": at, "stop": at + len(MASK)}
    left = {"scores": [1, 2, 3, 4, 5], "correctness": "partly", "errors": [tag]}
    kept = room.vote(left=left, sureness=4, comment="So.", look={"slice": 1}, guess="left")
    assert kept == room.ratings.kept[f"{1:032d}"] and kept is room.now.rating
    sides = [one.candidate for one in drawn(entrants(room.model), kept.side_seed)]
    assert [kept.left.candidate, kept.right.candidate] == sides and {*sides} == {BASE, TUNED}
    assert "quokkabase" in kept.left.text + kept.right.text and "wombat-med" in kept.left.text + kept.right.text
    mark = kept.left.errors[0]
    assert kept.left.text[mark.start : mark.stop] == kept.left.leaks[0] and secret(kept.left.leaks[0])
    assert (kept.left.scores, kept.left.correctness, kept.verdict) == ((1, 2, 3, 4, 5), "partly", "left")
    assert (kept.reader, kept.comment, kept.sureness, kept.seconds) == ("reader-one", "So.", 4, 2.0)
    assert kept.blinded and kept.corrects is None and kept.left.decoding == Decoding(seed=3)
    assert kept.guess == ("left" if room.now.asks_guess else None), "only who was asked has guessed"
    case = kept.case
    assert (case.question, case.domain, case.scans) == ("Is there a mass?", "ct", ("0" * 64,))
    assert case.view is not None and case.view.slice == 1 and case.window == Window(400, 40)
    assert case.look == '{"slice": 1}'


def test_one_ballot_is_one_rating_however_often_it_comes() -> None:
    room = Room()
    room.ask()
    payload = room.payload()
    at_once(8, lambda _: room.comparing.vote(room.booth, payload))
    assert len(room.ratings.kept) == 1 and room.comparing.vote(room.booth, payload) == room.now.rating


def test_a_vote_that_cannot_be_kept_shows_no_name_and_can_be_handed_in_again() -> None:
    room = Room()
    room.ask()
    room.ratings.full = True
    payload = room.payload()
    with pytest.raises(StoreError, match="disk is full"):
        room.comparing.vote(room.booth, payload)
    assert not room.now.named and room.now.rating is None
    room.ratings.full = False
    assert room.comparing.vote(room.booth, payload).id == payload["id"] and room.now.named


def test_a_correction_points_to_the_old_vote_and_is_not_blinded(tmp_path: Path) -> None:
    with RatingStore(tmp_path / "r.sqlite3") as store:
        room = Room(keep=BallotBox(lambda: store).keep)
        room.ask()
        first = room.vote(1)
        second = room.vote(2, verdict="tie", reader="somebody else")
        third = room.vote(3, verdict="neither")
        assert (second.corrects, third.corrects) == (first.id, second.id)
        assert (first.blinded, second.blinded, third.reader) == (True, False, "reader-one")
        assert [one.id for one in store.history(first.id)] == [first.id, second.id, third.id]
        assert len(store.votes(COUNTED)) == 0, "whoever knows the names casts no blinded vote"


@pytest.mark.parametrize(
    "changes", [{"reader": ""}, {"reader": "x" * 41}, {"reader": "a\u202eb"}, {"verdict": None}, {"key": "other"}]
)
def test_a_vote_that_is_not_complete_says_so(changes: dict[str, Any]) -> None:
    room = Room()
    room.ask()
    with pytest.raises(UserError) as refused:
        room.vote(**changes)
    assert room.ratings.kept == {} and ("key" not in changes or str(refused.value) == CLOSED)


def test_the_box_opens_the_store_at_the_first_vote_and_again_after_a_failure(tmp_path: Path) -> None:
    tries: list[int] = []

    def opens() -> RatingStore:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("The disk is full.")
        return RatingStore(tmp_path / "r.sqlite3")

    box = BallotBox(opens)
    room = Room(keep=box.keep)
    room.ask()
    assert tries == []
    with pytest.raises(StoreError):
        room.vote()
    assert room.vote().id and len(tries) == 2
    opened: Sequence[Any] = [box._store]
    opened[0].close()
