"""Hands a scan's numbers out to the one page that opened it, slice by slice, as bytes."""

import hmac
import secrets
import struct
import threading
from weakref import WeakValueDictionary

import numpy as np

from medvlm.errors import UserError
from medvlm.types import Pixels, Scan

# "MVPX", kind, samples, two unused, columns, rows; little-endian. 16 bytes, so that float64 after it is aligned.
_HEADER = struct.Struct("<4sBBxxII")
# Type -> its number in the header; `assets/viewer/pixels.js` has the same order.
_KINDS = ("|u1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8")
# Types that the browser has none of -> the next wider one.
_WIDER = {"|b1": "|u1", "|i1": "<i2", "<f2": "<f4", "<i8": "<f8", "<u8": "<f8"}
KEY_LENGTH = range(24, 129)


class Refused(Exception):
    """Nothing is handed out. It does not say why: whoever guesses must not learn what was nearly right."""


def packed(pixels: Pixels) -> bytes:
    """One slice, (H, W) of any real type or (H, W, 3) uint8, as the page's script reads it (`pixels.js`, `decoded`).

    16 bytes of header, then the numbers row by row, little-endian. 64-bit integers become float64.
    """
    rows, columns = pixels.shape[:2]
    samples = 3 if pixels.ndim == 3 else 1
    kind = pixels.dtype.newbyteorder("<").str.replace("=", "<")
    kind = _WIDER.get(kind, kind)
    head = _HEADER.pack(b"MVPX", _KINDS.index(kind), samples, columns, rows)
    return head + np.ascontiguousarray(pixels, dtype=kind).tobytes()


class Holder:
    """What one session may fetch. It lives as long as the session does, and its tokens with it.

    A token alone is worth nothing: the page must show the key that it made itself and said once (`bind`).
    """

    def __init__(self, handout: "Handout") -> None:
        self._handout = handout
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._scans: dict[str, Scan] = {}

    def __deepcopy__(self, _: object) -> "Holder":
        # Whoever copies a holder wants one of their own: nobody ever gets another person's scans.
        return self._handout.holder()

    def bind(self, key: str) -> None:
        """This session's pixels go to whoever shows `key`, for good. Raises `UserError` for another one later on."""
        if len(key) not in KEY_LENGTH:
            raise UserError(
                f"The page's key has {len(key)} characters; {KEY_LENGTH[0]} to {KEY_LENGTH[-1]} are wanted. Reload it."
            )
        with self._lock:
            if self._key is None:
                self._key = key.encode()
            elif not hmac.compare_digest(self._key, key.encode()):
                raise UserError("Another page already shows this session's pictures; reload this one to start anew.")

    @property
    def bound(self) -> bool:
        """Whether a page has said its key: before that it gets no pixels."""
        return self._key is not None

    def offer(self, scan: Scan) -> str:
        """The token that `scan` is fetched with: a new one, or the one it has."""
        with self._lock:
            for token, held in self._scans.items():
                if held.slices is scan.slices:
                    return token
            token = secrets.token_urlsafe(24)
            self._scans[token] = scan
        self._handout.register(token, self)
        return token

    def keep(self, *scans: Scan) -> None:
        """Tokens of all other scans are worth nothing from now on."""
        wanted = [id(scan.slices) for scan in scans]
        with self._lock:
            self._scans = {token: held for token, held in self._scans.items() if id(held.slices) in wanted}

    def scan(self, token: str) -> Scan:
        """The scan of a token of this session; raises `Refused` for any other."""
        with self._lock:
            try:
                return self._scans[token]
            except KeyError:
                raise Refused from None

    def shown(self, token: str, key: str) -> Scan:
        """The scan for a page that shows both; raises `Refused`."""
        with self._lock:
            bound = self._key
        # A wrong key takes as long as a wrong token.
        same = hmac.compare_digest(bound or b"", key.encode())
        scan = self.scan(token)
        if bound is None or not same:
            raise Refused
        return scan


class Handout:
    """The one place that pixels leave by. It keeps no scan itself: a session that is gone takes its tokens along."""

    def __init__(self) -> None:
        self._holders: WeakValueDictionary[str, Holder] = WeakValueDictionary()

    def holder(self) -> Holder:
        """For a new session."""
        return Holder(self)

    def register(self, token: str, holder: Holder) -> None:
        self._holders[token] = holder

    def take(self, token: str, key: str, index: int) -> bytes:
        """Slice `index` (from 0), packed. Raises `Refused` for a wrong token, key or index.

        Raises `UserError` for a slice that is damaged.
        """
        holder = self._holders.get(token)
        if holder is None:
            raise Refused
        slices = holder.shown(token, key).slices
        if not 0 <= index < len(slices):
            raise Refused
        return packed(slices[index])
