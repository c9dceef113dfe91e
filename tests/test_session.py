"""A sitting at the page, as values: what is shown, what was asked about which picture, and a seat for each person."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging import render
from medvlm.page.region import Region
from medvlm.page.screen import drawn
from medvlm.page.seat import Seat
from medvlm.page.session import GREEDY, MOST_SCANS, Item, Made, Session, Shown
from medvlm.page.viewing import Look
from medvlm.types import Scan, View, Window
from tests.crowd import at_once


def stack(slices: int = 1, name: str = "PNG picture") -> Scan:
    pixels = tuple(np.arange(16, dtype=np.uint8).reshape(4, 4) + n for n in range(slices))
    return Scan(pixels, "other", "unknown", "0" * 64, name)


def made(shown: Shown | None) -> Made:
    return Made(shown, "m", "tuned", GREEDY)


def look_at(session: Session, **changes: object) -> Look:
    assert session.now is not None
    return replace(session.now.look, **changes)  # type: ignore[arg-type]


def turned_to(session: Session, slice_: int) -> Session:
    assert session.scan is not None
    return session.looked(session.scan.slices, look_at(session, slice=slice_))


def test_a_new_scan_is_the_one_that_is_shown_as_the_viewer_opens_it() -> None:
    session = Session().with_scan(stack()).with_scan(stack(3))
    assert session.shown == 1 and session.scan is session.items[1].scan and session.panes == (1,)
    assert session.now is not None and (session.now.look.plane, session.now.look.slice) == ("stored", 0)
    assert Session().scan is None and Session().now is None


def test_there_is_room_for_so_many_scans_and_no_more() -> None:
    session = Session()
    for _ in range(MOST_SCANS):
        session = session.with_scan(stack())
    with pytest.raises(UserError, match=f"already has {MOST_SCANS} pictures"):
        session.with_scan(stack())


def test_what_waits_in_the_tray_takes_no_room_and_is_opened_once() -> None:
    waiting = Item("CT · axial", 40, stack)
    session = Session().with_scan(stack())
    session = replace(session, items=(*session.items, *[waiting] * MOST_SCANS))
    with pytest.raises(UserError, match="no longer in this conversation"):
        session.showing(1)
    scan = stack(40)
    opened = session.opened(1, scan).showing(1)
    assert opened.scan is scan and opened.opened(1, stack()).scan is scan
    assert opened.open_scans == (session.scan, scan)


@pytest.mark.parametrize("index", [1, -1])
def test_a_picture_that_is_not_there_cannot_be_shown(index: int) -> None:
    with pytest.raises(UserError, match="no longer in this conversation"):
        Session().with_scan(stack(3)).showing(index)


def test_two_pictures_stand_beside_one_another_and_the_one_looked_at_is_asked_about() -> None:
    one, two = stack(2), stack(3)
    session = Session().with_scan(one).with_scan(two).showing(0, beside=True)
    assert session.panes == (1, 0) and session.on_screen == (two, one) and session.shown == 1
    assert session.items[0].look is not None
    session = session.looked(one.slices, session.items[0].look)
    assert session.shown == 0 and session.panes == (1, 0)
    assert session.showing(0).panes == (0,)


def test_a_view_of_a_scan_that_is_not_on_the_screen_is_kept_and_asked_about_by_nobody() -> None:
    one = stack(3)
    session = Session().with_scan(one).with_scan(stack())
    seen = session.looked(one.slices, replace(session.items[0].look, slice=2))  # type: ignore[type-var]
    assert seen.shown == 1 and seen.items[0].look is not None and seen.items[0].look.slice == 2
    assert session.looked(stack().slices, look_at(session)) is session


def test_a_picture_comes_along_once_and_again_only_after_another() -> None:
    session = Session().with_scan(stack(3))
    first = session.now
    session = session.asked("one", None).answered("1", made(first))
    session = session.asked("two", None).answered("2", made(first))
    session = turned_to(session, 2).asked("three", None).answered("3", made(session.now))
    session = turned_to(session, 0).asked("four", None)
    views = [turn.views for turn in session.conversation.turns if turn.role == "user"]
    assert views == [(View(0),), (), (View(1),), (View(0),)]
    assert [shown.look.slice for shown in session.sent] == [0, 2] and session.asking == first


def test_the_model_is_given_exactly_what_is_on_the_screen() -> None:
    session = Session().with_scan(stack(3))
    look = look_at(session, slice=1, window=Window(4.0, 8.0), inverted=True, turn=(-1, 0, 0, 1))
    assert session.scan is not None
    session = session.looked(session.scan.slices, look).asked("one", None)
    (picture,) = session.conversation.scans
    assert np.array_equal(render(picture), drawn(session.items[0].scan, look))  # type: ignore[arg-type]
    assert np.array_equal(render(picture), 255 - render(stack(3), 1, Window(4.0, 8.0))[:, ::-1])
    wider = session.looked(session.items[0].scan.slices, replace(look, window=Window(9.0, 8.0)))  # type: ignore[union-attr]
    assert len({scan.sha256 for scan in wider.asked("two", None).conversation.scans}) == 2


def test_measuring_changes_no_picture() -> None:
    from medvlm.page.viewing import Measure

    session = Session().with_scan(stack()).asked("one", None)
    look = look_at(session, measures=(Measure(1, "distance", 2, 0, ((0.0, 0.0), (1.0, 1.0)), 1.4, "px"),))
    measured = session.looked(session.items[0].scan.slices, look).asked("two", None)  # type: ignore[union-attr]
    assert measured.conversation.turns[-1].views == () and len(measured.sent) == 1


def test_a_question_can_be_about_what_was_on_the_screen_before() -> None:
    session = Session().with_scan(stack(3))
    before = session.now
    asked = turned_to(session, 2).asked("one", None, before)
    assert asked.asking == before and asked.items[0].look is not None and asked.items[0].look.slice == 2


def test_a_question_without_a_picture_is_fine() -> None:
    session = Session().asked("What is a pleural effusion?", None)
    assert session.conversation.turns[0].views == () and session.asking is None


def test_taking_back_removes_the_last_question_with_its_answer() -> None:
    one = Session().with_scan(stack()).asked("one", None).answered("1", made(None))
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
    assert one.about(one.now) == "CT picture"
    many = turned_to(Session().with_scan(stack(40)), 11)
    assert many.about(many.now) == "slice 12 of 40"
    several = turned_to(one.with_scan(stack(40)), 11)
    assert several.about(one.now) == "picture 1 of 2"
    assert several.about(several.now) == "picture 2 of 2, slice 12 of 40"
    assert several.about(None) == ""
    look = look_at(several, window=Window(1500, -600), inverted=True)
    assert several.about(Shown(1, look)) == "picture 2 of 2, slice 12 of 40, window 1500/-600, inverted"
    assert several.about(Shown(1, replace(look, plane="coronal", axis=1, slice=2))).startswith(
        "picture 2 of 2, coronal 3 of 4"
    )


def test_a_copied_seat_is_empty_so_that_nobody_gets_another_persons_scans() -> None:
    seat = Seat()
    seat.change(lambda session: session.with_scan(stack()))
    other = copy.deepcopy(seat)
    assert other is not seat and other.session.items == () and other.holder is not seat.holder
    assert other.session.conversation.id != seat.session.conversation.id


def test_changes_from_many_threads_are_all_kept() -> None:
    seat = Seat()
    at_once(8, lambda _: [seat.change(lambda s: s.asked("q", None)) for _ in range(50)])
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


def with_box(session: Session, kind: str = "box", size: float = 6.0) -> Session:
    """A box or an ellipse, number 7, on the slice that is shown."""
    from medvlm.page.viewing import Measure

    now = session.now
    assert now is not None and session.scan is not None
    box = Measure(7, kind, 2, now.look.slice, ((1.5, 2.5), (1.5 + size, 2.5 + size)), 36.0, "px²")  # type: ignore[arg-type]
    return session.looked(session.scan.slices, replace(now.look, measures=(box,)))


def sized() -> Scan:
    numbers = np.arange(1024, dtype=np.int16).reshape(32, 32) // 4
    return Scan((numbers, numbers + 1), "ct", "file", "0" * 64, "CT", window=Window(256, 128))


def test_a_question_about_a_region_sends_the_picture_and_the_part_and_keeps_what_was_typed() -> None:
    session = with_box(Session().with_scan(sized()))
    about = session.about_region(7)
    assert about.region == Region("box", 2 / 32, 3 / 32, 8 / 32, 9 / 32)
    session = session.asked("Is there a nodule?", None, about)
    assert session.question == "Is there a nodule?" and session.asking == about.bare
    assert session.conversation.turns[-1].text.endswith("Is there a nodule?")
    assert len(session.sent) == len(session.conversation.scans) and session.about(about).endswith("box, upper left")
    again = session.answered("No.", made(session.asking)).asked("Is there a cyst?", None, about)
    assert again.conversation.turns[-1].views == () and again.sent == session.sent, "the same pictures again"
    whole = again.answered("No.", made(again.asking)).asked("And here?", None)
    assert whole.asking is not None and whole.asking.region is None and whole.conversation.turns[-1].text == "And here?"
    assert len(whole.without_last().questions) == 2


def test_every_way_of_asking_about_a_region_keeps_pictures_and_what_they_are_of_together() -> None:
    session = with_box(Session().with_scan(sized()), "ellipse")
    for way, pictures in (("crop", 2), ("words", 1)):
        asked = session.asked("What is it?", None, session.about_region(7), way)  # type: ignore[arg-type]
        assert len(asked.conversation.scans) == len(asked.sent) == len(asked.given) == pictures
        assert asked.asking is not None and asked.asking.region is not None and asked.asking.region.shape == "ellipse"


def test_a_region_that_is_gone_or_too_small_is_refused_in_words() -> None:
    session = with_box(Session().with_scan(sized()))
    assert session.scan is not None and session.now is not None
    with pytest.raises(UserError, match="not on the slice that is shown"):
        session.about_region(8)
    with pytest.raises(UserError, match="not on the slice that is shown"):
        session.looked(session.scan.slices, replace(session.now.look, slice=0)).about_region(7)
    with pytest.raises(UserError, match="too small"):
        with_box(Session().with_scan(sized()), size=2.0).about_region(7)
