"""The engine: speed against bare `generate`, re-use, unpacking, loading, memory of two arms, and a queue of users."""

import gc
import statistics
import threading
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from medvlm import paths
from medvlm.assemble import assemble
from medvlm.chat import Answered, whole
from medvlm.engine.loading import stored_bytes
from medvlm.model import LocalModel
from medvlm.types import Arm, Conversation, Decoding, Scan, View
from tests import tiny_models
from tests.bench.measuring import Row, row

NANO_MED = paths.ASSETS / "adapters" / "nano-med"
QUESTIONS = (
    "What kind of picture is this?",
    "Describe what you see in it.",
    "Is anything unusual?",
    "How large is it?",
)
ARMS: tuple[Arm, Arm] = ("base", "tuned")


def picture() -> Scan:
    pixels = np.tile(np.linspace(0, 255, 256, dtype=np.uint8)[:, None, None], (1, 256, 3))
    return Scan((pixels,), "other", "unknown", "bench", "bench.png")


def asked(question: str) -> Conversation:
    return Conversation().with_scan(picture()).asked(question, (View(0),))


def step_seconds(last: Answered) -> float:
    """Seconds a token after the first."""
    report = last.report
    return (report.seconds - report.seconds_to_first_token) / max(report.tokens - 1, 1)


def fixed_length(model: LocalModel, tokens: int, arm: Arm = "base") -> float:
    """Tokens a second of our decoding, the median of three answers of exactly so many tokens."""
    engine = model._engine
    ends, engine._ends = engine._ends, frozenset()
    try:
        talk = asked("Tell a long story.")
        return 1 / statistics.median(
            step_seconds(whole(model, talk, arm, Decoding(max_tokens=tokens))) for _ in range(3)
        )
    finally:
        engine._ends = ends


def bare_generate(model: LocalModel, tokens: int) -> float:
    """Tokens a second of transformers' own `generate` on the same weights, after its first token."""
    from PIL import Image

    net: Any = model.loaded.model
    inputs = model.loaded.processor(
        images=[Image.fromarray(picture().slices[0])],
        text=model.prompt_text(asked("Tell a long story."), "base"),
        return_tensors="pt",
    )

    def seconds(count: int) -> float:
        start = time.perf_counter()
        net.generate(**inputs, max_new_tokens=count, min_new_tokens=count, do_sample=False)
        return time.perf_counter() - start

    with model._engine.switched("base"), torch.inference_mode():
        return (tokens - 1) / statistics.median(seconds(tokens) - seconds(1) for _ in range(3))


def until_ready() -> None:
    """Somebody reads the answer, as long as getting ready for the next question takes (about half a second)."""
    for _ in range(200):
        time.sleep(0.05)
        if not any(thread.name == "answer" for thread in threading.enumerate()):
            return


def turns(model: LocalModel, count: int, tokens: int, keep: bool) -> float:
    """Seconds to the first token at the last of so many turns."""
    talk, last = asked(QUESTIONS[0]), None
    for turn in range(count):
        if not keep:
            talk = replace(talk, id=f"{talk.id}-{turn}")
        last = whole(model, talk, "tuned", Decoding(max_tokens=tokens, temperature=0.8, seed=turn))
        if keep:
            until_ready()
        talk = last.conversation.asked(QUESTIONS[(turn + 1) % len(QUESTIONS)])
    assert last is not None
    return last.report.seconds_to_first_token


def queue(model: LocalModel, users: int) -> tuple[float, int]:
    """Seconds for so many users who ask at once, and how many answers were lost or not their asker's."""
    brief = Decoding(max_tokens=6)
    talks = [(asked(QUESTIONS[i % 4]), ARMS[i % 2]) for i in range(users)]
    expected = {(i % 4, i % 2): whole(model, *talks[i], brief).text for i in range(min(users, 4))}
    got: dict[int, str] = {}

    def ask(i: int) -> None:
        got[i] = whole(model, replace(talks[i][0], id=f"user-{i}"), talks[i][1], brief).text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(users)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = sum(got.get(i) != expected[i % 4, i % 2] for i in range(users))
    return time.perf_counter() - start, wrong


def run(smoke: bool) -> list[Row]:
    """Raises AssertionError when an answer is lost or goes to somebody else."""
    tokens, count, users = (4, 3, 4) if smoke else (48, 8, 16)
    with TemporaryDirectory() as scratch:
        base = tiny_models.write_model(Path(scratch) / "base") if smoke else assemble()
        adapter = tiny_models.write_adapter(Path(scratch) / "adapter", base) if smoke else NANO_MED

        def load(adapted: bool = True, **more: Any) -> LocalModel:
            gc.collect()
            settings = {"self_check": False, "device": "cpu", **more}
            return LocalModel.load(str(base), str(adapter) if adapted else None, **settings)

        start = time.perf_counter()
        model = load(unpack="yes")
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        load(self_check=not smoke)
        checked = time.perf_counter() - start
        rows = [row("load", seconds, "s"), row("load with self-check", checked, "s", "load", seconds)]
        rows += speed(model, load(unpack="no"), load(quantization="none"), tokens)
        rows += reuse(load, count, tokens)
        rows += memory(load)
        took, wrong = queue(model, users)
    assert wrong == 0, f"{wrong} of {users} answers were lost or mixed up"
    return [*rows, row(f"{users} users at once", took, "s"), row("answers lost or mixed", wrong, "answers")]


def speed(unpacked: LocalModel, packed: LocalModel, full: LocalModel, tokens: int) -> list[Row]:
    ours, theirs = fixed_length(unpacked, tokens), bare_generate(unpacked, tokens)
    slow, whole_numbers = fixed_length(packed, max(tokens // 3, 2)), fixed_length(full, tokens)
    return [
        row("decoding", ours, "tokens/s", "bare generate", theirs),
        row("decoding, NF4 unpacked", ours, "tokens/s", "NF4 packed", slow),
        row("decoding, NF4 unpacked", ours, "tokens/s", "full precision", whole_numbers),
        row("decoding, tuned arm", fixed_length(unpacked, tokens, "tuned"), "tokens/s", "base arm", ours),
    ]


def reuse(load: Any, count: int, tokens: int) -> list[Row]:
    model = load(unpack="yes")
    with_, without = turns(model, count, tokens, True), turns(model, count, tokens, False)
    return [row(f"first token at turn {count}, nothing kept", without, "s", "with re-use", with_)]


def memory(load: Any) -> list[Row]:
    def held(model: LocalModel) -> float:
        whole_model: Any = model.loaded.adapted or model.loaded.model
        dense = sum(m.dense.nbytes for m in whole_model.modules() if hasattr(m, "dense"))
        return float(stored_bytes(whole_model) + dense)

    two, one = held(load(unpack="yes")), held(load(adapted=False, unpack="yes"))
    return [row("memory of two arms", two / 1e6, "MB", "one arm", one / 1e6)]
