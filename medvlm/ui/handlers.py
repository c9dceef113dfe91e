"""What each event of the conversation does: a few lines that call the desk and draw what has changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import gradio as gr

from medvlm.errors import UserError
from medvlm.page.desk import Desk, Moment
from medvlm.page.export import Format, export
from medvlm.page.seat import Seat
from medvlm.privacy import Waiting
from medvlm.ui.composer import composer
from medvlm.ui.drawer import choices
from medvlm.ui.header import header
from medvlm.ui.showing import take_looks
from medvlm.ui.updates import Update, Updates

GONE = "The pictures were forgotten in the meantime. Open them again, then ask."
MIME = {"markdown": "text/markdown", "json": "application/json"}


class Handlers:
    """One method an event. They translate; the desk decides."""

    def __init__(self, desk: Desk, asked: Waiting, updates: Updates) -> None:
        """`asked`: what waits at the gate, which a new conversation leaves behind."""
        self._desk = desk
        self._asked = asked
        self._updates = updates
        self._parts = updates.parts

    def ask(self, seat: Seat, event: gr.EventData, *settings: Any) -> Iterator[Update]:
        """A question from the box or a suggestion; `edit` puts it in place of the last one.

        It says itself what was on the screen when it was asked: what the viewer last told may be older.
        """
        looks, region = event._data.get("looks"), event._data.get("region")
        if looks and not seat.session.items:
            # The page was left alone for long, and has not heard of it yet.
            yield self._updates.emptied(seat) | self._refused(seat, UserError(GONE))
            return
        take_looks(seat, looks)
        step = self._desk.edit if event._data.get("edit") else self._desk.ask
        try:
            about = int(region) if isinstance(region, int | float) else None
            yield from self._answer(seat, step(seat, str(event.question), choices(*settings), about))
        except UserError as error:
            yield self._refused(seat, error)

    def retry(self, seat: Seat, *settings: Any) -> Iterator[Update]:
        """The last question again."""
        try:
            yield from self._answer(seat, self._desk.retry(seat, choices(*settings)))
        except UserError as error:
            yield self._refused(seat, error)

    def halt(self, seat: Seat) -> None:
        seat.stop()

    def edit(self, seat: Seat) -> Update:
        """The last question goes into the box; it is replaced when the new one is sent."""
        return {self._parts.composer: composer("busy" if seat.busy else "idle", edit=seat.session.question or "")}

    def given(self, seat: Seat, event: gr.EventData) -> Update:
        """What the model saw for one answer, as large as it fits."""
        return self._updates.seen(seat.session, int(event.answer))

    def undo(self, seat: Seat) -> Update:
        try:
            back = composer("idle", back=self._desk.undo(seat), say="Question taken back")
            return self._updates.talk(seat) | {self._parts.composer: back}
        except UserError as error:
            return self._refused(seat, error)

    def restart(self, seat: Seat) -> Update:
        self._asked.leave(seat)
        self._desk.restart(seat)
        return self._updates.emptied(seat) | {self._parts.composer: composer("idle", say="New conversation")}

    def take_along(self, seat: Seat, event: gr.EventData) -> Update:
        """The conversation as a file, which the browser makes."""
        take_looks(seat, event._data.get("looks"))
        items = seat.session.items
        if not seat.session.conversation.turns and not any(item.look and item.look.measures for item in items):
            return self._refused(seat, UserError("There is nothing to export yet; ask or measure something first."))
        form: Format = "json" if event.form == "json" else "markdown"
        when = datetime.now().astimezone()
        name, text = export(seat.session, form, self._desk.host.status.sentence, when)
        return {self._parts.frame.porter: {"name": name, "text": text, "type": MIME[form], "at": when.isoformat()}}

    def show_prompt(self, seat: Seat, *settings: Any) -> str:
        try:
            return self._desk.prompt_text(seat, choices(*settings))
        except UserError as error:
            return str(error)

    def tick(self) -> Update:
        """The badge while the model loads; the clock stops when that has ended."""
        status = self._desk.host.status
        return {
            self._parts.frame.top: header(status),
            self._parts.frame.clock: gr.Timer(active=status.state == "loading"),
        }

    def _refused(self, seat: Seat, error: UserError) -> Update:
        return {self._parts.composer: composer("busy" if seat.busy else "idle", wrong=str(error))}

    def _answer(self, seat: Seat, moments: Iterator[Moment]) -> Iterator[Update]:
        accepted = False
        for moment in moments:
            if moment.phase in ("done", "failed"):
                yield self._ended(seat, moment)
            elif not accepted:
                accepted = True
                yield self._updates.talk(seat, moment) | {self._parts.composer: composer("busy", accepted=True)}
            else:
                yield self._updates.talk(seat, moment)

    def _ended(self, seat: Seat, moment: Moment) -> Update:
        # Accepted once more: of states that come in one go the page sees the last alone.
        box = composer("idle", accepted=moment.phase == "done", wrong=moment.error, back=moment.question)
        return self._updates.talk(seat) | {self._parts.composer: box}
