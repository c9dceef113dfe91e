"""How files come in: the page's script asks for a ticket, then sends the bytes piece by piece; none touches a disk."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from medvlm.errors import UserError
from medvlm.page.inbox import Inbox

GARBLED = "The upload was garbled on its way. Choose the files again."
LONGEST_NAME = 300
# What the doors must let through.
ADDRESS = r"/inbox/[\w-]{32}"
_PRIVATE = {"Cache-Control": "no-store"}


def receiver(inbox: Inbox) -> Callable[[Any], dict[str, Any]]:
    """What the script calls as `server.receive`: `{files: [[name, bytes], ...]}` opens a ticket for these files."""

    def receive(data: Any) -> dict[str, Any]:
        try:
            return {"ticket": inbox.open([(str(name)[-LONGEST_NAME:], int(size)) for name, size in data["files"]])}
        except (KeyError, TypeError, ValueError, OverflowError):
            return {"error": GARBLED}
        except UserError as error:
            return {"error": str(error)}

    return receive


def serve(app: FastAPI, inbox: Inbox) -> None:
    """The address that pieces are sent to. Only who has logged in gets a ticket, and only a ticket lets bytes in."""

    async def add(request: Request) -> Response:
        try:
            return JSONResponse({"size": inbox.add(request.path_params["ticket"], await request.body())}, 200, _PRIVATE)
        except UserError as error:
            return JSONResponse({"error": str(error)}, 409, _PRIVATE)

    app.add_route("/inbox/{ticket}", add, methods=["POST"])
