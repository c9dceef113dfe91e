"""The Training panel in the browser: a run that lives is followed by itself, others are a click away, all narrow."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PATIENCE, strange
from tests.browser.scores_page import served
from tests.training_cases import lines, recipe_run

HEAD = ".sc-training summary:has-text('Training: alive')"
ME = {"pid": os.getpid(), "began": psutil.Process().create_time(), "host": socket.gethostname(), "at": time.time()}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDVLM_HOME", str(tmp_path))
    recipe_run(tmp_path / "recipes", "alive", steps=20, beat={**ME, "state": "running", "seconds_left": 600.0})
    recipe_run(tmp_path / "recipes", "before-<b>it", steps=40, done=True, age=4000)
    return tmp_path / "recipes"


@pytest.fixture
def page(runs: Path, tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """The tab on a phone of 400 pixels, with no scores at all; nothing may fail or go elsewhere."""
    troubles: list[str] = []
    with served([tmp_path / "none"]) as address:
        context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
        context.set_default_timeout(PATIENCE * 1000)
        made = context.new_page()
        made.on("request", lambda r: troubles.append(r.url) if strange(r.url) else None)
        made.on("pageerror", lambda error: troubles.append(str(error)))
        made.goto(f"{address}?tab=scores")
        made.wait_for_selector(HEAD)
        yield made
        context.close()
    assert troubles == []


def drawn(page: Page) -> int:
    return int(page.get_attribute(".sc-training", "data-drawn") or 0)


def test_a_run_is_followed_and_another_opened(page: Page, runs: Path) -> None:
    assert page.inner_text("[data-training]") == "Training: alive, step 20 of 40, 10 min left"
    page.click("[data-training]")
    page.wait_for_selector("figure[data-plot=training-loss] .sc-canvas svg.main-svg")
    assert page.inner_text(".tr-open h3") == "alive" and f"kill {os.getpid()}" in page.inner_text(".tr-next")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

    # It gets on while somebody looks: the page follows by itself, and what was unfolded stays so.
    page.click("[data-key=tr-settings] summary")
    before = drawn(page)
    (runs / "alive" / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines(30, 40)))
    page.wait_for_function(f"Number(document.querySelector('.sc-training').dataset.drawn) > {before}")
    assert page.inner_text("[data-training]").startswith("Training: alive, step 30 of 40")
    assert page.locator("[data-key=tr-settings][open]").count() == 1

    # Another one, by keyboard; its name is text.
    page.focus(".tr-run[aria-pressed=false]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tr-open h3:text-is('before-<b>it')")
    assert page.evaluate("document.activeElement.textContent") == "before-<b>it"
    assert "python app.py --base" in page.inner_text(".tr-next") and page.locator(".tr-head progress").count() == 0
