"""One person's sitting at the page: the conversation, the picture they look at, and what each answer was made with."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from medvlm.errors import UserError
from medvlm.types import Arm, Conversation, Decoding, Domain, Report, Scan, View

MOST_SCANS = 8
GREEDY = Decoding()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the settings drawer holds. `system` None is the built-in prompt."""

    arm: Arm = "tuned"
    decoding: Decoding = GREEDY
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of one answer beside its text: the picture it is about, and how it was drawn."""

    view: View | None
    model: str
    arm: Arm
    decoding: Decoding
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A frozen state of the page for one person; every step returns a new one.

    `shown`: the picture on the left, or None before the first. `made`: one for each answer, in order.
    """

    conversation: Conversation = field(default_factory=Conversation)
    shown: View | None = None
    made: tuple[Made, ...] = ()

    @property
    def scan(self) -> Scan | None:
        """The scan on the left."""
        return self.conversation.scans[self.shown.scan] if self.shown else None

    @property
    def question(self) -> str | None:
        """The last question, answered or not."""
        asked = [turn.text for turn in self.conversation.turns if turn.role == "user"]
        return asked[-1] if asked else None

    def check_room(self) -> None:
        """Raises `UserError` where another picture would be one too many."""
        if len(self.conversation.scans) >= MOST_SCANS:
            raise UserError(f"This conversation already has {MOST_SCANS} pictures; start a new one for the next.")

    def with_scan(self, scan: Scan) -> "Session":
        """The scan added and shown. Raises `UserError` as `check_room` does."""
        self.check_room()
        conversation = self.conversation.with_scan(scan)
        return replace(self, conversation=conversation, shown=View(len(conversation.scans) - 1))

    def showing(self, view: View) -> "Session":
        """Another scan or slice on the left; raises `UserError` for one that is not there."""
        scans = self.conversation.scans
        if not (0 <= view.scan < len(scans) and 0 <= view.slice < len(scans[view.scan].slices)):
            raise UserError("That picture is no longer in this conversation; choose one of the pictures shown.")
        return replace(self, shown=view)

    def as_domain(self, scan: int, domain: Domain, guess: bool = False) -> "Session":
        """What kind of picture it is; a guess never overrules the file or the person."""
        scans = list(self.conversation.scans)
        if not 0 <= scan < len(scans) or (guess and scans[scan].domain_source != "unknown"):
            return self
        scans[scan] = scans[scan].as_domain(domain, "guess" if guess else "user")
        return replace(self, conversation=replace(self.conversation, scans=tuple(scans)))

    def asked(self, question: str, system: str | None) -> "Session":
        """The question about the picture shown, which comes along unless the last one that came along is the same."""
        sent = [view for turn in self.conversation.turns for view in turn.views]
        new = (self.shown,) if self.shown and (not sent or sent[-1] != self.shown) else ()
        conversation = replace(self.conversation, system=system).asked(question, new)
        return replace(self, conversation=conversation)

    def answered(self, text: str, made: Made) -> "Session":
        return replace(self, conversation=self.conversation.answered(text), made=(*self.made, made))

    def without_last(self) -> "Session":
        """Before the last question: it and its answer, if there is one, are gone."""
        turns = self.conversation.turns
        answered = bool(turns) and turns[-1].role == "assistant"
        keep = max(0, len(turns) - (2 if answered else 1))
        return replace(self, conversation=self.conversation.up_to(keep), made=self.made[: keep // 2])

    def about(self, view: View | None) -> str:
        """Words for a picture: "slice 12 of 40", "picture 2 of 3" where there are several, or what the only one is."""
        if view is None:
            return ""
        scans = self.conversation.scans
        scan = scans[view.scan]
        which = f"picture {view.scan + 1} of {len(scans)}" if len(scans) > 1 else ""
        part = f"slice {view.slice + 1} of {len(scan.slices)}" if len(scan.slices) > 1 else ""
        return ", ".join(filter(None, (which, part))) or scan.name


class Seat:
    """Where one person's session changes, from whichever thread; it also holds what can be stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session = Session()
        self._stop: Callable[[], None] | None = None
        self._aside: Callable[[], None] | None = None

    def __deepcopy__(self, _: object) -> "Seat":
        # Whoever copies a seat wants one of their own: nobody ever gets another person's scans.
        return Seat()

    @property
    def session(self) -> Session:
        return self._session

    @property
    def busy(self) -> bool:
        return self._stop is not None

    def change(self, step: Callable[[Session], Session]) -> Session:
        """Apply one step; other threads see the session before or after it."""
        with self._lock:
            self._session = step(self._session)
            return self._session

    def begin(self, stop: Callable[[], None]) -> None:
        """An answer begins; raises `UserError` while another one is being written."""
        with self._lock:
            if self._stop is not None:
                raise UserError("An answer is still being written; stop it or wait for its end, then ask.")
            self._stop, aside, self._aside = stop, self._aside, None
        if aside is not None:
            aside()

    def meanwhile(self, stop: Callable[[], None] | None) -> None:
        """Work that gives way as soon as a question is asked; None when it has ended."""
        with self._lock:
            self._aside = stop

    def stoppable(self, stop: Callable[[], None]) -> None:
        """From now on, this is how to stop the answer that has begun."""
        with self._lock:
            self._stop = stop

    def end(self) -> None:
        with self._lock:
            self._stop = None

    def stop(self) -> bool:
        """Stop what is being written; whether there was anything."""
        with self._lock:
            stop = self._stop
        if stop is not None:
            stop()
        return stop is not None
