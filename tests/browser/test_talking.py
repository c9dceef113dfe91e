"""Asking about a picture, from the drop to the answer, and everything that can be done with an answer."""

import json
from pathlib import Path

from playwright.sync_api import Page

from medvlm import NOT_FOR_DIAGNOSIS
from tests.browser.conftest import App, Visit
from tests.browser.files import FORMATS, ct, mr, picture
from tests.browser.steps import (
    answered,
    ask,
    choose,
    fresh,
    hand_over,
    longest,
    opened,
    questions,
    ready,
    retry,
)


def test_every_format_opens_with_its_notes(page: Page) -> None:
    for name, (data, says) in FORMATS.items():
        opened(page, name, data, says)
        assert page.locator("#scan .mv-stage").count() == 1
        fresh(page)


def test_dropped_pasted_and_example_pictures_open_too(page: Page) -> None:
    hand_over(page, "a.png", picture("PNG"), "drop")
    page.wait_for_selector(".notes:has-text('PNG')")
    hand_over(page, "b.jpg", picture("JPEG"), "paste")
    page.wait_for_selector(".notes:has-text('JPEG')")
    page.wait_for_selector(".pictures .card >> nth=1")
    fresh(page)
    page.click(".examples .thumb >> nth=0")
    page.wait_for_selector(".notes:has-text('DICOM')")
    assert page.locator(".suggestions .chip").count() == 3


def test_a_question_is_answered_with_what_it_is_about_and_what_it_cost(page: Page) -> None:
    ready(page)
    opened(page, "ct.dcm", ct(), "slice 4/6")
    page.wait_for_selector(".saw img")
    page.keyboard.press("End")
    page.wait_for_selector(".notes:has-text('slice 6/6')")
    ask(page, "Which organ is this?")
    assert answered(page)
    meta = page.locator(".answer .meta").last
    assert "about slice 6 of 6" in meta.inner_text() and "first word" in meta.inner_text()
    assert meta.locator(".given img").evaluate("image => image.complete && image.naturalWidth") > 0
    assert page.input_value("#question") == "" and page.locator("#live p").count() >= 1
    suggestion = page.locator(".suggestions .chip").first
    words = suggestion.inner_text()
    suggestion.click()
    answered(page, 2)
    assert questions(page) == ["Which organ is this?", words]


def test_stop_ends_the_answer_at_once_and_the_next_question_works(page: Page) -> None:
    ready(page)
    opened(page, "mr.dcm", mr(), "DICOM MR")
    longest(page, 400)  # so that it is not over before it can be stopped
    ask(page, "Describe this picture in detail.")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".ask:not(.busy)", timeout=10000)
    kept = page.locator(".answer .meta:has-text('stopped')").count() == 1
    returned = page.input_value("#question") == "Describe this picture in detail."
    assert kept != returned, "what was written is kept, or else the question comes back"
    assert page.locator(".running").count() == 0
    ask(page, "Is there a lesion?")
    answered(page, 2 if kept else 1)


def test_retry_edit_and_undo_work_on_the_last_question(page: Page) -> None:
    ready(page)
    opened(page, "mr.dcm", mr(), "DICOM MR")
    ask(page, "Which plane?")
    first = answered(page)
    assert retry(page) == first, "greedy answers repeat"
    page.press("#question", "ArrowUp")
    page.wait_for_selector(".editing:not([hidden])")
    assert page.input_value("#question") == "Which plane?"
    ask(page, "Which sequence?")
    answered(page)
    assert questions(page) == ["Which sequence?"]
    page.click("[data-act=undo]")
    page.wait_for_selector(".welcome")
    assert page.input_value("#question") == "Which sequence?"


