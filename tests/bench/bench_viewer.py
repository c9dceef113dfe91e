"""How long the viewer's script takes for a redraw: a drag of the window, and a slice's step, in headless Chromium."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from medvlm.paths import ROOT
from tests.bench.bench_page import answers
from tests.bench.measuring import Row, row
from tests.browser.conftest import FLAGS, chromium
from tests.serving import free_port

# What leaves a display of 60 frames a second half of each frame for the browser's own work.
TARGET = 8.0
LONGEST = 120.0

# Steps as a person makes them: the event, and then the drawing that it asked for, without waiting for a frame.
STEPS = """() => {
  const viewer = document.querySelector('.mv').viewer;
  const stage = document.querySelector('.mv-stage');
  const box = stage.getBoundingClientRect();
  const at = (type, n) => stage.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 1, button: 0, buttons: 1,
    clientX: box.left + 200 + (n * 7) % 150, clientY: box.top + 200 + (n * 3) % 90,
  }));
  const timed = (step) => {
    const began = performance.now();
    step();
    viewer.draw();
    return performance.now() - began;
  };
  viewer.take('tool window');
  window.bench = {
    press: () => at('pointerdown', 0),
    drag: (n) => timed(() => at('pointermove', n)),
    release: () => at('pointerup', 0),
    scroll: (n) => timed(() => stage.dispatchEvent(new WheelEvent('wheel', {
      bubbles: true, cancelable: true, deltaY: Math.floor(n / 10) % 2 ? -100 : 100,
    }))),
  };
}"""
# The least that any canvas viewer must do: hand a finished picture over and scale it.
LEAST = """async (rounds) => {
  const canvas = document.createElement('canvas');
  const screen = canvas.getContext('2d', { alpha: false });
  [canvas.width, canvas.height] = [600, 600];
  const buffer = document.createElement('canvas');
  [buffer.width, buffer.height] = [512, 512];
  const paint = buffer.getContext('2d');
  const image = paint.createImageData(512, 512);
  const spent = [];
  for (let n = 0; n < rounds; n++) {
    image.data.fill(n);
    const began = performance.now();
    paint.putImageData(image, 0, 0);
    screen.drawImage(buffer, 0, 0, 600, 600);
    spent.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  return spent;
}"""


def run(smoke: bool) -> list[Row]:
    """Rows: script time of redraws of a 512 x 512 slice, in ms, and the least that any canvas viewer must spend."""
    rounds = 10 if smoke else 200
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 620, "height": 760})
        opened(page, url, "small" if smoke else "large")
        clock = Clock(page)
        page.evaluate(STEPS)
        page.evaluate("window.bench.press()")
        rows = measured(page, clock, "drag", "a window drag", rounds)
        page.evaluate("window.bench.release()")
        rows += measured(page, clock, "scroll", "a step of a slice", rounds)
        least = percentile(page.evaluate(LEAST, rounds))
        browser.close()
    return [*rows, row("a finished picture on a canvas, 95th percentile", least, "ms")]


class Clock:
    """The processor time of the page's thread, in ms: what others on the machine do does not count.

    Script, style, layout and what asking costs: more than the script alone, never less.
    """

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000.0 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def measured(page: Page, clock: Clock, what: str, name: str, rounds: int) -> list[Row]:
    for n in range(10):
        page.evaluate("([what, n]) => window.bench[what](n)", [what, n])
    wall, processor = [], []
    for n in range(rounds):
        before = clock.read()
        wall.append(page.evaluate("([what, n]) => window.bench[what](n)", [what, n]))
        processor.append(clock.read() - before)
    target = f"the target of {TARGET:g} ms"
    return [
        row(f"script of {name}, median", percentile(processor, 50), "ms", target, TARGET),
        row(f"script of {name}, 95th percentile", percentile(processor), "ms", target, TARGET),
        row(f"script of {name}, 95th percentile, by the clock", percentile(wall), "ms"),
    ]


def percentile(values: list[float], share: int = 95) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, len(ranked) * share // 100)]


@contextmanager
def served() -> Iterator[str]:
    """The viewer's page as a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen([sys.executable, "-m", "tests.browser.viewer.page", str(port)], cwd=ROOT)
    deadline = time.monotonic() + LONGEST
    try:
        while not answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the viewer's page did not start")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def opened(page: Page, url: str, name: str) -> None:
    """The scan of that name, all of it fetched."""
    page.set_default_timeout(LONGEST * 1000)
    page.goto(url)
    page.wait_for_function("document.querySelector('#said textarea')?.value === 'bound'")
    page.evaluate("(name) => window.showScan(name)", name)
    page.wait_for_function("(document.querySelector('.mv').viewer.slices[0] ?? {}).whole")
