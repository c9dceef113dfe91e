"""What a person does at the page, in words that tests are made of."""

import base64
from collections.abc import Sequence

from playwright.sync_api import Page

IDLE = ".ask:not(.busy)"
VIEWER = "document.querySelector('#scan .mv').viewer"
# Something of a picture is on the screen; all of it is in the page.
SEEN = f"{VIEWER}.stages.length > 0 && {VIEWER}.stages.every((stage) => stage.picture)"
WHOLE = f"{VIEWER}.slices.length > 0 && {VIEWER}.slices.every((slices) => slices.whole)"


def choose(page: Page, name: str, data: bytes, key: str = "") -> None:
    """Through the file dialog, which the button opens or a key."""
    choose_all(page, [(name, data)], key)


def choose_all(page: Page, files: Sequence[tuple[str, bytes]], key: str = "") -> None:
    """Several files at once."""
    with page.expect_file_chooser() as chooser:
        page.keyboard.press(key) if key else page.click("#viewer [data-act=choose]")
    kind = "application/octet-stream"
    chooser.value.set_files([{"name": name, "mimeType": kind, "buffer": data} for name, data in files])


def hand_over(page: Page, name: str, data: bytes, how: str) -> None:
    """Dropped on the page or pasted into it; `how` is "drop" or "paste"."""
    page.evaluate(
        """([name, data, how]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name));
            const init = { bubbles: true, cancelable: true };
            const event = how === 'drop'
              ? new DragEvent('drop', { ...init, dataTransfer: carried })
              : new ClipboardEvent('paste', { ...init, clipboardData: carried });
            document.body.dispatchEvent(event);
        }""",
        [name, base64.b64encode(data).decode(), how],
    )


def opened(page: Page, name: str, data: bytes, says: str = "") -> None:
    """Choose a file and wait until it is shown with these words in its notes."""
    choose(page, name, data)
    page.wait_for_selector(f".notes:has-text('{says}')")
    page.wait_for_function(SEEN)


def ready(page: Page) -> None:
    """Wait until the model is loaded."""
    page.wait_for_selector(".badge.ready")


def ask(page: Page, question: str) -> None:
    """Send and wait until the question is accepted."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector(f".question .text:text-is('{question}')")


def answered(page: Page, count: int = 1) -> str:
    """Wait for the answer; its text."""
    page.wait_for_selector(IDLE)
    page.wait_for_function(f"document.querySelectorAll('.answer:not(.running)').length === {count}")
    return page.locator(".answer .text").last.inner_text()


def retry(page: Page) -> str:
    """The last question again; the new answer. What stands there is marked: the wait for it may be over in no time."""
    page.evaluate("document.querySelector('.answer:last-of-type').setAttribute('data-old', '')")
    page.click("[data-act=retry]")
    page.wait_for_function("!document.querySelector('[data-old]')")
    return answered(page, page.locator(".answer").count())


def longest(page: Page, tokens: int) -> None:
    """From now on answers may be so long."""
    page.click("[data-act=drawer]")
    page.get_by_label("Longest answer, in tokens").first.fill(str(tokens))
    page.press("body", "Escape")


def fresh(page: Page) -> None:
    """A new conversation."""
    page.click("[data-act=fresh]")
    page.wait_for_selector(".viewer.empty")


def questions(page: Page) -> list[str]:
    return page.locator(".question .text").all_inner_texts()
