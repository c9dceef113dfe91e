"""Comparing without a page: sides, pace, what may be seen when, and what a vote leaves behind."""

import copy
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medvlm.ballot_box import BallotBox
from medvlm.booth import Booth
from medvlm.comparing import CLOSED, Comparing, Moment, arms_of
from medvlm.comparison import ASKED, Comparison, Seen, asks_guess, drawn
from medvlm.disguise import MASK
from medvlm.errors import StoreError, UserError
from medvlm.host import Host
from medvlm.pacing import Pace, count, first_words
from medvlm.ratings.records import COUNTED, Candidate
from medvlm.ratings.store import RatingStore
from medvlm.screen import at_first
from medvlm.session import Choices
from medvlm.types import Arm, Decoding, Scan, Window
from tests.compare_cases import BASE, SECRETS, TUNED, FakeRatings, Stage, entrants
from tests.fakes import FakeModel

NOTHING = {"scores": [None] * 5, "correctness": None, "errors": []}


def a_scan(name: str = "0", slices: int = 3) -> Scan:
    pixels = tuple(np.full((6, 8), n, np.int16) for n in range(slices))
    return Scan(pixels, "ct", "file", name * 64, "CT stack", "DICOM CT", None, Window(400, 40))


def seen(name: str = "0", slice_: int = 1) -> Seen:
    scan = a_scan(name)
    return Seen(scan, replace(at_first(scan), slice=slice_), f"slice {slice_ + 1} of 3")


class Room:
    """A reading room with all that a test looks at."""

    def __init__(self, seed: int = 4, keep: Any = None) -> None:
        self.stage, self.ratings, self.model = Stage(), FakeRatings(), FakeModel()
        host = Host(lambda _: self.model)
        host.start()
        host.wait(10)
        self.seeds = iter(range(seed, seed + 1000))
        self.comparing = Comparing(
            host, lambda _: entrants(self.model), self.stage.duet, keep or self.ratings.keep, lambda: next(self.seeds)
        )
        self.booth = Booth()

    def ask(self, question: str = "Is there a mass?", about: Seen | None = None) -> list[Moment]:
        return list(self.comparing.ask(self.booth, question, about or seen(), Choices(decoding=Decoding(seed=3))))

    @property
    def now(self) -> Comparison:
        assert self.booth.now is not None
        return self.booth.now

    def payload(self, number: int = 1, **changes: Any) -> dict[str, Any]:
        ballot = {"id": f"{number:032d}", "key": self.now.key, "verdict": "left", "left": NOTHING, "right": NOTHING}
        return ballot | {"reader": "reader-one", "seconds": 2.0} | changes

    def vote(self, number: int = 1, **changes: Any) -> Any:
        return self.comparing.vote(self.booth, self.payload(number, **changes))


def secret(text: str) -> list[str]:
    return [word for word in SECRETS if word in text.lower()]


def test_sides_are_drawn_evenly_and_the_recorded_seed_draws_them_again() -> None:
    both = entrants(FakeModel())
    lefts = Counter(drawn(both, seed)[0].candidate.name for seed in range(1000))
    assert 440 < lefts["quokkabase"] < 560 and len(lefts) == 2
    for seed in range(20):
        assert [one.candidate for one in drawn(both, seed)] == [one.candidate for one in drawn(both[::-1], seed)]


def test_the_arms_of_a_model_are_who_answers_and_are_looked_up_once() -> None:
    looked: list[int] = []

    def candidates() -> dict[Arm, Candidate]:
        looked.append(1)
        return {"base": BASE, "tuned": TUNED}

    of = arms_of(candidates)
    assert [one.candidate for one in of(FakeModel())] == [BASE, TUNED]
    assert [one.candidate for one in of(FakeModel(arms=("base",)))] == [BASE] and len(looked) == 1


def test_of_three_each_pair_is_drawn_on_both_sides() -> None:
    model = FakeModel()
    three = [*entrants(model), replace(entrants(model)[1], candidate=replace(TUNED, name="third"))]
    pairs = Counter(tuple(one.candidate.name for one in drawn(three, seed)) for seed in range(1200))
    assert len(pairs) == 6 and min(pairs.values()) > 140


def test_one_alone_cannot_be_compared() -> None:
    room = Room()
    room.comparing._entrants = lambda _: entrants(room.model)[:1]
    (end,) = room.ask()
    assert end.phase == "failed" and "--adapter" in end.error and room.booth.now is None and not room.booth.busy


