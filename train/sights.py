"""What the frozen tower made of each picture, kept on disk: a picture goes through it once, not once an epoch.

One file a picture, below a folder for everything that its numbers depend on: the tower's weights, the processor's
settings, the device and the libraries. Files appear whole or not at all and are read by mapping, so that several runs
may fill and read the same folder at once. What is read is bit for bit what the tower gave.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from medvlm.engine.cache import Recent
from medvlm.families import PictureInputs, Seen
from train.parts import Learned
from train.recipe import Recipe

FOLDER, ENCODED, INPUT, PIXELS = "features", "encoded", "input.", "pixel_values"
# Pictures that are kept ready between a row's making and its batches; others are read again.
READY = 256
# A run leaves so much room on its disk, whatever the budget: checkpoints need it more.
SPARE_BYTES = 2_000_000_000


class Features:
    """Features by a picture's key. `budget`: bytes that all towers' features below the root may take together."""

    def __init__(self, root: Path, identity: str, budget: float, say: Callable[[str], None]) -> None:
        self.folder, self._root, self._say = root / identity, root, say
        self._left = budget - sum(file.stat().st_size for file in root.rglob("*.safetensors"))
        self.full = False

    def read(self, key: str) -> tuple[Tensor, Seen] | None:
        """The tower's output, and the picture without its pixels; None where it is not kept, or not whole."""
        path = self._path(key)
        try:
            with safe_open(path, "pt") as opened:
                named = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
                about = opened.metadata()
        except (OSError, SafetensorError):
            return None
        kinds = json.loads(about["kinds"])
        inputs = {name: named[INPUT + name].to(getattr(torch, kind)) for name, kind in kinds.items()}
        return named[ENCODED], Seen(inputs, about["text"])

    def write(self, key: str, encoded: Tensor, seen: Seen) -> None:
        """Keep it, unless the budget or the disk is full: that is said once, and training goes on without."""
        path = self._path(key)
        if self.full:
            return
        small = {name: tensor.cpu() for name, tensor in seen.inputs.items() if name != PIXELS}
        tensors = {ENCODED: encoded.detach().cpu().contiguous()}
        tensors |= {INPUT + name: packed(tensor) for name, tensor in small.items()}
        kinds = {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in small.items()}
        size = sum(tensor.nbytes for tensor in tensors.values())
        if size > self._left:
            return self._stop("the budget (keeping.features_gb) is used up")
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(path.parent).free < size + SPARE_BYTES:
                return self._stop("the disk is nearly full")
            save_file(tensors, part, metadata={"text": seen.text, "kinds": json.dumps(kinds)})
            part.replace(path)
        except (OSError, SafetensorError) as error:
            part.unlink(missing_ok=True)
            return self._stop(f"it cannot be written ({error})")
        self._left -= path.stat().st_size

    def _stop(self, why: str) -> None:
        self.full = True
        self._say(
            f"Features of further pictures are not kept, because {why}: they go through the tower each time. "
            f"What no run needs any more below {self._root} may be removed."
        )

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"


def packed(tensor: Tensor) -> Tensor:
    """Masks of 0 and 1 as bytes: they take 64 bits a pixel otherwise."""
    return tensor.bool() if bool(((tensor == 0) | (tensor == 1)).all()) else tensor.contiguous()


class Sights:
    """Pictures by name as rows and batches need them: from their features where those are kept, else from pixels."""

    def __init__(
        self, see: Callable[[Image.Image], Seen], picture: Callable[[str], Image.Image], features: Features | None
    ) -> None:
        self._features, self._picture, self._see = features, picture, see
        self._keys: dict[str, str] = {}
        self._ready: Recent[str, Seen] = Recent(READY, lambda _: 1)

    def seen(self, name: str) -> Seen:
        """The picture for a row of tokens. Its pixels are not there where its features are kept."""
        if self._features is None:
            return self._live(name)
        image = None
        if name not in self._keys:
            image = self._picture(name)
            self._keys[name] = key_of(image)
        kept = self._features.read(self._keys[name])
        return self._live(name, image) if kept is None else kept[1]

    def inputs(self, name: str) -> PictureInputs:
        """What a batch takes along: what the tower made of it, or what it makes that of."""
        kept = self._features.read(self._keys[name]) if self._features is not None and name in self._keys else None
        return self._live(name).inputs if kept is None else {ENCODED: kept[0], **kept[1].inputs}

    def keep(self, name: str, encoded: Tensor) -> None:
        """Called with what the tower has just made of a picture."""
        if self._features is not None and name in self._keys:
            self._features.write(self._keys[name], encoded, self._live(name))

    def _live(self, name: str, image: Image.Image | None = None) -> Seen:
        made = self._ready.get(name)
        if made is None:
            made = self._see(image if image is not None else self._picture(name))
            self._ready.put(name, made)
        return made


def key_of(image: Image.Image) -> str:
    """A hash of the picture as the app shows it to the model."""
    pixels = np.asarray(image)
    return hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode() + pixels.tobytes()).hexdigest()


def features_of(recipe: Recipe, learned: Learned, root: Path, say: Callable[[str], None]) -> Features | None:
    """Where this run keeps features; None where it keeps none, which is said unless the recipe wants it so."""
    if recipe.keeping.features_gb <= 0:
        return None
    if recipe.machine.sharding in ("fsdp", "zero3"):
        # Processes that must not differ in whether they gather the tower's weights.
        say(f"{recipe.name}: machine.sharding is {recipe.machine.sharding!r}, so pictures go through the tower live.")
        return None
    assert not any(p.requires_grad for n, p in tower_of(learned).items() if isinstance(p, torch.nn.Parameter)), (
        "a tower that takes steps gives other features each time"
    )
    return Features(root / FOLDER, identity(learned, recipe.machine.precision), recipe.keeping.features_gb * 1e9, say)


def tower_of(learned: Learned) -> dict[str, Tensor]:
    """The tower's weights and buffers by name, without a projector that stands inside of it."""
    family = learned.family
    inside = family.projector.removeprefix(family.vision_tower + ".") + "."
    tower = family.part(learned.inner, family.vision_tower)
    named = (*tower.named_parameters(), *tower.named_buffers())
    return {name: tensor for name, tensor in named if not name.startswith(inside)}


def identity(learned: Learned, precision: str) -> str:
    """Names everything that features depend on but the picture: "llava-" and a hash."""
    config = learned.inner.config
    known = {name: value for name, value in config.to_dict().items() if name not in OTHER_PARTS}
    images = learned.processor.image_processor
    plain = {n: v for n, v in vars(learned.processor).items() if isinstance(v, str | int | float | None)}
    device = next(iter(tower_of(learned).values())).device
    settings = {
        "config": known,
        "attention": getattr(config.vision_config, "_attn_implementation", None),
        "pictures": images.to_dict(),
        "processor": {name: value for name, value in plain.items() if name != "chat_template"},
        "precision": "fp32" if precision == "fp32" else "mixed",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "libraries": (torch.__version__, transformers.__version__),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(tower_of(learned).items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return f"{learned.family.name}-{digest.hexdigest()[:16]}"


# Of a model's config: what says nothing of its tower.
OTHER_PARTS = ("text_config", "quantization_config", "_name_or_path", "torch_dtype", "dtype", "pad_token_id")
