"""A stack of slices that are made when they are asked for: how it is indexed, cut and copied."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, overload

from medvlm.types import Pixels


class Slices(Sequence[Pixels]):
    """Each kind of stack says how many slices there are, and makes one. A part of a stack is a tuple of its slices."""

    __slots__ = ()

    @abstractmethod
    def _slice(self, place: int) -> Pixels:
        """Slice number `place`, which is 0 to `len(self) - 1`."""

    @overload
    def __getitem__(self, index: int) -> Pixels: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Pixels]: ...

    def __getitem__(self, index: int | slice) -> Pixels | Sequence[Pixels]:
        places = range(len(self))
        if isinstance(index, slice):
            return tuple(self._slice(place) for place in places[index])
        return self._slice(places[index])

    def __reduce__(self) -> tuple[Any, ...]:
        # What slices are made from may hold a file with its header: only pixels travel.
        return tuple, (list(self),)
