"""What each event of the page does: a few lines that call the desk and draw what has changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from medvlm.desk import Desk, Moment
from medvlm.errors import UserError
from medvlm.export import Format, export
from medvlm.inbox import Inbox
from medvlm.session import Seat, Session
from medvlm.shelf import shelf
from medvlm.types import DOMAIN_NAMES, View
from medvlm.ui.composer import composer
from medvlm.ui.drawer import Drawer, choices
from medvlm.ui.header import header
from medvlm.ui.picture import picture, saw
from medvlm.ui.transcript import transcript

MIME = {"markdown": "text/markdown", "json": "application/json"}
# New values for some parts of the page; the others stay as they are.
Update = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of the tab; Gradio's classes carry no types that mypy could follow."""

    seat: Any
    top: Any
    viewer: Any
    saw: Any
    talk: Any
    composer: Any
    porter: Any
    drawer: Drawer
    clock: Any

    @property
    def screen(self) -> list[Any]:
        """What a step may change."""
        return [self.viewer, self.talk, self.composer]


class Handlers:
    """One method an event. They translate; the desk decides."""

    def __init__(self, desk: Desk, inbox: Inbox, parts: Parts, largest_mb: int) -> None:
        self._desk = desk
        self._inbox = inbox
        self._parts = parts
        self._largest_mb = largest_mb
        self._present: WeakValueDictionary[str, Seat] = WeakValueDictionary()

    def open_parcel(self, seat: Seat, event: gr.EventData) -> Update:
        """A file has arrived in the inbox."""
        try:
            data, name = self._inbox.take(str(event.ticket))
            return self._opened(self._desk.open_scan(seat, data, name), seat)
        except UserError as error:
            return self._picture(seat.session, str(error))

    def open_example(self, seat: Seat, event: gr.EventData) -> Update:
        """One of the examples was clicked."""
        try:
            example = shelf()[int(event.number)]
            return self._opened(self._desk.open_scan(seat, example.read(), example.path.name), seat)
        except UserError as error:
            return self._picture(seat.session, str(error))

    def refuse(self, seat: Seat, event: gr.EventData) -> Update:
        """The script could not send a file; it says why."""
        return self._picture(seat.session, str(event.sentence)[:500])

    def turn(self, seat: Seat, event: gr.EventData) -> Update:
        """Another slice of the picture shown."""
        try:
            shown = seat.session.shown or View(0)
            return self._picture(seat.change(lambda s: s.showing(View(shown.scan, int(event.slice)))))
        except UserError as error:
            return self._picture(seat.session, str(error))

    def pick(self, seat: Seat, event: gr.EventData) -> Update:
        """Another picture of the conversation."""
        try:
            return self._opened(seat.change(lambda s: s.showing(View(int(event.scan)))), seat)
        except UserError as error:
            return self._picture(seat.session, str(error))

    def set_domain(self, seat: Seat, event: gr.EventData) -> Update:
        """The person says what kind of picture it is."""
        shown, domain = seat.session.shown, event.domain
        if shown is None or domain not in DOMAIN_NAMES:
            return self._picture(seat.session)
        return self._opened(seat.change(lambda s: s.as_domain(shown.scan, domain)), seat)

    def look(self, seat: Seat) -> str:
        """What the model sees of the picture shown."""
        session, model = seat.session, self._desk.host.ready
        if model is None or session.scan is None or session.shown is None:
            return ""
        try:
            return saw(model.seen(session.scan, session.shown))
        except UserError:
            # So many are waiting that there is no place in the line; nobody asked for this strip.
            return ""

    def guess(self, seat: Seat) -> Update:
        """The kind of picture, where neither the file nor the person has said."""
        before = seat.session.scan
        try:
            after = self._desk.guess(seat)
        except UserError:
            # Nobody asked for the guess; the row simply stays open.
            return {self._parts.viewer: gr.skip()}
        return self._opened(after, seat) if after.scan is not before else {self._parts.viewer: gr.skip()}

    def ask(self, seat: Seat, event: gr.EventData, request: gr.Request, *settings: Any) -> Iterator[Update]:
        """A question from the box or a suggestion; `edit` puts it in place of the last one."""
        self._present[str(request.session_hash)] = seat
        question = str(event.question)
        step = self._desk.edit if event._data.get("edit") else self._desk.ask
        try:
            yield from self._answer(seat, step(seat, question, choices(*settings)))
        except UserError as error:
            yield self._refused(seat, error)

    def retry(self, seat: Seat, request: gr.Request, *settings: Any) -> Iterator[Update]:
        """The last question again."""
        self._present[str(request.session_hash)] = seat
        try:
            yield from self._answer(seat, self._desk.retry(seat, choices(*settings)))
        except UserError as error:
            yield self._refused(seat, error)

    def halt(self, seat: Seat) -> None:
        seat.stop()

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody reads what is being written."""
        seat = self._present.pop(str(request.session_hash), None)
        if seat is not None:
            seat.stop()

    def edit(self, seat: Seat) -> Update:
        """The last question goes into the box; it is replaced when the new one is sent."""
        return {self._parts.composer: composer("busy" if seat.busy else "idle", edit=seat.session.question or "")}

    def undo(self, seat: Seat) -> Update:
        try:
            question = self._desk.undo(seat)
            return self._talk(seat) | {self._parts.composer: composer("idle", back=question, say="Question taken back")}
        except UserError as error:
            return self._refused(seat, error)

    def restart(self, seat: Seat) -> Update:
        session = self._desk.restart(seat)
        said = composer("idle", say="New conversation")
        return self._opened(session, seat) | {self._parts.saw: "", self._parts.composer: said}

    def take_along(self, seat: Seat, event: gr.EventData) -> Update:
        """The conversation as a file, which the browser makes."""
        if not seat.session.conversation.turns:
            return {
                self._parts.composer: composer("idle", wrong="There is nothing to export yet; ask something first.")
            }
        form: Format = "json" if event.form == "json" else "markdown"
        when = datetime.now().astimezone()
        name, text = export(seat.session, form, self._desk.host.status.sentence, when)
        return {self._parts.porter: {"name": name, "text": text, "type": MIME[form], "at": when.isoformat()}}

    def show_prompt(self, seat: Seat, *settings: Any) -> str:
        try:
            return self._desk.prompt_text(seat, choices(*settings))
        except UserError as error:
            return str(error)

    def tick(self) -> Update:
        """The badge while the model loads; the clock stops when that has ended."""
        status = self._desk.host.status
        return {self._parts.top: header(status), self._parts.clock: gr.Timer(active=status.state == "loading")}

    def _refused(self, seat: Seat, error: UserError) -> Update:
        return {self._parts.composer: composer("busy" if seat.busy else "idle", wrong=str(error))}

    def _answer(self, seat: Seat, moments: Iterator[Moment]) -> Iterator[Update]:
        accepted = False
        for moment in moments:
            if moment.phase in ("done", "failed"):
                yield self._ended(seat, moment)
            elif not accepted:
                accepted = True
                yield self._talk(seat, moment) | {self._parts.composer: composer("busy", accepted=True)}
            else:
                yield self._talk(seat, moment)

    def _ended(self, seat: Seat, moment: Moment) -> Update:
        box = composer("idle", wrong=moment.error, back=moment.question)
        return self._talk(seat) | {self._parts.composer: box}

    def _opened(self, session: Session, seat: Seat) -> Update:
        return self._picture(session) | ({} if seat.busy else self._talk(seat))

    def _picture(self, session: Session, wrong: str = "") -> Update:
        return {self._parts.viewer: picture(session, self._largest_mb, wrong)}

    def _talk(self, seat: Seat, moment: Moment | None = None) -> Update:
        return {self._parts.talk: transcript(seat.session, moment)}
