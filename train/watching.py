"""Looks at the model while it trains: questions answered as the app would, when to stop, and whose weights to keep."""

import json
import random
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from medvlm import datasets
from medvlm.engine.loading import Loaded
from medvlm.errors import DatasetError
from medvlm.metrics.profiles import METRICS, Item, Metric, summary
from medvlm.model import LocalModel
from medvlm.prompts import SHORT, SYSTEM
from medvlm.types import Conversation, Decoding, Sample, View
from train import processes
from train.parts import Learned, save
from train.recipe import Recipe, Watched

BEST, LOOK = "best", "look.json"
OF: dict[Watched, str] = {"closed": "strict_closed", "open": "strict_open"}
# What a look is called in the trainer's history.
NAMED: dict[Watched, str] = {"loss": "eval_loss", "closed": "eval_closed", "open": "eval_open"}
GREEDY = Decoding(max_tokens=48)
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Task:
    """Questions that are answered at each look. `system`: the prompt that stands before them in training too."""

    samples: tuple[Sample, ...]
    name: Watched
    metric: Metric
    system: str


@dataclass(frozen=True, slots=True)
class Best:
    """The weights of the best look. `look`: its step, metric, value and, where questions were answered, n."""

    folder: Path
    look: dict[str, Any]


def task(recipe: Recipe) -> Task | None:
    """The recipe's questions, drawn by seed; None where the loss alone is looked at. Raises DatasetError."""
    keeping, data = recipe.keeping, recipe.data
    address = keeping.task or data.validation
    if keeping.metric == "loss" or address is None:
        return None
    metric = METRICS[OF[keeping.metric]]
    rows = datasets.load(address, data.validation_split, "eval").samples
    fitting = [one for one in rows if metric.scores(Item("", one.reference, one.closed, one.choices))]
    if not fitting:
        raise DatasetError(
            f"{address}'s {data.validation_split} rows have no {keeping.metric} question, so keeping.metric "
            f"{keeping.metric!r} cannot be told. Name another data set in keeping.task, or set keeping.metric = 'loss'."
        )
    drawn = random.Random(recipe.learning.seed).sample(fitting, min(len(fitting), keeping.questions))
    return Task(tuple(drawn), keeping.metric, metric, SHORT if data.system == "short" else SYSTEM)


def look(asked: Task, learned: Learned, mixed: bool) -> dict[str, float]:
    """Answer the questions, greedily; "eval_closed" or "eval_open" with "eval_n", those that could be scored.

    `mixed`: compute in bfloat16, as training does. The model must not be training (`eval()`).
    """
    model: Any = learned.inner
    device = next(model.parameters()).device
    loaded = Loaded(
        model, learned.model if learned.adapted else None, learned.processor, learned.family, device, torch.float32,
        "none", False,
    )  # fmt: skip
    # Made anew for each look: what it keeps of pictures goes through a projector that has learnt since.
    speaker = LocalModel(loaded, name=learned.base.name)
    arm = speaker.arms[-1]
    answers: list[str] = []
    with torch.autocast(device.type, torch.bfloat16) if mixed else nullcontext():
        for start in range(0, len(asked.samples), TOGETHER):
            talks = [conversation(asked, one) for one in asked.samples[start : start + TOGETHER]]
            answers += speaker.generate_batch(talks, arm, GREEDY)
    items = [Item(text, s.reference, s.closed, s.choices) for text, s in zip(answers, asked.samples, strict=True)]
    found = summary(asked.metric, items)
    return {NAMED[asked.name]: found.value, "eval_n": found.scored} if found.value is not None else {}


def conversation(asked: Task, sample: Sample) -> Conversation:
    """The question as the app would ask it."""
    talk = Conversation(system=asked.system, id="")
    name = datasets.name_of(sample)
    if name is None:
        return talk.asked(sample.question)
    return talk.with_scan(datasets.scan(name)).asked(sample.question, (View(0),))


def looks(history: Sequence[dict[str, float]], metric: Watched) -> list[dict[str, float]]:
    """All looks so far that told the metric, in order."""
    return [entry for entry in history if NAMED[metric] in entry]


def best_of(seen: Sequence[dict[str, float]], metric: Watched) -> int:
    """Which look was the best: the lowest loss, or the highest of what answers score; the first among equals."""
    sign = 1 if metric == "loss" else -1
    return min(range(len(seen)), key=lambda n: sign * seen[n][NAMED[metric]])


class Patience(TrainerCallback):  # type: ignore[misc]
    """Stops after so many looks without a better one; what it knows is in the trainer's state."""

    def __init__(self, most: int, metric: Watched) -> None:
        self._most, self._metric = most, metric

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seen = looks(state.log_history, self._metric)
        if seen and len(seen) - 1 - best_of(seen, self._metric) >= self._most:
            control.should_training_stop = True


class LastLook(TrainerCallback):  # type: ignore[misc]
    """Looks once more at the end, so that what is told of a run is told of the weights that it leaves."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == state.max_steps:
            control.should_evaluate = True


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Keeps the weights of the best look, beside the checkpoints.

    A look's weights stay until a later checkpoint is whole: a killed run may go on from before that look.
    """

    def __init__(self, learned: Learned, folder: Path, metric: Watched) -> None:
        self._learned, self._home, self._metric = learned, folder / BEST, metric

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seen = looks(state.log_history, self._metric)
        if not seen or best_of(seen, self._metric) != len(seen) - 1:
            return
        model = self._learned.model
        state_dict = processes.weights(model, not self._learned.adapted) if processes.sharded(model) else None
        if processes.first():
            self._keep(seen[-1], state.global_step, state_dict)

    def _keep(self, seen: dict[str, float], step: int, state_dict: Any) -> None:
        part, whole = self._home / ".writing", self._home / f"step-{step}"
        shutil.rmtree(part, ignore_errors=True)
        save(self._learned, part, state_dict)
        about = {"step": step, "metric": self._metric, "value": seen[NAMED[self._metric]]}
        about |= {"n": int(seen["eval_n"])} if "eval_n" in seen else {}
        (part / LOOK).write_text(json.dumps(about) + "\n", encoding="utf-8")
        shutil.rmtree(whole, ignore_errors=True)
        part.replace(whole)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._tidy(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._tidy(state)

    def _tidy(self, state: Any) -> None:
        seen = looks(state.log_history, self._metric)
        if not seen or not processes.first():
            return
        kept = int(seen[best_of(seen, self._metric)]["step"])
        for folder in self._home.glob("step-*"):
            if folder.name != f"step-{kept}":
                shutil.rmtree(folder)


def best(folder: Path) -> Best | None:
    """What a finished run keeps of its looks; None where its last step is the result."""
    found = sorted((folder / BEST).glob("step-*"))
    if not found:
        return None
    return Best(found[-1], json.loads((found[-1] / LOOK).read_text(encoding="utf-8")))
