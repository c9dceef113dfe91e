"""Folders of training runs as training leaves them, for tests that only look."""

import json
import os
import time
from pathlib import Path
from typing import Any

PARTS = (
    "part                     weights         trained     share\n"
    "vision tower              23,936               0   0.0000%\n"
    "projector                  6,272           1,234  19.6747%\n"
    "all                       30,208           1,234   4.0850%\n"
)


def lines(steps: int, of: int) -> list[dict[str, Any]]:
    """A loss that falls, and a look at the last step."""
    made: list[dict[str, Any]] = [
        {"step": n, "of": of, "epoch": n / of, "loss": 1 + 3 / n, "gradient": 1.0, "rate": 1e-3}
        for n in range(1, steps + 1)
    ]
    return [*made, {"step": steps, "of": of, "epoch": 0.5, "validation_loss": 1.5, "closed": 0.625, "n": 40}]


def recipe_run(
    root: Path,
    name: str,
    steps: int = 20,
    beat: dict[str, Any] | None = None,
    done: bool = False,
    age: float = 0,
) -> Path:
    """A run of which so many steps of twice as many are done; `age`: its files are so many seconds old."""
    folder = root / name
    folder.mkdir(parents=True)
    settings = {
        "name": name, "source": "a test", "stage": "align", "model": {"base": "/somewhere/on/this/machine/tiny-base"},
        "continues": None, "parts": {"language_model": "lora", "projector": "full"},
        "learning": {"rate": 2e-3, "epochs": 1.0}, "data": {"train": ["own:/data/rows.csv"], "weights": []},
    }  # fmt: skip
    (folder / "recipe.json").write_text(json.dumps(settings))
    (folder / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines(steps, 2 * steps)))
    (folder / "parts.txt").write_text(PARTS)
    if beat is not None:
        (folder / "beat.json").write_text(json.dumps({**beat, "step": steps, "of": 2 * steps}))
    if done:
        best = {"step": steps, "metric": "closed", "value": 0.625, "n": 40}
        (folder / "done.json").write_text(json.dumps({"loss": 1.2, "best": best}))
    moment = time.time() - age
    for file in folder.iterdir():
        os.utime(file, (moment, moment))
    return folder
