"""Regions: from the corners drawn to fractions, cut out or told in words, and the question that goes to the model."""

import re

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.page.region import CROPPED, WAYS, Pixels, Region, Shape, Way, asked, cropped, described, region_of
from medvlm.phantoms.truth import Finding
from medvlm.types import Conversation, Scan, View
from tests.bench.bench_region import boxes, rows

QUESTION = "Is there a nodule?"


def picture() -> Pixels:
    """Every pixel says where it is: row, column, nothing."""
    rows_, columns = np.mgrid[0:100, 0:200].astype(np.uint8)
    return np.stack([rows_, columns, np.zeros_like(rows_)], axis=-1)


def talk() -> Conversation:
    scan = Scan((picture(),), "cxr", "file", "0" * 64, "a shot")
    return Conversation().with_scan(scan).asked("Hello?", (View(0),)).answered("Hello.")


def test_corners_in_any_order_make_the_same_region_and_what_lies_outside_is_cut_off() -> None:
    region = Region("box", 0.1, 0.2, 0.5, 0.6)
    assert region_of("box", (20, 20), (100, 60), (200, 100)) == region
    assert region_of("box", (100, 20), (20, 60), (200, 100)) == region
    assert region_of("ellipse", (-30, -5), (500, 500), (200, 100)) == Region("ellipse", 0, 0, 1, 1)


@pytest.mark.parametrize("other", [(20.5, 60.0), (60.0, 21.0), (-4.0, 60.0)])
def test_a_slip_of_the_mouse_is_no_region(other: tuple[float, float]) -> None:
    with pytest.raises(UserError, match="too small to ask about"):
        region_of("box", (20 if other[0] > 0 else -90, 20), other, (200, 100))


def test_a_box_is_cut_out_pixel_by_pixel() -> None:
    part = cropped(picture(), Region("box", 0.1, 0.2, 0.5, 0.6))
    assert part.shape == (40, 80, 3)
    assert tuple(part[0, 0]) == (20, 20, 0) and tuple(part[-1, -1]) == (59, 99, 0)
    part[:] = 9
    assert picture()[20, 20, 0] == 20, "the picture itself stays as it was"


def test_around_an_ellipse_stands_one_grey_and_inside_are_its_own_pixels() -> None:
    part = cropped(picture(), Region("ellipse", 0.1, 0.2, 0.5, 0.6))
    corners = {tuple(int(v) for v in part[y, x]) for y in (0, -1) for x in (0, -1)}
    assert len(corners) == 1, "the same mean in every corner"
    assert tuple(part[20, 40]) == (40, 60, 0) and tuple(part[20, 0])[:2] == (40, 20)
    row, column, _ = corners.pop()
    assert abs(row - 39.5) <= 1 and abs(column - 59.5) <= 1, "the mean of what is inside"


@pytest.mark.parametrize("shape", ["box", "ellipse"])
def test_the_smallest_part_still_has_a_pixel(shape: Shape) -> None:
    assert cropped(picture(), Region(shape, 0.999, 0.999, 1, 1)).size == 3
    assert cropped(picture(), Region(shape, 0.5, 0.5, 0.5, 0.5)).size == 3


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (Region("box", 0.1, 0.05, 0.3, 0.25), "the upper left of the picture as it is seen, 10 to 30 % from its left"),
        (Region("box", 0.4, 0.4, 0.6, 0.6), "the middle of the picture"),
        (Region("ellipse", 0.7, 0.4, 0.9, 0.6), "the right of the picture"),
        (Region("box", 0.4, 0.7, 0.6, 0.9), "the lower of the picture"),
    ],
)
def test_a_place_is_told_as_it_is_seen(region: Region, says: str) -> None:
    assert described(region).startswith(says)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_asks_the_question_about_the_picture_after_what_was_said(way: Way) -> None:
    before, region = talk(), Region("box", 0.1, 0.2, 0.5, 0.6)
    after = asked(before, View(0), region, f"  {QUESTION} ", way)
    assert after.turns[:2] == before.turns and after.turns[2].text.endswith(f" {QUESTION}")
    assert after.turns[2].views[0] == View(0) and after.id == before.id
    assert all(view.scan < len(after.scans) for turn in after.turns for view in turn.views)


def test_a_crop_comes_second_with_a_name_of_its_own() -> None:
    region = Region("box", 0.1, 0.2, 0.5, 0.6)
    after = asked(talk(), View(0), region, QUESTION, "crop")
    assert after.turns[2].views == (View(0), View(1)) and after.turns[2].text == CROPPED + QUESTION
    part = after.scans[1]
    assert np.array_equal(part.slices[0], cropped(picture(), region)) and part.domain == "cxr"
    other = asked(talk(), View(0), Region("ellipse", 0.1, 0.2, 0.5, 0.6), QUESTION, "crop").scans[1]
    assert len({"0" * 64, part.sha256, other.sha256}) == 3, "pictures are kept by name: no two may share one"


def test_words_bring_no_picture_of_their_own() -> None:
    after = asked(talk(), View(0), Region("box", 0.1, 0.2, 0.5, 0.6), QUESTION, "words")
    assert len(after.scans) == 1 and after.turns[2].views == (View(0),)
    assert [int(n) for n in re.findall(r"\d+", after.turns[2].text)] == [10, 50, 20, 60]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_asked_without_a_question(way: Way) -> None:
    with pytest.raises(UserError, match="no question about the region"):
        asked(talk(), View(0), Region("box", 0, 0, 1, 1), "  ", way)


def test_the_two_boxes_of_the_measurement_are_of_one_size_and_do_not_touch() -> None:
    pair = boxes(Finding("nodule", centre=(0.4, 0.2), radius=0.05))
    assert pair is not None
    around, elsewhere = pair
    assert around.centre == pytest.approx((0.4, 0.2)) and elsewhere.centre == pytest.approx((0.4, 0.8))
    assert around.right - around.left == pytest.approx(elsewhere.right - elsewhere.left)
    assert elsewhere.left >= around.right
    midline = boxes(Finding("mass", centre=(0.2, 0.5), radius=0.1))
    assert midline is not None and midline[1].centre == pytest.approx((0.8, 0.5))


@pytest.mark.parametrize(
    "finding",
    [
        Finding("nodule"),
        Finding("nodules", centre=(0.4, 0.2), radius=0.05, count=3),
        Finding("mass", centre=(0.5, 0.5), radius=0.1),
        Finding("mass", centre=(0.02, 0.2), radius=0.1),
    ],
)
def test_findings_without_a_place_of_their_own_are_not_measured(finding: Finding) -> None:
    assert boxes(finding) is None


def test_the_measurement_gives_both_ways_with_n_and_interval_and_whether_they_differ() -> None:
    crop, words, differ = rows({"crop": [1.0] * 12 + [0.0] * 4, "words": [0.5] * 16})
    assert crop["value"] == 75.0 and crop["ratio"] == 1.5 and "n = 16, 95 % 51 to 90" in crop["name"]
    assert words["value"] == 50.0 and differ["value"] == pytest.approx(2 * 2517 / 2**16)
