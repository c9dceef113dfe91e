"""Put cases to the model and keep every answer: killed anywhere, the next call goes on where the last one stood."""

import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from eval.items import Answer, EvalArm, Item, windows
from eval.nano.tasks import Case
from eval.pictures import Features
from eval.predict import Predictor
from medvlm import scores
from medvlm.engine.loading import Loaded, choose_device, choose_dtype, load_weights

# The numbers of the language model: as the app has them, or as they were before quantisation.
Precision = Literal["nf4", "full"]
SHORT_ANSWER = 12  # tokens; VQA-RAD's references have 1.6 words on average


class Asker:
    """Asks with one base and one adapter; loads the model when there is something left to ask, one at a time."""

    def __init__(self, base: Path, adapter: Path, folder: Path, features: Path) -> None:
        self._base, self._adapter, self._folder, self._features = base, adapter, folder, features
        self._loaded: tuple[Precision, Predictor] | None = None
        self.seconds = 0.0  # what the answers given out so far took, in this call or an earlier one

    def ask(
        self, task: str, cases: Sequence[Case], arm: EvalArm, precision: Precision = "nf4", tokens: int = SHORT_ANSWER
    ) -> dict[str, Answer]:
        """Case id -> answer, for all cases."""
        items = [case.item for case in cases]
        path = self._folder / f"{task}.{arm}.{precision}.{fingerprint(items, tokens)}.jsonl"
        known = {row["id"]: row for row in scores.rows(path)}
        progress = Progress(f"{task}, {arm}, {precision}", len(items), len(known))
        for window in windows(items):
            missing = {item.id for item in window} - known.keys()
            if missing:
                rows = [row for row in self._answer(window, arm, precision, tokens) if row["id"] in missing]
                scores.append(path, rows)
                known |= {row["id"]: row for row in rows}
                progress.tell(len(rows))
        self.seconds += sum(row.pop("seconds") for row in known.values())
        return {name: Answer(**row) for name, row in known.items()}

    def _answer(self, window: Sequence[Item], arm: EvalArm, precision: Precision, tokens: int) -> list[scores.Record]:
        predictor = self._predictor(precision)
        start = time.monotonic()
        answers = predictor.answer([(item, arm) for item in window], tokens)
        seconds = round((time.monotonic() - start) / len(window), 4)
        return [{**asdict(answer), "seconds": seconds} for answer in answers]

    def _predictor(self, precision: Precision) -> Predictor:
        if self._loaded is None or self._loaded[0] != precision:
            self._loaded = None  # the old one's memory is free before the new one is read
            loaded = load(self._base, self._adapter, precision)
            self._loaded = precision, Predictor(loaded, Features(self._features, loaded))
        return self._loaded[1]


def load(base: Path, adapter: Path | None, precision: Precision) -> Loaded:
    """The model as the app loads it on this machine, its 4-bit weights unpacked where memory allows."""
    device = choose_device("auto")
    dtype = choose_dtype("auto", device)
    return load_weights(base, adapter, device, dtype, "nf4" if precision == "nf4" else "none", "auto")


def fingerprint(items: Sequence[Item], tokens: int) -> str:
    """Changes with any question, picture or prompt, so that answers to other questions are never taken for these."""
    return hashlib.sha256(f"{tokens} {[asdict(item) for item in items]}".encode()).hexdigest()[:8]


class Progress:
    """How far one task is, how fast it goes and how long it will take, on the terminal."""

    def __init__(self, name: str, total: int, done: int) -> None:
        self._name, self._total, self._done, self._begun = name, total, done, done
        self._start = time.monotonic()

    def tell(self, more: int) -> None:
        self._done += more
        speed = (self._done - self._begun) / (time.monotonic() - self._start)
        left = (self._total - self._done) / speed
        print(
            f"{self._name}: {self._done} of {self._total}, {speed:.1f} a second, about {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
