"""Where one reader's comparison changes, from whichever thread; it also holds what can be stopped."""

import threading

from medvlm.compare.comparison import Comparison
from medvlm.page.seat import Place

BUSY = "Two answers are still being written; stop them or wait for their end."


class Booth(Place):
    """One reader's place. `blinded`: whether the next case hides the names; `voting`: held while a vote is kept."""

    occupied = BUSY

    def __init__(self) -> None:
        super().__init__()
        self._now: Comparison | None = None
        self.voting = threading.Lock()
        self.blinded = True

    def __deepcopy__(self, _: object) -> "Booth":
        # Whoever copies a booth wants one of their own: nobody ever gets another reader's case.
        return Booth()

    @property
    def now(self) -> Comparison | None:
        return self._now

    def put(self, now: Comparison | None, instead_of: Comparison | None) -> bool:
        """The next state, unless another thread has gone on from `instead_of` meanwhile; whether it was put there."""
        with self._lock:
            fits = self._now is instead_of
            if fits:
                self._now = now
            return fits
