"""The Compare tab in a browser: nothing tells whose answer is whose before the vote, and keys alone suffice."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from medvlm.compare.disguise import MASK
from medvlm.ui.server import Server
from tests.browser.conftest import PATIENCE
from tests.browser.theatre import ASKED, QUESTION, VOTING, Reader, Theatre
from tests.compare_cases import BASE, TUNED, secret
from tests.serving import free_port

# The page is served by this process: what Gradio reckons up now and then asks of pandas what it is to ask no more.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    made, up, port = Theatre(), threading.Event(), free_port()
    servers: list[Server] = []
    thread = threading.Thread(target=made.serve, args=(up, port, servers), daemon=True)
    thread.start()
    assert up.wait(PATIENCE)
    made.address = f"http://127.0.0.1:{port}"
    yield made
    servers[0].should_exit = True
    thread.join(20)


@pytest.fixture
def read(theatre: Theatre, browser: Browser) -> Iterator[Any]:
    """Opens the page for one more reader."""
    theatre.stage.seconds, theatre.ratings.full = {"base": 0.01, "tuned": 0.02}, False
    theatre.stage.asked.clear()
    theatre.ratings.kept.clear()
    theatre.seeds.clear()
    contexts, readers = [], []

    def opened(**options: Any) -> Reader:
        contexts.append(context := browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options}))
        context.set_default_timeout(PATIENCE * 1000)
        readers.append(reader := Reader(context.new_page()))
        reader.begin(theatre.address)
        return reader

    yield opened
    for context in contexts:
        context.close()
    assert [trouble for reader in readers for trouble in reader.troubles] == []


def test_nobody_can_know_whose_answer_is_whose_before_the_vote_is_on_the_disk(read: Any, theatre: Theatre) -> None:
    reader = read()
    reader.open_example()
    reader.page.evaluate("window.asked = window.heard.length")
    reader.ask()
    reader.ask("How large is it?")
    texts = reader.texts()
    assert all(MASK in text for text in texts) and len(texts) == 2
    page: Page = reader.page
    page.keyboard.press("b")
    theatre.ratings.full = True
    page.keyboard.press("Enter")
    page.wait_for_selector(".vote .error:has-text('disk is full')")
    heard = reader.heard()
    assert QUESTION in heard and MASK in heard and "disk is full" in heard, "there was something to hear"
    assert secret(heard) == []
    told = "".join(page.evaluate("window.heard.slice(window.asked)"))
    assert MASK in told and not re.search(r"\b(base|tuned|arm|seed|side_seed)\b", told), "nor which arm it is"
    assert "data-arm" not in page.inner_html("#comparing")
    assert theatre.ratings.kept == {}
    theatre.ratings.full = False
    page.keyboard.press("Enter")
    page.wait_for_selector(".reveal")
    (kept,) = theatre.ratings.kept.values()
    names = {"left": kept.left.candidate.name, "right": kept.right.candidate.name if kept.right else ""}
    for side, name in names.items():
        assert name in page.inner_text(f"[data-answer={side}] h3")
    assert kept.verdict == "right" and len(kept.left.history) == 2 and {*names.values()} == {BASE.name, TUNED.name}
    assert secret(page.locator("body").aria_snapshot()) != []
    assert kept.reader == page.input_value("[name=reader]") and kept.reader.startswith("reader-")


def test_keys_alone_fill_in_the_whole_vote(read: Any, theatre: Theatre) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    theatre.seeds.append(ASKED)
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_function(VOTING)
    assert page.locator(".guess-tuned").is_visible()
    page.locator("[data-answer=left] .text").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    marked = " ".join(reader.texts()[0].split()[1:3])
    page.keyboard.press("e")
    page.wait_for_selector(".errors[data-side=left] li")
    assert page.locator(".errors[data-side=left] q").inner_text() == marked
    page.keyboard.type("Missed")
    page.keyboard.press("Tab")
    page.keyboard.type("Sev")
    page.locator('[name="left-correct"][value="1"]').focus()
    page.keyboard.press("4")
    page.locator('[name="right-safe"][value="1"]').focus()
    page.keyboard.press("2")
    page.locator('[name="left-correctness"][value="right"]').focus()
    page.keyboard.press("ArrowRight")
    page.locator("[name=comment]").focus()
    page.keyboard.type("Not a tie. abn")
    page.locator('[name="sureness"][value="1"]').focus()
    page.keyboard.press("5")
    page.locator('[name="guess"][value="left"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    page.wait_for_selector(".vote[data-state=kept]")
    (kept,) = theatre.ratings.kept.values()
    assert (kept.verdict, kept.sureness, kept.comment, kept.guess) == ("tie", 5, "Not a tie. abn", "left")
    (tag,) = kept.left.errors
    assert (tag.kind, tag.harm) == ("missed_finding", "severe")
    assert marked.replace(MASK, "") in kept.left.text[tag.start : tag.stop] or MASK in marked
    assert kept.left.scores == (4, None, None, None, None) and kept.right is not None
    assert kept.right.scores == (None, None, None, None, 2) and kept.left.correctness == "partly"
    assert kept.seconds is not None and kept.seconds > 0 and kept.case.window is not None and "slice" in kept.case.look
    page.wait_for_function("document.activeElement.dataset.act === 'next'")  # so that Enter goes on
    page.keyboard.press("Enter")
    page.wait_for_selector("#compare-bench .suggestions")
    page.wait_for_function("document.activeElement.id === 'both-question'")


def test_the_focus_goes_to_the_vote_unless_the_next_question_has_been_begun(read: Any, theatre: Theatre) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    reader.ask()
    page.keyboard.press("a")
    page.wait_for_selector("[name=verdict][value=left]:checked")
    assert page.input_value("#both-question") == "" and page.evaluate("document.activeElement.value") == "left"
    assert "Vote with A, T, N or B" in page.inner_text("#compare-ask [data-live]")
    theatre.stage.seconds = {"base": 0.3, "tuned": 0.3}  # so that there is time to begin the next one
    page.fill("#both-question", "And now?")
    page.press("#both-question", "Enter")
    page.wait_for_selector(".vote[data-state=closed]")
    page.wait_for_function("document.querySelector('#both-question').value === ''")
    page.keyboard.type("at be")
    page.wait_for_selector(".exchange.last .words:text-is('And now?')")
    page.wait_for_selector(".vote[data-state=open]")
    page.keyboard.type("st")
    assert page.input_value("#both-question") == "at best" and page.locator("[name=verdict]:checked").count() == 0


def test_digits_choose_windows_of_the_picture_unless_a_grade_has_the_focus(read: Any) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    reader.ask()
    page.locator("#compare-scan .mv-stage").click()
    window = "document.querySelector('#compare-scan .mv').viewer.shown.window.width"
    before = page.evaluate(window)
    page.keyboard.press("3")
    page.wait_for_function(f"{window} !== {before}")
    chosen = page.evaluate(window)
    page.keyboard.press("f")
    page.locator('[name="left-clear"][value="1"]').focus()
    page.keyboard.press("1")
    assert page.locator('[name="left-clear"][value="1"]').is_checked() and page.evaluate(window) == chosen
    page.keyboard.press("n")
    assert page.locator('[name=verdict][value="neither"]').is_checked()
    assert page.locator("#compare-scan .mv").is_visible(), "n begins no new conversation here"


def test_a_vote_comes_once_and_a_correction_points_to_it(read: Any, theatre: Theatre) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    reader.ask()
    page.keyboard.press("a")
    page.evaluate("() => { const b = document.querySelector('.submit'); b.click(); b.click(); }")
    page.wait_for_selector(".vote[data-state=kept]")
    page.click("[data-act=correct]")
    page.wait_for_selector(".vote[data-state=again]")
    assert page.locator('[name=verdict][value="left"]').is_checked(), "what was said is where it was"
    page.wait_for_function(VOTING)
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reveal:has-text('Both unacceptable')")
    first, second = theatre.ratings.kept.values()
    assert (first.corrects, second.corrects, second.verdict) == (None, first.id, "neither")
    assert (first.blinded, second.blinded) == (True, False)
    page.click("[data-act=differences]")
    assert page.locator(".differing mark").count() > 0


def test_stop_gives_the_question_back_and_a_vote_that_was_begun_stays(read: Any, theatre: Theatre) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    reader.ask()
    page.keyboard.press("t")
    theatre.stage.seconds = {"base": 2.0, "tuned": 2.0}
    page.fill("#both-question", "And now?")
    page.press("#both-question", "Enter")
    page.wait_for_selector(".vote[data-state=closed]")
    page.wait_for_selector(".exchange.last .words:text-is('And now?')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".vote[data-state=open]")
    assert page.input_value("#both-question") == "And now?"
    assert page.locator('[name=verdict][value="tie"]').is_checked() and page.locator(".exchange").count() == 1


def test_named_cases_say_so_and_are_kept_apart(read: Any, theatre: Theatre) -> None:
    reader = read()
    page: Page = reader.page
    reader.open_example()
    page.click(".modes label:has-text('Named')")
    page.wait_for_selector(".teaching:not([hidden])")
    reader.ask()
    assert "quokka" in page.inner_text("#compare-bench") and "wombat" in page.inner_text("#compare-bench")
    assert page.locator("[name=mode]").first.is_disabled(), "in the middle of a case nothing changes"
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reveal:has-text('does not count as a blinded vote')")
    (kept,) = theatre.ratings.kept.values()
    assert not kept.blinded


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (820, 1180), (400, 800)])
def test_nothing_overflows_and_axe_finds_nothing_serious(read: Any, width: int, height: int) -> None:
    reader = read(viewport={"width": width, "height": height}, color_scheme="dark" if width == 820 else "light")
    page: Page = reader.page
    checked(page)
    reader.open_example()
    reader.ask()
    page.keyboard.press("f")
    page.wait_for_selector(".details:not([hidden])")
    checked(page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reveal")
    checked(page)
    if width == 1280:
        assert page.evaluate("document.documentElement.scrollHeight") <= 720, "the page itself need not scroll"


def checked(page: Page) -> None:
    found = Axe().run(page, context="#comparing").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
