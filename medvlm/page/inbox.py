"""Uploads on their way in: all files of a drop in pieces, in memory only, under a ticket that nobody can guess."""

import io
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medvlm.errors import UserError
from medvlm.page.memory import free_memory

# A browser that went away leaves its pieces behind; nobody waits this long between two of them.
SECONDS = 60.0
MOST_FILES = 10_000
# The bytes as they come, and at least as many again once they are decoded; without room everybody's page ends.
_SPACE = 2
INTERRUPTED = "The upload was interrupted. Choose the files again."


@dataclass(slots=True)
class Parcel:
    """The files of one drop as far as they have come. `current` is the one whose bytes come next."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    touched: float
    buffers: tuple[io.BytesIO, ...]
    came: int = 0
    current: int = 0

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def add(self, piece: bytes) -> None:
        """The next bytes, which may end one file and begin others."""
        rest = memoryview(piece)
        while rest:
            room = self.sizes[self.current] - self.buffers[self.current].tell()
            if not room:
                self.current += 1
                continue
            self.buffers[self.current].write(rest[:room])
            rest = rest[room:]
        self.came += len(piece)


class Inbox:
    """Takes drops in pieces and hands each out once. No byte of them is written to a disk."""

    def __init__(
        self,
        largest: int,
        total: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] = free_memory,
    ) -> None:
        """`largest`: bytes of one drop; `total`: of all drops that are on their way at once (default: two).

        `free`: bytes of memory that the machine can still give.
        """
        self._largest = largest
        self._total = total or 2 * largest
        self._clock = clock
        self._free = free
        self._lock = threading.Lock()
        self._parcels: dict[str, Parcel] = {}

    def open(self, files: Sequence[tuple[str, int]]) -> str:
        """A ticket for files, (name, bytes) each; raises `UserError` where they are too many or too large together."""
        names, sizes = tuple(name for name, _ in files), tuple(size for _, size in files)
        self._check(names, sizes)
        with self._lock:
            self._forget_abandoned()
            if sum(parcel.size for parcel in self._parcels.values()) + sum(sizes) > self._total:
                raise UserError("Too many files are being uploaded at this moment. Try again in a minute.")
            ticket = secrets.token_urlsafe(24)
            self._parcels[ticket] = Parcel(names, sizes, self._clock(), tuple(io.BytesIO() for _ in sizes))
            return ticket

    def add(self, ticket: str, piece: bytes) -> int:
        """Append a piece; how many bytes are there now. Raises `UserError` for an unknown ticket or too many bytes."""
        with self._lock:
            parcel = self._parcels.get(ticket)
            if parcel is None:
                raise UserError(INTERRUPTED)
            if parcel.came + len(piece) > parcel.size:
                del self._parcels[ticket]
                raise UserError(f"{_what(parcel.names)} changed while being read. Choose again.")
            parcel.add(piece)
            parcel.touched = self._clock()
            return parcel.came

    def take(self, ticket: str) -> list[tuple[str, bytes]]:
        """The whole files, (name, bytes) each, once. Raises `UserError` when they are not there or not whole."""
        with self._lock:
            parcel = self._parcels.pop(ticket, None)
        if parcel is None or parcel.came != parcel.size:
            raise UserError(INTERRUPTED)
        # A buffer gives its own bytes away without a copy, which a study of 2 GB could not afford.
        return [(name, buffer.getvalue()) for name, buffer in zip(parcel.names, parcel.buffers, strict=True)]

    def forget(self, ticket: str) -> None:
        """What has come under that ticket goes, whole or not."""
        with self._lock:
            self._parcels.pop(ticket, None)

    def sweep(self) -> None:
        """Forget what was left on its way; to be called now and then, for nobody else may open a ticket for long."""
        with self._lock:
            self._forget_abandoned()

    def __len__(self) -> int:
        with self._lock:
            return len(self._parcels)

    def _check(self, names: Sequence[str], sizes: Sequence[int]) -> None:
        if not names:
            raise UserError("There is no file in what was dropped. Choose the files of a study, or its folder.")
        if len(names) > MOST_FILES:
            raise UserError(f"There are {len(names):,} files; at most {MOST_FILES:,} are read. Choose one study.")
        if min(sizes) < 0 or sum(sizes) > self._largest:
            raise UserError(
                f"{_what(names)} has {sum(sizes) / 1e6:,.0f} MB; at most {self._largest / 1e6:,.0f} MB are read. "
                "Choose fewer series, or a smaller picture."
            )
        needed, free = _SPACE * sum(sizes), self._free()
        if needed > free:
            raise UserError(
                f"{_what(names)} needs about {needed / 1e6:,.0f} MB of memory to be opened, and this machine has "
                f"{free / 1e6:,.0f} MB free. Forget what is open, or choose fewer series."
            )

    def _forget_abandoned(self) -> None:
        oldest = self._clock() - SECONDS
        self._parcels = {ticket: parcel for ticket, parcel in self._parcels.items() if parcel.touched > oldest}


def _what(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"This drop of {len(names):,} files"
