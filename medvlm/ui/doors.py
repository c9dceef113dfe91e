"""Which requests the page answers at all: its own, from its own address, and no others."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from medvlm.ui import receiving, scores_tab, viewer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The page needs these. Everything else that Gradio serves (file access, uploads to disk, a proxy, API pages,
# monitoring, saved runs, links that store a session) stays shut.
GET = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/logout/?"
    r"|/(assets|static|svelte)/[\w./@-]+"
    r"|/gradio_api/(heartbeat/\w+|queue/data|queue/status|startup-events|login_check/?|app_id/?|user/?|theme\.css)"
    rf"|{viewer.ADDRESSES}|{scores_tab.ADDRESSES}"
)
POST = re.compile(rf"/login/?|/gradio_api/(queue/join/?|component_server/?|cancel|reset/?)|{receiving.ADDRESS}")
OPEN = {"GET": GET, "HEAD": GET, "POST": POST}

# Nothing is fetched from elsewhere and nobody frames the page. Gradio compiles templates in the browser, hence eval.
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
LASTING = re.compile(r"/(assets|static)/")
# One piece of a file, and a question with its settings, are below this.
LARGEST_BODY = 4_000_000


class Doors:
    """ASGI middleware: 404 for what is not open, 421 for a foreign host name, 413 for a body too large."""

    def __init__(self, app: App, hosts: frozenset[str] | None) -> None:
        """`hosts`: names that a request may come for (against DNS rebinding); None where any may."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope)
        if refusal is not None:
            return await _refuse(send, refusal)
        lasting = LASTING.match(scope["path"]) is not None

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *(HEADERS[:-1] if lasting else HEADERS)]
            await send(message)

        await self._app(scope, _bounded(receive), send_with_headers)

    def _refusal(self, scope: Scope) -> int | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].lower()
        if self._hosts is not None and host not in self._hosts:
            return 421
        opened = OPEN.get(scope["method"])
        if opened is None or not opened.fullmatch(scope["path"]):
            return 404
        length = headers.get(b"content-length", b"0")
        return 413 if not length.isdigit() or int(length) > LARGEST_BODY else None


def _bounded(receive: Receive) -> Receive:
    """For bodies that come without saying how long they are: cut off at the limit."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > LARGEST_BODY else message

    return bounded


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
