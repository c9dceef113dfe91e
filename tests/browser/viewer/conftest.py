"""The viewer's own page in a process of its own, and people who look at it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from medvlm.paths import ROOT
from tests.browser.conftest import PATIENCE, answers
from tests.browser.viewer.steps import Visitor, show
from tests.serving import free_port


@pytest.fixture(scope="package")
def url() -> Iterator[str]:
    """The viewer's own page, as its own process."""
    address = f"http://127.0.0.1:{(port := free_port())}/"
    process = subprocess.Popen([sys.executable, "-m", "tests.browser.viewer.page", str(port)], cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(address, process):
            assert time.monotonic() < deadline, "the viewer's page did not start"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


Visit = Callable[..., Page]


@pytest.fixture
def visit(url: str, browser: Browser) -> Iterator[Visit]:
    """Opens the page anew; at the end, nothing may have failed or gone elsewhere."""
    visitors: list[Visitor] = []

    def opened(name: str, **options: Any) -> Page:
        visitors.append(visitor := Visitor(browser, url, **options))
        show(visitor.page, name)
        return visitor.page

    yield opened
    for visitor in visitors:
        visitor.context.close()
    assert [one.troubles for one in visitors if one.troubles] == []


@pytest.fixture(scope="package")
def regular(url: str, browser: Browser) -> Iterator[Visitor]:
    """Somebody who stays for many scans; showing one starts anew."""
    visitor = Visitor(browser, url)
    yield visitor
    visitor.context.close()


@pytest.fixture
def page(regular: Visitor) -> Iterator[Page]:
    show(regular.page, "steps")
    regular.page.mouse.move(0, 0)
    yield regular.page
    assert regular.troubles == []
