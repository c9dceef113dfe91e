"""Forgetting on request and when nobody was there for long, and the receipt of what is held until then."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from medvlm.page.inbox import Inbox
from medvlm.page.keeping import Holding
from medvlm.page.seat import Seat
from medvlm.ui import receipt
from medvlm.ui.composer import composer
from medvlm.ui.updates import Update, Updates

FORGOTTEN = "Everything of this page was forgotten."


class Held:
    """One method an event: what is held, forgetting it, and what happens when nobody was there for long."""

    def __init__(self, holding: Holding, inbox: Inbox, updates: Updates) -> None:
        self._holding = holding
        self._inbox = inbox
        self._updates = updates
        self._parts = updates.parts

    def show(self, seat: Seat, request: gr.Request) -> dict[str, Any]:
        """The receipt as it is now."""
        return self._value(seat, request)

    def forget(self, seat: Seat, event: gr.EventData, request: gr.Request) -> Update:
        """At once: scans, conversation, tokens, the model's notes, files on their way, what waits at the gate."""
        self._inbox.forget(str(event._data.get("ticket", "")))
        self._holding.keeper.forget(str(request.session_hash))
        return self._emptied(seat, request, FORGOTTEN)

    def lapse(self, seat: Seat, request: gr.Request) -> Update:
        """The page has not been used for long: what it still shows goes too, if it was forgotten here."""
        key, keeper = str(request.session_hash), self._holding.keeper
        left = keeper.seconds_left(key)
        if left:
            return {self._parts.frame.held: self._value(seat, request)}
        keeper.forget(key)
        return self._emptied(seat, request, f"Forgotten after {self._holding.idle_words} without use.")

    def _value(self, seat: Seat, request: gr.Request, wipe: bool = False) -> dict[str, Any]:
        seconds = self._holding.keeper.seconds_left(str(request.session_hash))
        return receipt.value(self._holding.receipt(seat), seconds, wipe)

    def _emptied(self, seat: Seat, request: gr.Request, said: str) -> Update:
        frame = self._parts.frame
        return self._updates.emptied(seat) | {
            self._parts.composer: composer("idle", say=said, wipe=True),
            frame.held: self._value(seat, request, wipe=True),
            frame.porter: {},
            frame.drawer.prompt: "",
        }


def forgetting(blocks: gr.Blocks) -> Callable[[Seat, str], None]:
    """What forgets the values that Gradio keeps of each session: the last of every component, pictures in them too.

    Of a page that was closed nothing at all is kept; one that is still open can go on at once.
    """

    def forget(_: Seat, session: str) -> None:
        kept = blocks.state_holder.session_data.get(session) if hasattr(blocks, "state_holder") else None
        for one in kept.config_values.values() if kept is not None else ():
            if one and "value" in one.get("props", {}):
                one["props"]["value"] = None
        if kept is not None and kept.is_closed:
            blocks.state_holder.session_data.pop(session, None)
            blocks._queue.pending_messages_per_session.pop(session, None)

    return forget
