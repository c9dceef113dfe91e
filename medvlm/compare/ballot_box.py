"""Where votes are dropped in: the store of ratings, opened when the first vote comes, and again if that failed."""

import threading
from collections.abc import Callable
from typing import Protocol

from medvlm.ratings.records import Rating


class Receipt(Protocol):
    """What stands in the database now."""

    @property
    def rating(self) -> Rating: ...


class Ratings(Protocol):
    """A `RatingStore`, or a stand-in."""

    def add(self, rating: Rating) -> Receipt: ...


class BallotBox:
    """A store that need not be there when the page starts: a disk that is full then may have room at the vote."""

    def __init__(self, opens: Callable[[], Ratings]) -> None:
        self._opens = opens
        self._store: Ratings | None = None
        self._lock = threading.Lock()

    def keep(self, rating: Rating) -> Rating:
        """The rating as it stands on the disk. Raises `StoreError` where it could not be kept: hand it in again."""
        return self._opened().add(rating).rating

    def _opened(self) -> Ratings:
        with self._lock:
            if self._store is None:
                self._store = self._opens()
            return self._store
