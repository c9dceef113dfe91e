"""A sitting at the page, as values: what is shown, what was asked about which picture, and a seat for each person."""

import copy
import threading

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.session import GREEDY, MOST_SCANS, Made, Seat, Session
from medvlm.types import Scan, View


def stack(slices: int = 1, name: str = "PNG picture") -> Scan:
    return Scan(tuple(np.zeros((4, 4), np.uint8) for _ in range(slices)), "other", "unknown", "0" * 64, name)


def made(view: View | None) -> Made:
    return Made(view, "m", "tuned", GREEDY)


def test_a_new_scan_is_the_one_that_is_shown() -> None:
    session = Session().with_scan(stack()).with_scan(stack(3))
    assert session.shown == View(1, 0) and session.scan is session.conversation.scans[1]
    assert Session().scan is None


def test_there_is_room_for_so_many_scans_and_no_more() -> None:
    session = Session()
    for _ in range(MOST_SCANS):
        session = session.with_scan(stack())
    with pytest.raises(UserError, match=f"already has {MOST_SCANS} pictures"):
        session.with_scan(stack())


@pytest.mark.parametrize("view", [View(0, 3), View(1, 0), View(-1, 0), View(0, -1)])
def test_a_slice_that_is_not_there_cannot_be_shown(view: View) -> None:
    with pytest.raises(UserError, match="no longer in this conversation"):
        Session().with_scan(stack(3)).showing(view)


def test_a_picture_comes_along_once_and_again_only_after_another() -> None:
    session = Session().with_scan(stack(3))
    session = session.asked("one", None).answered("1", made(View(0)))
    session = session.asked("two", None).answered("2", made(View(0)))
    session = session.showing(View(0, 2)).asked("three", None).answered("3", made(View(0, 2)))
    session = session.showing(View(0, 0)).asked("four", None)
    views = [turn.views for turn in session.conversation.turns if turn.role == "user"]
    assert views == [(View(0, 0),), (), (View(0, 2),), (View(0, 0),)]


def test_a_question_without_a_picture_is_fine() -> None:
    assert Session().asked("What is a pleural effusion?", None).conversation.turns[0].views == ()


def test_taking_back_removes_the_last_question_with_its_answer() -> None:
    one = Session().with_scan(stack()).asked("one", None).answered("1", made(View(0)))
    two = one.asked("two", None)
    assert two.question == "two" and one.question == "one" and Session().question is None
    assert two.without_last().conversation.turns == one.conversation.turns
    back = two.answered("2", made(None)).without_last()
    assert back.conversation.turns == one.conversation.turns and back.made == one.made
    assert back.without_last().conversation.turns == () and back.without_last().made == ()
    assert Session().without_last().conversation.turns == ()


def test_a_guess_overrules_nobody() -> None:
    session = Session().with_scan(stack())
    guessed = session.as_domain(0, "ct", guess=True)
    assert guessed.scan is not None and (guessed.scan.domain, guessed.scan.domain_source) == ("ct", "guess")
    clicked = guessed.as_domain(0, "mri")
    assert clicked.scan is not None and (clicked.scan.domain, clicked.scan.domain_source) == ("mri", "user")
    assert clicked.as_domain(0, "ct", guess=True) is clicked
    assert session.as_domain(7, "ct") is session


def test_an_answer_says_which_picture_it_is_about() -> None:
    one = Session().with_scan(stack(1, "CT picture"))
    assert one.about(View(0)) == "CT picture"
    assert Session().with_scan(stack(40)).about(View(0, 11)) == "slice 12 of 40"
    several = one.with_scan(stack(40))
    assert several.about(View(0)) == "picture 1 of 2"
    assert several.about(View(1, 11)) == "picture 2 of 2, slice 12 of 40"
    assert several.about(None) == ""


def test_a_copied_seat_is_empty_so_that_nobody_gets_another_persons_scans() -> None:
    seat = Seat()
    seat.change(lambda session: session.with_scan(stack()))
    other = copy.deepcopy(seat)
    assert other is not seat and other.session.conversation.scans == ()
    assert other.session.conversation.id != seat.session.conversation.id


def test_changes_from_many_threads_are_all_kept() -> None:
    seat = Seat()
    threads = [
        threading.Thread(target=lambda: [seat.change(lambda s: s.asked("q", None)) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seat.session.conversation.turns) == 400


def test_one_answer_at_a_time_and_what_is_done_meanwhile_gives_way() -> None:
    seat, stopped = Seat(), []
    seat.meanwhile(lambda: stopped.append("guess"))
    seat.begin(lambda: stopped.append("answer"))
    assert stopped == ["guess"] and seat.busy
    with pytest.raises(UserError, match="still being written"):
        seat.begin(lambda: None)
    assert seat.stop() and stopped == ["guess", "answer"]
    seat.end()
    assert not seat.busy and not seat.stop()
