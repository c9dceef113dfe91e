"""Who holds something here, and when it is forgotten: on request, when idle, soon after leaving, and at exit."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from medvlm.page.retention import Line, Place, minutes, receipt
from medvlm.page.seat import Seat

log = logging.getLogger(__name__)

# A page that is reloaded comes back within seconds; one that was closed does not come back.
CLOSED_SECONDS = 60.0
_SWEEP_SECONDS = 15.0
MOST = 200


@dataclass(slots=True)
class _Held:
    due: float
    forget: Callable[[], None]


class Keeper:
    """Who holds something here, and when it is forgotten: after `idle_seconds` without use, or soon after leaving."""

    def __init__(
        self,
        idle_seconds: float,
        closed_seconds: float = CLOSED_SECONDS,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle_seconds = idle_seconds
        self.closed_seconds = closed_seconds
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._ended = threading.Event()
        # Whatever else has to be forgotten after a while; done with every sweep.
        self.chores: list[Callable[[], object]] = []

    def __len__(self) -> int:
        with self._lock:
            return len(self._held)

    def touch(self, key: str, forget: Callable[[], None]) -> None:
        """Somebody did something: `forget` is called when they have done nothing more for long enough.

        Beyond `most` holders, the one unused for longest is forgotten.
        """
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = _Held(self._clock() + self.idle_seconds, forget)
            oldest = next(iter(self._held)) if len(self._held) > self._most else None
        if oldest is not None:
            self.forget(oldest)

    def left(self, key: str) -> None:
        """The page was closed; it is forgotten soon unless it comes back."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                held.due = min(held.due, self._clock() + self.closed_seconds)

    def seconds_left(self, key: str) -> float | None:
        """Until it is forgotten; None where nothing is held."""
        with self._lock:
            held = self._held.get(key)
        return None if held is None else max(0.0, held.due - self._clock())

    def forget(self, key: str) -> bool:
        """Forget at once; whether anything was held."""
        with self._lock:
            held = self._held.pop(key, None)
        if held is not None:
            held.forget()
        return held is not None

    def forget_everybody(self) -> int:
        """At the end of the process; how many there were."""
        with self._lock:
            keys = list(self._held)
        return sum(self.forget(key) for key in keys)

    def sweep(self) -> int:
        """Forget those whose time has come; how many there were."""
        for chore in self.chores:
            chore()
        with self._lock:
            now = self._clock()
            due = [key for key, held in self._held.items() if held.due <= now]
        return sum(self.forget(key) for key in due)

    def start(self) -> None:
        """Sweep in the background until `stop`."""
        threading.Thread(target=self._run, daemon=True, name="keeper").start()

    def stop(self) -> None:
        self._ended.set()
        self.forget_everybody()

    def __enter__(self) -> "Keeper":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._ended.wait(_SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception as error:
                # One that fails must not keep all others from being forgotten. Its message may repeat what was held.
                log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


class Holding:
    """What is held of each person at the page, under the name of their page's session.

    `also_forgets`: everything that is done to forget somebody, with their seat and that name. `also_holds`: lines of
    the receipt for what other parts of the page hold.
    """

    def __init__(self, keeper: Keeper, place: Place | None = None) -> None:
        self.keeper = keeper
        self.place = place
        self.also_forgets: list[Callable[[Seat, str], object]] = []
        self.also_holds: list[Callable[[Seat], Iterable[Line]]] = []

    @property
    def idle_minutes(self) -> int:
        return round(self.keeper.idle_seconds / 60)

    @property
    def idle_words(self) -> str:
        return minutes(self.idle_minutes)

    def arrive(self, seat: Seat, key: str) -> None:
        """Somebody is at the page: from now on each use is noted."""

        def forget() -> None:
            for one in self.also_forgets:
                one(seat, key)

        seat.used = partial(self.keeper.touch, key, forget)
        seat.used()

    def receipt(self, seat: Seat) -> tuple[Line, ...]:
        """What is held of them now."""
        more = (line for lines in self.also_holds for line in lines(seat))
        return (*receipt(seat.session, self.place, self.idle_minutes), *more)
