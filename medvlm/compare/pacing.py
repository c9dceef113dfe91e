"""How much of two answers is shown while they are written: both grow at the pace of the slower one.

Otherwise speed would tell them apart. An answer that is whole already does not rush ahead either: it goes on at the
pace at which both have grown so far.
"""

import re
from collections.abc import Sequence

_WORD = re.compile(r"\S+\s*")
# Words a second at least: nobody reads faster, and nobody should wait for a pace that one slow start has set.
SLOWEST = 8.0


class Pace:
    """Says how many words of each answer may be seen; asked again and again with what has come so far."""

    def __init__(self) -> None:
        self._released = 0.0
        self._began: float | None = None
        self._last = 0.0

    def words(self, counts: Sequence[int], ended: Sequence[bool], now: float) -> int:
        """How many words of either may be seen at `now` (seconds, of any clock), when so many of each have come."""
        running = [count for count, over in zip(counts, ended, strict=True) if not over]
        if self._began is None:
            if running and min(running) == 0:
                return 0  # nobody is seen to begin first
            self._began = self._last = now
            self._released = 0.0 if running else float(max(counts))  # both came at once: that tells nothing
        if len(running) == len(counts):
            self._released = max(self._released, float(min(counts)))
        else:
            self._released = min(self._grown(now), float(min(running, default=max(counts))))
        self._last = now
        return int(self._released)

    def _grown(self, now: float) -> float:
        assert self._began is not None, "something has been seen"
        passed = self._last - self._began
        pace = max(SLOWEST, self._released / passed if passed > 0 else 0.0)
        return self._released + pace * (now - self._last)


def count(text: str) -> int:
    """Words of a text."""
    return len(_WORD.findall(text))


def first_words(text: str, words: int) -> str:
    """The text up to its n-th word."""
    found = list(_WORD.finditer(text))
    return text if words >= len(found) else text[: found[words].start()].rstrip()
