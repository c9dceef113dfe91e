"""Pictures at the desk: what comes in, what the gate lets through, which one an answer is about, what kind it is."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging import Limits, Series
from medvlm.page.desk import Desk
from medvlm.page.seat import Seat
from medvlm.types import Scan, Window
from tests.desk_cases import ASK, desk_with, png, seated, turns, until, words
from tests.fakes import FakeModel


def test_pictures_chosen_while_an_answer_is_written_are_kept() -> None:
    desk = desk_with(FakeModel(words(30), seconds=0.02))
    seat = seated(desk, pictures=2)
    moments = desk.ask(seat, "about the second", ASK)
    next(moments)
    desk.pick(seat, 0)
    list(moments)
    made = seat.session.made[0].shown
    assert seat.session.shown == 0 and made is not None and made.item == 1


def test_a_retry_is_about_the_same_picture_whatever_is_shown_now() -> None:
    model = FakeModel()
    desk = desk_with(model)
    seat = seated(desk, pictures=2)
    list(desk.ask(seat, "about the second", ASK))
    desk.pick(seat, 0)
    list(desk.retry(seat, ASK))
    made = seat.session.made[0].shown
    assert made is not None and made.item == 1
    first, again = (conversation for conversation, _, _ in model.asked)
    assert first.turns == again.turns and first.scans == again.scans


def test_several_files_fill_the_tray_and_each_opens_when_it_is_chosen() -> None:
    desk, seat = desk_with(FakeModel()), Seat()
    arrivals = list(desk.take_in(seat, [(f"{grey}.png", png(grey)) for grey in (10, 200, 90)]))
    items = seat.session.items
    assert len(items) == 3 and seat.session.shown == 0 and [item.scan is None for item in items] == [False, True, True]
    assert [round(float(item.thumb.mean())) for item in items if item.thumb is not None] == [10, 200, 90]
    assert arrivals[0].first is not None and arrivals[0].total == 3 and arrivals[-1].shown
    desk.pick(seat, 1)
    scan = seat.session.scan
    assert scan is not None and scan.slices[0].mean() == 200
    desk.pick(seat, 0, beside=True)
    assert seat.session.panes == (1, 0)


def test_what_the_gate_refuses_is_shown_to_nobody_not_even_as_a_first_picture() -> None:
    class Shut:
        def __call__(self, scan: Scan) -> Scan:
            raise UserError("A name stands in this picture.")

        def previews(self, series: Series) -> bool:
            return False

    desk, seat = desk_with(FakeModel()), Seat()
    steps = desk.take_in(seat, [("a.png", png()), ("b.png", png())], Shut())
    assert next(steps).first is None
    with pytest.raises(UserError, match="A name stands"):
        list(steps)
    assert seat.session.items == ()


def test_a_small_picture_waits_for_the_gate_and_is_drawn_of_what_came_through_it() -> None:
    class Covers:
        def __call__(self, scan: Scan) -> Scan:
            return replace(scan, slices=(np.zeros((12, 16), np.uint8),), window=Window(255, 127))

        def previews(self, series: Series) -> bool:
            return False

    desk, seat = desk_with(FakeModel()), Seat()
    list(desk.take_in(seat, [("a.png", png(200)), ("b.png", png(90))], Covers()))
    opened, waiting = seat.session.items
    assert opened.thumb is not None and opened.thumb.max() < 9 and waiting.thumb is None


def test_what_is_read_while_a_new_conversation_begins_does_not_turn_up_in_it() -> None:
    desk, seat = desk_with(FakeModel()), Seat()
    steps = desk.take_in(seat, [("a.png", png()), ("b.png", png())])
    next(steps)
    desk.restart(seat)
    list(steps)
    assert seat.session.items == ()


def test_the_model_sees_what_is_on_the_screen() -> None:
    desk = desk_with(FakeModel())
    assert desk.seen(Seat()) == () and len(desk.seen(seated(desk))) == 1


def test_a_wrong_file_leaves_everything_as_it_was() -> None:
    desk = desk_with(FakeModel())
    seat = seated(desk)
    before = seat.session
    with pytest.raises(UserError):
        desk.open_scan(seat, b"no picture", "notes.txt")
    assert seat.session is before
    with pytest.raises(UserError, match="MB"):
        Desk(desk.host, Limits(file_bytes=10)).open_scan(seat, png(), "a.png")


def test_the_model_guesses_what_neither_file_nor_person_said() -> None:
    desk = desk_with(FakeModel(lambda conversation, arm: "This is an axial CT scan."))
    seat = seated(desk)
    scan = desk.guess(seat).scan
    assert scan is not None and (scan.domain, scan.domain_source) == ("ct", "guess")
    assert turns(seat) == []
    seat.change(lambda session: session.as_domain(0, "mri"))
    assert desk.guess(seat).scan is seat.session.scan and seat.session.scan is not None
    assert seat.session.scan.domain == "mri"


def test_a_guess_that_names_nothing_or_two_kinds_is_no_guess() -> None:
    for said in ("A dog.", "A CT or an MRI."):
        desk = desk_with(FakeModel(lambda conversation, arm, said=said: said))  # type: ignore[misc]
        scan = desk.guess(seated(desk)).scan
        assert scan is not None and scan.domain_source == "unknown"


def test_a_question_does_not_wait_for_the_guess() -> None:
    desk = desk_with(model := FakeModel(words(500), seconds=0.02))
    seat = seated(desk)
    guessing = threading.Thread(target=desk.guess, args=(seat,))
    guessing.start()
    while not model.asked:
        time.sleep(0.005)
    began = time.monotonic()
    until(desk.ask(seat, "now", ASK), lambda moment: moment.phase == "writing")
    assert time.monotonic() - began < 3.0
    guessing.join(5)
    assert not guessing.is_alive()
