"""What a run writes of itself while it trains, and how it is stopped: the journal `log.jsonl`, and SIGTERM."""

import json
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import TrainerCallback

from train import processes
from train.batches import Material
from train.progress import Progress

# Trainer's names and ours; margin: by how much more the preferred answers gained than the rejected, times beta.
LOGGED = {
    "loss": "loss",
    "grad_norm": "gradient",
    "learning_rate": "rate",
    "eval_loss": "validation_loss",
    "eval_closed": "closed",
    "eval_open": "open",
    "eval_n": "n",
    "rewards/margins": "margin",
    "rewards/accuracies": "preferred",
    "eval_rewards/margins": "validation_margin",
}


class Journal(TrainerCallback):  # type: ignore[misc]
    """One JSON line for each look at the loss; a resumed run goes on behind the step it resumes from."""

    def __init__(self, path: Path, material: Material, accumulation: int, progress: Progress) -> None:
        self._path, self._material, self._accumulation, self._progress = path, material, accumulation, progress
        self._step = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not processes.first():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []
        kept = [line for line in lines if json.loads(line)["step"] <= state.global_step]
        part = self._path.with_suffix(".part")
        part.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        part.replace(self._path)
        self._step = state.global_step
        self._progress.begin(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        found = {ours: logs[theirs] for theirs, ours in LOGGED.items() if logs and theirs in logs}
        if not found or not processes.first():
            return
        passes = self._material.passes
        last = min(state.global_step * self._accumulation, len(passes)) - 1
        line = {"step": state.global_step, "of": state.max_steps, "epoch": round(passes[last].epoch, 4), **found}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if "loss" in found:
            shown = passes[self._step * self._accumulation : state.global_step * self._accumulation]
            samples = sum(len(self._material.sequences[n]) for one in shown for n in one.sequences)
            self._progress.step(state.global_step, state.max_steps, found["loss"], samples)
            self._step = state.global_step
        else:
            self._progress.look(state.global_step, found)


class Terminated(TrainerCallback):  # type: ignore[misc]
    """Saves and stops at the end of the step in which SIGTERM comes."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._before = signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.asked = any(processes.flags(self.asked))
        if self.asked:
            control.should_save = control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        signal.signal(signal.SIGTERM, self._before)