def test_a_fifth_is_asked_which_is_tuned_whatever_the_sides() -> None:
    both = entrants(FakeModel())
    asked = [seed for seed in range(4000) if asks_guess(drawn(both, seed), seed)]
    assert abs(len(asked) / 4000 - ASKED) < 0.02
    lefts = sum(drawn(both, seed)[0].candidate.arm == "tuned" for seed in asked)
    assert 0.44 < lefts / len(asked) < 0.56, "being asked tells nothing of the sides"
    assert not any(asks_guess((both[0], both[0]), seed) for seed in range(100))


def test_nothing_that_is_seen_before_the_vote_names_anybody() -> None:
    room = Room()
    room.stage.seconds = {"base": 0.005, "tuned": 0.005}
    moments = room.ask()
    assert moments[-1].phase == "done" and any(moment.left for moment in moments)
    assert all(secret(repr(moment)) == [] for moment in moments)
    texts = [room.now.as_voted(side).text for side in (0, 1)]
    assert secret("".join(texts)) == [] and all(MASK in text for text in texts)
    assert "**" not in "".join(texts) and secret(room.now.key) == []


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


def test_the_same_question_about_the_same_picture_is_the_same_case_for_every_reader() -> None:
    def case(question: str, about: Seen) -> str:
        room = Room()
        room.ask(question, about)
        return room.now.case().id

    asked = "Is there a mass?"
    others = case("Is there one?", seen()), case(asked, seen("1")), case(asked, seen("0", 2))
    assert case(asked, seen()) == case(asked, seen()) and len({case(asked, seen()), *others}) == 4


def test_a_follow_up_goes_to_both_with_their_own_histories_on_the_same_sides() -> None:
    room = Room()
    room.ask()
    before = [one.candidate for one in room.now.entrants]
    room.ask("How large is it?")
    assert [one.candidate for one in room.now.entrants] == before and room.now.questions[1] == "How large is it?"
    left, right = room.stage.asked[1]
    assert [turn.text for turn in left.conversation.turns][::2] == ["Is there a mass?", "How large is it?"]
    assert left.conversation.turns[1].text != right.conversation.turns[1].text
    assert len(left.conversation.scans) == 1 and left.conversation.turns[2].views == (), "the picture came already"
    kept = room.vote()
    assert kept.case.question == "How large is it?" and len(kept.left.history) == len(kept.right.history) == 2
    room.ask("And now?")
    assert room.now.questions == ("And now?",) and room.now.rating is None, "after a vote a new case begins"
    assert len(room.model.forgotten) == 2


def test_another_picture_in_the_same_case_goes_along() -> None:
    room = Room()
    room.ask()
    room.ask("And here?", seen("0", 2))
    conversation = room.stage.asked[1][0].conversation
    assert len(conversation.scans) == 2 and conversation.turns[2].views[0].scan == 1
    case = room.now.case()
    assert case.scans == ("0" * 64,) and case.view is not None and case.view.slice == 2


def test_one_ballot_is_one_rating_however_often_it_comes() -> None:
    room = Room()
    room.ask()
    payload = room.payload()
    voters = [threading.Thread(target=lambda: room.comparing.vote(room.booth, payload)) for _ in range(8)]
    for voter in voters:
        voter.start()
    for voter in voters:
        voter.join()
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
        assert store.votes(COUNTED) == [], "whoever knows the names casts no blinded vote"


def test_a_named_case_is_marked_so_for_good() -> None:
    room = Room()
    room.comparing.blind(room.booth, False)
    room.stage.seconds = {"base": 0.005, "tuned": 0.005}
    moments = room.ask()
    assert room.now.named and secret(moments[-2].left + moments[-2].right) and not room.now.asks_guess
    kept = room.vote()
    assert not kept.blinded and kept.left.leaks == ()
    with pytest.raises(UserError, match="no vote yet"):
        room.ask()
        room.comparing.blind(room.booth, True)


@pytest.mark.parametrize(
    "changes", [{"reader": ""}, {"reader": "x" * 41}, {"reader": "a\u202eb"}, {"verdict": None}, {"key": "other"}]
)
def test_a_vote_that_is_not_complete_says_so(changes: dict[str, Any]) -> None:
    room = Room()
    room.ask()
    with pytest.raises(UserError) as refused:
        room.vote(**changes)
    assert room.ratings.kept == {} and ("key" not in changes or str(refused.value) == CLOSED)


