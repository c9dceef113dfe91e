"""What is kept of conversations between questions: keys and values of their unchanged part, within a budget."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from medvlm.types import Arm

# One for each position of a prompt: the token's number, or (picture, place within it).
Marks = Sequence[Hashable]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
# Keys and values of several rows, each (rows, heads, capacity, width).
Home = tuple[Tensor, Tensor]


def capacity(length: int) -> int:
    """How many positions to make room for, so that buffers seldom grow."""
    return max(256, 1 << (length - 1).bit_length())


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, written in place; the stock layer copies all of them for every new token."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0
        self.home: Home | None = None  # What its buffers are one row of, if anything.
        self._buffers: tuple[Tensor, Tensor] | None = None

    def fill(self, parts: Sequence[tuple[Tensor, Tensor]], length: int, room: int) -> None:
        """Begin with the rows of all parts (rows, heads, n, width), each at the end of the first `length` positions,
        and with room for so many in all."""
        rows = sum(len(keys) for keys, _ in parts)
        self.lazy_initialization(*parts[0])
        like = [part.new_zeros(rows, part.shape[1], room, part.shape[3]) for part in parts[0]]
        self._buffers = like[0], like[1]
        for kind, buffer in enumerate(self._buffers):
            of = [part[kind] for part in parts]
            for there, here in zip(buffer.split([len(part) for part in of]), of, strict=True):
                there[:, :, length - here.shape[2] : length] = here
        self._show(length)

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        keys, values = self._room_for(key_states, self.length + key_states.shape[-2])
        end = self.length + key_states.shape[-2]
        keys[..., self.length : end, :] = key_states
        values[..., self.length : end, :] = value_states
        self._show(end)
        return self.keys, self.values

    def keep(self, length: int) -> None:
        """Forget all positions from `length` on."""
        if self._buffers is not None:
            self._show(min(length, self.length))

    def only(self, rows: Sequence[int]) -> None:
        """Forget all rows but these. They are moved in place, so none may come to a higher place than it had."""
        if self._buffers is not None:
            for buffer in self._buffers:
                for place, row in enumerate(rows):
                    if row != place:
                        buffer[place, :, : self.length] = buffer[row, :, : self.length]
            keys, values = self._buffers
            self.home, self._buffers = None, (keys[: len(rows)], values[: len(rows)])
            self._show(self.length)

    def get_seq_length(self) -> int:
        return self.length

    def move_into(self, home: Home, row: int) -> None:
        """Take that row of `home` for buffers; all that was written comes along. It must be long enough."""
        new = home[0][row : row + 1], home[1][row : row + 1]
        for there, here in zip(new, self._buffers or (), strict=False):
            there[..., : self.length, :] = here[..., : self.length, :]
        self.home, self._buffers = home, new

    def lies_in(self, home: Home, row: int) -> bool:
        """Whether its buffers are that row of `home`."""
        return self._buffers is not None and self._buffers[0].data_ptr() == home[0][row].data_ptr()

    @property
    def nbytes(self) -> int:
        return 0 if self._buffers is None else sum(buffer.nbytes for buffer in self._buffers)

    def _show(self, length: int) -> None:
        assert self._buffers is not None
        self.length = length
        self.keys, self.values = (buffer[..., :length, :] for buffer in self._buffers)

    def _room_for(self, like: Tensor, length: int) -> tuple[Tensor, Tensor]:
        if self._buffers is None or self._buffers[0].shape[-2] < length:
            shape = (*like.shape[:-2], capacity(length), like.shape[-1])
            grown = like.new_zeros(shape), like.new_zeros(shape)
            for new, old in zip(grown, self._buffers or (), strict=False):
                new[..., : self.length, :] = old[..., : self.length, :]
            self.home, self._buffers = None, grown
        return self._buffers


class KeyValues(Cache):  # type: ignore[misc]
    """Keys and values of all layers of one language model."""

    def __init__(self, layers: int) -> None:
        super().__init__(layers=[GrowingLayer() for _ in range(layers)])

    def keep(self, length: int) -> None:
        for layer in self.layers:
            layer.keep(length)

    def only(self, rows: Sequence[int]) -> None:
        for layer in self.layers:
            layer.only(rows)

    @property
    def nbytes(self) -> int:
        return int(sum(layer.nbytes for layer in self.layers))


class Recent(Generic[Key, Value]):
    """Values by key within a budget of bytes; what was used longest ago goes first. Safe for threads."""

    def __init__(self, budget: int, size: Callable[[Value], int]) -> None:
        self._budget = budget
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def take(self, key: Key) -> Value | None:
        """Get and remove: for values that the taker changes."""
        with self._lock:
            return self._values.pop(key, None)

    def put(self, key: Key, value: Value) -> None:
        """Keep the value, dropping the longest unused until all fit; one that alone exceeds the budget is not kept."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while self._values and self._bytes() > self._budget:
                self._values.popitem(last=False)

    def drop(self, which: Callable[[Key], bool]) -> None:
        with self._lock:
            for key in [key for key in self._values if which(key)]:
                del self._values[key]

    def clear(self) -> None:
        self.drop(lambda _: True)

    @property
    def nbytes(self) -> int:
        with self._lock:
            return self._bytes()

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)

    def _bytes(self) -> int:
        return sum(map(self._size, self._values.values()))


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a prompt, as far as it was computed in whole blocks, and its keys and values."""

    marks: tuple[Hashable, ...]
    key_values: KeyValues


def common(a: Marks, b: Marks) -> int:
    """The length of the common beginning."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


