"""The packaged encoder's features of many phantoms and what is known of each, drawn and encoded once, kept on disk."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from medvlm.imaging import render
from medvlm.phantoms import balance, draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Finding, Split, Truth
from medvlm.tower import EfficientNetTower
from medvlm.types import DOMAINS, Domain
from train.nano import encoder, mixtures
from train.nano.distil import pixels

EACH = 250  # phantoms a shard
Spot = tuple[str, float, float, float]  # finding of a domain, row and column of its centre, radius: fractions


@dataclass(frozen=True, slots=True)
class Shard:
    """Phantoms of one domain: (N, 64, 768) float16 features, and for each its facts and its findings' spots."""

    features: Tensor
    facts: list[dict[str, str]]
    spots: list[list[Spot]]


def facts(truth: Truth) -> dict[str, str]:
    """All that a picture can be asked for, each fact named with its domain: "ct: plane" -> "axial"."""
    present = {finding.name for finding in truth.findings}
    found = {f"presence of {name}": "yes" if name in present else "no" for name in truth.possible}
    found |= balance.facts(truth)
    return {"domain": truth.domain} | {f"{truth.domain}: {fact}": value for fact, value in found.items()}


def spots(truth: Truth) -> list[Spot]:
    return [spot(truth.domain, finding) for finding in truth.findings if finding.centre]


def spot(domain: Domain, finding: Finding) -> Spot:
    row, column = finding.centre or (0.5, 0.5)
    return f"{domain} {finding.name}", row, column, finding.radius or 0.0


def lit(image: Image.Image, seed: int) -> Image.Image:
    """As it comes back from some JPEG file, a little lighter or darker than it was drawn."""
    rng = np.random.default_rng([11, seed])
    gain, lift = rng.uniform(0.8, 1.25), rng.uniform(-15, 15)
    changed = image.convert("RGB").point(lambda v: int(min(max(v * gain + lift, 0), 255)))
    return mixtures.jpeg(changed, int(rng.integers(50, 96)))


@cache
def tower() -> EfficientNetTower:
    """The packaged encoder, once a process."""
    return encoder.tower()


@torch.no_grad()
def make(domain: Domain, first: int, count: int, split: Split, target: Path) -> None:
    """Draw, encode and write one shard."""
    features, known, places = [], [], []
    for start in range(first, first + count, 25):
        made = [draw(domain, seed, split) for seed in range(start, min(start + 25, first + count))]
        images = [lit(Image.fromarray(render(as_scan(phantom))), phantom.seed) for phantom in made]
        features.append(tower().features(torch.stack([pixels(image) for image in images])).half())
        known += [facts(phantom.truth) for phantom in made]
        places += [spots(phantom.truth) for phantom in made]
    record = json.dumps({"facts": known, "spots": places})
    part = target.with_suffix(".part")
    save_file({"features": torch.cat(features)}, part, metadata={"record": record})
    part.replace(target)


def shards(folder: Path, each: int, first: int, split: Split = "train", workers: int = 2) -> Iterator[Shard]:
    """`each` phantoms of every domain; what is not on disk yet is made, in parallel."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        (domain, start, min(EACH, first + each - start), split, folder / f"{split}-{domain}-{start}.safetensors")
        for start in range(first, first + each, EACH)
        for domain in DOMAINS
    ]
    missing = [job for job in wanted if not job[4].is_file()]
    if sum(job[2] for job in missing) <= EACH:  # less work than starting processes
        for job in missing:
            make(*job)
    else:
        with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            list(pool.map(make, *zip(*missing, strict=True)))
    for job in wanted:
        yield read(job[4])


def read(file: Path) -> Shard:
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        record = json.loads(opened.metadata()["record"])
    named = [[(str(n), float(r), float(c), float(s)) for n, r, c, s in one] for one in record["spots"]]
    return Shard(load_file(file)["features"], record["facts"], named)
