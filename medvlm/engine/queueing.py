"""Who is answered next: one at a time, in the order of asking."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from medvlm.errors import UserError
from medvlm.types import Report

Piece = TypeVar("Piece")


class Ticket:
    """A place in the line. It is compared by identity and says nothing of who holds it."""


class Line:
    """A fair lock for threads: first come, first served, with a limit on those who wait."""

    def __init__(self, limit: int = 32) -> None:
        self._limit = limit
        self._order: deque[Ticket] = deque()
        self._changed = threading.Condition()

    def join(self) -> Ticket:
        """A place at the end of the line; raises UserError when `limit` others already wait."""
        with self._changed:
            if len(self._order) > self._limit:
                raise UserError(f"{self._limit} questions are already waiting for the model. Ask again in a minute.")
            ticket = Ticket()
            self._order.append(ticket)
            return ticket

    def ahead(self, ticket: Ticket) -> int:
        """How many come before the ticket, the one being answered included; 0 when it is served or has left."""
        with self._changed:
            return self._order.index(ticket) if ticket in self._order else 0

    def __len__(self) -> int:
        """All who are in the line, the one being answered included."""
        with self._changed:
            return len(self._order)

    def leave(self, ticket: Ticket) -> None:
        """Give the place up; whoever is next is served. Leaving twice does nothing."""
        with self._changed:
            if ticket in self._order:
                self._order.remove(ticket)
                self._changed.notify_all()

    def wait(self, ticket: Ticket, stop: threading.Event) -> bool:
        """Wait for one's turn; False when `stop` was set first (look again after `nudge`)."""
        with self._changed:
            self._changed.wait_for(lambda: stop.is_set() or self._order[0] is ticket)
            return not stop.is_set()

    def nudge(self) -> None:
        """Make those who wait look at their stop signs."""
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Join, wait, and leave at the end: for work that nobody stops."""
        ticket = self.join()
        try:
            self.wait(ticket, threading.Event())
            yield
        finally:
            self.leave(ticket)


class Channel:
    """What a worker writes and a reader reads; the reader may say stop at any time."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.done = threading.Event()
        self._out: SimpleQueue[Any] = SimpleQueue()

    def go_on(self) -> bool:
        """Whether anybody still wants the answer (nobody does at the program's end); asked before every token."""
        return not self.stop.is_set() and threading.main_thread().is_alive()

    def put(self, piece: object) -> None:
        if piece:
            self._out.put(piece)

    def end(self, last: Report | BaseException) -> None:
        self._out.put(last)

    def get(self, seconds: float | None = None) -> Any:
        """The next thing written; raises queue.Empty after `seconds` (None: wait for ever)."""
        return self._out.get(timeout=seconds)

    def empty(self) -> bool:
        return self._out.empty()


# Writes pieces into the channel and ends it with a report. What it returns is done after the next in line has gone on.
Work = Callable[[Channel], Callable[[], None] | None]


