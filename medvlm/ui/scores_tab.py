"""The Scores tab: one component whose script asks for what is chosen, and the address of the script that draws."""

import gzip
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from medvlm import plots
from medvlm.scoreboard import training_runs
from medvlm.scoreboard.case_list import opened
from medvlm.scoreboard.query import query, selection
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.scoreboard.sides import compared
from medvlm.ui import scores_view, training_panel
from medvlm.ui.scores_cases import case
from medvlm.ui.theme import asset

# What the doors must let through.
ADDRESSES = r"/scores/plotly\.js"
TEMPLATE = """
<div class="sc" aria-busy="true"><h2 class="sr">Scores</h2>
  <div class="sc-part" data-part="head"><p class="sc-wait"><span class="spinner"></span>
    <span role="status">Reading the scores</span></p></div>
  <div class="sc-part" data-part="figures"></div>
  <div class="sc-part sc-grid" data-part="main"></div>
  <div class="sc-part" data-part="cases"></div>
  <div class="sc-part sc-grid" data-part="more"></div>
  <div class="sc-part" data-part="flips"></div>
  <details class="sc-training" data-key="training"><summary data-training>Training</summary>
    <div class="sc-part" data-part="training"></div></details>
  <details class="sc-outside" data-key="published"><summary>What others published</summary>
    <div class="sc-part sc-grid" data-part="published"></div></details>
  <div class="sc-part" data-part="about"></div>
  <p class="sr" role="status" data-live></p>
  <dialog class="sc-dialog" aria-labelledby="sc-case-title"><div class="sc-bar">
    <button type="button" class="plain" data-act="before">Previous case</button>
    <button type="button" class="plain" data-act="after">Next case</button>
    <button type="button" class="plain sc-close" data-act="close">Close</button></div><div data-case></div></dialog>
</div>
"""
# A link to a selection opens the tab: the component itself is not there before it is looked at.
OPEN_LINKED = """() => {
  if (new URLSearchParams(location.search).get('tab') !== 'scores') return;
  const open = () => {
    const tab = [...document.querySelectorAll('[role=tab]')].find((one) => one.textContent.trim() === 'Scores');
    if (tab) tab.click(); else setTimeout(open, 100);
  };
  open();
}"""
GONE = {"gone": "This case is not there any more: the run has changed. Close this and open it again."}


@dataclass(frozen=True, slots=True)
class ScoresRoom:
    """What the tab is built with."""

    shelf: RunShelf = field(default_factory=RunShelf)


def build(room: ScoresRoom, blocks: gr.Blocks) -> None:
    """The tab, inside the `gr.Tab` that is open. `serve` gives it the script that draws."""
    gr.HTML(
        "",
        elem_id="scores",
        html_template=TEMPLATE,
        head=f"<style>{asset('scores.css')}{asset('training.css')}</style>",
        js_on_load=asset("scores.js") + asset("training.js"),
        apply_default_css=False,
        container=False,
        padding=False,
        server_functions=list(answers(room.shelf)),
    )
    blocks.load(None, None, None, js=OPEN_LINKED)


def answers(shelf: RunShelf) -> tuple[Any, ...]:
    """What the script calls as `server.NAME(record)`. Scores belong to nobody: who sees the page sees them."""

    def look(given: Any) -> dict[str, Any]:
        return scores_view.view(shelf.look(), query(given))

    def rows(given: Any) -> dict[str, Any]:
        return {"cases": scores_view.cases(shelf.look(), query(given))}

    def open_case(given: Any) -> dict[str, Any]:
        boards = shelf.look().boards
        chosen = selection(boards, query(given))
        place = given.get("place") if isinstance(given, dict) else None
        if chosen is None or not isinstance(place, int):
            return GONE
        found = compared(boards, chosen)
        try:
            return {"case": case(found, opened(found, place))}
        except IndexError:
            return GONE

    def published(given: Any) -> dict[str, Any]:
        record = given if isinstance(given, dict) else {}
        paper, _, table = str(record.get("paper", "")).partition("|")
        return scores_view.published_view(paper, table, str(record.get("column", "")))

    def version(_: Any) -> dict[str, int]:
        return {"version": shelf.look().version}

    def training(given: Any) -> dict[str, Any]:
        """Runs on this machine; hardly anything where nothing has changed since the page was told last."""
        record = given if isinstance(given, dict) else {}
        now = training_runs.signature()
        if record.get("known") == now:
            return {"known": now}
        return {"known": now, **training_panel.view(str(record.get("run", "")))}

    return look, rows, open_case, published, version, training


def serve(app: FastAPI) -> None:
    """Plotly's script, from the installed package. To be called before the page is mounted at /."""

    def script(request: Request) -> Response:
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
        return Response(_packed() if packed else plots.script(), media_type="text/javascript", headers=headers)

    app.add_route("/scores/plotly.js", script, methods=["GET"])


@cache
def _packed() -> bytes:
    return gzip.compress(plots.script().encode(), 6, mtime=0)
