"""Evaluation: questions a second, both arms, against a plain loop over `generate` on the same weights."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image

from eval import pictures, run_info, task_list
from eval.answering import Batched, answered, conversation, to_arms
from eval.items import Item, windows
from medvlm import datasets, paths
from medvlm.assemble import assemble
from medvlm.datasets import drawn
from medvlm.engine.loading import Loaded, load_weights
from medvlm.engine.templates import Template
from medvlm.imaging import render
from medvlm.types import Arm, Decoding
from tests import tiny_models
from tests.bench.measuring import Row, row

ARMS: tuple[Arm, Arm] = ("base", "tuned")
QUESTIONS = 64  # two windows' worth would say the same: pictures and system prompt are shared within one
TOKENS = task_list.SHORT_TOKENS
Answers = dict[tuple[Arm, str], str]


@dataclass(frozen=True, slots=True)
class Timed:
    """Answers with what they took: seconds on the clock, and seconds of the processor (which a busy machine leaves
    alone)."""

    answers: Answers
    clock: float
    processor: float


def items(smoke: bool) -> list[Item]:
    """VQA-RAD's first test questions; about phantoms where it is not here, and in small."""
    if not smoke and (datasets.data_home() / "vqa_rad").is_dir():
        found = run_info.rows(task_list.find("vqa-rad"), None).samples
    else:
        found = tuple(drawn.about("ct", 0) if smoke else (s for n in range(12) for s in drawn.about("ct", n)))
    system = task_list.PROMPTS["short"]
    asked = [Item(s.id, datasets.name_of(s), s.question, system) for s in found]
    return windows(asked)[0][: 4 if smoke else QUESTIONS]


def plainly(loaded: Loaded, asked: Sequence[Item]) -> Answers:
    """One question after the other, one arm after the other."""
    template, processor = Template(loaded.processor), loaded.processor
    model: Any = loaded.adapted
    answers: Answers = {}
    for arm in ARMS:
        with model.disable_adapter() if arm == "base" else nullcontext():
            for item in asked:
                image = Image.fromarray(render(pictures.scan(str(item.picture))))
                text = template.text(conversation(item))
                inputs = processor(images=[image], text=text, return_tensors="pt", add_special_tokens=False)
                out = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
                told = processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
                answers[arm, item.id] = told.rstrip("\ufffd").strip()
    return answers


def batched(loaded: Loaded, asked: Sequence[Item], folder: Path) -> Answers:
    """As `eval run` does it, no picture encoded yet."""
    window = to_arms(asked, ARMS)
    batches = answered(Batched(loaded, folder), window, window, Decoding(max_tokens=TOKENS))
    return {(arm, item.id): one.text for said, _ in batches for (item, arm), one in said}


def timed(work: Callable[[], Answers]) -> Timed:
    clock, processor = time.perf_counter(), time.process_time()
    answers = work()
    return Timed(answers, time.perf_counter() - clock, time.process_time() - processor)


def weights(smoke: bool, folder: Path) -> Loaded:
    """Nano with nano-med in float32; in small, a tiny model."""
    base = tiny_models.write_model(folder / "base") if smoke else assemble()
    adapter = tiny_models.write_adapter(folder / "adapter", base) if smoke else paths.ASSETS / "adapters" / "nano-med"
    return load_weights(base, adapter, torch.device("cpu"), torch.float32, "none", "no")


def run(smoke: bool) -> list[Row]:
    with TemporaryDirectory() as name, torch.inference_mode():
        folder = Path(name)
        loaded, asked = weights(smoke, folder), items(smoke)
        ours = timed(lambda: batched(loaded, asked, folder / "features"))
        plain = timed(lambda: plainly(loaded, asked))
    count = len(asked) * len(ARMS)
    same = sum(ours.answers[key] == plain.answers[key] for key in plain.answers)
    against = "a plain loop over generate"
    return [
        row("answers a second, both arms", count / ours.clock, "1/s", against, count / plain.clock),
        row("answers a processor second, both arms", count / ours.processor, "1/s", against, count / plain.processor),
        row("equal answers", same / count, "of all"),
    ]
