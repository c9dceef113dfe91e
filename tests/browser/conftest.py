"""One app process and one Chromium for all tests of the page; each test gets a browser session of its own."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from medvlm.paths import ASSETS, ROOT
from tests.serving import free_port

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
# Generous: a machine may be busy with something else. Nothing waits so long when all is well.
PATIENCE = 120
LONGEST_ANSWER = "12"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True, slots=True)
class App:
    """The running app: where it answers, what it printed, and the folder that all its temporary files go to."""

    url: str
    log: Path
    temporary: Path


def chromium() -> str:
    """The browser: `MEDVLM_CHROMIUM`, or one that is installed; without one the tests fail, for they prove nothing."""
    found = os.environ.get("MEDVLM_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found or not Path(found).exists():
        pytest.fail(
            f"No Chromium: {found or ', '.join(NAMES)} is not there. Install it (apt-get install chromium) or set "
            "MEDVLM_CHROMIUM to its path.",
            pytrace=False,
        )
    return found


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the app ended before it answered"
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def command(port: int) -> list[str]:
    adapter = "nano-med" if (ASSETS / "adapters" / "nano-med").exists() else "none"
    return [
        *(sys.executable, "app.py", "--port", str(port), "--adapter", adapter),
        *("--max-tokens", LONGEST_ANSWER, "--upload-mb", "5", "--privacy", "off"),
    ]


@pytest.fixture(scope="package")
def app(nano_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The real `app.py` with nano, as its own process."""
    folder = tmp_path_factory.mktemp("app")
    made = App(f"http://127.0.0.1:{(port := free_port())}", folder / "log.txt", folder / "tmp")
    made.temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(made.temporary), "GRADIO_TEMP_DIR": str(made.temporary / "gradio")}
    with made.log.open("wb") as log:
        process = subprocess.Popen(command(port), cwd=ROOT, stdout=log, stderr=log, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(made.url, process):
            assert time.monotonic() < deadline, made.log.read_text()
            time.sleep(0.1)
        yield made
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield launched
        launched.close()


# What a test calls to get one more person at the page; options are those of a Playwright context.
Visit = Callable[..., Page]


@pytest.fixture
def visit(app: App, browser: Browser) -> Iterator[Visit]:
    """Opens the page in a session of its own; at the end, nothing may have failed or gone elsewhere."""
    contexts, troubles = [], []

    def note(page: Page) -> None:
        page.on("request", lambda r: troubles.append(r.url) if strange(r.url) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "response",
            lambda r: troubles.append(f"{r.status} {r.url}") if r.status >= 400 and not over(r.url) else None,
        )
        page.on(
            "console", lambda m: troubles.append(m.text) if m.type == "error" and not over(m.location["url"]) else None
        )

    def opened(**options: object) -> Page:
        settings = {"viewport": {"width": 1280, "height": 720}, **options}
        contexts.append(context := browser.new_context(**settings))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        note(page)
        # From the start: what opens before the browser has heard that somebody waits for file dialogs opens for nobody.
        page.on("filechooser", lambda _: None)
        page.goto(app.url)
        page.wait_for_selector("body[data-ready] #viewer .viewer")
        page.wait_for_selector(".badge.loading, .badge.ready, .badge.failed")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def over(url: str) -> bool:
    """Pixels that were still on their way when another scan took the screen: their token has ended, as it should."""
    return "/pixels/" in url


def strange(url: str) -> bool:
    """Whether a request goes anywhere but to the app."""
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit()
