"""Teach a stock SigLIP-type ViT the packaged encoder's features, and measure whether it may replace that encoder.

    python -m train distil [--minutes 20] [--phantoms 3000]

Covered: distillation on real training pictures only, then the same linear probes on both encoders' features of pictures
that neither saw: real ones kept back, and phantoms. Not covered: pictures of other sources.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from transformers import SiglipVisionConfig, SiglipVisionModel

from medvlm import datasets
from medvlm.imaging import render
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Truth
from medvlm.tower import EfficientNetTower
from medvlm.types import Domain
from train.nano.encoder import standardise

SIZE = 256


def pixels(image: Image.Image) -> Tensor:
    """(3, 256, 256) in [-1, 1], as nano's processor makes them."""
    resized = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(resized, dtype=np.float32).copy()).permute(2, 0, 1).sub(127).div(128)


def training_pictures(every: int = 1) -> list[Image.Image]:
    """All real pictures that the image-disjoint variant may see, or every so many of them."""
    names = {s.image for s in datasets.without(datasets.vqa_rad("train"), datasets.held_out_pictures())}
    files = [datasets.picture("vqa_rad", n) for n in sorted(names)]
    files += [datasets.picture("bccd", n) for n in datasets.bccd_counts()]
    files += [datasets.picture("dsb2018_histology", n) for n in datasets.nuclei_counts()]
    pictures = []
    for file in files[::every]:
        with Image.open(file) as image:
            image.thumbnail((400, 400))
            pictures.append(image.convert("RGB"))
    return pictures


def varied(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random crop, flip, turn and change of light, so that few pictures go a long way."""
    width, height = image.size
    scale = rng.uniform(0.5, 1.0)
    w, h = int(width * scale), int(height * scale * rng.uniform(0.85, 1.0))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    crop = image.crop((x, y, x + w, y + h)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        crop = crop.rotate(90 * int(rng.integers(1, 4)))
    gain, lift = rng.uniform(0.6, 1.5), rng.uniform(-30, 30)
    return crop.point(lambda v: int(min(max(v * gain + lift, 0), 255)))


def student() -> SiglipVisionModel:
    """A ViT with the same 64 tokens of 256 px pictures: 10 layers of width 384."""
    config = SiglipVisionConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=10, num_attention_heads=6,
        image_size=SIZE, patch_size=32,
    )  # fmt: skip
    config.vision_use_head = False
    return SiglipVisionModel(config)


def distil(teacher: torch.nn.Module, pictures: list[Image.Image], minutes: float, seed: int = 0) -> SiglipVisionModel:
    """Regress the teacher's standardised features (768 a token) from the student's last layer for so many minutes."""
    rng = np.random.default_rng(seed)
    model = student()
    head = torch.nn.Linear(384, 768)
    parameters = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=5e-4, weight_decay=0.05)
    start, step, running = time.monotonic(), 0, 0.0
    while (spent := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 5e-4 * min(1.0, (step + 1) / 100) * (1 - spent)
        batch = torch.stack([pixels(varied(pictures[i], rng)) for i in rng.integers(0, len(pictures), 16)])
        with torch.no_grad():
            target = teacher(batch).last_hidden_state[..., :768].clone()
        loss = F.smooth_l1_loss(head(model(pixel_values=batch).last_hidden_state), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}: loss {running:.4f}, {spent:.0%} of the time", flush=True)
        step += 1
    return model.eval()


def probe(train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], classes: int) -> Tensor:
    """Which test pictures a linear probe (class-weighted, L2) gets right: (n,) bool."""
    x, y = train
    mean, deviation = x.mean(0), x.std(0) + 1e-3
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    balance = 1 / torch.bincount(y, minlength=classes).clamp_min(1).float()
    optimizer = torch.optim.LBFGS([weight], max_iter=100)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy((x - mean) / deviation @ weight, y, weight=balance) + 3e-3 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return ((test[0] - mean) / deviation @ weight).argmax(1) == test[1]


@torch.no_grad()
def pooled(model: torch.nn.Module, images: list[Image.Image]) -> Tensor:
    """Mean token of each picture, (n, width)."""
    batch = torch.stack([pixels(image) for image in images])
    return torch.cat([model(pixel_values=b).last_hidden_state[..., :768].mean(1) for b in torch.split(batch, 16)])


Task = tuple[list[Image.Image], list[int], list[Image.Image], list[int]]


def modality_task() -> Task:
    """Real pictures, chest X-ray, CT or MRI: fitted on those that training may see, asked of those kept back."""
    order = ["cxr", "ct", "mri"]
    labels = {name: order.index(d) for name, d in sorted(datasets.modality_labels().items()) if d in order}

    def part(kept_back: bool) -> tuple[list[Image.Image], list[int]]:
        names = [n for n in labels if (n in datasets.held_out_pictures()) == kept_back]
        return [Image.open(datasets.picture("vqa_rad", n)) for n in names], [labels[n] for n in names]

    return (*part(False), *part(True))


def phantom_task(domain: Domain, split_at: int, label: Callable[[Truth], int], count: int) -> Task:
    """Phantoms, which neither encoder ever saw: fitted on the first `split_at`, asked of the rest."""
    made = [draw(domain, seed) for seed in range(5_000_000, 5_000_000 + count)]
    images = [Image.fromarray(render(as_scan(phantom))) for phantom in made]
    y = [label(phantom.truth) for phantom in made]
    return images[:split_at], y[:split_at], images[split_at:], y[split_at:]


def tasks(count: int = 400) -> Iterator[tuple[str, Task]]:
    yield "modality of real pictures kept back", modality_task()
    for domain in ("ct", "mri"):
        yield f"plane of {domain} phantoms", phantom_task(domain, count // 2, plane, count)
        yield f"finding or none, {domain} phantoms", phantom_task(domain, count // 2, finding, count)


def plane(truth: Truth) -> int:
    return ("axial", "coronal", "sagittal").index(truth.plane or "axial")


def finding(truth: Truth) -> int:
    return int(not truth.normal)


def compare(teacher: torch.nn.Module, model: torch.nn.Module, out: Path, count: int = 400) -> list[dict[str, object]]:
    """The same linear probe on both encoders for every task; writes and returns counts and which items were right."""
    rows: list[dict[str, object]] = []
    for name, (train_images, train_y, test_images, test_y) in tasks(count):
        row: dict[str, object] = {"task": name, "train": len(train_y), "test": len(test_y)}
        for kind, encoder in (("encoder", teacher), ("vit", model)):
            fitted = pooled(encoder, train_images), torch.tensor(train_y)
            right = probe(fitted, (pooled(encoder, test_images), torch.tensor(test_y)), max(train_y) + 1)
            row[kind] = [int(r) for r in right]
        rows.append(row)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"tasks": rows}) + "\n", encoding="utf-8")
    return rows


def measure(teacher: EfficientNetTower, minutes: float, out: Path) -> list[dict[str, object]]:
    """Train the student for so many minutes, compare, write the counts to `out`."""
    pictures = training_pictures()
    standardise(teacher, torch.stack([pixels(p) for p in pictures]))
    return compare(teacher, distil(teacher, pictures, minutes), out)
