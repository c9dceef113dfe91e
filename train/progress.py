"""How a run is getting on: one calm line in the terminal or lines of JSON, and a beat by which others see it live.

The beat (`beat.json` in the run's folder) says which process trains there and how fast;
`medvlm.scoreboard.training_runs` reads it.
"""

import json
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import psutil  # type: ignore[import-untyped]
import torch

from medvlm.scoreboard.training_runs import BEAT, duration

# The line is drawn anew at most so often on a terminal, and written at most so often into a file.
DRAWN, WRITTEN, BEATEN = 0.25, 30.0, 1.0
# Speed and loss are of the last so many looks at the loss.
RECENT = 30


class Progress:
    """One run's progress. `lines`: where one JSON object an event goes, instead of the line on `out`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        quiet: bool = False,
        lines: TextIO | None = None,
        out: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._folder, self._quiet, self._lines, self._now = name, folder, quiet, lines, now
        self._out = out or sys.stdout
        self._terminal = self._out.isatty()
        self._seen: deque[tuple[float, int, int, float]] = deque(maxlen=RECENT)
        self._samples = 0
        self._shown, self._beaten, self._open = -WRITTEN, -BEATEN, False
        self._state: dict[str, Any] = {}

    def begin(self, step: int, of: int) -> None:
        """Before the first step of this process; a resumed run begins behind those that were done before."""
        self._seen.append((self._now(), step, 0, float("nan")))
        self._state = {"step": step, "of": of}
        self.beat("running")
        self._event("begin", self._state)

    def step(self, step: int, of: int, loss: float, samples: int) -> None:
        """A step was made (or several, since the last call) with so many samples."""
        self._samples += samples
        self._seen.append((self._now(), step, self._samples, loss))
        self._state = {"step": step, "of": of, "loss": round(self._loss(), 6), **self._speed(step, of)}
        if self._now() - self._beaten >= BEATEN or step == of:
            self.beat("running")
        self._event("step", self._state)
        self._draw(last=step == of)

    def look(self, step: int, found: dict[str, float | int]) -> None:
        """What a look at the validation set found: this stays in the terminal."""
        self._event("look", {"step": step, **found})
        said = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in found.items())
        self._print(f"{self._name}  step {step:,}: {said}")

    def end(self, how: str) -> None:
        """`how`: "stopped", or "trained" to the end."""
        self.beat(how)
        self._event(how, self._state)

    def beat(self, state: str) -> None:
        """Say in the run's folder who trains here and how far; whole or not at all."""
        self._beaten = self._now()
        me = psutil.Process()
        record: dict[str, Any] = {
            "pid": me.pid,
            "began": me.create_time(),
            "host": socket.gethostname(),
            "at": time.time(),
        }
        record |= {"command": started()}
        part = self._folder / f".{BEAT}.{os.getpid()}"
        try:
            part.write_text(json.dumps({"state": state, **record, **self._state}) + "\n", encoding="utf-8")
            part.replace(self._folder / BEAT)
        except OSError:
            part.unlink(missing_ok=True)  # A full disk stops the run where it matters, at a checkpoint.

    def _loss(self) -> float:
        known = [loss for *_, loss in self._seen if loss == loss]
        return sum(known[-10:]) / max(len(known[-10:]), 1)

    def _speed(self, step: int, of: int) -> dict[str, float]:
        """Over the recent looks, whatever came between them: checkpoints and evaluations take their time too."""
        first, last = self._seen[0], self._seen[-1]
        seconds, steps = last[0] - first[0], last[1] - first[1]
        speed: dict[str, float] = {"memory_gb": round(memory_bytes() / 1e9, 3)}
        if seconds > 0 and steps > 0:
            speed["samples_per_second"] = round((last[2] - first[2]) / seconds, 4)
            speed["seconds_left"] = round(max(of - step, 0) * seconds / steps, 1)
        return speed

    def _event(self, kind: str, facts: dict[str, Any]) -> None:
        if self._lines is not None:
            print(json.dumps({"event": kind, "run": self._name, **facts}), file=self._lines, flush=True)

    def _draw(self, last: bool) -> None:
        pause = DRAWN if self._terminal else WRITTEN
        if self._quiet or self._lines is not None or (not last and self._now() - self._shown < pause):
            return
        self._shown = self._now()
        if self._terminal:
            print(f"\r{line(self._name, self._state)}\x1b[K", end="", file=self._out, flush=True)
            self._open = True
        else:
            print(line(self._name, self._state), file=self._out, flush=True)

    def _print(self, text: str) -> None:
        """A line of its own: what is drawn anew goes on below it."""
        if self._quiet or self._lines is not None:
            return
        print(("\r" if self._open else "") + text + ("\x1b[K" if self._open else ""), file=self._out, flush=True)
        self._open = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever is said next begins a line of its own."""
        if self._open:
            print(file=self._out, flush=True)
            self._open = False


def started() -> list[str]:
    """The words behind `python -m train` that began this process; none where something else began it."""
    return sys.argv[1:] if Path(sys.argv[0]).parent.name == "train" else []


def line(name: str, state: dict[str, Any]) -> str:
    """Such as "align  step 120 of 2,400  loss 1.234  12.3 samples/s  4.1 GB  1 h 12 min left"."""
    said = [name, f"step {state['step']:,} of {state['of']:,}", f"loss {state['loss']:.4f}"]
    if "samples_per_second" in state:
        said.append(f"{state['samples_per_second']:.3g} samples/s")
    said.append(f"{state['memory_gb']:.1f} GB")
    if state.get("seconds_left"):
        said.append(f"{duration(state['seconds_left'])} left")
    return "  ".join(said)


def memory_bytes() -> int:
    """The most that this process took of the GPU's memory; without a GPU, what it takes of the machine's now."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)