def test_two_people_at_once_never_see_each_others_pictures_or_answers(visit: Visit) -> None:
    one, two = visit(), visit()
    opened(one, "ct.dcm", ct(), "DICOM CT")
    opened(two, "mr.dcm", mr(), "DICOM MR")
    ready(one)
    one.fill("#question", "Question of the first?")
    two.fill("#question", "Question of the second?")
    one.press("#question", "Enter")
    two.press("#question", "Enter")
    answered(one)
    answered(two)
    assert questions(one) == ["Question of the first?"] and questions(two) == ["Question of the second?"]
    assert "CT" in one.inner_text(".notes") and "MR" in two.inner_text(".notes")
    third = visit()
    assert third.locator(".viewer.empty").count() == 1 and questions(third) == []


def test_a_wrong_file_is_explained_where_it_was_dropped_and_nothing_is_lost(page: Page) -> None:
    page.fill("#question", "half a ques")
    choose(page, "notes.txt", b"no picture at all")
    assert "notes.txt" in page.inner_text(".drop .error")
    hand_over(page, ".DS_Store", b"what a system leaves in every folder", "drop")
    page.wait_for_selector(".drop .error:has-text('There is no file in it')")
    opened(page, "mr.dcm", mr(), "DICOM MR")
    assert page.locator(".viewer .error").count() == 0
    choose(page, "large.png", bytes(6_000_000))
    assert "at most 5 MB" in page.inner_text(".viewer > .error")
    assert page.locator("#scan .mv-stage").count() == 1 and page.input_value("#question") == "half a ques"


def test_an_empty_question_is_explained_at_the_box(page: Page) -> None:
    page.press("#question", "Enter")
    assert "no question yet" in page.inner_text("#ask-error")


def test_the_kind_of_picture_is_set_by_a_click(page: Page) -> None:
    opened(page, "a.png", picture("PNG"), "PNG")
    page.click(".domain >> text=Histology")
    page.wait_for_selector(".domain[aria-pressed=true]:text-is('Histology')")
    assert "Which stain was used?" in page.inner_text(".suggestions")


def test_settings_reach_the_answer_and_the_prompt_is_shown(page: Page) -> None:
    ready(page)
    opened(page, "mr.dcm", mr(), "DICOM MR")
    page.click("[data-act=drawer]")
    page.get_by_label("Base", exact=True).check()
    page.get_by_label("System prompt").fill("Answer in one word.")
    page.get_by_role("spinbutton", name="Seed").fill("41")
    page.get_by_label("Temperature").first.fill("0.5")
    page.press("body", "Escape")
    ask(page, "Which plane?")
    answered(page)
    meta = page.locator(".answer .meta").inner_text()
    assert "base" in meta and "seed 41" in meta
    page.click("[data-act=drawer]")
    page.get_by_role("button", name="Show the prompt").click()
    page.wait_for_function("""[...document.querySelectorAll('#drawer textarea')].some(
        (box) => box.value.includes('Answer in one word.') && box.value.includes('Which plane?'))""")


def test_a_conversation_can_be_taken_along(page: Page) -> None:
    ready(page)
    opened(page, "mr.dcm", mr(), "DICOM MR")
    ask(page, "Which plane?")
    answer = answered(page)
    texts = {}
    for form in ("JSON", "Markdown"):
        page.click(".menu summary")
        with page.expect_download() as download:
            page.click(f".sheet >> text={form}")
        texts[form] = Path(download.value.path()).read_text(encoding="utf-8")
    record = json.loads(texts["JSON"])
    assert record["label"] == NOT_FOR_DIAGNOSIS and record["turns"][1]["text"] == answer
    assert NOT_FOR_DIAGNOSIS in texts["Markdown"] and "Which plane?" in texts["Markdown"]


def test_nothing_stays_on_the_disk_and_nothing_typed_is_logged(app: App, page: Page) -> None:
    ready(page)
    opened(page, "ct.dcm", ct(), "DICOM CT")
    ask(page, "Is Nobody Real ill?")
    answered(page)
    choose(page, "patient-name.txt", b"no picture")
    page.wait_for_selector(".viewer .error")
    left = [path for path in app.temporary.rglob("*") if path.is_file()]
    assert left == []
    log = app.log.read_text()
    assert "Nobody" not in log and "patient-name" not in log and "Traceback" not in log
