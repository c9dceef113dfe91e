"""The page as a whole: its tabs inside one Blocks, and the web application that serves it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.auth import Gate
from medvlm.page.retention import Emptying
from medvlm.ui import chat_tab, frame, receiving, scores_tab, viewer
from medvlm.ui.doors import Doors
from medvlm.ui.tabs import Tab
from medvlm.ui.theme import FAVICON, head, theme

TITLE = "MedVLM"
LOOPBACK_NAMES = frozenset(("127.0.0.1", "localhost", "[::1]"))
# So many people's conversations are kept at most; the one unused for longest goes first.
MOST_SESSIONS = 200
# After a wrong password, before the next try may be made on the same connection.
PAUSE = 0.5


def page(room: chat_tab.Room, beside: Sequence[Tab] = ()) -> gr.Blocks:
    """The Blocks, with the tabs that stand beside the Chat; nothing is served yet."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as blocks:
        around = frame.build(room.handout, room.choices)
        with gr.Tabs(elem_id="tabs"):
            for tab in (Tab("Chat", partial(chat_tab.build, room)), *beside):
                with gr.Tab(tab.name, id=tab.name.lower(), elem_id=f"{tab.name.lower()}-tab"):
                    tab.build(blocks, around)
    for function in blocks.fns.values():
        # Nothing here is for programs: no event is listed, documented or callable by a client library.
        function.api_visibility = "private"
    blocks.state_session_capacity = MOST_SESSIONS
    # Each waiting person holds a place in Gradio's queue as well; the desk and the model say no before it does.
    blocks.queue(max_size=None, default_concurrency_limit=None, api_open=False, status_update_rate="auto")
    return blocks


def web_app(room: chat_tab.Room, gate: Gate | None, local: bool, beside: Sequence[Tab] = ()) -> FastAPI:
    """The page behind its doors. `local`: only this machine's names are answered; `gate`: who may log in."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    viewer.serve(app, room.handout)
    receiving.serve(app, room.inbox)
    scores_tab.serve(app)
    gr.mount_gradio_app(
        app,
        page(room, beside),
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        auth=_login(gate) if gate else None,
        auth_message=NOT_FOR_DIAGNOSIS if gate else None,
        favicon_path=str(FAVICON),
        theme=theme(),
        head=head(),
    )
    place = room.holding.place
    if place is not None and place.emptied:
        app.add_middleware(Emptying, place=place)
    app.add_middleware(Doors, hosts=LOOPBACK_NAMES if local else None)
    return app


def _login(gate: Gate) -> Callable[[str, str], Awaitable[bool]]:
    """Hashing takes a while and must not hold up everybody else's page; a wrong password takes longer."""

    async def login(user: str, password: str) -> bool:
        admitted: bool = await anyio.to_thread.run_sync(gate.admits, user, password)
        if not admitted:
            await anyio.sleep(PAUSE)
        return admitted

    return login
