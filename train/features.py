"""The frozen tower's features of every training picture, computed once and kept on disk."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

BATCH = 16


class FeatureStore:
    """Picture name -> (N, width) float16, in one file for each tower; new pictures are added, none computed twice."""

    def __init__(self, folder: Path, processor: Any, tower: torch.nn.Module) -> None:
        digest = hashlib.sha256()
        for name, tensor in sorted(tower.state_dict().items()):
            digest.update(name.encode() + tensor.float().numpy().tobytes())
        self.path = folder / f"features-{digest.hexdigest()[:12]}.safetensors"
        self.processor, self.tower = processor, tower
        self.kept: dict[str, Tensor] = load_file(self.path) if self.path.is_file() else {}

    def add(self, pictures: Iterable[tuple[str, Callable[[], Image.Image]]]) -> None:
        """Compute what is missing; written whole every few hundred pictures, so that a kill loses little."""
        waiting = [(name, load) for name, load in pictures if name not in self.kept]
        for start in range(0, len(waiting), BATCH):
            part = waiting[start : start + BATCH]
            self._compute([name for name, _ in part], [load() for _, load in part])
            if start // BATCH % 40 == 39:
                self.save()
        if waiting:
            self.save()

    @torch.no_grad()
    def _compute(self, names: list[str], images: list[Image.Image]) -> None:
        pixels = self.processor.image_processor(images=images, return_tensors="pt")["pixel_values"]
        features = self.tower(pixel_values=pixels).last_hidden_state.half()
        self.kept.update(zip(names, (f.clone() for f in features), strict=True))

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        save_file(self.kept, part)
        part.replace(self.path)

    @property
    def width(self) -> int:
        """Channels of a token."""
        return next(iter(self.kept.values())).shape[-1]

    def batch(self, names: list[str]) -> Tensor:
        """(B, N, width) float32."""
        return torch.stack([self.kept[n] for n in names]).float()
