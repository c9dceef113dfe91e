"""The gate in the page: its choices, what it covers, what it keeps out; and that what is forgotten is gone."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from medvlm.page.desk import Desk
from medvlm.page.host import Host
from medvlm.page.inbox import Inbox
from medvlm.page.keeping import Holding, Keeper
from medvlm.page.session import Choices
from medvlm.privacy import Box, Gate, Mode
from medvlm.ui.chat_tab import Room
from tests.browser.files import ct
from tests.browser.serving import served, visiting
from tests.browser.steps import SEEN, VIEWER, answered, ask, choose
from tests.dicom_cases import named
from tests.fakes import FakeModel
from tests.planted import found, planted

TEXT = Box(2, 1, 12, 3)
# Gradio's count of its own events asks pandas for something that pandas does otherwise one day.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


class Finder:
    """Finds a line of text in the same place of every picture."""

    def find(self, picture: NDArray[np.uint8]) -> tuple[Box, ...]:
        return (TEXT,)


# Opens the page behind a gate of that mode, with or without a detector of text.
At = Callable[..., Page]


@pytest.fixture
def at(browser: Browser) -> Iterator[At]:
    with ExitStack() as stack:

        def page(mode: Mode = "ask", finder: bool = True, room: Callable[[Desk], Room] | None = None) -> Page:
            host = Host(lambda _: FakeModel())
            host.start()
            desk = Desk(host, None, Gate(mode, Finder if finder else lambda: None))
            made = room or (lambda desk: Room(desk, Inbox(10_000_000), 10))
            return stack.enter_context(visiting(browser, stack.enter_context(served(lambda: made(desk)))))

        yield page


def first_row(page: Page) -> list[float]:
    page.wait_for_function(SEEN)
    row: list[float] = page.evaluate(f"Array.from({VIEWER}.slices[0].at(0).data.slice(0, 64 * 3))")
    return row


def test_the_gate_asks_and_nothing_is_shown_until_it_is_answered(at: At) -> None:
    page = at()
    choose(page, "a.dcm", named())
    page.wait_for_selector(".gate [data-choice='go on']")
    assert "Patient's Name" in page.inner_text(".gate") and "There seems to be text" in page.inner_text(".gate")
    assert page.locator("#scan .mv").is_hidden() and page.locator(".notes").count() == 0
    assert page.evaluate("document.activeElement.dataset.choice") == "block", "the careful answer is at hand"
    page.click("[data-choice='block']")
    page.wait_for_selector(".viewer .error:has-text('not taken in')")
    assert page.locator("#scan .mv").is_hidden() and page.locator(".gate").count() == 0


def test_what_is_covered_is_gone_and_what_is_taken_as_it_is_stays(at: At) -> None:
    page = at()
    choose(page, "a.dcm", named())
    page.click("[data-choice='go on']")
    page.wait_for_selector(".notes:has-text('header removed')")
    whole = first_row(page)
    page.click("[data-act=fresh]")
    page.wait_for_selector(".viewer.empty")
    choose(page, "a.dcm", named())
    page.click("[data-choice='mask']")
    page.wait_for_selector(".notes:has-text('with text covered')")
    covered = first_row(page)
    assert covered != whole and len(set(whole)) > len(set(covered))


@pytest.mark.parametrize(("mode", "says"), [("strict", "gate is strict"), ("off", "")])
def test_strict_asks_nobody_and_off_lets_everything_through(at: At, mode: Mode, says: str) -> None:
    page = at(mode, finder=False)
    choose(page, "a.dcm", named())
    page.wait_for_selector(".viewer .error" if says else ".notes:has-text('DICOM')")
    assert page.locator(".gate").count() == 0
    if says:
        assert says in page.inner_text(".viewer .error") and page.locator("#scan .mv").is_hidden()


def test_nothing_of_a_header_is_in_the_gates_question_the_page_or_an_export(at: At) -> None:
    page = at()
    choose(page, "ZQX77777.dcm", planted(WindowCenter=40, WindowWidth=400))
    page.wait_for_selector(".gate")
    assert found(page.content()) == []
    page.click("[data-choice='mask']")
    page.wait_for_selector(".notes:has-text('with text covered')")
    ask(page, "What is it?")
    answered(page)
    page.click(".menu summary")
    with page.expect_download() as download:
        page.click(".sheet >> text=JSON")
    assert found(download.value.path().read_bytes()) == [] and found(page.content()) == []
    page.click("[data-act=held]")
    page.wait_for_selector("#receipt[open] td")
    assert found(page.content()) == []


def test_forgetting_everything_empties_the_page_and_the_program(at: At) -> None:
    rooms: list[Room] = []

    def room(desk: Desk) -> Room:
        rooms.append(Room(desk, Inbox(10_000_000), 10, Choices(), holding=Holding(Keeper(3600.0))))
        return rooms[0]

    page = at("off", room=room)
    choose(page, "ct.dcm", ct())
    page.wait_for_selector(".notes:has-text('slice 4/6')")
    page.wait_for_function(SEEN)
    page.fill("#question", "half a question")
    token = page.evaluate(f"{VIEWER}.world.scans[0].token")
    held: list[weakref.ref[Any]] = [
        weakref.ref(pixels)
        for holder in list(rooms[0].handout._holders.values())
        for pixels in holder.scan(token).slices
    ]
    assert len(held) == 6
    page.click("[data-act=held]")
    page.wait_for_selector("#receipt[open] th:has-text('1 scan (6 slices)')")
    page.click("#receipt [data-act=forget]")
    page.wait_for_selector(".viewer.empty")
    page.wait_for_function("!document.querySelector('#receipt').textContent.includes('1 scan')")
    assert page.input_value("#question") == "" and page.locator("#scan .mv").is_hidden()
    tried = """([token]) => document.querySelector('#scan .mv').viewer.outside
        .get(token, 0, new AbortController().signal).then((bytes) => bytes.byteLength, (no) => no.gone ? 'gone' : no)"""
    assert page.evaluate(tried, [token]) == "gone", "the page's own key and token give nothing any more"
    deadline = time.monotonic() + 20
    while any(one() is not None for one in held) and time.monotonic() < deadline:
        page.wait_for_timeout(50)  # what is still on its way to the page is let go when it has arrived
        gc.collect()
    assert [one() for one in held] == [None] * 6, "no part of the program holds its pixels"
    page.keyboard.press("Escape")
    choose(page, "ct.dcm", ct())
    page.wait_for_selector(".notes:has-text('slice 4/6')")


def test_a_page_that_nobody_uses_is_emptied(at: At) -> None:
    page = at("off", room=lambda desk: Room(desk, Inbox(10_000_000), 10, holding=Holding(Keeper(3.0))))
    choose(page, "ct.dcm", ct())
    page.wait_for_selector(".notes:has-text('slice 4/6')")
    page.wait_for_selector(".viewer.empty")
    assert "Forgotten after" in page.inner_text("#live") and page.locator("#scan .mv").is_hidden()
