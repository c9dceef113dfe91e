"""How the page looks and behaves: sizes, themes, the keyboard, and what an accessibility checker says."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.files import ct, picture
from tests.browser.steps import answered, ask, choose, opened, ready

CHIP = "Research demo · not for diagnosis"


def scrolls(page: Page) -> tuple[int, int]:
    """How far the page is wider and higher than the window, in CSS pixels."""
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
    )
    return wide, high


def overflowing(page: Page) -> list[str]:
    """Visible parts that stand out of the window to the right."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('#top *, #desk *')].filter((e) => {
            const box = e.getBoundingClientRect();
            const inside = e.closest('.pictures, .sr, .mv-stage');
            return e.checkVisibility() && box.width && !inside && box.right > innerWidth + 1;
        }).map((e) => e.outerHTML.slice(0, 80))"""
    )
    return found


def serious(page: Page) -> list[Any]:
    """What axe-core finds of serious or critical impact, on the light page and on the dark one."""
    violations = []
    for _ in range(2):
        page.evaluate("document.body.classList.toggle('dark')")
        violations += Axe().run(page).response["violations"]
    return [
        (found["id"], [node["target"] for node in found["nodes"]][:4])
        for found in violations
        if found["impact"] in ("serious", "critical")
    ]


def luminance(page: Page, selector: str) -> float:
    """Of a background, 0 (black) to 255."""
    value: float = page.evaluate(
        """(selector) => {
            const [r, g, b] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\\d.]+/g);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        }""",
        selector,
    )
    return value


def test_at_1280_by_720_nothing_scrolls_before_and_after_a_picture(page: Page) -> None:
    assert page.locator(".chip-label").inner_text() == CHIP
    assert scrolls(page) == (0, 0) and overflowing(page) == []
    assert page.locator("#top").bounding_box()["height"] == 48  # type: ignore[index]
    opened(page, "ct.dcm", ct(), "DICOM CT")
    opened(page, "a.png", picture("PNG"), "PNG")
    assert scrolls(page) == (0, 0) and overflowing(page) == []
    left, right = page.locator("#left").bounding_box(), page.locator("#right").bounding_box()
    assert left is not None and right is not None
    assert abs(left["width"] / 1280 - 0.46) < 0.01 and right["x"] >= left["width"] - 1


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (400, 800)])
def test_narrow_windows_stack_and_nothing_overflows(visit: Visit, width: int, height: int) -> None:
    page = visit(viewport={"width": width, "height": height})
    assert scrolls(page)[0] <= 0 and overflowing(page) == []
    opened(page, "ct.dcm", ct(), "DICOM CT")
    assert scrolls(page)[0] <= 0 and overflowing(page) == []
    left, right = page.locator("#left").bounding_box(), page.locator("#right").bounding_box()
    assert left is not None and right is not None and right["y"] >= left["y"] + left["height"] - 1
    page.locator("#question").scroll_into_view_if_needed()
    page.mouse.wheel(0, 5000)
    page.wait_for_function("scrollY > 0 || document.documentElement.scrollHeight <= innerHeight")
    chip = page.locator(".chip-label").bounding_box()
    assert chip is not None and chip["y"] >= 0, "the chip stays in sight"


def test_dark_follows_the_system_and_the_button_and_the_picture_stays_dark(visit: Visit) -> None:
    page = visit(color_scheme="dark")
    page.wait_for_selector("body.dark")
    assert luminance(page, "#left") < 60 and luminance(page, ".drop") < 20
    page.click("[data-act=theme]")
    assert luminance(page, "#left") > 200 and luminance(page, ".drop") < 20
    again = page.context.new_page()
    again.goto(page.url)
    again.wait_for_selector("#viewer .viewer")
    again.wait_for_function("!document.body.classList.contains('dark')")


def test_everything_can_be_done_with_the_keyboard(page: Page) -> None:
    ready(page)
    page.keyboard.press("?")
    assert page.locator("#keys[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("#keys[open]").count() == 0
    choose(page, "ct.dcm", ct(), key="o")
    page.wait_for_selector(".notes:has-text('slice 4/6')")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".notes:has-text('slice 5/6')")
    page.keyboard.press("?")
    assert "Drag changes the window" in page.inner_text("#keys[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("s n o ? stay letters")
    assert page.input_value("#question") == "s n o ? stay letters"
    page.keyboard.press("Enter")
    answered(page)
    page.keyboard.press("ArrowUp")
    page.wait_for_selector(".editing:not([hidden])")
    page.locator(".domain").first.focus()
    page.keyboard.press("s")
    page.wait_for_selector("body.drawer-open")
    assert page.evaluate("document.querySelector('#drawer').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.wait_for_selector("body:not(.drawer-open)")
    page.keyboard.press("n")
    page.wait_for_selector(".viewer.empty")


def test_keys_pressed_quickly_turn_as_many_slices(page: Page) -> None:
    opened(page, "ct.dcm", ct(), "slice 4/6")
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.wait_for_selector(".notes:has-text('slice 5/6')")
    for key, slice_ in (("Home", 1), ("End", 6)) * 8:
        page.keyboard.press(key)
        page.wait_for_selector(f".notes:has-text('slice {slice_}/6')")


def test_nothing_can_be_pressed_before_it_works_and_the_chip_is_there(page: Page) -> None:
    controls = page.locator("[data-act=choose], #question, .send, [data-act=fresh]")
    assert all(control.is_visible() for control in controls.all())
    page.evaluate("delete document.body.dataset.ready")
    assert not any(control.is_visible() for control in controls.all()) and controls.count() == 4
    assert page.locator(".chip-label").is_visible()


def test_tab_reaches_every_button_and_shows_where_it_is(page: Page) -> None:
    reached = set()
    for _ in range(24):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e), box = e.closest('.box');
              const seen = s.outlineStyle !== 'none' || (box && getComputedStyle(box).boxShadow !== 'none');
              return [e.id || e.getAttribute('aria-label') || e.innerText, seen || e === document.body]; }"""
        )
        assert found[1], f"no visible focus on {found[0]}"
        reached.add(str(found[0]).strip())
    assert {"New conversation", "Export", "Settings", "Keyboard", "Choose files", "question", "Send"} <= reached


def test_motion_is_short_and_none_for_those_who_want_none(visit: Visit) -> None:
    longest = """() => Math.max(...[...document.querySelectorAll('#top *, #desk *, #drawer')].flatMap((e) =>
        getComputedStyle(e).transitionDuration.split(',').map(parseFloat)))"""
    assert visit().evaluate(longest) <= 0.15
    assert visit(reduced_motion="reduce").evaluate(longest) == 0


def test_axe_finds_nothing_serious_on_light_or_dark_pages(visit: Visit) -> None:
    page = visit(reduced_motion="reduce")  # colours that are on their way from light to dark are neither
    assert serious(page) == []
    ready(page)
    opened(page, "ct.dcm", ct(), "DICOM CT")
    opened(page, "a.png", picture("PNG"), "PNG")
    ask(page, "Which organ is this?")
    answered(page)
    page.press("#question", "Enter")
    page.wait_for_selector("#ask-error:not(:empty)")
    assert serious(page) == []
    page.click("[data-act=drawer]")
    page.wait_for_function("document.querySelector('#drawer').getAnimations().length === 0")
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.click("[data-act=keys]")
    assert serious(page) == []
