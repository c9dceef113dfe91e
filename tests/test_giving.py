"""What goes to the model is what was chosen: the screen, a named window, windows as colours, neighbouring slices."""

from dataclasses import replace

import numpy as np

from medvlm.imaging.window import to_grey
from medvlm.page import giving
from medvlm.page.screen import at_first, drawn
from medvlm.page.session import GREEDY, Made, Session
from medvlm.types import Scan, Window


def ct(slices: int = 5) -> Scan:
    pixels = tuple(np.linspace(-1000, 1200, 48).reshape(6, 8).astype(np.int16) + n for n in range(slices))
    return Scan(pixels, "ct", "file", "0" * 64, "CT", window=Window(400, 40), unit="HU")


def test_the_ways_are_those_that_make_sense_for_the_scan() -> None:
    every = dict(giving.ways(ct()))
    assert next(iter(every)) == giving.SCREEN and every["window Lung"] == "through the lung window"
    assert {giving.AS_COLOURS, giving.BESIDE} <= set(every)
    assert giving.BESIDE not in dict(giving.ways(ct(1)))
    colour = Scan((np.zeros((4, 4, 3), np.uint8),), "gross", "file", "0" * 64, "PNG")
    assert giving.ways(colour) == ((giving.SCREEN, "as on the screen"),)
    assert giving.given(colour, at_first(colour), giving.AS_COLOURS) == at_first(colour)


def test_three_windows_are_red_green_and_blue() -> None:
    scan = ct()
    look = giving.given(scan, at_first(scan), giving.AS_COLOURS)
    shown = drawn(scan, look)
    for channel, window in enumerate(giving.COLOURS):
        assert np.array_equal(shown[..., channel], to_grey(scan.slices[2], window))


def test_a_named_window_goes_to_the_model_whatever_is_on_the_screen() -> None:
    session = Session().with_scan(ct()).giving("window Lung").asked("Is there a nodule?", None)
    (picture,) = session.conversation.scans
    scan = session.items[0].scan
    assert scan is not None and session.now is not None and session.now.look.window == Window(400, 40)
    lung = replace(session.now.look, window=Window(1500, -600))
    assert np.array_equal(picture.slices[0], drawn(scan, lung))
    assert session.about(session.asking) == "slice 3 of 5, window 1500/-600"


def test_the_slices_beside_come_along_in_order_and_only_once() -> None:
    session = Session().with_scan(ct()).giving(giving.BESIDE).asked("one", None)
    assert [shown.look.slice for shown in session.sent] == [1, 2, 3] and len(session.given) == 3
    assert session.about(session.asking).endswith("with the slices beside it")
    session = session.answered("1", Made(session.asking, "m", "base", GREEDY)).asked("two", None)
    assert session.conversation.turns[-1].views == () and len(session.given) == 3
    again = session.asked("three", None, session.questions[0].about)
    assert again.conversation.turns[-1].views == (), "asked again about the very same"
    assert session.scan is not None and session.now is not None
    last = session.looked(session.scan.slices, replace(session.now.look, slice=4)).asked("at the end", None)
    assert [shown.look.slice for shown in last.sent] == [1, 2, 3, 4]
    assert [last.sent[view.scan].look.slice for view in last.given] == [3, 4]


def test_nonsense_is_what_is_on_the_screen() -> None:
    session = Session().with_scan(ct())
    assert session.giving("window Nothing").gives == giving.SCREEN and Session().giving("beside").gives == giving.SCREEN
    assert session.meant == session.now
