"""Who is answered next: one at a time, in the order of asking."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from medvlm.errors import UserError
from medvlm.types import Report


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
        self._out: SimpleQueue[str | Report | BaseException] = SimpleQueue()

    def go_on(self) -> bool:
        """Whether anybody still wants the answer (nobody does at the program's end); asked before every token."""
        return not self.stop.is_set() and threading.main_thread().is_alive()

    def put(self, piece: str) -> None:
        if piece:
            self._out.put(piece)

    def end(self, last: Report | BaseException) -> None:
        self._out.put(last)

    def get(self, seconds: float | None = None) -> str | Report | BaseException:
        """The next thing written; raises queue.Empty after `seconds` (None: wait for ever)."""
        return self._out.get(timeout=seconds)

    def empty(self) -> bool:
        return self._out.empty()


# Writes pieces into the channel and ends it with a report. What it returns is done after the next in line has gone on.
Work = Callable[[Channel], Callable[[], None] | None]


class Answer:
    """One answer as it is made by a worker thread of its own, whole in that thread; any thread may read it.

    Nothing bound to a thread crosses to the reader: readers that are resumed on other threads are safe. Closing the
    answer, or dropping it unread, stops the worker within one token and lets the next in line go.
    """

    def __init__(self, line: Line, work: Work) -> None:
        self._line = line
        self._ticket = line.join()
        self._channel = Channel()
        self._ready: str | None = None
        self._ended = False
        self._report: Report | None = None
        # The worker knows the channel, not this object, so that dropping the answer is noticed.
        self._gone = weakref.finalize(self, _stop, self._channel, line)
        self._gone.atexit = False
        # Not a daemon: a thread that is cut off inside a computation takes the whole process down with it.
        threading.Thread(target=_work, args=(self._channel, line, self._ticket, work), name="answer").start()

    @property
    def ahead(self) -> int:
        """How many are answered before this one; 0 once it is being answered."""
        return self._line.ahead(self._ticket)

    @property
    def report(self) -> Report | None:
        """What the answer cost; None until it has ended."""
        while self._report is None and not self._ended and self._ready is None and self._stopped_and_written():
            self._take(None)
        return self._report

    def wait(self, seconds: float) -> bool:
        """Wait until the next piece (or the end) is there, at most so long; whether it is."""
        if self._ready is None and not self._ended:
            try:
                self._take(seconds)
            except Empty:
                return False
        return True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._ready is None and not self._ended and self._channel.go_on():
            self._take(None)
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

    def _stopped_and_written(self) -> bool:
        return self._channel.stop.is_set() and not self._channel.empty()

    def _take(self, seconds: float | None) -> None:
        got = self._channel.get(seconds)
        if isinstance(got, str):
            self._ready = None if self._channel.stop.is_set() else got
            return
        self._ended = True
        if isinstance(got, Report):
            self._report = got
        elif not self._channel.stop.is_set():
            raise got


def _stop(channel: Channel, line: Line) -> None:
    channel.stop.set()
    line.nudge()


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
