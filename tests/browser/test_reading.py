"""Reading a study at the page: series to choose from, slices to scroll, and questions about what is on the screen."""

import json
import math
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.conftest import PATIENCE, App, Visit
from tests.browser.files import ct, mr, picture, study_zip
from tests.browser.steps import (
    SEEN,
    VIEWER,
    WHOLE,
    answered,
    ask,
    choose,
    choose_all,
    fresh,
    opened,
    questions,
    ready,
    retry,
)

# Whether the picture stands where it stood when this was last asked.
AT_REST = (
    "() => { const now = JSON.stringify(document.querySelector('.mv-stage').getBoundingClientRect());"
    " const same = window.stood === now; window.stood = now; return same; }"
)
SAID = "Array.from(document.querySelectorAll('#notes .notes')).map((e) => e.textContent).join()"


def pixel(page: Page, slice_: int) -> float:
    """The first number of a slice, as the page holds it."""
    value: float = page.evaluate(f"(n) => {VIEWER}.slices[0].at(n).data[0]", slice_)
    return value


def taken_along(page: Page) -> dict[str, Any]:
    """The export as JSON."""
    page.click(".menu summary")
    with page.expect_download() as download:
        page.click(".sheet >> text=JSON")
    record: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return record


def test_a_zip_of_series_is_listed_scrolled_and_asked_about_slice_by_slice(page: Page) -> None:
    ready(page)
    choose(page, "study.zip", study_zip())
    page.wait_for_selector(".notes:has-text('slice 7/12')")
    cards = page.locator(".pictures .card")
    page.wait_for_function("document.querySelectorAll('.card img').length === 2")
    assert cards.count() == 2 and cards.nth(0).inner_text().startswith("CT")
    assert "12" in cards.nth(0).inner_text() and "chest" in cards.nth(0).inner_text()
    assert cards.nth(1).inner_text().startswith("MR")
    page.wait_for_function(WHOLE)
    assert [pixel(page, n) for n in (0, 5, 11)] == [0, 5, 11], "sorted by place, in Hounsfield units"
    page.locator(".mv-stage").hover()
    page.mouse.wheel(0, 120)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("3")
    # At once: the question itself says what is on the screen.
    ask(page, "Which organ is this?")
    answered(page)
    window = page.evaluate(f"{VIEWER}.shown.window")
    meta = page.locator(".answer .meta").inner_text()
    assert f"slice 9 of 12, window {window['width']}/{window['level']}" in meta
    page.click(".card >> nth=1 >> [data-act=pick]")
    page.wait_for_selector(".notes:has-text('slice 2/3')")
    ask(page, "Is there a lesion?")
    answered(page, 2)
    assert "picture 2 of 2, slice 2 of 3" in page.locator(".answer .meta").last.inner_text()


