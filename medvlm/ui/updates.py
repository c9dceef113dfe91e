"""The parts of the page, and their new values for a session: handlers say which parts have changed."""

from dataclasses import dataclass
from typing import Any

from medvlm.page.desk import Moment
from medvlm.page.seat import Seat
from medvlm.page.session import Session
from medvlm.types import Scan
from medvlm.ui.frame import Frame
from medvlm.ui.picture import Doing, notes, picture, pixels_seen
from medvlm.ui.transcript import transcript
from medvlm.ui.viewer import seen

# New values for some parts of the page; the others stay as they are.
Update = dict[Any, Any]
PAIR = ("Left", "Right")


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of the tab; Gradio's classes carry no types that mypy could follow."""

    frame: Frame
    viewer: Any
    gate: Any
    scan: Any
    notes: Any
    saw: Any
    talk: Any
    trust: Any
    composer: Any
    seen: Any

    @property
    def seat(self) -> Any:
        return self.frame.seat

    @property
    def screen(self) -> list[Any]:
        """What a step may change."""
        return [self.viewer, self.gate, self.scan, self.notes, self.talk, self.composer]

    @property
    def whole(self) -> list[Any]:
        """What a step may change after which nothing is there any more."""
        return [*self.screen, self.saw, self.trust, self.seen]


@dataclass(frozen=True, slots=True)
class Updates:
    """One method for each thing that can have changed."""

    parts: Parts
    largest_mb: int

    def opened(self, seat: Seat, first: Scan | None = None) -> Update:
        """Other pictures on the screen; the conversation too, unless an answer is being written there."""
        session = seat.session
        return self.picture(session) | self.scan(seat, first) | ({} if seat.busy else self.talk(seat))

    def emptied(self, seat: Seat) -> Update:
        """Nothing is there any more."""
        nothing = {self.parts.gate: "", self.parts.saw: "", self.parts.trust: "", self.parts.seen: pixels_seen(())}
        return self.opened(seat) | nothing

    def seen(self, session: Session, answer: int) -> Update:
        """The pixels that the model got for that answer (from 0)."""
        made = session.made[answer] if 0 <= answer < len(session.made) else None
        return {self.parts.seen: pixels_seen(made.saw if made else ())}

    def picture(self, session: Session, wrong: str = "", doing: Doing | None = None) -> Update:
        """Above and below the viewer."""
        return {self.parts.viewer: picture(session, self.largest_mb, wrong, doing), self.parts.notes: notes(session)}

    def scan(self, seat: Seat, first: Scan | None = None) -> Update:
        """In the viewer; `first`, of a drop that is being read, is there until there is something else."""
        session = seat.session
        labels = PAIR if len(session.panes) > 1 else ()
        held = session.open_scans if first is None else (*session.open_scans, first)
        return {self.parts.scan: seen(seat.holder, session.on_screen, labels, held)}

    def first(self, seat: Seat, scan: Scan) -> Update:
        """A picture to look at while the rest of a drop is read."""
        return {self.parts.scan: seen(seat.holder, [scan], (), seat.session.open_scans)}

    def talk(self, seat: Seat, moment: Moment | None = None) -> Update:
        return {self.parts.talk: transcript(seat.session, moment)}
