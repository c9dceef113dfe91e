"""The files of a study, in memory only: as they were given, or still packed in an archive."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

# Enough of a file for the header of nearly every picture.
HEAD = 1 << 16
_BLOCK = 64  # words of 8 bytes


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One file. `name` may have folders; it is compared and shown in errors, never kept in a scan.

    `load(n)` gives the first n bytes, unpacking no more than it must; `checksum` is the archive's own, if it has one.
    """

    name: str
    size: int
    load: Callable[[int], bytes]
    checksum: int | None = None

    def head(self) -> bytes:
        """The first 64 kB, or all of a smaller file. Raises what `load` raises."""
        return self.load(min(HEAD, self.size))

    def read(self) -> bytes:
        """All bytes. Raises what `load` raises: a `UserError` for a file that cannot be unpacked."""
        return self.load(self.size)


def part_of(name: str, data: bytes) -> Part:
    """A file whose bytes are there; no copy of them is made."""
    return Part(name, len(data), lambda size: data if size >= len(data) else data[:size])


def kept(part: Part) -> Part:
    """The same file, unpacked only once: for each of the many frames that are read from it one by one."""
    lock, whole = Lock(), list[bytes]()

    def load(size: int) -> bytes:
        with lock:
            if not whole:
                whole.append(part.read())
        return whole[0] if size >= part.size else whole[0][:size]

    return replace(part, load=load)


def fingerprint(part: Part, pixels_at: int) -> bytes:
    """What tells a file from every other: the SHA-256 over its header and over the sum of each 512 bytes of its pixels.

    Hashing all bytes of a series takes longer than decoding it. A sum notices any change within its block, and the
    order of the blocks counts. A file in an archive has its checksum already, so that it need not be unpacked for this.
    """
    if part.checksum is not None:
        return f"{part.size} {part.checksum:08x}".encode()
    data = part.read()
    digest = hashlib.sha256(memoryview(data)[:pixels_at])
    end = pixels_at + (len(data) - pixels_at) // (8 * _BLOCK) * (8 * _BLOCK)
    words = np.frombuffer(memoryview(data)[pixels_at:end], dtype="<u8").reshape(-1, _BLOCK)
    digest.update(words.sum(axis=1, dtype=np.uint64))
    digest.update(memoryview(data)[end:])
    return digest.digest()
