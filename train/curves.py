"""A stage's loss curve, as a page and as a picture."""

import json
from pathlib import Path

from medvlm import plots


def draw(log: Path, folder: Path) -> None:
    """`loss.html` and `loss.png` from `log.jsonl`."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    lines = [line for line in lines if "loss" in line]
    steps, losses = [int(line["step"]) for line in lines], [float(line["loss"]) for line in lines]
    plots.write_page(plots.loss_curve(steps, losses, folder.name), folder / "loss.html")
    plots.loss_picture(steps, losses, folder.name).save(folder / "loss.png")
