"""The Chat tab: which parts it has, and which handler each event calls."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from medvlm.desk import Desk
from medvlm.inbox import Inbox
from medvlm.session import Choices, Seat, Session
from medvlm.ui import drawer, keys
from medvlm.ui.composer import TEMPLATE, composer
from medvlm.ui.handlers import Handlers, Parts
from medvlm.ui.header import header
from medvlm.ui.picture import picture
from medvlm.ui.receiving import receiver
from medvlm.ui.theme import script
from medvlm.ui.transcript import transcript

# No overlays of Gradio's; no handler waits for another person's; and no event is dropped because the last one of its
# kind has not ended: the desk knows what can be done when.
QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "multiple"}
# What only repeats itself: one more while the last has not ended, or none.
LAST, ONCE = QUIET | {"trigger_mode": "always_last"}, QUIET | {"trigger_mode": "once"}


@dataclass(frozen=True, slots=True)
class Room:
    """What the tab is built with."""

    desk: Desk
    inbox: Inbox
    largest_mb: int
    choices: Choices = field(default_factory=Choices)


def build(room: Room, blocks: gr.Blocks) -> None:
    """The tab, inside the Blocks that is open."""
    parts = _parts(room)
    handlers = Handlers(room.desk, room.inbox, parts, room.largest_mb)
    _wire_picture(parts, handlers)
    _wire_conversation(parts, handlers)
    _wire_page(parts, handlers)
    blocks.load(handlers.tick, None, [parts.top, parts.clock], **QUIET)
    blocks.unload(handlers.leave)


def _parts(room: Room) -> Parts:
    html = partial(gr.HTML, apply_default_css=False, container=False, padding=False)
    empty = Session()
    seat = gr.State(Seat)
    top = html(header(None), elem_id="top", js_on_load=script("header"))
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="left", scale=46, min_width=0):
            viewer = html(
                picture(empty, room.largest_mb),
                elem_id="viewer",
                js_on_load=script("viewer"),
                server_functions=[receiver(room.inbox)],
            )
            saw = html("", elem_id="saw", js_on_load=None)
        with gr.Column(elem_id="right", scale=54, min_width=0):
            talk = html(transcript(empty), elem_id="talk", js_on_load=script("talk"))
            box = html(composer("idle"), elem_id="composer", html_template=TEMPLATE, js_on_load=script("composer"))
    porter = html({}, elem_id="porter", html_template="", js_on_load=script("porter"))
    html(keys.dialog(), elem_id="help", js_on_load=None)
    return Parts(seat, top, viewer, saw, talk, box, porter, drawer.build(room.choices), gr.Timer(1.0))


def _wire_picture(p: Parts, do: Handlers) -> None:
    for event, step in ((p.viewer.parcel, do.open_parcel), (p.viewer.example, do.open_example)):
        opened = event(step, p.seat, p.screen, **QUIET)
        opened.then(do.look, p.seat, p.saw, **QUIET).then(do.guess, p.seat, p.screen, **QUIET)
    p.viewer.refused(do.refuse, p.seat, p.screen, **QUIET)
    turned = p.viewer.slice(do.turn, p.seat, p.screen, **QUIET)
    turned.then(do.look, p.seat, p.saw, **LAST)
    p.viewer.pick(do.pick, p.seat, p.screen, **QUIET).then(do.look, p.seat, p.saw, **QUIET)
    p.viewer.domain(do.set_domain, p.seat, p.screen, **QUIET)


def _wire_conversation(p: Parts, do: Handlers) -> None:
    asking = [p.seat, *p.drawer.inputs]
    p.composer.ask(do.ask, asking, p.screen, **QUIET)
    p.composer.halt(do.halt, p.seat, None, **QUIET)
    p.talk.suggest(do.ask, asking, p.screen, **QUIET)
    p.talk.retry(do.retry, asking, p.screen, **QUIET)
    p.talk.edit(do.edit, p.seat, p.screen, **QUIET)
    p.talk.undo(do.undo, p.seat, p.screen, **QUIET)


def _wire_page(p: Parts, do: Handlers) -> None:
    asking = [p.seat, *p.drawer.inputs]
    p.top.fresh(do.restart, p.seat, [*p.screen, p.saw], **QUIET)
    p.top.export(do.take_along, p.seat, [p.porter, *p.screen], **QUIET)
    for event in (p.top.drawer, p.drawer.show.click):
        event(do.show_prompt, asking, p.drawer.prompt, **QUIET)
    p.clock.tick(do.tick, None, [p.top, p.clock], **ONCE)
