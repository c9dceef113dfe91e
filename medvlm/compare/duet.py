"""Two answers as they are written, at one pace: what a reader may see of them at each moment, then both whole."""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from medvlm.compare.pacing import Pace, count, first_words
from medvlm.errors import UserError
from medvlm.types import PairStream, Report

# How often somebody who waits is told how things stand, and words in print at most.
TICK, FRAME = 0.25, 0.05

Texts = tuple[str, str]
Reports = tuple[Report | None, Report | None]
# What may be seen of an answer so far, by its text and whether it is whole.
Shown = Callable[[str, bool], str]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What may be seen of both so far; nothing until both have begun."""

    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class _News:
    """One piece, or the end (`side` None), and how things stand with it."""

    side: int | None
    piece: str
    reports: Reports
    error: BaseException | None = None


class Relay:
    """Reads a pair's stream in a thread of its own, so that whoever waits for the next piece can also do other things.

    The thread ends with the stream. `close` stops the stream, from any thread.
    """

    def __init__(self, stream: PairStream) -> None:
        self._stream = stream
        self._out: SimpleQueue[_News] = SimpleQueue()
        self._done = threading.Event()
        threading.Thread(target=self._run, name="relay").start()

    def get(self, seconds: float) -> _News | None:
        """The next news; None when there was none for so long."""
        try:
            return self._out.get(timeout=seconds)
        except Empty:
            return None

    def close(self) -> None:
        """Stop the answers; returns at once."""
        self._stream.close()

    def join(self, seconds: float) -> None:
        """Wait for the answers to have stopped, at most so long."""
        self._done.wait(seconds)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for side, piece in self._stream:
                self._out.put(_News(side, piece, self._stream.reports))
                self._check()
            self._check()
        except BaseException as problem:
            error = problem
        finally:
            self._out.put(_News(None, "", self._stream.reports, error))
            self._done.set()

    def _check(self) -> None:
        """One answer alone cannot be compared: where one side fails, the other need not go on."""
        wrong = next(filter(None, self._stream.errors), None)
        if wrong is not None:
            self._stream.close()
            raise UserError(wrong)


def written(
    relay: Relay, shown: Shown, stopped: threading.Event, clock: Callable[[], float] = time.monotonic
) -> Generator[Glimpse, None, tuple[Texts, Reports]]:
    """What may be seen, moment by moment; returns both texts and reports. Raises what a model raised.

    A reader that goes away stops both. Once both are whole, `stopped` only means: show the rest at once.
    """
    texts, over = ["", ""], False
    reports: Reports = (None, None)
    pace, last, drawn = Pace(), Glimpse(), clock()
    try:
        while True:
            news = None if over else relay.get(FRAME)
            if over:
                time.sleep(FRAME)
            if news is not None:
                over = news.side is None
                reports = news.reports
                if news.error is not None:
                    raise news.error
                if news.side is not None:
                    texts[news.side] += news.piece
                    if clock() - drawn < FRAME:
                        continue
            ended = [over or report is not None for report in reports]
            seen = [shown(text, whole) for text, whole in zip(texts, ended, strict=True)]
            words = pace.words([count(text) for text in seen], ended, clock())
            now = Glimpse(*(first_words(text, words) for text in seen))
            if over and (stopped.is_set() or (now.left, now.right) == (seen[0], seen[1])):
                return (texts[0].strip(), texts[1].strip()), reports
            if now != last or clock() - drawn > TICK:
                yield now
                last, drawn = now, clock()
    finally:
        relay.close()
