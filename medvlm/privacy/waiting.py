"""What waits at the gate for an answer: in memory, each under a ticket that only its own page was given."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from medvlm.errors import UserError
from medvlm.privacy.gate import LEFT_OUT, Asked, Choice

# Nobody thinks longer about a picture than this; what waits holds the bytes of files as they came.
SECONDS = 600.0
MOST = 32
TOO_LATE = "The question was answered already, or too long ago. Add the picture again."
# What is done again once there is an answer, such as opening the drop.
Again = Callable[[], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class _Held:
    asked: Asked
    again: Again
    since: float
    whose: object


class Waiting:
    """Keeps what was asked until it is answered, once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        with self._lock:
            self._forget_old()
            return len(self._held)

    def hold(self, asked: Asked, again: Again, whose: object = None) -> str:
        """The ticket under which the answer comes. `whose`: who is asked, so that it can be forgotten with them."""
        with self._lock:
            self._forget_old()
            while len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
            ticket = secrets.token_urlsafe(24)
            self._held[ticket] = _Held(asked, again, self._clock(), whose)
            return ticket

    def answer(self, ticket: str, choice: object) -> Iterator[Any]:
        """Do it again with the answer. Raises `UserError` for an unknown ticket or choice, and where it is left out."""
        with self._lock:
            self._forget_old()
            held = self._held.pop(ticket, None)
        if held is None or choice not in held.asked.ruling.choices:
            raise UserError(TOO_LATE)
        chosen = next(one for one in get_args(Choice) if one == choice)
        if chosen == "block":
            raise UserError(LEFT_OUT)
        held.asked.admission.choice = chosen
        return held.again()

    def forget(self, ticket: str) -> None:
        """Nobody will answer."""
        with self._lock:
            self._held.pop(ticket, None)

    def leave(self, whose: object) -> None:
        """Everything that waits for that person goes."""
        with self._lock:
            self._held = {ticket: held for ticket, held in self._held.items() if held.whose is not whose}

    def sweep(self) -> None:
        """Forget what nobody answered; to be called now and then."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        oldest = self._clock() - SECONDS
        self._held = {ticket: held for ticket, held in self._held.items() if held.since > oldest}
