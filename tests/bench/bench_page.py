"""How soon after `python app.py` the page answers, and the model: each against the least that it could take."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from medvlm.assemble import assemble
from medvlm.paths import ASSETS, ROOT
from tests.bench.measuring import Row, row
from tests.serving import free_port

LONGEST = 600.0
# A page of Gradio with nothing on it, served as ours is.
BARE_PAGE = """
import sys, gradio as gr, uvicorn
from fastapi import FastAPI
with gr.Blocks(analytics_enabled=False) as blocks:
    gr.HTML("empty")
uvicorn.run(gr.mount_gradio_app(FastAPI(), blocks, path="/"), port=int(sys.argv[1]), log_level="warning")
"""
# The same weights, loaded by transformers alone: nothing quantised, checked or adapted.
BARE_MODEL = """
import sys
from transformers import AutoModelForImageTextToText, AutoProcessor
AutoModelForImageTextToText.from_pretrained(sys.argv[1]); AutoProcessor.from_pretrained(sys.argv[1])
print("is ready after", flush=True)
"""


def run(smoke: bool) -> list[Row]:
    """Rows: page and model from the start of the process, in seconds. Smoke looks at the page alone."""
    adapter = "nano-med" if (ASSETS / "adapters" / "nano-med").exists() else "none"
    app = [sys.executable, "app.py", "--adapter", adapter, "--port"]
    with started([*app, str(port := free_port())]) as (process, began):
        page = until_answer(port, began)
        model = None if smoke else until_said(process, began)
    with started([sys.executable, "-c", BARE_PAGE, str(port := free_port())]) as (_, began):
        bare_page = until_answer(port, began)
    rows = [row("start of the page", page, "s", "an empty Gradio page", bare_page)]
    if model is not None:
        with started([sys.executable, "-c", BARE_MODEL, str(assemble())]) as (process, began):
            least = until_said(process, began)
        rows.append(row("start of the model", model, "s", "transformers loading the same weights", least))
    return rows


@contextmanager
def started(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A process and when it was started; it is ended at the end."""
    began = time.monotonic()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process, began
    finally:
        process.terminate()
        process.communicate(timeout=60)


def until_answer(port: int, began: float) -> float:
    return waited(lambda: answers(f"http://127.0.0.1:{port}/"), began)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until_said(process: subprocess.Popen[str], began: float) -> float:
    """Until the process prints that the model is ready; raises RuntimeError when it ends without."""
    assert process.stdout is not None
    for line in process.stdout:
        if "is ready after" in line:
            return time.monotonic() - began
    raise RuntimeError(f"{process.args} ended before its model was ready")


def waited(done: Callable[[], bool], began: float) -> float:
    while not done():
        if time.monotonic() - began > LONGEST:
            raise RuntimeError(f"nothing answered within {LONGEST:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - began
