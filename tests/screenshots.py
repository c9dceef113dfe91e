"""The pictures of the page in the documents, taken from the real app: `python -m tests.screenshots [NAME ...]`.

Each is one sitting in a headless browser of 1280 x 720 with nano and nano-med, on phantoms of the examples, saved as a
PNG of at most 256 colours in docs/screenshots/. `--size 820x1180` and `--dark` are for looking at the page otherwise;
then nothing in docs/ is touched: say where with `--out`.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from medvlm.paths import EXAMPLES, ROOT
from tests.browser.conftest import FLAGS, answers, chromium, command, free_port
from tests.browser.steps import SEEN, VIEWER, WHOLE, answered, ask, choose, ready

OUT = ROOT / "docs" / "screenshots"
MOST_BYTES = 250_000
# Answers of a busy machine take their time; nobody waits so long when all is well.
PATIENCE = 1200


def dragged(page: Page, key: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A measurement between two places of the stage, fractions of its width and height."""
    page.keyboard.press(key)
    box = page.locator(".mv-stage").first.bounding_box()
    assert box is not None
    for step, (x, y) in enumerate((start, end)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        page.mouse.down() if step == 0 else page.mouse.up()
    page.keyboard.press("w")


def opened(page: Page, name: str) -> None:
    choose(page, name, (EXAMPLES / name).read_bytes())
    page.wait_for_selector(".notes")
    page.wait_for_function(SEEN)
    page.wait_for_function(WHOLE)


def measure(page: Page) -> None:
    """A CT with a distance and the numbers inside an ellipse, and a question about that region."""
    opened(page, "chest-series.zip")
    page.keyboard.press("2")
    dragged(page, "d", (0.226, 0.34), (0.44, 0.34))
    dragged(page, "e", (0.29, 0.47), (0.385, 0.61))
    ask(page, "Which organ does this picture show?")
    answered(page)
    page.click(".mv-ask")
    ask(page, "Is there a nodule?")
    answered(page, 2)
    page.wait_for_selector(".saw img")


def planes(page: Page) -> None:
    """The three planes of a volume with the crosshair in one point."""
    opened(page, "chest-volume.nii.gz")
    page.click(".domain >> text=CT")
    page.keyboard.press("m")
    page.wait_for_function(f"{VIEWER}.stages.length === 3 && {SEEN}")
    page.keyboard.press("x")
    box = page.locator(".mv-stage").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.66 * box["width"], box["y"] + 0.45 * box["height"])
    ask(page, "Which plane is this?")
    answered(page)


def checked(page: Page, act: str, question: str) -> None:
    """A question about a CT, and one of the two checks under its answer, to the end."""
    opened(page, "head-ct.dcm")
    ask(page, question)
    answered(page)
    page.click(f".trust [data-act={act}]")
    page.wait_for_selector(".trust table")
    page.wait_for_selector(f".trust [data-act={act}]")


def sweep(page: Page) -> None:
    checked(page, "sweep", "Is there a bleed?")


def reliance(page: Page) -> None:
    checked(page, "reliance", "Which side is the finding on?")


SHOTS: dict[str, Callable[[Page], None]] = {
    "measure": measure,
    "planes": planes,
    "sweep": sweep,
    "reliance": reliance,
}


@contextmanager
def running() -> Iterator[str]:
    """The address of the real app, which ends with this."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    chosen = [*command(port)[:-4], "--upload-mb", "200", "--privacy", "off", "--max-tokens", "40"]
    process = subprocess.Popen(chosen, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(url, process):
            assert time.monotonic() < deadline, "the app does not answer"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def small(shot: bytes) -> bytes:
    """The same picture in 256 colours."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def take(url: str, names: list[str], size: tuple[int, int], dark: bool, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for name in names:
            view = {"width": size[0], "height": size[1]}
            page = browser.new_page(viewport=view, color_scheme="dark" if dark else "light")
            page.set_default_timeout(PATIENCE * 1000)
            page.on("filechooser", lambda _: None)
            page.goto(url)
            page.wait_for_selector("body[data-ready] #viewer .viewer")
            ready(page)
            SHOTS[name](page)
            page.mouse.move(2, 2)
            page.wait_for_timeout(500)
            data = small(page.screenshot())
            assert len(data) < MOST_BYTES, f"{name}.png has {len(data):,} bytes"
            (out / f"{name}.png").write_bytes(data)
            print(f"{out / name}.png: {len(data):,} bytes", flush=True)
            page.close()
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ({', '.join(SHOTS)}); all without any")
    parser.add_argument("--size", default="1280x720", help="of the window (%(default)s)")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--out", type=Path, help=f"folder ({OUT.relative_to(ROOT)} for the page as it stands there)")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(SHOTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SHOTS)}")
    width, height = map(int, chosen.size.split("x"))
    usual = (width, height) == (1280, 720) and not chosen.dark
    out = chosen.out or (OUT if usual else Path(tempfile.mkdtemp()))
    with running() as url:
        take(url, chosen.names or list(SHOTS), (width, height), chosen.dark, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
