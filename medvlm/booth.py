"""Where one reader's comparison changes, from whichever thread; it also holds what can be stopped."""

import threading
from collections.abc import Callable

from medvlm.comparison import Comparison
from medvlm.errors import UserError

BUSY = "Two answers are still being written; stop them or wait for their end."


class Booth:
    """One reader's place. `blinded`: whether the next case hides the names; `voting`: held while a vote is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Comparison | None = None
        self._stop: Callable[[], None] | None = None
        self.voting = threading.Lock()
        self.blinded = True

    def __deepcopy__(self, _: object) -> "Booth":
        # Whoever copies a booth wants one of their own: nobody ever gets another reader's case.
        return Booth()

    @property
    def now(self) -> Comparison | None:
        return self._now

    @property
    def busy(self) -> bool:
        return self._stop is not None

    def put(self, now: Comparison | None, instead_of: Comparison | None) -> bool:
        """The next state, unless another thread has gone on from `instead_of` meanwhile; whether it was put there."""
        with self._lock:
            fits = self._now is instead_of
            if fits:
                self._now = now
            return fits

    def begin(self, stop: Callable[[], None]) -> None:
        """Answers begin; raises `UserError` while others are being written."""
        with self._lock:
            if self._stop is not None:
                raise UserError(BUSY)
            self._stop = stop

    def stoppable(self, stop: Callable[[], None]) -> None:
        """From now on, this is how to stop the answers that have begun."""
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
