"""What each event about pictures does: a few lines that call the desk and say what has changed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import gradio as gr

from medvlm.errors import UserError
from medvlm.page.arrival import Admission, Arrival, Files
from medvlm.page.desk import Desk
from medvlm.page.handout import Refused
from medvlm.page.inbox import Inbox
from medvlm.page.keeping import Holding
from medvlm.page.seat import Seat
from medvlm.page.session import MOST_SCANS
from medvlm.page.shelf import shelf
from medvlm.page.viewing import look_of
from medvlm.privacy import Asked, Waiting
from medvlm.privacy.waiting import Again
from medvlm.types import DOMAIN_NAMES, Scan
from medvlm.ui import gate, receipt
from medvlm.ui.picture import Doing, choosing, notes, saw
from medvlm.ui.updates import Update, Updates


def take_looks(seat: Seat, looks: Any) -> None:
    """What the viewer says of its scans, the one that questions are about last; nonsense is left out."""
    if not isinstance(looks, Sequence):
        return
    for data in looks[-MOST_SCANS:]:
        with suppress(Refused, UserError, KeyError, TypeError):
            scan = seat.holder.scan(str(data["token"]))
            look = look_of(data, scan)
            seat.change(lambda now, scan=scan, look=look: now.looked(scan.slices, look))  # type: ignore[misc]


class Showing:
    """One method an event. They translate; the desk decides."""

    def __init__(self, desk: Desk, inbox: Inbox, holding: Holding, updates: Updates) -> None:
        self._desk = desk
        self._inbox = inbox
        self._holding = holding
        self._updates = updates
        self._parts = updates.parts
        self.asked = Waiting()
        self._present: WeakValueDictionary[str, Seat] = WeakValueDictionary()
        # The number of what each page told last of its view: it may be heard in another order.
        self._told: WeakKeyDictionary[Seat, int] = WeakKeyDictionary()

    def hello(self, seat: Seat, event: gr.EventData, request: gr.Request) -> Update:
        """The page has made its key: from now on it may fetch this session's pixels."""
        key = str(request.session_hash)
        self._present[key] = seat
        self._holding.arrive(seat, key)
        try:
            seat.holder.bind(str(event.key))
        except UserError as error:
            return self._updates.picture(seat.session, str(error))
        lines, seconds = self._holding.receipt(seat), self._holding.keeper.seconds_left(key)
        return self._updates.scan(seat) | {self._parts.frame.held: receipt.value(lines, seconds)}

    def gone(self, seat: Seat) -> Update:
        """The page asks for what is held no more: it gets new tokens for what the session still has."""
        return self._updates.scan(seat)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody reads what is being written, and nobody fetches pixels."""
        key = str(request.session_hash)
        self._holding.keeper.left(key)
        seat = self._present.pop(key, None)
        if seat is not None:
            seat.stop()
            seat.holder.keep()

    def open_parcel(self, seat: Seat, event: gr.EventData) -> Iterator[Update]:
        """Files have arrived in the inbox."""
        try:
            files = self._inbox.take(str(event.ticket))
        except UserError as error:
            yield self._updates.picture(seat.session, str(error))
        else:
            yield from self._opening(seat, files)

    def open_example(self, seat: Seat, event: gr.EventData) -> Iterator[Update]:
        """One of the examples was clicked."""
        try:
            example = shelf()[int(event.number)]
            files = [(example.path.name, example.read())]
        except UserError as error:
            yield self._updates.picture(seat.session, str(error))
        else:
            yield from self._opening(seat, files)

    def answer(self, seat: Seat, event: gr.EventData) -> Iterator[Update]:
        """What was chosen at the gate."""
        yield {self._parts.gate: gate.CLEAR}
        try:
            yield from self.asked.answer(str(event.ticket), event.choice)
        except UserError as error:
            yield self._updates.picture(seat.session, str(error))

    def _opening(self, seat: Seat, files: Files, admission: Admission | None = None) -> Iterator[Update]:
        admission, first = admission or self._desk.admission(), None
        try:
            for arrival in self._desk.take_in(seat, files, admission):
                first = first or arrival.first
                # The first picture is held to the end: the page may still be fetching it.
                yield self._updates.opened(seat, first) if arrival.shown else self._waiting(seat, arrival, first)
        except Asked as asked:
            yield self._asked(seat, asked, partial(self._opening, seat, files, admission)) | self._updates.scan(seat)
        except UserError as error:
            yield self._updates.picture(seat.session, str(error)) | self._updates.scan(seat, first)

    def _picking(self, seat: Seat, index: int, beside: bool) -> Iterator[Update]:
        try:
            self._desk.pick(seat, index, beside)
            yield self._updates.opened(seat)
        except Asked as asked:
            yield self._asked(seat, asked, partial(self._picking, seat, index, beside))
        except UserError as error:
            yield self._updates.picture(seat.session, str(error))

    def _asked(self, seat: Seat, asked: Asked, again: Again) -> Update:
        """The gate's question; what is to be done once it is answered waits under a ticket."""
        ticket = self.asked.hold(asked, again, seat)
        return self._updates.picture(seat.session) | {self._parts.gate: gate.question(asked.ruling, ticket)}

    def _waiting(self, seat: Seat, arrival: Arrival, first: Scan | None) -> Update:
        """How far a drop has come, with a first picture of it as soon as there is one."""
        words = f"Looking through the files: {arrival.done:,} of {arrival.total:,}"
        doing = Doing(words, arrival.done, arrival.total, first is not None)
        shown = {} if arrival.first is None else self._updates.first(seat, arrival.first)
        return self._updates.picture(seat.session, doing=doing) | shown

    def refuse(self, seat: Seat, event: gr.EventData) -> Update:
        """The script could not send a file; it says why."""
        return self._updates.picture(seat.session, str(event.sentence)[:500])

    def pick(self, seat: Seat, event: gr.EventData) -> Iterator[Update]:
        """Another picture of the tray."""
        yield from self._picking(seat, int(event.item), event._data.get("beside") is True)

    def set_domain(self, seat: Seat, event: gr.EventData) -> Update:
        """The person says what kind of picture it is."""
        shown, domain = seat.session.shown, event.domain
        if shown is None or domain not in DOMAIN_NAMES:
            return self._updates.picture(seat.session)
        seat.change(lambda session: session.as_domain(shown, domain))
        return self._updates.opened(seat)

    def look(self, seat: Seat, event: gr.EventData) -> Update:
        """Another slice, window, plane or measurement in the viewer."""
        before, number = seat.session.shown, event._data.get("number", 0)
        if not isinstance(number, int) or number < self._told.get(seat, 0):
            return {}
        self._told[seat] = number
        take_looks(seat, [event._data])
        session = seat.session
        if session.shown != before:
            return self._updates.picture(session)
        return {self._parts.notes: notes(session)}

    def saw(self, seat: Seat) -> str:
        """What the model sees of the picture shown."""
        session = seat.session
        try:
            return saw(self._desk.seen(seat), session.about(session.meant), choosing(session))
        except UserError:
            # So many are waiting that there is no place in the line; nobody asked for this strip.
            return ""

    def gives(self, seat: Seat, event: gr.EventData) -> str:
        """Something else of the picture goes to the model from now on."""
        seat.change(lambda session: session.giving(str(event.way)))
        return self.saw(seat)

    def guess(self, seat: Seat) -> Update:
        """The kind of picture, where neither the file nor the person has said."""
        before = seat.session.scan
        try:
            after = self._desk.guess(seat)
        except UserError:
            # Nobody asked for the guess; the row simply stays open.
            return {self._parts.viewer: gr.skip()}
        return self._updates.opened(seat) if after.scan is not before else {self._parts.viewer: gr.skip()}
