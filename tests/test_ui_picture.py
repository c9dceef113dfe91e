"""What stands around the viewer: the kind of picture, the tray, what is on its way and what the model sees."""

import base64
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from medvlm.page.giving import ways
from medvlm.page.session import Item, Session
from medvlm.types import Window
from medvlm.ui.picture import LONGEST, Doing, choosing, data_url, notes, picture, saw
from tests.fakes import a_scan
from tests.ui_cases import EVIL, at_slice


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))


def test_around_the_viewer_stand_the_kind_and_what_was_done_to_the_picture() -> None:
    session = at_slice(Session().with_scan(a_scan(40)), 11)
    html = picture(session, 200)
    assert 'data-domain="ct" aria-pressed="true"' in html and html.count('aria-pressed="true"') == 1
    assert "DICOM CT · slice 12/40 · 8 x 6 · header removed" in notes(session)
    assert ">DICOM CT · 8 x 6 · header removed<" in notes(Session().with_scan(a_scan())) and notes(Session()) == ""
    assert session.scan is not None and session.now is not None
    other = session.looked(session.scan.slices, replace(session.now.look, window=Window(1500, -600)))
    assert "slice 12/40 · 8 x 6 · window 1500/-600 · header removed" in notes(other)


def test_a_drop_says_how_far_it_is_until_it_is_shown() -> None:
    doing = Doing("Looking through the files: 3 of 12", 3, 12)
    assert 'max="12" value="3"' in picture(Session(), 200, doing=doing)
    assert "3 of 12" in picture(Session(), 200, doing=doing) and "Drop a scan" in picture(Session(), 200, doing=doing)
    with_first = picture(Session(), 200, doing=replace(doing, first=True))
    assert "data-doing" in with_first and "Drop a scan" not in with_first
    assert "data-doing" not in picture(Session(), 200)
    assert "up to 2 GB" in picture(Session(), 2000) and "up to 200 MB" in picture(Session(), 200)


def test_the_same_mistake_twice_is_drawn_twice() -> None:
    assert picture(Session(), 200, "No.") != picture(Session(), 200, "No.")


def test_a_guess_is_marked_and_an_unknown_kind_is_not_chosen() -> None:
    assert "guess" in picture(Session().with_scan(a_scan(source="guess")), 200)
    unknown = picture(Session().with_scan(a_scan(source="unknown")), 200)
    assert 'aria-pressed="true"' not in unknown and "guess" not in unknown


def test_several_pictures_can_be_chosen_from() -> None:
    session = Session().with_scan(a_scan()).with_scan(a_scan(3))
    waiting = Item(f"CT · axial, lung {EVIL}", 120, a_scan, thumb=np.zeros((4, 4, 3), np.uint8))
    html = picture(replace(session, items=(*session.items, waiting)), 200)
    assert html.count('data-act="pick"') == 3 and 'data-item="1" aria-pressed="true"' in html
    assert html.count('class="card open"') == 2 and html.count('data-act="beside"') == 2
    assert "<b>CT</b>" in html and "<small>120 · axial, lung" in html and "<img src=x" not in html
    assert "pick" not in picture(Session().with_scan(a_scan()), 200)


def test_pixels_reach_the_page_unchanged_and_large_ones_smaller() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(np.asarray(decoded(data_url(pixels))), pixels)
    large = decoded(data_url(np.zeros((30, LONGEST * 2, 3), np.uint8)))
    assert large.size == (LONGEST, 15)
    seen = saw([Image.fromarray(pixels)])
    assert "30 x 20 pixels" in seen and "What the model sees" in seen and saw([]) == ""


def test_what_goes_to_the_model_can_be_chosen_where_it_is_shown() -> None:
    session = Session().with_scan(replace(a_scan(40), unit="HU"))
    html = choosing(session)
    assert html.count("<option") == len(ways(session.scan)) and html.count(" selected") == 1  # type: ignore[arg-type]
    assert 'value="screen" selected' in html
    assert 'value="window Lung" selected' in choosing(session.giving("window Lung")) and choosing(Session()) == ""
    several = saw([Image.new("RGB", (8, 8))] * 3, EVIL, html)
    assert "3 pictures" in several and "<img src=x" not in several and html in several
