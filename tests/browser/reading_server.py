"""The page with the Ratings tab alone, behind the real doors: `python -m tests.browser.reading_server PORT STORE RUNS`.

A process of its own without a model, so that a test can kill it at any moment and start it again.
"""

import sys
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from medvlm.page.handout import Handout
from medvlm.page.session import Choices
from medvlm.privacy import Gate
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.ui import frame, viewer
from medvlm.ui.doors import Doors
from medvlm.ui.layout import LOOPBACK_NAMES
from medvlm.ui.ratings_tab import RatingsRoom, build
from medvlm.ui.server import listen, serve
from medvlm.ui.theme import FAVICON, head, theme


def page(handout: Handout, store: str, runs: Path) -> gr.Blocks:
    """The Blocks."""
    with gr.Blocks(title="MedVLM", analytics_enabled=False, fill_width=True) as blocks:
        frame.build(handout, Choices())
        with gr.Tabs(elem_id="tabs"), gr.Tab("Ratings", id="ratings"):
            build(RatingsRoom(lambda: RatingStore(store), handout, Gate("off"), RunShelf([runs])), blocks)
    for function in blocks.fns.values():
        function.api_visibility = "private"
    blocks.queue(max_size=None, default_concurrency_limit=None, api_open=False)
    return blocks


def main(port: int, store: str, runs: Path) -> None:
    handout = Handout()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    viewer.serve(app, handout)
    gr.mount_gradio_app(
        app, page(handout, store, runs), path="/", footer_links=[], run_history=False, enable_monitoring=False,
        ssr_mode=False, show_error=False, favicon_path=str(FAVICON), theme=theme(),
        head=head(),
    )  # fmt: skip
    app.add_middleware(Doors, hosts=LOOPBACK_NAMES)
    serve(app, listen("127.0.0.1", port), lambda: print("ready", flush=True))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
