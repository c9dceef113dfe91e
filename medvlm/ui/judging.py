"""What each event of the Compare tab does: a few lines that call the library and say what has changed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import gradio as gr

from medvlm.compare.booth import Booth
from medvlm.compare.comparison import Seen
from medvlm.compare.steps import Comparing, Moment
from medvlm.errors import UserError
from medvlm.page.handout import Refused
from medvlm.page.retention import Line
from medvlm.page.seat import Seat
from medvlm.page.viewing import Look, look_of, part_words, shown_words
from medvlm.types import Scan
from medvlm.ui.asking import asking
from medvlm.ui.bench import bench, words
from medvlm.ui.drawer import choices
from medvlm.ui.updates import PAIR, Update
from medvlm.ui.viewer import seen
from medvlm.ui.vote import broken, vote


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of the tab; Gradio's classes carry no types that mypy could follow."""

    seat: Any
    booth: Any
    scan: Any
    head: Any
    bench: Any
    form: Any

    @property
    def all(self) -> list[Any]:
        """What a step may change."""
        return [self.scan, self.head, self.bench, self.form]


class Judging:
    """One method an event. They translate; the library decides."""

    def __init__(self, comparing: Comparing, parts: Parts) -> None:
        self._comparing = comparing
        self._parts = parts
        self._present: WeakValueDictionary[str, Booth] = WeakValueDictionary()
        self._booths: WeakKeyDictionary[Seat, Booth] = WeakKeyDictionary()

    def hello(self, seat: Seat, booth: Booth, event: gr.EventData, request: gr.Request) -> Update:
        """The tab is on the page, for the first time or again."""
        self._present[str(request.session_hash)] = self._booths[seat] = booth
        try:
            seat.holder.bind(str(event.key))
        except UserError as error:
            return {self._parts.head: self._head(booth, wrong=str(error))}
        return self.picture(seat, booth) | self._case(seat, booth)

    def picture(self, seat: Seat, booth: Booth) -> Update:
        """What the Chat tab has open, here too."""
        session = seat.session
        labels = PAIR if len(session.panes) > 1 else ()
        shown = {self._parts.scan: seen(seat.holder, session.on_screen, labels, session.open_scans)}
        return shown | ({} if booth.busy else {self._parts.bench: bench(booth.now, session.scan)})

    def changed(self, seat: Seat, booth: Booth) -> Update:
        """The Chat tab has another picture; with a new conversation, which has none, the case is over as well."""
        if seat.session.scan is None and not seat.session.items:
            self._comparing.next_case(booth)
        return self.picture(seat, booth) | ({} if booth.busy else self._case(seat, booth))

    def forget(self, seat: Seat, _: str) -> None:
        """Everything of one person goes: the case that is open, its pictures and conversations."""
        booth = self._booths.get(seat)
        if booth is not None:
            self._comparing.next_case(booth)

    def holds(self, seat: Seat) -> Iterator[Line]:
        """What stands in the receipt for this tab."""
        booth = self._booths.get(seat)
        now = None if booth is None else booth.now
        if now is None:
            return
        number = len(now.questions)
        what = f"A comparison: {number} question{'s' if number > 1 else ''}, two answers to each, and the pictures"
        yield Line(what, "this machine's memory", "you forget it, or begin a new case")
        if now.rating is not None:
            what = "Your vote: question, both answers and hashes of the pictures, under your made-up name"
            yield Line(what, "the database of ratings", "its keeper deletes it")

    def leave(self, request: gr.Request) -> None:
        """The page was closed: nobody reads what is being written."""
        booth = self._present.pop(str(request.session_hash), None)
        if booth is not None:
            self._comparing.next_case(booth)

    def ask(self, seat: Seat, booth: Booth, event: gr.EventData, *settings: Any) -> Iterator[Update]:
        """A question for both, from the box or a suggestion; it says itself what was on the screen."""
        seat.used()
        question = str(event.question)
        about = _seen(seat, event._data.get("looks"))
        try:
            moments = self._comparing.ask(booth, question, about, choices(*settings))
            yield from self._answers(seat, booth, question, moments)
        except UserError as error:
            yield {self._parts.head: self._head(booth, wrong=str(error))}

    def halt(self, booth: Booth) -> None:
        booth.stop()

    def mode(self, seat: Seat, booth: Booth, event: gr.EventData) -> Update:
        """Blinded or named, from the next case on."""
        try:
            self._comparing.blind(booth, event.mode != "named")
        except UserError as error:
            return {self._parts.head: self._head(booth, wrong=str(error))}
        return self._case(seat, booth)

    def next_case(self, seat: Seat, booth: Booth) -> Update:
        self._comparing.next_case(booth)
        return self._case(seat, booth, say="New case")

    def vote(self, seat: Seat, booth: Booth, event: gr.EventData) -> Update:
        """Keep the vote; whatever goes wrong, the form stays as it was filled in."""
        seat.used()
        try:
            self._comparing.vote(booth, event._data)
        except UserError as error:
            if booth.now is None:  # The server was started anew, say: what was filled in stays to be copied.
                closed = vote("closed", str(event._data.get("key")), wrong=str(error))
                return {self._parts.form: closed, self._parts.head: self._head(booth, wrong=str(error))}
            return {self._parts.form: self._form(booth, wrong=str(error))}
        except Exception as error:
            return {self._parts.form: self._form(booth, wrong=broken(error))}
        return self._case(seat, booth, say=_said(booth))

    def correct(self, booth: Booth) -> Update:
        """The vote that was kept may be cast anew; the old row stays."""
        now = booth.now
        if now is None or now.rating is None:
            return {self._parts.form: self._form(booth)}
        note = "The names are known now: the corrected vote does not count as blinded."
        return {self._parts.form: vote("again", now.key, note=note)}

    def _answers(self, seat: Seat, booth: Booth, question: str, moments: Iterator[Moment]) -> Iterator[Update]:
        accepted = False
        for moment in moments:
            if moment.phase in ("done", "failed"):
                said = "Both answers are there. Vote with A, T, N or B." if moment.phase == "done" else ""
                # Accepted once more: the page may see the last of several states alone.
                done = moment.phase == "done"
                yield self._case(seat, booth, wrong=moment.error, back=moment.question, say=said, accepted=done)
                return
            rows = {self._parts.bench: bench(booth.now, seat.session.scan, moment, question)}
            if accepted:
                yield rows
                continue
            accepted = True
            head = self._head(booth, busy=True, accepted=True, say="Both are answering.")
            yield rows | {self._parts.head: head, self._parts.form: self._form(booth, closed=True)}

    def _case(self, seat: Seat, booth: Booth, **head: Any) -> Update:
        """All but the picture, as the booth stands."""
        return {
            self._parts.head: self._head(booth, **head),
            self._parts.bench: bench(booth.now, seat.session.scan),
            self._parts.form: self._form(booth),
        }

    def _head(self, booth: Booth, **changes: Any) -> dict[str, Any]:
        settled = not booth.busy and (booth.now is None or booth.now.rating is not None)
        return asking(**({"busy": booth.busy, "blinded": booth.blinded, "settled": settled} | changes))

    def _form(self, booth: Booth, wrong: str = "", closed: bool = False) -> dict[str, Any]:
        """As the booth stands. While a follow-up is answered the form is closed, and keeps what was filled in."""
        now = booth.now
        if now is None or not now.questions:
            return vote("closed")
        if booth.busy or closed:
            return vote("closed", now.key_before)
        if now.rating is not None and not wrong:
            return vote("kept", now.key)
        return vote("open" if now.rating is None else "again", now.key, ask=now.asks_guess, wrong=wrong)


def _said(booth: Booth) -> str:
    assert booth.now is not None, "a vote was kept"
    left, right = (words(one.candidate) for one in booth.now.entrants)
    return f"The vote is kept. A was {left}. B was {right}."


def _seen(seat: Seat, looks: Any) -> Seen | None:
    """What is on the screen of this tab: what its viewer said last, else as the sitting has it; None without a scan."""
    session = seat.session
    if session.scan is None or session.now is None:
        return None
    scan, look = session.scan, session.now.look
    if isinstance(looks, Sequence) and looks:
        with suppress(Refused, UserError, KeyError, TypeError):
            data = looks[-1]
            offered = seat.holder.scan(str(data["token"]))
            look = look_of(data, offered)
            scan = next((one for one in session.open_scans if one.slices is offered.slices), offered)
    return Seen(scan, look, _about(scan, look))


def _about(scan: Scan, look: Look) -> str:
    return ", ".join(filter(None, (part_words(look, scan), shown_words(look, scan))))
