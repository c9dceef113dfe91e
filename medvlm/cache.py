"""What is kept between questions: keys and values of the unchanged part of a conversation, and pictures' features."""

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicLayer

from medvlm.families import Family, PictureInputs
from medvlm.imaging import render
from medvlm.types import Arm, Pixels, Scan

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


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as the model gets it. `key`: a hash of its numbers; `tokens`: its places in a prompt; `text`: what
    takes its mark's place there (empty: so many of the processor's image tokens)."""

    key: bytes
    inputs: PictureInputs
    tokens: int
    text: str = ""


class Pictures:
    """Makes pictures of scans with the model's own processor, and their features, each only once within a budget.

    What is kept of a picture may be had for as long as somebody holds its scan; then `sweep` lets go of it.
    """

    def __init__(self, model: nn.Module, family: Family, processor: Any, budget: int) -> None:
        self._model = model
        self._family = family
        self._processor = processor
        self._made: Recent[Hashable, Picture] = Recent(budget // 4, lambda p: sum(t.nbytes for t in p.inputs.values()))
        self._encoded: Recent[bytes, Tensor] = Recent(budget // 4, lambda t: t.nbytes)
        self._features: Recent[tuple[bytes, Arm], Tensor] = Recent(budget // 2, lambda t: t.nbytes)
        # Picture -> who holds its scan, by their place in memory; and the names under which it was made.
        self._holders: dict[bytes, dict[int, weakref.ref[Any]]] = {}
        self._names: dict[bytes, set[Hashable]] = {}
        self._lock = threading.Lock()

    def picture(self, scan: Scan, slice_index: int) -> Picture:
        """The scan's slice as it is shown, through the model's image processor."""
        key = (scan.sha256, slice_index, scan.window, scan.inverted, scan.slices[slice_index].shape)
        made = self._made.get(key)
        if made is None:
            made = self._make(render(scan, slice_index))
            self._made.put(key, made)
        self._hold(made, key, scan, slice_index)
        return made

    def sweep(self) -> None:
        """Let go of everything that was made from scans that nobody holds any more."""
        with self._lock:
            gone = {key for key, holders in self._holders.items() if all(one() is None for one in holders.values())}
            names = {name for key in gone for name in self._names.pop(key)}
            self._holders = {key: holders for key, holders in self._holders.items() if key not in gone}
        self._made.drop(lambda name: name in names)
        self._encoded.drop(lambda key: key in gone)
        self._features.drop(lambda key: key[0] in gone)

    def _hold(self, made: Picture, name: Hashable, scan: Scan, slice_index: int) -> None:
        holder: weakref.ref[Any]
        try:
            holder = weakref.ref(scan.slices)
        except TypeError:  # a tuple cannot be watched; the picture in it can
            holder = weakref.ref(scan.slices[slice_index])
        with self._lock:
            self._holders.setdefault(made.key, {})[id(holder())] = holder
            self._names.setdefault(made.key, set()).add(name)

    def features(self, picture: Picture, arm: Arm) -> Tensor:
        """(tokens, hidden): what stands in the picture's places, by the projector of the arm that is switched on."""
        features = self._features.get((picture.key, arm))
        if features is None:
            inputs = self._on_device(picture.inputs)
            features = self._family.project(self._model, self._encode(picture.key, inputs), inputs)
            self._features.put((picture.key, arm), features)
        return features

    def seen(self, scan: Scan, slice_index: int) -> Pixels:
        """(H, W, 3) uint8: the numbers the model gets, back in the grey of a screen; tiles stand side by side."""
        images: Any = self._processor.image_processor
        inputs = self.picture(scan, slice_index).inputs
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (images.image_mean, images.image_std))
        tiles = self._family.pixels(inputs, self._model.config)
        shown = ((tiles * std + mean) / images.rescale_factor).round().clamp(0, 255).to(torch.uint8)
        return np.concatenate([tile.permute(1, 2, 0).numpy() for tile in shown], axis=1)

    def clear(self) -> None:
        for kept in (self._made, self._encoded, self._features):
            kept.clear()

    def _make(self, pixels: Pixels) -> Picture:
        seen = self._family.see(self._processor, Image.fromarray(pixels))
        tokens: list[int] = self._processor.tokenizer.encode(seen.text, add_special_tokens=False)
        return Picture(
            digest(seen.inputs), seen.inputs, tokens.count(self._family.placeholder(self._processor)), seen.text
        )

    def _encode(self, key: bytes, inputs: PictureInputs) -> Tensor:
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = self._family.encode(self._model, inputs)
            self._encoded.put(key, encoded)
        return encoded

    def _on_device(self, inputs: PictureInputs) -> PictureInputs:
        like = next(self._model.parameters())
        tower = next(self._family.part(self._model, self._family.vision_tower).parameters())
        return {n: t.to(tower if t.is_floating_point() else like.device) for n, t in inputs.items()}


def digest(tensors: PictureInputs) -> bytes:
    """A hash of named tensors: the identity of a picture as the model gets it."""
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        sha.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.digest()
