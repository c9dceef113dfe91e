"""Slices that are decoded when somebody looks at them, or by a thread in the background, each of them once."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Sequence

from medvlm.errors import UserError
from medvlm.imaging.slices import Slices
from medvlm.types import Pixels

Source = Callable[[], Pixels]


class LazySlices(Slices):
    """The slices of a series: as many sources as slices; a source is let go, with the bytes it holds, once it is used.

    Getting a slice decodes it if that has not happened yet, and raises what its source raises (a `UserError`).
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources: list[Source | None] = list(sources)
        self._pixels: list[Pixels | None] = [None] * len(sources)
        # A lock a slice: whoever looks at one need not wait for the thread that decodes another.
        self._locks = [threading.Lock() for _ in sources]
        self._filler: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._pixels)

    def _slice(self, place: int) -> Pixels:
        found = self._pixels[place]
        return self._decoded(place) if found is None else found

    def _decoded(self, place: int) -> Pixels:
        with self._locks[place]:
            found, source = self._pixels[place], self._sources[place]
            if found is None:
                assert source is not None, "a slice without pixels has a source"
                found = self._pixels[place] = source()
                found.flags.writeable = False
                self._sources[place] = None
            return found

    @property
    def ready(self) -> int:
        """How many slices are decoded, of `len(self)`."""
        return sum(pixels is not None for pixels in self._pixels)

    def load(self, first: int = 0) -> None:
        """Decodes all slices in the background, from `first` outwards; ends early when nobody holds the slices."""
        if self._filler is None:
            order = sorted(range(len(self)), key=lambda index: abs(index - first))
            self._filler = threading.Thread(target=_fill, args=(weakref.ref(self), order), daemon=True, name="slices")
            self._filler.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the background is done, after at most so many seconds (None: as long as it takes)."""
        if self._filler is not None:
            self._filler.join(seconds)
        return self._filler is not None and not self._filler.is_alive()


def _fill(reference: "weakref.ref[LazySlices]", order: list[int]) -> None:
    for index in order:
        slices = reference()
        if slices is None:
            return
        with contextlib.suppress(UserError):  # whoever looks at this slice gets the same error, and can read it
            slices[index]
        del slices
