"""A reader study in the page: signing in, one case after another with the vote's form, and what a leader sees."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gradio as gr

from medvlm.compare.ballot import ballot_of
from medvlm.errors import UserError
from medvlm.outcomes.results import Results
from medvlm.page.handout import Handout, Holder
from medvlm.privacy import Gate
from medvlm.studies.pictures import Pictures
from medvlm.studies.reading import Pass, ReadingRoom, Task
from medvlm.studies.reviewing import Turn
from medvlm.types import Scan
from medvlm.ui import vote
from medvlm.ui.columns import Column, exchange
from medvlm.ui.frame import html
from medvlm.ui.study_html import door, head, panel
from medvlm.ui.theme import asset
from medvlm.ui.viewer import HEAD, on_screen, seen
from medvlm.ui.viewer import TEMPLATE as VIEWER

Update = dict[Any, Any]
# A viewer of its own; the page is ready without it. A server that was started anew is told the page's key once more.
MOUNT = """
// Events that the server hears: 'hello' 'look' 'gone'
let hello = null;
const said = (event, data) => { if (event === 'hello') hello = data; trigger(event, data); };
const gradio = { props, trigger: said, watch };
import(new URL('viewer/mount.js', document.baseURI)).then(({ mount }) => mount(element, gradio));
watch('value', () => { if (hello && props.value && props.value.stranger) trigger('hello', hello); });
"""
_numbers = itertools.count(1)
THANKS = "All your cases are read. Thank you."
UNSEEN = "The picture was not on the screen yet. Look at it, then submit again; what you filled in is still here."
SIGNED_OUT = "You are no longer signed in here. Sign in again above, then submit; what you filled in is still here."
REST = "A good moment for a break. Nothing is lost, and no clock runs."


class Chair:
    """One person's place at the Ratings tab: who they are, and the case that is before them."""

    def __init__(self, handout: Handout) -> None:
        self._handout = handout
        # One step at a time: what was asked for before somebody signed in must not come after it.
        self.lock = threading.RLock()
        self.holder: Holder = handout.holder()
        self.who: Pass | None = None
        self.task: Task | None = None
        self.scan: Scan | None = None
        # The single answer that is before them.
        self.turn: Turn | None = None

    @property
    def reads(self) -> bool:
        """Whether a study or single answers are read here: no results are seen meanwhile."""
        return self.turn is not None or (self.who is not None and self.who.role == "reader")

    def __deepcopy__(self, _: object) -> "Chair":
        # Whoever copies a chair wants one of their own: nobody ever reads in another person's name.
        return Chair(self._handout)

    def leave(self) -> None:
        """Nobody sits here any more, and nothing of the case can be fetched."""
        self.who = self.task = self.scan = self.turn = None
        self.holder.keep()


@dataclass(frozen=True, slots=True)
class Desk:
    """The components of the reading room."""

    chair: Any
    door: Any
    room: Any
    head: Any
    scan: Any
    pair: Any
    form: Any

    @property
    def all(self) -> list[Any]:
        return [self.door, self.room, self.head, self.scan, self.pair, self.form]


def build(chair: Any, door: Any) -> Desk:
    """The reading room, shut, inside the tab that is open. `chair`: a State; `door`: where people sign in."""
    with gr.Column(elem_id="rt-room", elem_classes="reading rt-room", visible=False) as room:
        head = html("", elem_id="rt-head", js_on_load=asset("ratings.js"))
        with gr.Row(elem_id="rt-desk", elem_classes="rt-desk", equal_height=False):
            with gr.Column(elem_classes="rt-left", min_width=0):
                scan = reading_viewer("rt-scan")
            with gr.Column(elem_classes="rt-right", min_width=0):
                pair = html("", elem_id="rt-pair", js_on_load=None)
                form = vote.form("pair", elem_id="rt-vote")
    return Desk(chair, door, room, head, scan, pair, form)


def reading_viewer(name: str) -> Any:
    """A viewer of the Ratings tab, with nothing to show yet."""
    return html({"scans": []}, elem_id=name, html_template=VIEWER, js_on_load=MOUNT, head=HEAD)


def shown_to(chair: Chair, scan: Scan | None) -> dict[str, Any]:
    """What a viewer is told to show; to one whose page has not said its key yet nothing, and that it is a stranger."""
    if scan is None:
        return {"scans": []}
    if not chair.holder.bound:
        return {"scans": [], "stranger": next(_numbers)}  # numbered: the same twice is seen twice
    return seen(chair.holder, [scan])


