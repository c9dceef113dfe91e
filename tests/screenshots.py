"""The pictures of the page in the documents, taken from the real app: `python -m tests.screenshots [NAME ...]`.

Each is one sitting in a headless browser of 1280 x 720 with nano and nano-med, on phantoms of the examples, saved as a
PNG of at most 256 colours in docs/screenshots/; `chat`, the first that a reader sees, is docs/screenshot.png. The
app's data home is gone at the end. `--size 820x1180` and `--dark` are for looking at the page otherwise; then
nothing in docs/ is touched: say where with `--out`.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from medvlm import paths
from medvlm.paths import ASSETS, EXAMPLES, ROOT
from tests.browser.conftest import FLAGS, answers, chromium, command
from tests.browser.steps import SEEN, VIEWER, WHOLE, answered, ask, choose, ready
from tests.serving import free_port

CARD = ASSETS / "adapters" / "nano-med" / "medvlm.json"
OUT = ROOT / "docs" / "screenshots"
FIRST = "chat"
MOST_BYTES = 200_000
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


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def chat(page: Page) -> None:
    """A question about a CT with its answer, and one that follows."""
    opened(page, "head-ct.dcm")
    for number, question in enumerate(("Is there a bleed?", "Which side is the finding on?"), 1):
        ask(page, question)
        answered(page, number)
    page.wait_for_selector(".saw img")


def compare(page: Page) -> None:
    """Two answers without names, and the vote on them with its details."""
    tab(page, "Compare")
    page.wait_for_selector("#compare-vote [data-works]")
    page.click("#compare-tray [data-act=example] >> nth=1")
    page.wait_for_selector("#compare-bench .suggestions")
    page.fill("#both-question", "What does this picture show?")
    page.press("#both-question", "Enter")
    page.wait_for_selector(".vote[data-state=open]")
    page.keyboard.press("f")
    page.wait_for_selector(".details:not([hidden])")


def scores(page: Page) -> None:
    """The figures of one run, all runs at a glance, and the plots."""
    tab(page, "Scores")
    page.wait_for_selector(".sc[data-drawn]")


def training(page: Page) -> None:
    """The stages that made the published weights."""
    scores(page)
    page.click("[data-training]")
    page.wait_for_selector("figure[data-plot=training-loss] svg.main-svg")
    page.evaluate("scrollBy(0, document.querySelector('.sc-training').getBoundingClientRect().top - 60)")


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
    FIRST: chat,
    "measure": measure,
    "planes": planes,
    "sweep": sweep,
    "reliance": reliance,
    "compare": compare,
    "scores": scores,
    "training": training,
}


def furnished(home: Path) -> Path:
    """A data home with this machine's models, and the training runs that assets/scores/training.json records."""
    for name in ("models", "packages", "checks"):
        if (there := paths.home() / name).is_dir():
            (home / name).symlink_to(there)
    stages = json.loads((ASSETS / "scores" / "training.json").read_text(encoding="utf-8"))["stages"]
    made = datetime.fromisoformat(json.loads(CARD.read_text(encoding="utf-8"))["created"]).timestamp()
    for number, (stage, points) in enumerate(stages.items()):
        (folder := home / "train" / stage).mkdir(parents=True)
        lines = ({"step": step, "of": points[-1][0], "loss": loss} for step, loss in points)
        texts = {"log.jsonl": "".join(f"{json.dumps(line)}\n" for line in lines), "done.json": "{}"}
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            os.utime(folder / name, (made + number, made + number))  # the last stage stands first
    return home


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The address of the real app with that data home, which ends with this."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    chosen = [*command(port)[:-4], "--upload-mb", "200", "--privacy", "off", "--max-tokens", "40"]
    process = subprocess.Popen(
        chosen, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "MEDVLM_HOME": str(home)}
    )
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


def place(out: Path, name: str) -> Path:
    return out.parent / "screenshot.png" if (name, out) == (FIRST, OUT) else out / f"{name}.png"


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
            place(out, name).write_bytes(data)
            print(f"{place(out, name)}: {len(data):,} bytes", flush=True)
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
    with tempfile.TemporaryDirectory() as home, running(furnished(Path(home))) as url:
        take(url, chosen.names or list(SHOTS), (width, height), chosen.dark, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
