"""The Scores tab in the browser: filters, cases, downloads, links, keys, dark, narrow; all from our own server."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from medvlm import scores
from tests.browser.conftest import PATIENCE, strange
from tests.browser.scores_page import served
from tests.score_cases import Case, both, many, run, written

Open = Callable[..., Page]
DRAWN = ".sc[data-drawn]"
# The colour of a plot's words, and what it is on a light and on a dark page.
INK = "getComputedStyle(document.querySelector('figure[data-plot=domain-bars] svg .xtick text')).fill"
LIGHT, DARK = "rgb(23, 34, 42)", "rgb(228, 234, 237)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    written(root / "first", many())
    cases = [Case(f"ct-{i}", "ct", both(0.0, float(i % 2)), image=f"phantom:ct:{i}") for i in range(12)]
    written(root / "drawn", run(cases, name="drawn", task="phantoms", dataset="phantoms", real=False))
    (written(root / "torn", many(name="torn")) / scores.SCORES).write_text("{\n")
    return root


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    with served([runs]) as url:
        yield url


@pytest.fixture
def visit_scores(address: str, browser: Browser) -> Iterator[Open]:
    """Opens the tab; at the end nothing may have failed or gone elsewhere."""
    contexts, troubles = [], []

    def opened(query: str = "?tab=scores", **options: object) -> Page:
        settings = {"viewport": {"width": 1280, "height": 900}, **options}
        contexts.append(context := browser.new_context(**settings))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE * 1000)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("request", lambda r: troubles.append(r.url) if strange(r.url) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.goto(address + query)
        page.wait_for_selector(DRAWN)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def shown(page: Page, side: str = "first") -> str:
    return page.locator(f".sc-card[data-side={side}] .sc-value").inner_text()


def again(page: Page, act: Callable[[], object]) -> None:
    """Do it, and wait until all is drawn for it."""
    before = page.locator(".sc").get_attribute("data-drawn")
    act()
    page.wait_for_function("(was) => document.querySelector('.sc').dataset.drawn !== was", arg=before)


def test_a_sitting_with_the_scores(visit_scores: Open, runs: Path) -> None:
    page = visit_scores()
    assert (shown(page), shown(page, "second"), shown(page, "difference")) == ("62.5 %", "37.5 %", "+25.0 points")
    assert "One run cannot be read" in page.inner_text(".sc-broken") and "torn" in page.inner_text(".sc-broken")
    assert page.locator("figure[data-plot=domain-bars] .sc-canvas svg.main-svg").count() > 0

    # A filter: the figures follow, what was chosen keeps the focus, the address keeps it all.
    page.focus("#sc-domain")
    again(page, lambda: page.select_option("#sc-domain", "ct"))
    assert shown(page) == "75.0 %" and page.evaluate("document.activeElement.id") == "sc-domain"
    assert "domain=ct" in page.url and "tab=scores" in page.url

    again(page, lambda: page.select_option("#sc-domain", ""))

    # A bar filters the cases, and so does its row in the table, with keys alone.
    page.click("figure[data-plot=domain-bars] summary")
    page.focus("figure[data-plot=domain-bars] [data-act=mark][data-value=ct]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sc-pages :text('of 60')")
    assert "at_domain=ct" in page.url and shown(page) == "62.5 %"
    page.click(".sc-chip")
    page.wait_for_selector(".sc-pages :text('of 120')")
    bar = page.locator("figure[data-plot=domain-bars] .point path").last
    bar.scroll_into_view_if_needed()
    bar.hover(position={"x": 8, "y": 8}, force=True)
    page.wait_for_selector("figure[data-plot=domain-bars] .hovertext")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector(".sc-chip")
    page.click(".sc-chip")
    page.wait_for_selector(".sc-pages :text('of 120')")

    # Words are searched while they are typed; pages turn.
    page.fill("#sc-words", "cxr-7 ")
    page.wait_for_selector(".sc-pages :text('1 to 1 of 1')")
    page.fill("#sc-words", "")
    page.wait_for_selector(".sc-pages :text('1 to 25 of 120')")
    page.click(".sc-pages [data-act=page]")
    page.wait_for_selector(".sc-pages :text('26 to 50 of 120')")

    # A case opens, goes on by the arrows, and gives the focus back.
    page.locator(".sc-open[data-act=case]").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".sc-dialog[open] .sc-answer")
    first = page.inner_text("#sc-case-title")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(was) => document.querySelector('#sc-case-title').textContent !== was", arg=first)
    page.keyboard.press("Escape")
    page.wait_for_selector(".sc-dialog:not([open])", state="attached")
    assert "sc-open" in page.evaluate("document.activeElement.className")

    # A new run appears by itself.
    written(runs / "new", many(name="new"))
    page.wait_for_selector("#sc-run option[value=new]", state="attached")


def test_every_plot_can_be_taken_along(visit_scores: Open) -> None:
    page = visit_scores()
    for form, begins in (("png", b"\x89PNG"), ("svg", b"<svg"), ("csv", b"\xef\xbb\xbf")):
        with page.expect_download() as saved:
            page.click(f"figure[data-plot=domain-bars] [data-form={form}]")
        data = Path(saved.value.path()).read_bytes()
        assert saved.value.suggested_filename == f"medvlm-domain-bars.{form}" and data.startswith(begins)
        if form != "png":
            assert b"Not for diagnosis" in data
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    assert rows[-1][:3] == ["CT", "nano-med (tuned)", "75.0"]


def test_a_figure_and_a_link_are_copied(visit_scores: Open) -> None:
    page = visit_scores("?tab=scores&run=first&domain=ct&metric=strict_closed")
    assert shown(page) == "75.0 %"
    page.click(".sc-card[data-side=first] [data-act=sentence]")
    page.wait_for_selector(".sc-card :text('Copied')")
    said = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"nano-med \(tuned\) on VQA-RAD, test split, CT: .* 75\.0 % \[62\.8, 84\.2\], n = 60", said)
    page.click("[data-act=link]")
    page.wait_for_selector(".sc-filters :text('Copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert "domain=ct" in link
    other = visit_scores(link[link.index("?") :])
    assert shown(other) == "75.0 %" and other.input_value("#sc-domain") == "ct"


# A figure's button to copy it stands beside the value, never on it.
APART = """[...document.querySelectorAll('.sc-card')].every((card) => {
    const [value, button] = ['.sc-value', '.plain'].map((one) => card.querySelector(one).getBoundingClientRect());
    return button.bottom <= value.top;
})"""
# What stands before a cell of the table of cases: on a phone, whose answer it is.
NAMED = "getComputedStyle(document.querySelector('.sc-table td[data-is=Reference]'), '::before').content"
# Every plot is as wide as its place.
FITS = """[...document.querySelectorAll('.sc-canvas')].filter((one) => one._fullLayout)
    .every((one) => one._fullLayout.width === one.clientWidth)"""


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (820, False), (400, True)])
def test_nothing_overflows(visit_scores: Open, width: int, dark: bool) -> None:
    # As the system says it: a class of the page's that is set before Gradio has looked at the system does not stay.
    scheme = "dark" if dark else "light"
    page = visit_scores("?tab=scores&run=drawn", color_scheme=scheme, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "These are drawings" in page.inner_text(".sc-caution")
    assert page.evaluate(APART) and ("Reference" in page.evaluate(NAMED)) == (width == 400)
    page.click(".sc-open[data-act=case] >> nth=0")
    page.wait_for_selector(".sc-dialog[open] .sc-picture img")
    box = page.locator(".sc-dialog").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate(INK) == (DARK if dark else LIGHT)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 2 * width - 200, "height": 900})
    page.wait_for_function(FITS)
    page.evaluate("document.body.classList.toggle('dark')")
    page.wait_for_function(f"{INK} === '{LIGHT if dark else DARK}'")


def test_what_others_published_opens_on_demand(visit_scores: Open) -> None:
    page = visit_scores()
    page.click(".sc-outside > summary")
    page.wait_for_selector("figure[data-plot=reviews-4] svg.main-svg")
    page.select_option("#sc-paper", "ldrt|")
    page.wait_for_selector("[data-key=statements]:has-text('1,451')")
    assert shown(page) == "62.5 %"


def test_without_runs_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with served([tmp_path]) as url:
        page = browser.new_page()
        page.goto(url + "?tab=scores")
        page.wait_for_selector(".sc-empty:has-text('No scores yet')", timeout=PATIENCE * 1000)
        written(tmp_path / "one", many())
        page.close()