def test_stopping_takes_the_question_back_and_the_case_is_as_before() -> None:
    room = Room()
    room.ask()
    before = room.now
    room.stage.seconds = {"base": 0.05, "tuned": 0.05}
    moments = room.comparing.ask(room.booth, "Long?", seen(), Choices())
    assert next(moments).phase == "writing"
    with pytest.raises(UserError, match="still being written"):
        next(room.comparing.ask(room.booth, "Another?", seen(), Choices()))
    with pytest.raises(UserError, match="no longer open"):
        room.vote()
    assert room.booth.stop()
    end = list(moments)[-1]
    assert (end.phase, end.question, end.error) == ("failed", "Long?", "") and room.now is before
    assert not room.booth.busy and room.vote()


def test_a_reader_who_goes_away_stops_both() -> None:
    room = Room()
    room.stage.seconds = {"base": 0.05, "tuned": 0.05}
    moments = room.comparing.ask(room.booth, "Long?", seen(), Choices())
    next(moments)
    moments.close()  # type: ignore[attr-defined]
    assert room.booth.now is None and not room.booth.busy
    names = [thread.name for thread in threading.enumerate()]
    assert "relay" not in names


def test_what_fails_is_said_and_the_question_comes_back() -> None:
    room = Room()
    room.stage.error = UserError("The server is away; start it.")
    end = room.ask("Why?")[-1]
    assert (end.phase, end.error, end.question) == ("failed", "The server is away; start it.", "Why?")
    room.stage.one_side = True
    assert room.ask("Why?")[-1] == end, "one answer alone cannot be compared"
    room.stage.one_side = False
    room.stage.error = ValueError("secret of the patient")  # type: ignore[assignment]
    end = room.ask("Why?")[-1]
    assert "ValueError" in end.error and "secret" not in end.error and room.booth.now is None
    with pytest.raises(UserError, match="no question yet"):
        room.ask("  ")
    with pytest.raises(UserError, match="at most 4,000"):
        room.ask("x" * 4001)


def test_a_new_case_forgets_the_old_one() -> None:
    room = Room()
    room.ask()
    ids = {one.id for one in room.now.conversations}
    room.comparing.next_case(room.booth)
    assert room.booth.now is None and set(room.model.forgotten) == ids
    assert copy.deepcopy(room.booth) is not room.booth


def test_both_columns_grow_at_the_pace_of_the_slower_whichever_it_is() -> None:
    words = {"base": "one two three four five six seven eight nine ten", "tuned": "a b c d e f g h i j k l"}
    for fast, slow in (("base", "tuned"), ("tuned", "base")):
        room = Room()
        room.stage.seconds, room.stage.script = {fast: 0.0, slow: 0.03}, lambda one: words[one.arm]
        counts = [(count(one.left), count(one.right)) for one in room.ask() if one.phase == "writing"]
        assert all(abs(left - right) <= 2 for left, right in counts), (fast, counts)
        assert max(max(pair) for pair in counts) > 3


def test_a_pace_is_that_of_the_slower_and_never_rushes() -> None:
    pace = Pace()
    assert pace.words((5, 0), (False, False), 0.0) == 0, "nobody is seen to begin first"
    assert pace.words((9, 1), (False, False), 1.0) == 1
    assert pace.words((40, 11), (False, False), 2.0) == 11
    assert pace.words((40, 11), (False, True), 2.0) == 11, "the other has ended; this one does not leap"
    grown = [pace.words((40, 11), (True, True), 2.0 + tenth / 10) for tenth in range(1, 40)]
    steps = np.diff([11, *grown])
    assert grown[-1] == 40 and steps.max() <= 2, "eleven words a second, as before"
    slow = Pace()
    assert slow.words((1, 1), (False, False), 0.0) == 1
    assert slow.words((30, 1), (True, True), 10.0) <= 81 and Pace().words((30, 4), (True, True), 0.0) == 30


def test_words_are_counted_and_cut_alike() -> None:
    text = "One two\nthree  four."
    cut = [first_words(text, words) for words in (0, 1, 3, 4, 9)]
    assert count(text) == 4 and cut == ["", "One", "One two\nthree", text, text]


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
