"""Recipes on tiny models: every stage in small, two steps each, on pictures that the test draws."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from medvlm.catalog import CATALOG
from medvlm.ratings import exports
from tests import rating_cases, tiny_models
from tests.tiny_models import FamilyName
from train import recipe as recipes
from train.recipe import Recipe

# A tiny model's tokenizer knows letters only, so that a word takes as many tokens as letters.
LONGEST = 1200


def data(folder: Path, rows: int = 8) -> str:
    """The address of a data set of random pictures of three shapes, with short questions and answers."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "image", "question", "answer", "split"])
        for number in range(rows):
            shape = [(40, 48), (30, 70), (66, 33)][number % 3]
            pixels = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
            split = "train" if number < rows - 2 else "validation"
            said = "It is " + "x" * number
            table.writerow([f"row-{number}", f"{number}.png", f"What is number {number}?", said, split])
    return f"own:{folder / 'rows.csv'}"


def family_of(recipe: Recipe) -> FamilyName:
    found = next(name for name in tiny_models.MAKERS if name == CATALOG[recipe.model.base].family)
    return found


def tiny(recipe: Recipe, base: Path, address: str, **learning: object) -> Recipe:
    """The recipe as it is, but on a tiny base, two steps of two sequences, on one CPU and those data."""
    machine = replace(recipe.machine, attention="sdpa", sharding="none", gpus=1, gpu="none")
    if machine.precision == "bf16":
        machine = replace(machine, precision="fp32")
    small: dict[str, object] = {"batch": 1, "accumulation": 2, "max_tokens": LONGEST, "steps": 2, "epochs": 1.0}
    return replace(
        recipe,
        model=replace(recipe.model, base=str(base), vision_tower=None, language_model=None),
        data=replace(
            recipe.data, train=(address,), weights=(), limit=None, validation=recipe.data.validation and address,
            validation_split="validation", validation_limit=2,
        ),
        lora=replace(recipe.lora, rank=min(recipe.lora.rank, 4)),
        learning=replace(recipe.learning, **{**small, "rate": 1e-2, "projector_rate": None, **learning}),
        keeping=replace(recipe.keeping, every=1, evaluate_every=recipe.keeping.evaluate_every and 1),
        machine=machine,
    )  # fmt: skip


def preferring(recipe: Recipe, base: Path, folder: Path) -> Recipe:
    """A recipe that learns from votes, on votes about the pictures of the data set in that folder."""
    file = folder / "ratings.jsonl"
    shown = [hashlib.sha256((folder / f"{number}.png").read_bytes()).hexdigest() for number in range(4)]
    votes = [rating_cases.simple(number) for number in range(4)]
    votes = [replace(one, case=replace(one.case, scans=(sha256,))) for one, sha256 in zip(votes, shown, strict=True)]
    file.write_text("".join(exports.jsonl(votes)), encoding="utf-8")
    made = tiny(replace(recipe, continues=None), base, f"ratings:{file}")
    return replace(made, data=replace(made.data, pictures=str(folder)))


def stages(name: str, base: Path, address: str) -> list[Recipe]:
    """The recipe and all that it goes on with, the first stage first."""
    recipe = recipes.named(name)
    if recipe.stage == "prefer":
        return [preferring(recipe, base, Path(address.partition(":")[2]).parent)]
    made = [tiny(recipe, base, address)]
    while recipe.continues:
        recipe = recipes.named(recipe.continues)
        made.insert(0, tiny(recipe, base, address))
    return made
