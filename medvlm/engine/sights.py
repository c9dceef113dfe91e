"""Pictures as the model has them: what its processor made of them, and their features, kept between questions."""

import hashlib
import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from medvlm.engine.cache import Recent
from medvlm.families import Family, PictureInputs
from medvlm.imaging import render
from medvlm.types import Arm, Pixels, Scan


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
