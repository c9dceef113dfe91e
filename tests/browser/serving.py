"""A page on a fake model, served by a thread of this process: what it holds can be looked into."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import Browser, Page

from medvlm.auth import Gate
from medvlm.ui.chat_tab import Room
from medvlm.ui.layout import web_app
from medvlm.ui.server import Server, listen
from tests.browser.conftest import PATIENCE
from tests.serving import free_port


@contextmanager
def served(room: Callable[[], Room], login: Gate | None = None) -> Iterator[str]:
    """The address of the page; `room` is called in the thread that serves."""
    up, port = threading.Event(), free_port()
    servers: list[Server] = []

    async def serve() -> None:
        app = web_app(room(), login, local=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        servers.append(Server(config, up.set))
        await servers[0].serve(sockets=[listen("127.0.0.1", port)])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert up.wait(PATIENCE)
    yield f"http://127.0.0.1:{port}"
    servers[0].should_exit = True
    thread.join(20)


@contextmanager
def visiting(browser: Browser, address: str) -> Iterator[Page]:
    """One person at that page, which is ready."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, service_workers="block")
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.on("filechooser", lambda _: None)
    page.goto(address)
    page.wait_for_selector("body[data-ready] #viewer .viewer")
    yield page
    context.close()
