"""What a person does at the viewer, and what can be seen there, in words that tests are made of."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PATIENCE, strange

VIEWER = "document.querySelector('.mv').viewer"
BOUND = "document.querySelector('#said textarea')?.value === 'bound'"
ARRIVED = f"(old) => {VIEWER}.world.scans.map((s) => s.token).join() !== old && {VIEWER}.slices.every((s) => s.whole)"
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Visitor:
    """One more person at the page, in a browser session of their own, and whatever went wrong there."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 620, "height": 700}, **options})
        self.context.set_default_timeout(PATIENCE * 1000)
        self.troubles: list[str] = []
        self.page = page = self.context.new_page()
        page.on("request", lambda r: self.troubles.append(r.url) if strange(r.url) else None)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda m: self.troubles.append(m.text) if m.type == "error" else None)
        page.goto(url)
        page.wait_for_function(BOUND)


def show(page: Page, name: str) -> None:
    """Until all its slices are there."""
    old = page.evaluate(f"{VIEWER}.world.scans.map((s) => s.token).join()")
    page.evaluate("(name) => window.showScan(name)", name)
    page.wait_for_function(ARRIVED, arg=old)
    page.evaluate(SETTLED)


def picture(page: Page, stage: int = 0) -> NDArray[np.int16]:
    """What is seen of the picture on a stage: grey (height, width), without what is drawn over it."""
    hidden = ".mv-marks, .mv-corner, .mv-edge { visibility: hidden !important; } .mv-stage { outline: 0 !important; }"
    page.evaluate(SETTLED)
    shot = Image.open(BytesIO(page.locator(".mv-stage").nth(stage).screenshot(style=hidden)))
    return np.asarray(shot.convert("L")).astype(np.int16)


def edges(page: Page, stage: int = 0) -> dict[str, str]:
    """The letters at the edges."""
    page.evaluate(SETTLED)
    names = ("top", "right", "bottom", "left")
    place = page.locator(".mv-stage").nth(stage)
    return {name: place.locator(f".mv-{name}").inner_text() for name in names}


def said(page: Page, where: str) -> Any:
    """What the server last heard of the view of the scan shown now, once `where` is true of it (as `look`)."""
    now = f"{VIEWER}.world.scans.some((scan) => scan.token === look.token)"
    heard = "JSON.parse(document.querySelector('#said textarea').value)"
    ready = f"() => {{ try {{ const look = ({heard}).raw; return {now} && {where}; }} catch {{ return false; }} }}"
    page.wait_for_function(ready)
    return page.evaluate(heard)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], button: Any = "left") -> None:
    """On the first stage, in CSS pixels from its corner."""
    box = page.locator(".mv-stage").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    page.mouse.down(button=button)
    for part in (0.4, 1.0):
        page.mouse.move(
            box["x"] + start[0] + part * (end[0] - start[0]), box["y"] + start[1] + part * (end[1] - start[1])
        )
    page.mouse.up(button=button)
    page.evaluate(SETTLED)


def to_slice(page: Page, number: int) -> None:
    """By the slider; from 1."""
    page.locator("[data-field=slice]").fill(str(number))
    page.evaluate(SETTLED)


def plane(page: Page, name: str) -> None:
    page.click(f".mv-planes button:has-text('{name}')")
    page.evaluate(SETTLED)


def extent(shown: NDArray[np.int16]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is bright, to a fraction of a pixel: where half of it is reached."""
    dark, bright = float(np.median(shown)), float(shown.max())
    rise = np.clip((shown - dark) / (bright - dark), 0, 1)
    spans = []
    for axis in (1, 0):
        profile = rise.max(axis=1 - axis)
        (above,) = np.nonzero(profile >= 0.5)
        first, last = int(above[0]), int(above[-1])
        before, after = profile[first - 1], profile[last + 1]
        spans.append(
            (
                first + 0.5 - (profile[first] - 0.5) / max(profile[first] - before, 1e-6),
                last + 0.5 + (profile[last] - 0.5) / max(profile[last] - after, 1e-6),
            )
        )
    (left, right), (top, bottom) = spans
    return left, top, right, bottom
