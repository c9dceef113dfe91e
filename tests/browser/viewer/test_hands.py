"""Keys, wheel and fingers on the viewer, what it says, and whose pixels are whose."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.viewer import volumes
from tests.browser.viewer.conftest import Visit
from tests.browser.viewer.steps import SETTLED, VIEWER, Visitor, drag, extent, picture, plane, said, show, to_slice


def test_slices_turn_by_wheel_keys_slider_and_cine(page: Page) -> None:
    show(page, "marked")
    at = page.locator(".mv-slices output")
    assert at.inner_text() == "13 / 24"
    page.mouse.move(300, 300)
    for turn, number in (((0, 100), 14), ((0, 100), 15), ((0, -100), 14), ((0, 20), 14), ((0, 35), 15)):
        page.mouse.wheel(*turn)
        page.wait_for_function(
            "(n) => document.querySelector('.mv-slices output').textContent === `${n} / 24`", arg=number
        )
    page.locator(".mv-stage").focus()
    for key, number in (("ArrowUp", 14), ("ArrowDown", 15), ("PageUp", 5), ("Home", 1), ("ArrowUp", 1), ("End", 24)):
        page.keyboard.press(key)
        page.evaluate(SETTLED)
        assert at.inner_text() == f"{number} / 24", key
    to_slice(page, 7)
    assert at.inner_text() == "7 / 24"
    page.keyboard.press("c")
    page.wait_for_function("document.querySelector('.mv-slices output').textContent.startsWith('9 ')")
    assert page.locator("[data-step=cine]").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-step=cine][aria-pressed=false]", timeout=2000)


def test_zoom_keeps_what_is_under_the_pointer_and_fit_brings_all_back(page: Page) -> None:
    show(page, "rods")
    page.keyboard.press("4")
    plane(page, "Axial")
    to_slice(page, 13)
    before = extent(picture(page))
    page.mouse.move(0, 0)
    page.keyboard.press("+")
    page.keyboard.press("+")
    after = extent(picture(page))
    assert (after[2] - after[0]) / (before[2] - before[0]) == pytest.approx(1.25**2, rel=0.01)
    page.keyboard.press("=")
    assert extent(picture(page)) == pytest.approx(before, abs=0.6)
    box = page.locator(".mv-stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + before[0], box["y"] + before[1])
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    zoomed = extent(picture(page))
    assert zoomed[:2] == pytest.approx(before[:2], abs=1.5)
    drag(page, (200, 200), (230, 190), "middle")
    moved = extent(picture(page))
    assert (moved[0] - zoomed[0], moved[1] - zoomed[1]) == pytest.approx((30, -10), abs=0.6)


def test_measurements_stay_with_their_slice_and_can_be_moved_found_and_deleted(page: Page) -> None:
    show(page, "marked")
    page.keyboard.press("e")
    drag(page, (240, 240), (340, 300))
    page.keyboard.press("g")
    drag(page, (150, 350), (200, 400))
    drag(page, (280, 360), (280, 360))
    heard = said(page, "look.measures.length === 2")
    ellipse, angle = heard["raw"]["measures"]
    assert (ellipse["mean"], ellipse["deviation"], ellipse["slice"]) == (40, 0, 12)
    # From the corner at (200, 400) to (150, 350) and to (280, 360): 135 and 26.57 degrees from the right.
    assert angle["kind"] == "angle" and angle["value"] == pytest.approx(108.4, abs=0.5)
    page.keyboard.press("ArrowDown")
    said(page, "look.slice === 13 && look.measures.length === 2")
    page.click(".mv-list summary")
    items = page.locator(".mv-measures li > button:first-child").all_inner_texts()
    assert items[0].startswith("Ellipse 40 ± 0 HU") and items[1].startswith("Angle ") and "axial 13" in items[1]
    page.click(".mv-measures li >> nth=0 >> button >> nth=0")
    said(page, "look.slice === 12")
    page.click(".mv-measures li >> nth=1 >> button >> nth=1")
    said(page, "look.measures.length === 1")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    drag(page, (340, 300), (380, 300))
    (moved,) = said(page, f"look.measures[0].value > {1.2 * ellipse['value']}")["raw"]["measures"]
    assert moved["points"][0] == ellipse["points"][0]


def test_what_was_begun_on_one_slice_is_never_measured_to_another(page: Page) -> None:
    show(page, "pair")
    counts = f"{VIEWER}.state.shown.map((shown) => shown.measures.length)"
    page.keyboard.press("d")
    drag(page, (100, 150), (100, 150))
    other = page.locator(".mv-stage").nth(1).bounding_box()
    assert other is not None
    for x in (100, 160):
        page.mouse.click(other["x"] + x, other["y"] + 150)
    page.evaluate(SETTLED)
    assert page.evaluate(counts) == [0, 1]
    (measure,) = page.evaluate(f"{VIEWER}.state.shown[1].measures")
    pixels = f"Math.hypot(...{VIEWER}.stages[1].matrix.slice(0, 2)) / {VIEWER}.world.planes[1][0].metric[0]"
    assert measure["found"]["value"] == pytest.approx(60 / page.evaluate(pixels), abs=0.1)
    drag(page, (100, 150), (100, 150))
    page.mouse.wheel(0, 100)
    page.wait_for_function(f"{VIEWER}.measuring.draft === null")
    drag(page, (200, 150), (200, 150))
    assert page.evaluate(counts) == [0, 1]


def test_a_picture_without_scale_is_measured_in_pixels(page: Page) -> None:
    page.keyboard.press("d")
    drag(page, (100, 200), (300, 200))
    (measure,) = said(page, "look.measures.length === 1")["raw"]["measures"]
    box = page.locator(".mv-stage").bounding_box()
    assert box is not None
    pixels = 200 * 128 / min(box["width"], box["height"])
    assert measure["unit"] == "px" and measure["value"] == pytest.approx(pixels, abs=0.1)


def test_three_planes_share_one_point(page: Page) -> None:
    show(page, "rods")
    page.keyboard.press("m")
    page.wait_for_selector(".mv-stage >> nth=2")
    page.keyboard.press("x")
    drag(page, (100, 150), (101, 151))
    slices = [page.locator(".mv-stage").nth(n).locator(".mv-series").text_content() or "" for n in range(3)]
    assert ["Axial" in slices[0], "Coronal" in slices[1], "Sagittal" in slices[2]] == [True] * 3
    point = page.evaluate(f"{VIEWER}.state.shown[0].point")
    assert f"{point[1] + 1} / 144" in slices[1] and f"{point[0] + 1} / 128" in slices[2]
    page.keyboard.press("m")
    page.wait_for_function("document.querySelectorAll('.mv-stage').length === 1")


def test_two_scans_scroll_together_by_position(page: Page) -> None:
    show(page, "pair")
    words = [page.locator(".mv-series").nth(n) for n in range(2)]
    page.locator(".mv-stage").first.focus()
    page.keyboard.press("ArrowDown")
    page.evaluate(SETTLED)
    assert [one.text_content().splitlines()[2] for one in words] == ["H 4.0 mm"] * 2  # type: ignore[union-attr]
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    page.evaluate(SETTLED)
    assert [one.text_content().splitlines()[2] for one in words] == ["H 8.0 mm", "H 4.0 mm"]  # type: ignore[union-attr]
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    page.evaluate(SETTLED)
    assert [one.text_content().splitlines()[2] for one in words] == ["H 12.0 mm", "H 8.0 mm"]  # type: ignore[union-attr]


def test_what_is_shown_is_said_and_written_without_a_name(page: Page) -> None:
    show(page, "body")
    page.keyboard.press("2")
    page.wait_for_function("document.querySelector('.mv-said').textContent.includes('window 1500')")
    spoken = page.locator(".mv-said").text_content() or ""
    for words in (
        "CT chest, axial plane",
        "slice 31 of 60",
        "level \N{MINUS SIGN}600",
        "Lung",
        "left on the right",
        "front at the top",
    ):
        assert words in spoken
    assert page.locator(".mv-stage").get_attribute("aria-label") == spoken
    everything = page.locator(".mv").inner_text()
    assert "phantom" not in everything.lower()
    page.keyboard.press("?")
    table = page.locator(".mv-keys").inner_text()
    for words in ("Lung", "Invert", "Measure a distance", "Space"):
        assert words in table
    page.keyboard.press("Escape")
    assert page.locator(".mv-keys").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious(visit: Visit, scheme: str) -> None:
    page = visit("body", color_scheme=scheme)
    page.keyboard.press("d")
    drag(page, (200, 200), (300, 250))
    page.click(".mv-list summary")
    found = Axe().run(page, context=".mv").response["violations"]
    assert [(one["id"], one["nodes"][0]["target"]) for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(("scale", "width"), [(1.25, 496), (2.0, 310)])
def test_nothing_overflows_and_lengths_hold_at_125_and_200_percent(visit: Visit, scale: float, width: int) -> None:
    page = visit("rods", viewport={"width": width, "height": 560}, device_scale_factor=scale)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    outside = page.evaluate(
        "[...document.querySelectorAll('.mv-bar *, .mv-slices *')].filter((e) => e.checkVisibility() && "
        "!e.closest('.mv-sr') && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide <= 0 and outside == []
    page.keyboard.press("4")
    to_slice(page, 13)
    left, top, right, bottom = (value / scale for value in extent(picture(page)))
    page.keyboard.press("d")
    drag(page, (left, (top + bottom) / 2), (right, (top + bottom) / 2))
    (measure,) = said(page, "look.measures.length === 1")["raw"]["measures"]
    assert measure["value"] == pytest.approx(volumes.ROD, abs=0.625)


FINGERS = """(moves) => {
  const stage = document.querySelector('.mv-stage');
  const box = stage.getBoundingClientRect();
  for (const [type, pointerId, x, y] of moves) {
    stage.dispatchEvent(new PointerEvent(type, {
      bubbles: true, pointerId, pointerType: 'touch', clientX: box.left + x, clientY: box.top + y,
    }));
  }
}"""


def test_fingers_scroll_and_pinch(visit: Visit) -> None:
    page = visit("rods", viewport={"width": 400, "height": 700}, has_touch=True, is_mobile=True)
    page.tap("[data-step='tool scroll']")
    page.evaluate(FINGERS, [["pointerdown", 1, 200, 200], ["pointermove", 1, 200, 260], ["pointerup", 1, 200, 260]])
    assert page.evaluate(f"{VIEWER}.state.shown[0].point[2]") > 20
    pinch = [["pointerdown", 1, 150, 200], ["pointerdown", 2, 250, 200], ["pointermove", 1, 100, 200]]
    page.evaluate(
        FINGERS, [*pinch, ["pointermove", 2, 300, 200], ["pointerup", 1, 100, 200], ["pointerup", 2, 300, 200]]
    )
    assert page.evaluate(f"{VIEWER}.state.panes[0].lay.zoom") == pytest.approx(2, rel=0.01)
    page.tap("[data-step=fit]")
    assert page.evaluate(f"{VIEWER}.state.panes[0].lay") == {"turn": [1, 0, 0, 1], "zoom": 1, "pan": [0, 0]}


FETCH = """async ([token, key]) => {
  const reply = await fetch(`/pixels/${token}/0`, key === null ? {} : { headers: { 'X-Pixels-Key': key } });
  return [reply.status, (await reply.arrayBuffer()).byteLength];
}"""
JOIN = """async ([session, fn, key]) => {
  const body = { data: [null], fn_index: fn, session_hash: session, trigger_id: null, event_data: { key } };
  const headers = { 'Content-Type': 'application/json' };
  const reply = await fetch('/gradio_api/queue/join?', { method: 'POST', headers, body: JSON.stringify(body) });
  return 'event_id' in (await reply.json());
}"""


def test_a_stolen_token_a_stolen_session_and_a_replayed_token_give_no_pixels(url: str, browser: Browser) -> None:
    victim, thief = Visitor(browser, url), Visitor(browser, url)
    asked: list[dict[str, str]] = []
    hashes: list[str] = []
    victim.page.on("request", lambda r: asked.append(r.headers) if "/pixels/" in r.url else None)
    victim.page.on("request", lambda r: hashes.append(r.url) if "session_hash=" in r.url else None)
    show(victim.page, "marked")
    show(thief.page, "marked")
    token = victim.page.evaluate(f"{VIEWER}.world.scans[0].token")
    key = asked[0]["x-pixels-key"]
    own = "k" * 32
    assert victim.page.evaluate(FETCH, [token, key]) == [200, 64 * 64 * 2 + 16]
    for guess in (None, "", own, key[:-1], token):
        assert thief.page.evaluate(FETCH, [token, guess]) == [404, 0]
    session = hashes[0].split("session_hash=")[1].split("&")[0]
    hello = next(
        one["id"]
        for one in thief.page.evaluate("window.gradio_config.dependencies")
        if any(event == "hello" for _, event in one["targets"])
    )
    assert thief.page.evaluate(JOIN, [session, hello, own]), "the event was not taken in for the victim's session"
    # Long enough for it to be handled: the victim's next scan is asked for after it and waits its turn.
    show(victim.page, "marked mirrored")
    token = victim.page.evaluate(f"{VIEWER}.world.scans[0].token")
    assert victim.page.evaluate(FETCH, [token, key]) == [200, 64 * 64 * 2 + 16]
    assert thief.page.evaluate(FETCH, [token, own]) == [404, 0]
    show(victim.page, "steps")
    assert victim.page.evaluate(FETCH, [token, key]) == [404, 0], "a replayed token"
    for visitor in (victim, thief):
        visitor.context.close()
