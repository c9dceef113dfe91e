"""What a run was begun with, kept beside it: a command goes on with the same settings and rows or says what differs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medvlm.errors import ConfigError
from train.examples import Mixture
from train.recipe import Data, Model, Recipe

RECIPE, ROWS = "recipe.json", "data.json"
MOST = 5


def same_recipe(recipe: Recipe, folder: Path) -> None:
    """Keep the recipe beside its run. Raises ConfigError where another one began there."""
    path, now = folder / RECIPE, plain(recipe)
    if path.is_file():
        # What was added to recipes since then had its default.
        added = plain(Recipe(name="", source="", stage="align", model=Model(base=""), data=Data(train=())))
        before = completed(json.loads(path.read_text(encoding="utf-8")), added)
        if before["machine"]["gpus"] != recipe.machine.gpus:
            count = before["machine"]["gpus"]
            raise ConfigError(
                f"{folder} was begun with {count} processes and goes on with {count}: moments and random numbers "
                f"are kept for each. Start {count} (machine.gpus={count}), or give name=ANOTHER."
            )
        if odd := list(differing(before, now)):
            more = f" and {len(odd) - MOST} more" if len(odd) > MOST else ""
            raise ConfigError(
                f"{folder} was begun with other settings: {'; '.join(odd[:MOST])}{more}. Give the former, or "
                "name=ANOTHER, or remove that folder."
            )
    path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


def plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON gives it back."""
    return dict(json.loads(json.dumps(asdict(recipe))))


def completed(before: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    made = dict(added)
    for key, value in before.items():
        inside = isinstance(value, dict) and isinstance(added.get(key), dict)
        made[key] = completed(value, added[key]) if inside else value
    return made


def differing(before: dict[str, Any], now: dict[str, Any], place: str = "") -> Iterator[str]:
    """Such as "learning.rate was 0.1 and is 0.2", for each setting that differs."""
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differing(old, new, f"{place}{key}.")
        elif old != new:
            yield f"{place}{key} was {old!r} and is {new!r}"


def same_rows(mixed: Mixture, folder: Path) -> None:
    """Keep the hashes of the rows beside their run. Raises ConfigError where other rows began there: the order of all
    passes follows from them, so that what was learnt and what is to come would not fit."""
    path, now = folder / ROWS, dict(zip(mixed.labels, mixed.hashes, strict=True))
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else now
    if odd := [label for label, rows in now.items() if before.get(label) != rows]:
        raise ConfigError(
            f"{folder} was begun with other rows of {', '.join(odd)}. Give name=ANOTHER, or remove that folder."
        )
    path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
