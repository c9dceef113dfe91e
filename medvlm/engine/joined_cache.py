"""Keys and values of two answers that are drawn in one batch: one buffer, in which each row has its own length."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from medvlm.engine.cache import GrowingLayer, KeyValues, capacity


class JoinedLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values of two rows. Each row stays a `GrowingLayer`, whose buffers lie in the common one.

    So nothing is held twice while both are drawn, nothing needs to be split afterwards, and a following turn of the
    same two finds them joined.
    """

    def __init__(self, rows: tuple[GrowingLayer, GrowingLayer]) -> None:
        super().__init__()
        self._rows = rows

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write (2, heads, n, width), each row behind its own end; give all back, (2, heads, the longest row, width).

        A shorter row's positions behind its end hold finite numbers, which the caller's mask leaves out.
        """
        end = self.get_seq_length() + key_states.shape[-2]
        keys, values = self._room_for(key_states, end)
        for number, row in enumerate(self._rows):
            row.update(key_states[number : number + 1], value_states[number : number + 1])
        return keys[..., :end, :], values[..., :end, :]

    def get_seq_length(self) -> int:
        return max(row.length for row in self._rows)

    def _room_for(self, like: Tensor, length: int) -> tuple[Tensor, Tensor]:
        home = self._rows[0].home
        joined = home is not None and all(row.lies_in(home, number) for number, row in enumerate(self._rows))
        if home is None or not joined or home[0].shape[-2] < length:
            shape = (*like.shape[:-2], capacity(length), like.shape[-1])
            home = like.new_zeros(shape), like.new_zeros(shape)
            for number, row in enumerate(self._rows):
                row.move_into(home, number)
        return home


class JoinedKeyValues(Cache):  # type: ignore[misc]
    """Two answers' keys and values as those of one batch of two rows; both stay usable alone."""

    def __init__(self, rows: tuple[KeyValues, KeyValues]) -> None:
        self._rows = rows
        super().__init__(layers=[JoinedLayer(layers) for layers in zip(*(row.layers for row in rows), strict=True)])

    @property
    def lengths(self) -> tuple[int, int]:
        """How many positions each row holds."""
        first, second = (int(row.get_seq_length()) for row in self._rows)
        return first, second
