"""What is seen of scans with known truth: windows, inversion, lengths, sides and letters."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from medvlm.imaging import render
from medvlm.imaging.window import PRESETS
from tests.browser.viewer import volumes
from tests.browser.viewer.page import SCANS
from tests.browser.viewer.steps import drag, edges, extent, picture, plane, said, show, to_slice


def test_preset_keys_give_the_values_and_the_picture_that_python_draws(page: Page) -> None:
    (scan,) = SCANS["steps"]()
    for number, (name, window) in enumerate(PRESETS["ct"].items(), 1):
        page.keyboard.press(str(number))
        look = said(page, f"look.window.width === {window.width} && look.window.level === {window.level}")
        assert f"window=Window(width={float(window.width)}, level={float(window.level)}" in look["look"]
        assert page.locator("[data-field=width]").input_value() == f"{window.width:g}"
        assert page.locator("[data-field=level]").input_value() == f"{window.level:g}"
        assert page.locator("[data-field=preset] option:checked").inner_text() == f"{name.capitalize()} ({number})"
        assert squares(picture(page)) == pytest.approx(squares(render(scan, 0, window)[..., 0]), abs=1)


def squares(shown: NDArray[Any]) -> list[int]:
    """The grey in the middle of each of the 16 x 16 squares, wherever the picture lies in the middle of the stage."""
    high, wide = shown.shape
    side = min(high, wide)
    at = (np.arange(16) + 0.5) * side / 16
    return [
        int(grey)
        for grey in shown[np.ix_(((high - side) / 2 + at).astype(int), ((wide - side) / 2 + at).astype(int))].flat
    ]


def test_monochrome1_looks_like_monochrome2_and_i_inverts_both(page: Page) -> None:
    straight = picture(page)
    page.keyboard.press("i")
    negative = picture(page)
    show(page, "steps negative")
    assert np.abs(picture(page) - straight).max() <= 1
    page.keyboard.press("i")
    assert np.abs(picture(page) - negative).max() <= 1
    show(page, "steps float")
    assert np.abs(picture(page) - straight).max() <= 1
    assert np.abs(negative.astype(int)[300, 310] + straight[300, 310] - 255) <= 2


def test_a_window_is_typed_dragged_and_reset(page: Page) -> None:
    page.fill("[data-field=width]", "350,5")
    page.press("[data-field=width]", "Enter")
    page.fill("[data-field=level]", "\u2212600")
    page.press("[data-field=level]", "Tab")
    said(page, "look.window.width === 350.5 && look.window.level === -600")
    for nonsense in ("poem", "", "-3", "0"):
        page.fill("[data-field=width]", nonsense)
        page.press("[data-field=width]", "Enter")
        assert page.locator("[data-field=width]").input_value() == "350.5"
    page.locator(".mv-stage").focus()
    page.keyboard.press("1")
    said(page, "look.window.width === 400")
    drag(page, (200, 200), (275, 170))
    said(page, "look.window.width === 500 && look.window.level === 0")
    page.keyboard.press("Space")
    said(page, "look.window.width === 1000 && look.window.level === 200 && look.window.function === 'LINEAR_EXACT'")


def test_the_value_under_the_cursor_has_its_unit_and_place(page: Page) -> None:
    show(page, "marked")
    box = page.locator(".mv-stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".mv-value:has-text('40 HU')")
    assert page.locator(".mv-value").inner_text().splitlines()[1] == "L 31.5  P 31.5  H 36.0 mm"
    show(page, "colours")
    page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2)
    page.wait_for_selector(".mv-value:has-text('B 128')")


RODS = {
    "rods": [("Axial", 13, "x"), ("Axial", 21, "y"), ("Coronal", 31, "x"), ("Coronal", 91, "y"), ("Sagittal", 31, "x")],
    "rods oblique": [("Coronal", 13, "x"), ("Coronal", 21, "y"), ("Axial", 31, "x")],
    "rods tilted": [
        ("Axial", 13, "x"),
        ("Axial", 21, "y"),
        ("Coronal", 31, "x"),
        ("Sagittal", 31, "x"),
        ("Sagittal", 91, "y"),
    ],
}


def longest(shown: NDArray[np.int16], along: str) -> NDArray[np.int16]:
    """The picture with nothing but the rod in it: another one may cross the plane and show as a dot."""
    across = 1 if along == "x" else 0
    bright = (shown > (np.median(shown) + shown.max()) / 2).sum(axis=across)
    kept = np.expand_dims(bright > bright.max() / 2, across)
    return np.where(kept, shown, np.median(shown)).astype(np.int16)


@pytest.mark.parametrize("name", RODS)
def test_a_rod_of_50_mm_measures_50_mm_on_every_plane(page: Page, name: str) -> None:
    show(page, name)
    page.keyboard.press("4")
    for cut, slice_, along in RODS[name]:
        plane(page, cut)
        to_slice(page, slice_)
        left, top, right, bottom = extent(longest(picture(page), along))
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        page.keyboard.press("d")
        if along == "x":
            drag(page, (left, middle_y), (right, middle_y))
        else:
            drag(page, (middle_x, top), (middle_x, bottom))
        measure = said(page, f"look.measures.length === 1 && look.plane === '{cut.lower()}'")["raw"]["measures"][0]
        tolerance = 0.625 if cut != "Sagittal" or along == "x" else 2.5
        assert measure["unit"] == "mm" and measure["value"] == pytest.approx(volumes.ROD, abs=tolerance), (cut, along)
        page.keyboard.press("Delete")
        said(page, "look.measures.length === 0")


def side(shown: NDArray[np.int16]) -> tuple[str, str]:
    """Where the bright marker is: ("left" or "right", "top" or "bottom") of the picture's middle."""
    left, top, right, bottom = extent(np.where(shown > 150, shown, 0).astype(np.int16))
    high, wide = shown.shape
    return "right" if left + right > wide else "left", "bottom" if top + bottom > high else "top"


@pytest.mark.parametrize("name", ["marked", "marked mirrored"])
def test_a_marker_at_the_patients_left_is_on_the_right_whatever_the_order_in_the_file(page: Page, name: str) -> None:
    show(page, name)
    page.keyboard.press("4")
    page.keyboard.press("End" if name == "marked" else "Home")
    assert side(picture(page)) == ("right", "top")
    assert edges(page) == {"top": "A", "right": "L", "bottom": "P", "left": "R"}
    page.keyboard.press("h")
    assert side(picture(page)) == ("left", "top")
    assert edges(page) == {"top": "A", "right": "R", "bottom": "P", "left": "L"}
    page.keyboard.press("r")
    assert side(picture(page)) == ("right", "top")
    assert edges(page) == {"top": "L", "right": "A", "bottom": "R", "left": "P"}
    page.keyboard.press("Space")
    column, row = (50, 12) if name == "marked" else (13, 12)
    plane(page, "Coronal")
    to_slice(page, row)
    assert side(picture(page)) == ("right", "top") and edges(page)["top"] == "H"
    plane(page, "Sagittal")
    to_slice(page, column)
    assert side(picture(page)) == ("left", "top") and edges(page)["left"] == "A"


def test_letters_are_the_files_and_never_invented(page: Page) -> None:
    show(page, "radiograph")
    assert edges(page) == dict.fromkeys(("top", "right", "bottom", "left"), "")
    page.keyboard.press("h")
    assert edges(page)["right"] == ""
    show(page, "radiograph sided")
    assert edges(page) == {"top": "H", "right": "L", "bottom": "F", "left": "R"}
    page.keyboard.press("h")
    assert edges(page)["right"] == "R"
