"""A page with nothing but the viewer and scans of known truth: `python -m tests.browser.viewer.page PORT`."""

import json
import sys
from collections.abc import Callable
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from medvlm.errors import UserError
from medvlm.page.handout import Handout, Holder, Refused
from medvlm.page.viewing import look_of
from medvlm.types import Geometry, Scan
from medvlm.ui.doors import HEADERS
from medvlm.ui.theme import asset, theme
from medvlm.ui.viewer import seen, serve, viewer
from tests.browser.viewer import volumes

FEET_FIRST = {"across": (-1.0, 0.0, 0.0), "down": (0.0, 1.0, 0.0), "upwards": -1.0}
SCANS: dict[str, Callable[[], tuple[Scan, ...]]] = {
    "none": lambda: (),
    "rods": lambda: (volumes.rods(),),
    "rods oblique": lambda: (volumes.rods((0.8, 0.6, 0.0), (0.0, 0.0, -1.0)),),
    "rods tilted": lambda: (volumes.rods(tilt=0.9),),
    "marked": lambda: (volumes.marked(),),
    "marked mirrored": lambda: (volumes.marked(**FEET_FIRST),),  # type: ignore[arg-type]
    "steps": lambda: (volumes.steps(),),
    "steps negative": lambda: (volumes.steps(inverted=True),),
    "steps float": lambda: (volumes.steps("<f4"),),
    "body": lambda: (volumes.body(),),
    "small": lambda: (volumes.body(6),),
    "large": lambda: (volumes.body(24, 512),),
    "pair": lambda: (volumes.body(), volumes.body(40, 192, 1)),
    "radiograph": lambda: (volumes.radiograph(),),
    "radiograph sided": lambda: (volumes.radiograph(Geometry((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))),),
    "colours": lambda: (volumes.colours(),),
}
# What tests call to have a scan shown.
CHOOSE = "window.showScan = (name) => trigger('choose', { name });"
CSS = "main, #viewer { padding: 0 !important; } #viewer section.mv { flex: none; height: 100dvh; }"


def page(handout: Handout) -> gr.Blocks:
    """The viewer, a box for the name of what to show, and what the viewer said last."""
    with gr.Blocks(analytics_enabled=False, fill_width=True) as blocks:
        holder = gr.State(handout.holder())
        with gr.Column(elem_id="page"):
            part = viewer(elem_id="viewer")
        name = gr.HTML("", elem_id="name", js_on_load=CHOOSE)
        said = gr.Textbox(label="Said", elem_id="said", visible="hidden")

        def hello(mine: Holder, event: gr.EventData) -> str:
            try:
                mine.bind(str(event.key))
            except UserError as error:
                return str(error)
            return "bound"

        def show(mine: Holder, event: gr.EventData) -> dict[str, Any]:
            return seen(mine, SCANS[str(event.name)]())

        def look(mine: Holder, event: gr.EventData) -> Any:
            data = event._data
            try:
                return json.dumps({"raw": data, "look": repr(look_of(data, mine.scan(str(data["token"]))))})
            except Refused:
                return gr.skip()  # said of a scan that has just made room for another

        quiet: dict[str, Any] = {"show_progress": "hidden"}
        part.hello(hello, holder, said, **quiet)
        name.choose(show, holder, part, **quiet)
        part.look(look, holder, said, trigger_mode="always_last", **quiet)
        part.gone(lambda: "gone", None, said, **quiet)
    blocks.queue()
    return blocks


def app() -> FastAPI:
    """The page with the headers of the real one, so that what those forbid is forbidden here."""
    handout = Handout()
    made = FastAPI()
    serve(made, handout)
    gr.mount_gradio_app(
        made,
        page(handout),
        path="/",
        footer_links=[],
        ssr_mode=False,
        theme=theme(),
        head=f"<style>{asset('app.css')}{CSS}</style>",
    )

    @made.middleware("http")
    async def headers(request: Request, answer: Callable[[Request], Any]) -> Response:
        reply: Response = await answer(request)
        for name, value in HEADERS:
            reply.headers[name.decode()] = value.decode()
        return reply

    return made


if __name__ == "__main__":
    uvicorn.run(app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
