"""Uploads on their way in: pieces of files, in memory only, each under a ticket that nobody can guess."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from medvlm.errors import UserError

# A browser that went away leaves its pieces behind; nobody waits this long between two of them.
SECONDS = 60.0


@dataclass(slots=True)
class Parcel:
    """One file as far as it has come."""

    name: str
    size: int
    touched: float
    data: bytearray = field(default_factory=bytearray)


class Inbox:
    """Takes files in pieces and hands each out once. No byte of them is written to a disk."""

    def __init__(self, largest: int, total: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`largest`: bytes of one file; `total`: of all files that are on their way at once (default: four)."""
        self._largest = largest
        self._total = total or 4 * largest
        self._clock = clock
        self._lock = threading.Lock()
        self._parcels: dict[str, Parcel] = {}

    def open(self, name: str, size: int) -> str:
        """A ticket for a file of `size` bytes; raises `UserError` for one too large or when too much is coming in."""
        if not 0 <= size <= self._largest:
            raise UserError(
                f"{name} has {size / 1e6:,.0f} MB; at most {self._largest / 1e6:,.0f} MB are read. "
                "Export fewer slices or a smaller picture."
            )
        with self._lock:
            self._forget_abandoned()
            if sum(parcel.size for parcel in self._parcels.values()) + size > self._total:
                raise UserError("Too many files are being uploaded at this moment. Try again in a minute.")
            ticket = secrets.token_urlsafe(24)
            self._parcels[ticket] = Parcel(name, size, self._clock())
            return ticket

    def add(self, ticket: str, piece: bytes) -> int:
        """Append a piece; how many bytes are there now. Raises `UserError` for an unknown ticket or too many bytes."""
        with self._lock:
            parcel = self._parcels.get(ticket)
            if parcel is None:
                raise UserError("The upload was interrupted. Choose the file again.")
            if len(parcel.data) + len(piece) > parcel.size:
                del self._parcels[ticket]
                raise UserError(f"{parcel.name} changed while it was read. Choose it again.")
            parcel.data += piece
            parcel.touched = self._clock()
            return len(parcel.data)

    def take(self, ticket: str) -> tuple[bytes, str]:
        """The whole file and its name, once. Raises `UserError` when it is not there or not whole."""
        with self._lock:
            parcel = self._parcels.pop(ticket, None)
        if parcel is None or len(parcel.data) != parcel.size:
            raise UserError("The upload was interrupted. Choose the file again.")
        return bytes(parcel.data), parcel.name

    def __len__(self) -> int:
        with self._lock:
            return len(self._parcels)

    def _forget_abandoned(self) -> None:
        oldest = self._clock() - SECONDS
        self._parcels = {ticket: parcel for ticket, parcel in self._parcels.items() if parcel.touched > oldest}
