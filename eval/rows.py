"""Rows of a batch while they are read and answered: keys and values, which positions count, and the next tokens."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.cache_utils import Cache, DynamicCache

from medvlm.engine.cache import KeyValues
from medvlm.engine.decoding import Chooser
from medvlm.types import Decoding

MEMORY_SHARE = 4  # keys and values may take this part of the device's memory: a fourth
COPIES = 3  # of a row's keys and values: behind the picture, behind the question, with room for an answer


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows as far as they are read. `mask`: (rows, length), 1 where a position counts.

    `tuned`: the rows in which LoRA computes; they stand behind those in which it does not.
    """

    key_values: Cache
    mask: Tensor
    tuned: slice

    def take(self, rows: Sequence[int]) -> "Rows":
        """A copy of these rows, those without LoRA first."""
        kept, index = DynamicCache(), torch.tensor(rows)
        for number, layer in enumerate(self.key_values.layers):
            at = index.to(layer.keys.device)
            kept.update(layer.keys.index_select(0, at), layer.values.index_select(0, at), number)
        return Rows(kept, self.mask[index], self._tuned(rows))

    def narrowed(self, rows: Sequence[int]) -> tuple["Rows", list[int]]:
        """These of the joined rows, and which stands where now: those without LoRA first, and as many as can be where
        they were. The others are forgotten."""
        plain, tuned = [row for row in rows if row < self.tuned.start], [row for row in rows if row >= self.tuned.start]
        order = [*_packed(plain, 0), *_packed(tuned, len(plain))]
        self.key_values.only(order)
        return Rows(self.key_values, self.mask[torch.tensor(order)], self._tuned(order)), order

    def cut(self, length: int) -> "Rows":
        """The first `length` positions."""
        kept = DynamicCache()
        for number, layer in enumerate(self.key_values.layers):
            kept.update(layer.keys[..., :length, :], layer.values[..., :length, :], number)
        return replace(self, key_values=kept, mask=self.mask[:, :length])

    def before(self, mask: Tensor) -> "Rows":
        """With room in the mask, (rows, n), for what is computed next."""
        return replace(self, mask=torch.cat([self.mask, mask], dim=1))

    def _tuned(self, rows: Sequence[int]) -> slice:
        return slice(sum(row < self.tuned.start for row in rows), len(rows))

    @property
    def position_bytes(self) -> int:
        """What one position of one row takes."""
        held = sum(one.keys.nbytes + one.values.nbytes for one in self.key_values.layers)
        return int(held) // self.mask.numel()


def joined(parts: Sequence[Rows], more: int = 0) -> Rows:
    """The rows of all parts, one below the other, shorter ones padded on the left: first the parts with rows without
    LoRA. So many positions `more` can be written behind them without a copy."""
    longest = max(part.mask.shape[1] for part in parts)
    kept = KeyValues(len(parts[0].key_values.layers))
    for layer, layers in zip(kept.layers, zip(*(part.key_values.layers for part in parts), strict=True), strict=True):
        layer.fill([(one.keys, one.values) for one in layers], longest, longest + more)
    mask = torch.cat([F.pad(part.mask, (longest - part.mask.shape[1], 0)) for part in parts])
    return Rows(kept, mask, slice(sum(part.tuned.start for part in parts), len(mask)))


def _packed(rows: Sequence[int], start: int) -> list[int]:
    """The rows for places from `start` on, none of which is behind any of them: each stays where it is, if that is one
    of these places, and the others fill the gaps."""
    places = range(start, start + len(rows))
    moved = iter(row for row in rows if row not in places)
    staying = set(rows)
    return [place if place in staying else next(moved) for place in places]


def counted(room: int, used: int) -> Tensor:
    """(room,): 1 for positions that count, 0 for the padding on their left."""
    return torch.tensor([0] * (room - used) + [1] * used, dtype=torch.long)


def rows_within(device: torch.device, position_bytes: int, longest: int) -> int:
    """How many rows of at most so many positions can be read, asked and answered in the device's memory.

    By all of its memory, not by what is free: a run that is killed goes on with the same batches.
    """
    cuda = device.type == "cuda"
    memory = torch.cuda.get_device_properties(device).total_memory if cuda else psutil.virtual_memory().total
    return max(1, int(memory) // MEMORY_SHARE // (position_bytes * longest * COPIES))


class Draws:
    """The next tokens of rows: at once where greedy, else each row from a stream of its own, made of the decoding's
    seed and the question's id, so that what shares a batch with it changes nothing."""

    def __init__(self, decoding: Decoding, never: Sequence[int], ids: Sequence[str]) -> None:
        self._greedy = Chooser(decoding, never) if decoding.temperature <= 0 else None
        self._own = [Chooser(replace(decoding, seed=_seed(decoding.seed, name)), never) for name in ids]

    def __call__(self, logits: Tensor, rows: Sequence[int]) -> list[int]:
        """Tokens for logits (n, vocabulary) of these rows."""
        if self._greedy is not None:
            return self._greedy(logits)
        return [self._own[row](logits[at : at + 1])[0] for at, row in enumerate(rows)]


def _seed(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:7], "big")