class PrefixCache:
    """Per conversation and arm, what the next turn need not compute again.

    A prompt is always computed in blocks that begin at multiples of `block`, and only whole blocks are used again.
    So the very same products of matrices are computed with and without re-use, and the answers are equal bit for bit
    in every number format. Tokens that were drawn one at a time are computed again, as part of a block.
    """

    def __init__(self, layers: int, block: int, budget: int) -> None:
        self.block = block
        self._layers = layers
        self._recent: Recent[tuple[str, Arm], Prefix] = Recent(budget, lambda prefix: prefix.key_values.nbytes)
        self._lent: set[tuple[str, Arm]] = set()
        self._lock = threading.Lock()

    def take(self, conversation_id: str, arm: Arm, marks: Marks) -> tuple[KeyValues, int]:
        """Keys and values for the beginning of `marks`, and its length: whole blocks, and never all of the marks."""
        with self._lock:
            self._lent.add((conversation_id, arm))
            prefix = self._recent.take((conversation_id, arm))
        if prefix is None:
            return KeyValues(self._layers), 0
        same = min(common(prefix.marks, marks), len(marks) - 1) // self.block * self.block
        prefix.key_values.keep(same)
        return prefix.key_values, same

    def put(self, conversation_id: str, arm: Arm, marks: Marks, key_values: KeyValues) -> None:
        """Keep the whole blocks of `marks`, all computed as blocks into `key_values`; whatever follows is cut off.

        Nothing is kept of a conversation that was forgotten since it was taken.
        """
        whole = min(len(marks), key_values.get_seq_length()) // self.block * self.block
        key_values.keep(whole)
        with self._lock:
            if (conversation_id, arm) in self._lent and whole:
                self._recent.put((conversation_id, arm), Prefix(tuple(marks[:whole]), key_values))
            self._lent.discard((conversation_id, arm))

    def forget(self, conversation_id: str) -> None:
        """Drop what is kept of a conversation, and what is being computed for it once that is done."""
        with self._lock:
            self._lent = {key for key in self._lent if key[0] != conversation_id}
            self._recent.drop(lambda key: key[0] == conversation_id)

    def clear(self) -> None:
        self._recent.clear()

    @property
    def nbytes(self) -> int:
        return self._recent.nbytes

    def __len__(self) -> int:
        return len(self._recent)
