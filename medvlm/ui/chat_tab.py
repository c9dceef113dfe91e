"""The Chat tab: which parts it has, and which handler each event calls."""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from medvlm.page.desk import Desk
from medvlm.page.handout import Handout
from medvlm.page.inbox import Inbox
from medvlm.page.keeping import Holding, Keeper
from medvlm.page.session import Choices, Session
from medvlm.ui import gate, held, trust
from medvlm.ui.composer import TEMPLATE, composer
from medvlm.ui.frame import Frame, html
from medvlm.ui.handlers import Handlers
from medvlm.ui.picture import SEEN, picture
from medvlm.ui.receiving import receiver
from medvlm.ui.showing import Showing
from medvlm.ui.theme import asset, script
from medvlm.ui.transcript import transcript
from medvlm.ui.updates import Parts, Updates
from medvlm.ui.viewer import viewer

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
    handout: Handout = field(default_factory=Handout)
    holding: Holding = field(default_factory=lambda: Holding(Keeper(3600.0)))


def build(room: Room, blocks: gr.Blocks, frame: Frame) -> None:
    """The tab, inside the Blocks that is open."""
    parts = _parts(room, frame)
    updates = Updates(parts, room.largest_mb)
    showing = Showing(room.desk, room.inbox, room.holding, updates)
    handlers = Handlers(room.desk, showing.asked, updates)
    _wire_picture(parts, showing)
    _wire_conversation(parts, handlers)
    trust.wire(parts.trust, parts.seat, room.desk)
    _wire_page(parts, handlers, showing)
    _wire_forgetting(parts, showing, room, blocks)
    blocks.load(handlers.tick, None, [parts.frame.top, parts.frame.clock], **QUIET)
    blocks.unload(showing.leave)


def _parts(room: Room, frame: Frame) -> Parts:
    empty = Session()
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="left", scale=46, min_width=0):
            around = html(
                picture(empty, room.largest_mb),
                elem_id="viewer",
                js_on_load=script("viewer"),
                server_functions=[receiver(room.inbox)],
            )
            asks = gate.gate()
            scan = viewer(elem_id="scan")
            notes = html("", elem_id="notes", js_on_load=None)
            saw = html("", elem_id="saw", js_on_load=asset("saw.js"))
        with gr.Column(elem_id="right", scale=54, min_width=0):
            talk = html(transcript(empty), elem_id="talk", js_on_load=script("talk"))
            doubts = trust.build()
            box = html(composer("idle"), elem_id="composer", html_template=TEMPLATE, js_on_load=script("composer"))
    seen = html({}, elem_id="seen", html_template=SEEN, js_on_load=asset("seen.js"))
    return Parts(frame, around, asks, scan, notes, saw, talk, doubts, box, seen)


def _wire_picture(p: Parts, do: Showing) -> None:
    p.scan.hello(do.hello, p.seat, [*p.screen, p.frame.held], **QUIET)
    p.scan.gone(do.gone, p.seat, p.screen, **QUIET)
    view = p.viewer
    opening = (view.parcel, do.open_parcel), (view.example, do.open_example), (view.pick, do.pick)
    for event, step in (*opening, (p.gate.choose, do.answer)):
        opened = event(step, p.seat, p.screen, **QUIET)
        opened.then(do.saw, p.seat, p.saw, **LAST).then(do.guess, p.seat, p.screen, **QUIET)
    p.viewer.refused(do.refuse, p.seat, p.screen, **QUIET)
    p.viewer.domain(do.set_domain, p.seat, p.screen, **QUIET)
    # Every one: of those that wait, Gradio (6.31) would hand on the first, not the last.
    looked = p.scan.look(do.look, p.seat, p.screen, **QUIET)
    looked.then(do.saw, p.seat, p.saw, **LAST)
    p.saw.gives(do.gives, p.seat, p.saw, **QUIET)


def _wire_conversation(p: Parts, do: Handlers) -> None:
    asking = [p.seat, *p.frame.drawer.inputs]
    p.composer.halt(do.halt, p.seat, None, **QUIET)
    p.talk.edit(do.edit, p.seat, p.screen, **QUIET)
    p.talk.given(do.given, p.seat, p.seen, **QUIET)
    changing = [
        p.composer.ask(do.ask, asking, p.whole, **QUIET),
        p.talk.suggest(do.ask, asking, p.whole, **QUIET),
        p.talk.retry(do.retry, asking, p.screen, **QUIET),
        p.talk.undo(do.undo, p.seat, p.screen, **QUIET),
        p.frame.top.fresh(do.restart, p.seat, p.whole, **QUIET),
    ]
    for changed in changing:
        changed.then(trust.fresh, p.seat, p.trust, **QUIET)


def _wire_page(p: Parts, do: Handlers, showing: Showing) -> None:
    asking = [p.seat, *p.frame.drawer.inputs]
    p.frame.top.export(do.take_along, p.seat, [p.frame.porter, *p.screen], **QUIET)
    for event in (p.frame.top.drawer, p.frame.drawer.show.click):
        event(do.show_prompt, asking, p.frame.drawer.prompt, **QUIET)
    ticked = p.frame.clock.tick(do.tick, None, [p.frame.top, p.frame.clock], **ONCE)
    # What was opened before the model was there is shown as it sees it as soon as it is.
    ticked.then(showing.saw, p.seat, p.saw, **LAST)


def _wire_forgetting(p: Parts, showing: Showing, room: Room, blocks: gr.Blocks) -> None:
    holding, frame = room.holding, p.frame
    holding.also_forgets += [
        lambda seat, _: room.desk.forget(seat),
        lambda seat, _: showing.asked.leave(seat),
        held.forgetting(blocks),
    ]
    holding.keeper.chores += [room.inbox.sweep, showing.asked.sweep, room.desk.sweep]
    do = held.Held(holding, room.inbox, Updates(p, room.largest_mb))
    frame.top.held(do.show, p.seat, frame.held, **QUIET)
    emptied = [*p.whole, frame.held, frame.porter, frame.drawer.prompt]
    frame.held.forget(do.forget, p.seat, emptied, **QUIET)
    frame.held.lapse(do.lapse, p.seat, emptied, **QUIET)
