"""The Compare tab: two models answer one question side by side; who reads them, without names, votes."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from medvlm.compare.booth import Booth
from medvlm.compare.steps import Comparing
from medvlm.page.keeping import Holding
from medvlm.ui import vote
from medvlm.ui.asking import TEMPLATE, asking
from medvlm.ui.bench import bench
from medvlm.ui.frame import Frame, html
from medvlm.ui.judging import Judging, Parts
from medvlm.ui.theme import asset
from medvlm.ui.viewer import HEAD
from medvlm.ui.viewer import TEMPLATE as VIEWER

# As in the Chat tab: no overlays, nobody waits for another person, no event is dropped.
QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "multiple"}


@dataclass(frozen=True, slots=True)
class CompareRoom:
    """What the tab is built with. `holding`: is told what is held here, and says when it must be forgotten."""

    comparing: Comparing
    holding: Holding | None = None


def build(room: CompareRoom, blocks: gr.Blocks, frame: Frame) -> None:
    """The tab, inside the `gr.Tab` that is open. It shows the scan that the Chat tab has open: they share the seat."""
    parts = _parts(frame)
    do = Judging(room.comparing, parts)
    _wire_picture(parts, do)
    _wire_case(parts, do, frame)
    blocks.unload(do.leave)
    if room.holding is not None:
        room.holding.also_forgets.append(do.forget)
        room.holding.also_holds.append(do.holds)


def _parts(frame: Frame) -> Parts:
    booth = gr.State(Booth())
    with gr.Row(elem_id="comparing", elem_classes="reading", equal_height=False):
        with gr.Column(elem_id="compare-left", min_width=0):
            html('<div class="mirror"></div>', elem_id="compare-tray", js_on_load=None)
            scan = html(
                {"scans": []},
                elem_id="compare-scan",
                html_template=VIEWER,
                js_on_load=asset("compare_scan.js"),
                head=HEAD,
            )
        with gr.Column(elem_id="compare-right", min_width=0):
            head = html(asking(), elem_id="compare-ask", html_template=TEMPLATE, js_on_load=asset("compare.js"))
            case = html(bench(None, None), elem_id="compare-bench", js_on_load=None)
            form = vote.form("pair", elem_id="compare-vote")
    return Parts(frame.seat, booth, scan, head, case, form)


def _wire_picture(p: Parts, do: Judging) -> None:
    p.scan.hello(do.hello, [p.seat, p.booth], p.all, **QUIET)
    p.scan.gone(do.picture, [p.seat, p.booth], [p.scan, p.bench], **QUIET)
    p.scan.changed(do.changed, [p.seat, p.booth], p.all, **QUIET)


def _wire_case(p: Parts, do: Judging, frame: Frame) -> None:
    both = [p.seat, p.booth]
    p.head.ask(do.ask, [*both, *frame.drawer.inputs], p.all, **QUIET)
    p.head.halt(do.halt, p.booth, None, **QUIET)
    p.head.mode(do.mode, both, p.all, **QUIET)
    p.head.next(do.next_case, both, p.all, **QUIET)
    p.head.correct(do.correct, p.booth, p.form, **QUIET)
    p.form.vote(do.vote, both, p.all, **QUIET)
