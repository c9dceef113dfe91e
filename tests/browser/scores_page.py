"""A page with the Scores tab alone, behind the app's doors, on runs that a test makes: no model has to be loaded."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.ui import doors, scores_tab
from medvlm.ui.server import listen
from medvlm.ui.theme import head, theme


def page(shelf: RunShelf) -> gr.Blocks:
    """Two tabs, as in the app the scores are not what is seen first."""
    with gr.Blocks(title="Scores", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML('<div class="brand"><h1>MedVLM</h1></div>', elem_id="top", js_on_load=None)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat"):
                gr.HTML("<p>Chat</p>")
            with gr.Tab("Scores", id="scores-tab"):
                scores_tab.build(scores_tab.ScoresRoom(shelf), blocks)
    for function in blocks.fns.values():
        function.api_visibility = "private"
    return blocks


@contextmanager
def served(roots: list[Path]) -> Iterator[str]:
    """The page's address while it is served; the doors are the app's, with the tab's address among the open ones."""
    app = FastAPI(openapi_url=None)
    scores_tab.serve(app)
    top = f"{head()}<script>document.documentElement.lang='en'</script>"
    gr.mount_gradio_app(app, page(RunShelf(roots)), path="/", ssr_mode=False, theme=theme(), head=top, footer_links=[])
    if not doors.GET.fullmatch("/scores/plotly.js"):
        opened = re.compile(f"{doors.GET.pattern}|{scores_tab.ADDRESSES}")
        doors.OPEN |= {"GET": opened, "HEAD": opened}
    app.add_middleware(doors.Doors, hosts=frozenset(("127.0.0.1",)))
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
