"""Comparing without a page: what may be seen when, follow-ups, stopping, and what fails."""

import copy
import threading

import pytest

from medvlm.compare.comparison import Seen
from medvlm.compare.disguise import MASK
from medvlm.compare.steps import arms_of
from medvlm.errors import UserError
from medvlm.page.session import Choices
from medvlm.ratings.records import Candidate
from medvlm.types import Arm
from tests.compare_cases import BASE, TUNED, Room, entrants, secret, seen
from tests.fakes import FakeModel


def test_the_arms_of_a_model_are_who_answers_and_are_looked_up_once() -> None:
    looked: list[int] = []

    def candidates() -> dict[Arm, Candidate]:
        looked.append(1)
        return {"base": BASE, "tuned": TUNED}

    of = arms_of(candidates)
    assert [one.candidate for one in of(FakeModel())] == [BASE, TUNED]
    assert [one.candidate for one in of(FakeModel(arms=("base",)))] == [BASE] and len(looked) == 1


def test_one_alone_cannot_be_compared() -> None:
    room = Room()
    room.comparing._entrants = lambda _: entrants(room.model)[:1]
    (end,) = room.ask()
    assert end.phase == "failed" and "--adapter" in end.error and room.booth.now is None and not room.booth.busy


def test_nothing_that_is_seen_before_the_vote_names_anybody() -> None:
    room = Room()
    room.stage.seconds = {"base": 0.005, "tuned": 0.005}
    moments = room.ask()
    assert moments[-1].phase == "done" and any(moment.left for moment in moments)
    assert all(secret(repr(moment)) == [] for moment in moments)
    texts = [room.now.as_voted(side).text for side in (0, 1)]
    assert secret("".join(texts)) == [] and all(MASK in text for text in texts)
    assert "**" not in "".join(texts) and secret(room.now.key) == []


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