def test_other_planes_and_measurements_go_to_the_model_and_into_the_export(page: Page) -> None:
    ready(page)
    choose(page, "study.zip", study_zip())
    page.wait_for_function(WHOLE)
    page.wait_for_function("document.querySelectorAll('.card img').length === 2")
    page.keyboard.press("d")
    page.wait_for_function(AT_REST, polling=200)
    box = page.locator(".mv-stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 150, steps=3)
    page.mouse.up()
    page.click(".mv-planes button:has-text('Coronal')")
    ask(page, "Which plane is this?")
    answered(page)
    assert "coronal 49 of 96" in page.locator(".answer .meta").inner_text()
    page.click(".card >> nth=1 >> [data-act=pick]")
    page.wait_for_selector(".notes:has-text('slice 2/3')")
    record = taken_along(page)
    (measure,) = record["scans"][0]["measurements"]
    assert (measure["kind"], measure["unit"], measure["axis"], measure["slice"]) == ("distance", "mm", 2, 6)
    (x0, y0), (x1, y1) = measure["points"]
    assert abs(measure["value"] - math.hypot(0.8 * (x1 - x0), 0.7 * (y1 - y0))) < 0.01, "mm between columns and rows"
    assert y0 == y1, "the picture did not move meanwhile"
    (view,) = record["turns"][0]["views"]
    assert (view["scan"], view["plane"], view["slice"]) == (0, "coronal", 48)
    (saw,) = record["turns"][1]["made"]["saw"]
    assert saw["picture"].startswith("data:image/png;base64,") and saw["about"] == "coronal 49 of 96"
    page.click(".card >> nth=0 >> [data-act=pick]")
    page.wait_for_selector(".notes:has-text('coronal 49/96')")
    assert page.locator(".mv-list summary span").first.inner_text() == "1", "as it was left"


def test_the_viewer_outlives_whatever_is_done_to_the_conversation(page: Page) -> None:
    ready(page)
    opened(page, "ct.dcm", ct(), "slice 4/6")
    page.wait_for_function(WHOLE)
    token = page.evaluate(f"{VIEWER}.world.scans[0].token")
    page.keyboard.press("End")
    ask(page, "Which organ is this?")
    answered(page)
    retry(page)
    page.press("#question", "ArrowUp")
    page.wait_for_selector(".editing:not([hidden])")
    ask(page, "Which plane is this?")
    answered(page)
    page.click("[data-act=undo]")
    page.wait_for_selector(".welcome")
    choose(page, "notes.txt", b"no picture at all")
    page.wait_for_selector("#viewer .error")
    assert "slice 6/6" in page.evaluate(SAID) and page.evaluate(SEEN)
    assert page.evaluate(f"{VIEWER}.world.scans[0].token") == token
    fresh(page)
    assert page.locator("#scan .mv").is_hidden() and questions(page) == []
    opened(page, "ct.dcm", ct(), "slice 4/6")


def test_several_pictures_stand_beside_one_another_and_the_touched_one_is_asked_about(page: Page) -> None:
    ready(page)
    choose_all(page, [("a.png", picture("PNG")), ("mr.dcm", mr())])
    page.wait_for_function("document.querySelectorAll('.card img').length === 2")
    page.click(".card [data-act=beside]")
    page.wait_for_function(f"{VIEWER}.stages.length === 2 && {SEEN}")
    page.locator(".mv-stage").nth(1).click()
    page.wait_for_selector(".notes:has-text('PNG')")
    ask(page, "What is this?")
    answered(page)
    assert "about picture 2 of 2" in page.locator(".answer .meta").inner_text()


def test_nobody_gets_anothers_pixels_with_a_token_or_a_key_of_their_own(
    visit: Visit, app: App, browser: Browser
) -> None:
    owner = visit()
    opened(owner, "ct.dcm", ct(), "DICOM CT")
    token = owner.evaluate(f"{VIEWER}.world.scans[0].token")
    for headers in ({}, {"X-Pixels-Key": "k" * 32}):
        reply = owner.request.get(f"{app.url}/pixels/{token}/0", headers=headers)
        assert (reply.status, reply.body()) == (404, b"")
    context = browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    thief = context.new_page()
    thief.on("filechooser", lambda _: None)
    thief.goto(app.url)
    thief.wait_for_selector("body[data-ready] #viewer .viewer")
    opened(thief, "mr.dcm", mr(), "DICOM MR")
    # The page's own way to pixels, with the key that it said for itself.
    tried = """([token]) => document.querySelector('#scan .mv').viewer.outside
        .get(token, 0, new AbortController().signal).then((bytes) => bytes.byteLength, (no) => no.gone ? 'gone' : no)"""
    own = thief.evaluate(f"{VIEWER}.world.scans[0].token")
    assert thief.evaluate(tried, [token]) == "gone" and thief.evaluate(tried, [own]) > 0 and token != own
    context.close()


def drawn(page: Page, key: str, corners: tuple[int, int, int, int]) -> None:
    """An ellipse or a box between two places of the stage."""
    page.locator(".mv-stage").focus()
    page.keyboard.press(key)
    box = page.locator(".mv-stage").bounding_box()
    assert box is not None
    left, top, right, bottom = corners
    page.mouse.move(box["x"] + left, box["y"] + top)
    page.mouse.down()
    page.mouse.move(box["x"] + right, box["y"] + bottom, steps=3)
    page.mouse.up()


def test_a_region_that_is_drawn_can_be_asked_about(page: Page) -> None:
    ready(page)
    opened(page, "ct.dcm", ct(), "slice 4/6")
    for key, shape, left in (("f", "box", 180), ("e", "ellipse", 320)):
        drawn(page, key, (left, 120, left + 90, 200))
        page.click(".mv-ask:visible")
        assert page.inner_text(".about span") == f"About the {shape} on slice 4"
        count = page.locator(".answer").count()
        ask(page, "Is there a lesion?")
        answered(page, count + 1)
        meta = page.locator(".answer .meta").last
        assert f"about slice 4 of 6, {shape}," in meta.inner_text() and page.locator(".about").is_hidden()
    record = taken_along(page)
    first = record["turns"][1]["made"]
    assert first["view"]["region"]["shape"] == "box" and record["scans"][0]["measurements"][0]["kind"] == "box"
    assert record["turns"][0]["text"] == "Is there a lesion?"
    pictures = len(first["saw"])
    page.click(".answer >> nth=0 >> .given")
    page.wait_for_function(f"document.querySelectorAll('#seen-pixels[open] figure img').length === {pictures}")
    page.keyboard.press("Escape")
    ask(page, "And the whole picture?")
    answered(page, 3)
    assert page.locator(".answer .meta").last.inner_text().count("ellipse") == 0
