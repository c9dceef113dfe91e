"""A whole study in the browser: two readers at once, by keyboard, while the server is killed and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from medvlm.paths import ROOT
from medvlm.ratings.records import Filter
from medvlm.ratings.store import RatingStore
from medvlm.studies.design import Design
from tests import studies_cases as made
from tests.browser.conftest import PATIENCE, answers
from tests.score_cases import open_run, written
from tests.serving import free_port

CASES = 6
COMMENT = "Written before the server was killed"


class Server:
    """The page's server as a process that can be killed, on one port."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = (str(self._port), str(self._store), str(self._store.parent / "runs"))
        command = [sys.executable, "-m", "tests.browser.reading_server", *places]
        environment = {**os.environ, "TMPDIR": str(self._store.parent), "GRADIO_ANALYTICS_ENABLED": "False"}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not answers(self.url, self._process):
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut would: nothing is tidied up."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
            self._process = None


@pytest.fixture
def study(tmp_path: Path) -> Iterator[tuple[Server, dict[str, str], Path]]:
    """A study that is open, its codes, and its database; beside them a run whose answers can be judged."""
    kept = made.store(tmp_path)
    codes = made.opened(kept, count=CASES, design=Design(repeats=0.0, guesses=0.0, break_every=0))
    kept.ratings.close()
    written(tmp_path / "runs" / "drawn", open_run())
    server = Server(tmp_path / "ratings.sqlite3")
    try:
        server.start()
        yield server, codes, tmp_path / "ratings.sqlite3"
    finally:
        server.kill()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[Server], Page]]:
    """Opens the page for one more person; at the end all leave, lest they call a server that is no longer there."""
    contexts = []

    def opened(server: Server) -> Page:
        contexts.append(context := browser.new_context(viewport={"width": 1280, "height": 720}))
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_selector("#rt-board .rt-card")
        return page

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, code: str) -> None:
    page.focus("#rt-code")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_selector("#rt-vote form[data-state=open]")
    page.wait_for_function("document.activeElement.id !== 'rt-code'")  # where letters would be typed


def on_case(page: Page, number: int) -> None:
    page.wait_for_selector(f".rt-progress p:text-is('case {number} of {CASES}')")
    page.wait_for_selector("#rt-vote form[data-state=open]")


def drawn(page: Page, viewer: str) -> None:
    page.wait_for_function(f"document.querySelector('{viewer} .mv')?.viewer?.stages.some((stage) => stage.picture)")


def submit(page: Page, form: str, after: str) -> None:
    """Enter until the case is over: the one before may still be on the screen, and then the page asks to look first."""
    while True:
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{after}, {form} form[data-state=open] .error:not(:empty)")
        if page.locator(after).count():
            return
        assert "picture" in page.inner_text(f"{form} .error")
        page.wait_for_timeout(100)


def vote(page: Page, number: int, key: str) -> None:
    """One case by keyboard once its picture is seen: the verdict's letter, then Enter."""
    on_case(page, number)
    drawn(page, "#rt-scan")
    page.keyboard.press(key)
    page.wait_for_selector("#rt-vote input[name=verdict]:checked")
    following = f".rt-progress p:text-is('case {number + 1} of {CASES}')"
    submit(page, "#rt-vote", following if number < CASES else ".rt-panel h2:text('All your cases are read')")


def filled_in(page: Page) -> None:
    """A vote that is not sent yet."""
    drawn(page, "#rt-scan")
    page.keyboard.press("t")
    page.keyboard.press("f")
    page.fill("#rt-vote textarea", COMMENT)


def judged_alone(page: Page, count: int) -> None:
    """All single answers of the run, by keyboard: a name, then 1 for right and Enter for each."""
    page.focus(".rt-card [name=reader]")
    page.keyboard.type("Dr A")
    page.keyboard.press("Enter")
    for number in range(1, count + 1):
        page.wait_for_selector(f".rt-progress p:text-is('answer {number} of {count}')")
        page.wait_for_selector("#rv-vote form[data-state=open]")
        page.wait_for_function("document.activeElement.closest('#rv-vote .verdicts')")
        drawn(page, "#rv-scan")
        page.keyboard.press("1")
        over = (
            f".rt-progress p:text-is('answer {number + 1} of {count}')"
            if number < count
            else ".rt-panel h2:text('Done')"
        )
        submit(page, "#rv-vote", over)


def test_two_readers_read_a_study_by_keyboard_while_the_server_is_killed(
    study: tuple[Server, dict[str, str], Path], visit: Callable[[Server], Page]
) -> None:
    server, codes, store = study
    one, other = visit(server), visit(server)
    sign_in(one, codes["r1"])
    sign_in(other, codes["r2"])
    for page in (one, other):
        assert page.locator("#rt-results").is_hidden(), "nothing of results while a study is read"
        page.wait_for_selector("#rt-scan .mv-stage")
    for number in (1, 2, 3):
        vote(one, number, "a")
        vote(other, number, "b")
    for page in (one, other):
        on_case(page, 4)  # so the third vote is on the disk: what was never acknowledged may be lost
    words = one.content() + other.content()
    assert not any(name in words for name in ("nano-med", "base model")), "no name in the page before the end"
    filled_in(one)
    server.kill()
    server.start()
    one.click("#rt-vote .submit")
    one.wait_for_selector("#rt-vote .error:has-text('Sign in again')")
    other = visit(server)
    for page, reader in ((one, "r1"), (other, "r2")):
        sign_in(page, codes[reader])
        on_case(page, 4)
    assert one.input_value("#rt-vote textarea") == COMMENT, "what was filled in outlives the server"
    for number in (4, 5, 6):
        vote(one, number, "t")
        vote(other, number, "n")
    for page in (one, other):
        page.wait_for_selector(".rt-panel h2:text('All your cases are read')")
    one.click(".rt-panel [data-act=sign-out]")
    judged_alone(one, 6)
    with RatingStore(store) as kept:
        rows = list(kept.ratings(Filter(form="pair")))
        alone = list(kept.ratings(Filter(form="single")))
    assert [row.left.correctness for row in alone] == ["right"] * 6 and {row.reader for row in alone} == {"Dr A"}
    assert len(rows) == 2 * CASES and len({row.id for row in rows}) == 2 * CASES
    for reader, verdicts in (("r1", ["left"] * 3 + ["tie"] * 3), ("r2", ["right"] * 3 + ["neither"] * 3)):
        mine = [row for row in rows if row.reader == reader]
        assert [row.verdict for row in mine] == verdicts
        assert len({row.case.id for row in mine}) == CASES and all(row.case.look for row in mine)
        assert [row.comment for row in mine] == [""] * 3 + [COMMENT if reader == "r1" else "", "", ""]
