"""Where one person's answers are written and their session changes, from whichever thread."""

import threading
from collections.abc import Callable

from medvlm.errors import UserError
from medvlm.page.handout import Handout, Holder
from medvlm.page.session import Session


class Place:
    """Where answers are written for one person, one question at a time, and how to stop them from any thread.

    `occupied`: what is said to whoever asks while others are being written.
    """

    occupied = "An answer is still being written; stop it or wait for its end, then ask."

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        return self._stop is not None

    def begin(self, stop: Callable[[], None]) -> None:
        """Answers begin; raises `UserError` while others are being written."""
        with self._lock:
            if self._stop is not None:
                raise UserError(self.occupied)
            self._stop = stop

    def stoppable(self, stop: Callable[[], None]) -> None:
        """From now on, this is how to stop what has begun."""
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


class Seat(Place):
    """Where one person's session changes, from whichever thread; it also holds what can be stopped.

    `holder`: what this person's page may fetch.
    """

    def __init__(self, holder: Holder | None = None) -> None:
        super().__init__()
        self.holder = holder or Handout().holder()
        self._session = Session()
        self._aside: Callable[[], None] | None = None
        # Told whenever somebody does something here.
        self.used: Callable[[], None] = _nothing

    def __deepcopy__(self, memo: object) -> "Seat":
        # Whoever copies a seat wants one of their own: nobody ever gets another person's scans.
        return Seat(self.holder.__deepcopy__(memo))

    @property
    def session(self) -> Session:
        return self._session

    def change(self, step: Callable[[Session], Session]) -> Session:
        """Apply one step; other threads see the session before or after it."""
        with self._lock:
            self._session = session = step(self._session)
        self.used()
        return session

    def forget(self) -> Session:
        """Stop whatever goes on and let everything go; the session that was held until now. This is no use."""
        self.stop()
        with self._lock:
            session, self._session = self._session, Session()
        self._give_way()
        self.holder.keep()
        return session

    def begin(self, stop: Callable[[], None]) -> None:
        """An answer begins, and what was done meanwhile gives way; raises `UserError` while another is written."""
        super().begin(stop)
        self.used()
        self._give_way()

    def meanwhile(self, stop: Callable[[], None] | None) -> None:
        """Work that gives way as soon as a question is asked; None when it has ended."""
        with self._lock:
            self._aside = stop

    def _give_way(self) -> None:
        with self._lock:
            aside, self._aside = self._aside, None
        if aside is not None:
            aside()


def _nothing() -> None:
    """Nobody keeps count."""
