"""The viewer in the page: the component, what it is told, and the addresses of its script and its pixels."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from medvlm.errors import UserError
from medvlm.page.handout import Handout, Holder, Refused
from medvlm.page.viewing import Look, look_of, manifest
from medvlm.paths import ASSETS
from medvlm.types import Scan
from medvlm.ui.theme import asset, script

TEMPLATE = '<section class="mv" aria-label="Picture" hidden></section>'
HEAD = '<link rel="stylesheet" href="viewer/viewer.css">'
# What the doors must let through, beside the page's own addresses.
ADDRESSES = r"/viewer/[a-z]+\.(js|css)|/pixels/[\w-]{32}/\d{1,5}"
KEY_HEADER = "X-Pixels-Key"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_PRIVATE = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}


def viewer(**options: Any) -> Any:
    """The component, with nothing to show yet. Events: `hello` (`key`), `look` (see `viewing.look_of`), `gone`."""
    return gr.HTML(
        {"scans": []},
        html_template=TEMPLATE,
        js_on_load=script("scan"),
        head=HEAD,
        apply_default_css=False,
        container=False,
        padding=False,
        **options,
    )


def seen(
    holder: Holder, scans: Sequence[Scan], labels: Sequence[str] = (), held: Sequence[Scan] = ()
) -> dict[str, Any]:
    """The component's value: these scans beside one another (one or two), fetched with tokens of this session alone.

    `labels`: what to call them, such as "Current" and "Prior". Tokens of all scans but these and those `held`, which
    may be shown again, are worth nothing afterwards.
    """
    holder.keep(*scans, *held)
    said = [*labels, *[""] * len(scans)]
    shown = zip(scans, said, strict=False)
    return {"scans": [{**manifest(scan, holder.offer(scan)), "label": label} for scan, label in shown]}


def on_screen(holder: Holder, said: object, scan: Scan | None) -> Look | None:
    """What the component says is on the screen of `scan`; None where that makes no sense or is of a scan before it."""
    if scan is not None and isinstance(said, dict):
        with suppress(UserError, Refused, KeyError, TypeError):
            if holder.scan(str(said["token"])).slices is scan.slices:
                return look_of(said, scan)
    return None


def serve(app: FastAPI, handout: Handout) -> None:
    """The script's files and the pixels, under the page's own address. To be called before the page is mounted at /."""
    files = {path.name: path for path in sorted((ASSETS / "viewer").iterdir()) if path.suffix in _TYPES}

    def script(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        if path is None:
            return Response(status_code=404)
        return Response(asset(f"viewer/{path.name}"), media_type=_TYPES[path.suffix])

    def pixels(request: Request) -> Response:
        given = request.path_params
        try:
            data = handout.take(given["token"], request.headers.get(KEY_HEADER, ""), given["index"])
        except Refused:
            return Response(status_code=404, headers=_PRIVATE)
        except UserError as error:
            return Response(str(error), status_code=422, media_type="text/plain", headers=_PRIVATE)
        return Response(data, media_type="application/octet-stream", headers=_PRIVATE)

    app.add_route("/viewer/{name}", script, methods=["GET"])
    app.add_route("/pixels/{token}/{index:int}", pixels, methods=["GET"])