class Pieces(Generic[Piece]):
    """Pieces as they are made by a worker thread of its own, whole in that thread; any thread may read them.

    Nothing bound to a thread crosses to the reader: readers that are resumed on other threads are safe. Closing it, or
    dropping it unread, stops the worker within one token and lets the next in line go.
    """

    def __init__(self, line: Line, work: Work, stopping: Callable[[], None] = lambda: None) -> None:
        """`stopping` is called when nobody wants more, in the thread of who says so."""
        self._line = line
        self._ticket = line.join()
        self._channel = Channel()
        self._ready: Piece | None = None
        self._ended = False
        # The worker knows the channel, not this object, so that dropping it is noticed.
        self._gone = weakref.finalize(self, _stop, self._channel, line, stopping)
        self._gone.atexit = False
        # Not a daemon: a thread that is cut off inside a computation takes the whole process down with it.
        threading.Thread(target=_work, args=(self._channel, line, self._ticket, work), name="answer").start()

    @property
    def ahead(self) -> int:
        """How many are answered before this one; 0 once it is being answered."""
        return self._line.ahead(self._ticket)

    def wait(self, seconds: float) -> bool:
        """Wait until the next piece (or the end) is there, at most so long; whether it is."""
        try:
            self._take_until_ready(seconds)
        except Empty:
            return False
        return True

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        if self._channel.go_on():
            self._take_until_ready(None)
        if self._ready is None:
            raise StopIteration
        piece, self._ready = self._ready, None
        return piece

    def close(self) -> None:
        """Stop the work; returns at once. The report follows when the worker has stopped."""
        self._gone()
        self._ready = None

    def join(self, seconds: float) -> None:
        """Wait for the work to have stopped and the next in line to be let go, at most so long."""
        self._channel.done.wait(seconds)

    def _note(self, got: Any) -> Piece | None:
        """A piece out of what the worker wrote; whatever else it is, is noted, and `_ended` set when it is the last."""
        raise NotImplementedError

    def _take_until_ready(self, seconds: float | None) -> None:
        while self._ready is None and not self._ended:
            self._take(seconds)
            if self._channel.stop.is_set():
                return

    def _take_what_is_left(self) -> None:
        """Read to the end what a stopped worker has written: its report is there."""
        while not self._ended and self._ready is None and self._channel.stop.is_set() and not self._channel.empty():
            self._take(None)

    def _take(self, seconds: float | None) -> None:
        got = self._channel.get(seconds)
        if isinstance(got, BaseException):
            self._ended = True
            if not self._channel.stop.is_set():
                raise got
            return
        piece = self._note(got)
        self._ready = None if self._channel.stop.is_set() else piece


class Answer(Pieces[str]):
    """One answer as it is made."""

    def __init__(self, line: Line, work: Work) -> None:
        self._report: Report | None = None
        super().__init__(line, work)

    @property
    def report(self) -> Report | None:
        """What the answer cost; None until it has ended."""
        self._take_what_is_left()
        return self._report

    def _note(self, got: Any) -> str | None:
        if isinstance(got, str):
            return got
        self._report, self._ended = got, True
        return None


class PairAnswer(Pieces[tuple[int, str]]):
    """Two answers as they are made together: the worker writes (side, piece), (side, Report) or (side, UserError).

    It ends when both sides have a report or an error. What failed on one side stands in `errors` and leaves the other
    alone; when both sides failed, reading raises a UserError that says why.
    """

    def __init__(self, line: Line, work: Work, stopping: Callable[[], None] = lambda: None) -> None:
        self._over: list[Report | UserError | None] = [None, None]
        super().__init__(line, work, stopping)

    @property
    def reports(self) -> tuple[Report | None, Report | None]:
        """What each answer cost; None for one that has not ended, or failed."""
        self._take_what_is_left()
        left, right = (over if isinstance(over, Report) else None for over in self._over)
        return left, right

    @property
    def errors(self) -> tuple[str | None, str | None]:
        """What went wrong with one side, a sentence for the page."""
        self._take_what_is_left()
        left, right = (str(over) if isinstance(over, UserError) else None for over in self._over)
        return left, right

    def _note(self, got: Any) -> tuple[int, str] | None:
        if isinstance(got, Report):  # Neither was begun.
            self._over, self._ended = [over or got for over in self._over], True
            return None
        side, said = got
        if isinstance(said, str):
            return side, said
        self._over[side] = said
        self._ended = None not in self._over
        if all(isinstance(over, UserError) for over in self._over) and not self._channel.stop.is_set():
            raise UserError(" ".join(dict.fromkeys(str(over) for over in self._over)))
        return None


def _stop(channel: Channel, line: Line, stopping: Callable[[], None]) -> None:
    channel.stop.set()
    line.nudge()
    stopping()


def _work(channel: Channel, line: Line, ticket: Ticket, work: Work) -> None:
    afterwards = None
    try:
        if line.wait(ticket, channel.stop):
            afterwards = work(channel)
        else:
            channel.end(Report(0, 0, 0, 0.0, 0.0, "stopped"))
    except BaseException as error:
        channel.end(error)
    finally:
        line.leave(ticket)
        channel.done.set()
    if afterwards is not None:
        afterwards()