class Studying:
    """One method an event of the reading room. They translate; the library decides."""

    def __init__(self, results: Callable[[], Results], desk: Desk, gate: Gate) -> None:
        """`results`: opens the ratings, which need not be there before somebody signs in."""
        self._results = results
        self._desk = desk
        self._gate = gate

    @cached_property
    def _room(self) -> ReadingRoom:
        return ReadingRoom(self._results().studies)

    def sign_in(self, chair: Chair, code: str) -> Update:
        """Raises nothing: what was wrong stands at the door."""
        try:
            chair.who = self._room.sign_in(code)
        except UserError as problem:
            return {self._desk.door: door(chair.who, str(problem), code)}
        if chair.who.role == "leader":
            return {self._desk.door: door(chair.who)}
        return {self._desk.door: door(chair.who)} | self.forward(chair)

    def sign_out(self, chair: Chair) -> Update:
        """Pause, or leave for good: the next sign-in goes on where this one was."""
        chair.leave()
        return self._shut() | {self._desk.door: door(None)}

    def hello(self, chair: Chair, event: gr.EventData) -> Update:
        """The page has made its key: from now on it may fetch this person's pixels."""
        try:
            chair.holder.bind(str(event.key))
        except UserError as problem:
            return {self._desk.head: head(chair.task, wrong=str(problem))}
        return {self._desk.scan: self._seen(chair)}

    def gone(self, chair: Chair) -> Update:
        """The page asks for what is held no more: it gets new tokens."""
        return {self._desk.scan: self._seen(chair)}

    def forward(self, chair: Chair) -> Update:
        """The next case, or the end."""
        chair.task = chair.scan = None
        if chair.who is None:
            return self._shut()
        try:
            task = self._room.task(chair.who)
            scan = None if task is None else Pictures(task.study, self._gate).scan(task.case)
        except UserError as problem:
            return self._words(panel("Not now", str(problem), "sign-out", "Leave"))
        if task is None:
            return self._words(panel(THANKS, "Your votes are on the disk.", "sign-out", "Leave"))
        chair.task, chair.scan = task, scan
        return self._case(chair)

    def rest(self, chair: Chair) -> Update:
        """What comes after a vote: a break where the design offers one, else the next case."""
        update = self.forward(chair)
        task = chair.task
        if task is None or not task.rest:
            return update
        words = f"{task.number - 1} of {task.total} cases are done."
        chair.task = chair.scan = None
        return self._words(panel(REST, words, "forward", "Go on", ("sign-out", "Pause and leave")))

    def vote(self, chair: Chair, event: gr.EventData) -> Update:
        """The form was sent: it is locked once it is on the disk; where it could not be kept, all filled in stays."""
        task, scan, who = chair.task, chair.scan, chair.who
        payload = event._data
        if who is None:
            # The server was started anew meanwhile: whoever signs in again finds the case as it was filled in.
            kept_open = vote.vote("open", str(payload.get("key")), wrong=SIGNED_OUT)
            return {self._desk.door: door(None), self._desk.form: kept_open}
        if task is None or payload.get("key") != task.key:
            return {self._desk.form: vote.vote("closed", note="This case is over; the next one comes.")} | self.forward(
                chair
            )
        look = on_screen(chair.holder, payload.get("look"), scan)
        if scan is not None and look is None:
            return self._refused(task, UNSEEN)
        try:
            ballot = ballot_of(payload, *(one.text for one in task.shown))
            kept = self._room.submit(who, task.key, ballot, scan, look)
        except UserError as problem:
            return self._refused(task, str(problem))
        except Exception as problem:
            return self._refused(task, vote.broken(problem))
        if not kept.feedback:
            return self.rest(chair)
        told = panel("Kept. For practice:", kept.feedback, "forward", "Next case")
        return {self._desk.head: head(task) + told, self._desk.form: vote.vote("kept", task.key)}

    def _refused(self, task: Task, why: str) -> Update:
        return {self._desk.form: vote.vote("open", task.key, ask=task.ask, wrong=why)}

    def close_study(self, chair: Chair) -> Update:
        """The leader ends the study."""
        who = chair.who
        if who is None or who.role != "leader":
            return {self._desk.door: door(who)}
        try:
            self._results().studies.set_status(who.study, "closed")
        except UserError as problem:
            return {self._desk.door: door(who, str(problem))}
        return {self._desk.door: door(who)}

    def _case(self, chair: Chair) -> Update:
        task = chair.task
        assert task is not None
        columns = [Column("left", task.shown[0].text), Column("right", task.shown[1].text)]
        return {
            self._desk.room: gr.update(visible=True),
            self._desk.head: head(task),
            self._desk.scan: self._seen(chair),
            self._desk.pair: exchange(task.case.question, columns),
            self._desk.form: vote.vote("open", task.key, ask=task.ask),
        }

    def _words(self, said: str) -> Update:
        """Something to read instead of a case."""
        return {
            self._desk.room: gr.update(visible=True),
            self._desk.head: said,
            self._desk.scan: {"scans": []},
            self._desk.pair: "",
            self._desk.form: vote.vote("closed"),
        }

    def _shut(self) -> Update:
        return self._words("") | {self._desk.room: gr.update(visible=False)}

    def _seen(self, chair: Chair) -> dict[str, Any]:
        shown = shown_to(chair, chair.scan)
        if shown["scans"] and chair.task is not None and chair.task.case.slice is not None:
            shown["scans"][0]["start"] = chair.task.case.slice
        return shown
