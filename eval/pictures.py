"""Pictures by name, and what the frozen tower makes of them: computed once for each tower and kept on disk."""

import hashlib
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from medvlm import datasets
from medvlm.datasets.pictures import DRAWN
from medvlm.engine.loading import Loaded
from medvlm.engine.sights import Picture
from medvlm.families import Family
from medvlm.imaging import read, render
from medvlm.paths import ROOT
from medvlm.probes import changes
from medvlm.types import Scan

BLANK = "blank"
BLANK_SIZE, BLANK_GREY = 256, 127


def scan(name: str) -> Scan:
    """The picture of that name, as `datasets.scan` takes it ("vqa_rad:FILE", "phantom:ct:7"); "blank" is all mid-grey.

    A name may begin with changes as `medvlm.probes.changes` writes them: "mirrored|vqa_rad:FILE".
    """
    change, _, unchanged = name.rpartition("|")
    if change:
        return changes.changed(scan(unchanged), change)
    return blank() if name == BLANK else datasets.scan(name)


def blank() -> Scan:
    """A picture that shows nothing."""
    pixels = np.full((BLANK_SIZE, BLANK_SIZE, 3), BLANK_GREY, dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return replace(read(buffer.getvalue(), "blank.png"), domain="other")


def named(name: str) -> Scan:
    """A stand-in that carries a picture's name and no pixels, for prompts whose features are kept already."""
    return Scan((), "other", "unknown", identity(name), name)


@cache
def identity(name: str) -> str:
    """A hash that changes when the picture of that name would: of the file's bytes, or of the code that draws.

    A slice that is asked for by number ("own:FILE#3") is another picture than its file. Raises DatasetError.
    """
    change, _, unchanged = name.rpartition("|")
    if change:
        return hashlib.sha256(f"{change} {identity(unchanged)}".encode()).hexdigest()
    source = name.partition(":")[0]
    if source in (BLANK, *DRAWN):
        return hashlib.sha256(f"{name} {drawing_code()}".encode()).hexdigest()
    number = name.rpartition("#")[2] if source == "own" and "#" in name else ""
    return hashlib.sha256(datasets.content(name) + number.encode()).hexdigest()


@cache
def drawing_code() -> str:
    """A hash over the sources of phantoms and of rendering."""
    sha = hashlib.sha256(f"{BLANK_SIZE} {BLANK_GREY}".encode())
    for part in ("phantoms", "imaging"):
        for file in sorted((ROOT / "medvlm" / part).rglob("*.py")):
            sha.update(file.read_bytes())
    return sha.hexdigest()


class Features:
    """The tower's output for each picture, in memory and in one small file each, below a folder of the tower's own."""

    def __init__(self, folder: Path, loaded: Loaded) -> None:
        self._loaded = loaded
        self._folder = folder / f"features-{self._tower_hash()[:12]}"
        self._kept: dict[str, tuple[Picture, Tensor]] = {}

    def picture(self, name: str) -> Picture:
        """How the prompt shows it; without its pixels, which nobody needs once the tower has seen them."""
        return self._get(name)[0]

    def encoded(self, name: str) -> Tensor:
        """The tower's chosen layers, as `Family.encode` gives them."""
        return self._get(name)[1]

    def _get(self, name: str) -> tuple[Picture, Tensor]:
        if name not in self._kept:
            path = self._folder / f"{identity(name)}.safetensors"
            tensors = load_file(path) if path.is_file() else self._make(name, path)
            encoded, tokens = tensors.pop("encoded"), int(tensors.pop("tokens"))
            self._kept[name] = Picture(name.encode(), tensors, tokens), encoded
        return self._kept[name]

    @torch.inference_mode()
    def _make(self, name: str, path: Path) -> dict[str, Tensor]:
        processor: Any = self._loaded.processor
        token: str = processor.image_token
        batch = processor(images=[Image.fromarray(render(scan(name)))], text=token, return_tensors="pt")
        tokens = (batch["input_ids"] == processor.image_token_id).sum()
        tower = next(self._family.part(self._model, self._family.vision_tower).parameters())
        inputs = {n: batch[n] for n in ("pixel_values", "image_sizes") if n in batch}
        given = {n: t.to(tower if t.is_floating_point() else tower.device) for n, t in inputs.items()}
        encoded = self._family.encode(self._model, given).cpu()
        kept = {n: t for n, t in inputs.items() if n != "pixel_values"}
        tensors = {"encoded": encoded, "tokens": tokens, **kept}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save_file({n: t.clone().contiguous() for n, t in tensors.items()}, part)
        part.replace(path)
        return tensors

    @property
    def _model(self) -> nn.Module:
        return self._loaded.model

    @property
    def _family(self) -> Family:
        return self._loaded.family

    def _tower_hash(self) -> str:
        sha = hashlib.sha256(str(self._loaded.processor.image_processor.to_dict()).encode())
        tower = self._family.part(self._model, self._family.vision_tower)
        for name, tensor in sorted(tower.state_dict().items()):
            sha.update(f"{name} {tensor.dtype}".encode() + tensor.detach().float().cpu().numpy().tobytes())
        return sha.hexdigest()
