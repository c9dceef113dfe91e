"""Training: what is frozen stays frozen, batches are whole, and a killed run goes on where it was."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from medvlm import datasets, paths
from medvlm.phantoms.truth import Question
from medvlm.prompts import SHORT, SYSTEM
from train import mixtures, nano, nf4, shapes
from train.features import FeatureStore
from train.loop import TokenBatches
from train.nano import only
from train.publish import publish
from train.sequences import Row
from train.stages import STAGES

needs_data = pytest.mark.skipif(
    not datasets.data_home().is_dir(), reason=f"{datasets.data_home()} is not there: real training pictures"
)


def row(length: int) -> Row:
    return Row(None, (1,) * length, (1,) * length, tuple(range(length)), (0,) * length)


def test_batches_hold_every_row_once_within_the_token_limit() -> None:
    rows = [row(20 + i % 37) for i in range(300)]
    batches = list(TokenBatches(rows, 256, seed=1))
    assert sorted(i for batch in batches for i in batch) == list(range(300))
    assert all(len(b) * max(len(rows[i].ids) for i in b) <= 256 for b in batches)


def test_batches_are_the_same_for_a_seed_and_differ_by_epoch() -> None:
    rows = [row(20 + i % 37) for i in range(300)]
    sampler = TokenBatches(rows, 256, seed=1)
    first, second = list(sampler), list(sampler)
    assert first == list(TokenBatches(rows, 256, seed=1)) != second


def test_only_what_is_named_is_trained_and_never_the_tower() -> None:
    model = nn.ModuleDict({"vision_tower": nn.Linear(2, 2), "projector": nn.Linear(2, 2)})
    only(model, lambda name: "projector" in name)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {"projector.weight", "projector.bias"}
    with pytest.raises(AssertionError, match="frozen"):
        only(model, lambda name: True)


def test_training_sees_the_very_numbers_that_the_app_loads(nano_folder: Path) -> None:
    import bitsandbytes.functional as bnb
    from transformers import AutoModelForImageTextToText

    from medvlm.model import LocalModel

    ours = AutoModelForImageTextToText.from_pretrained(nano_folder, dtype=torch.float32)
    assert nf4.as_quantised(ours.model.language_model) == 210
    loaded = LocalModel.load(str(nano_folder), None, quantization="nf4", compute_dtype="float32").loaded.model
    name = "model.language_model.layers.7.mlp.down_proj"
    layer = loaded.get_submodule(name)
    numbers = bnb.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    torch.testing.assert_close(ours.get_submodule(name).weight.data, numbers.float(), rtol=0, atol=0)


def test_features_are_computed_once_and_survive(tmp_path: Path) -> None:
    class Tower(nn.Module):
        calls = 0

        def forward(self, pixel_values: torch.Tensor) -> object:
            self.calls += len(pixel_values)
            return type("Out", (), {"last_hidden_state": pixel_values.mean((2, 3))[:, None]})

    class Processor:
        def image_processor(self, images: list[Image.Image], return_tensors: str) -> dict[str, torch.Tensor]:
            return {"pixel_values": torch.stack([torch.full((3, 2, 2), float(i.getpixel((0, 0))[0])) for i in images])}

    tower = Tower()
    pictures = [(str(v), lambda v=v: Image.new("RGB", (2, 2), (v, v, v))) for v in range(3)]
    FeatureStore(tmp_path, Processor(), tower).add(pictures)
    again = FeatureStore(tmp_path, Processor(), tower)
    again.add(pictures)
    assert tower.calls == 3
    assert again.batch(["2", "1"])[:, 0, 0].tolist() == [2, 1]


def test_scenes_are_drawn_by_seed_and_described_truly() -> None:
    assert shapes.draw(3).image.tobytes() == shapes.draw(3).image.tobytes() != shapes.draw(4).image.tobytes()
    scene = next(s for s in map(shapes.draw, range(50)) if ("How many shapes are there?", "One.") in s.asked)
    assert scene.asked[0][1].count(" on a ") + scene.asked[0][1].count(" at the ") >= 1


def test_questions_of_one_picture_are_of_many_kinds() -> None:
    said = mixtures.texts("ct", 7)
    asked: list[Question] = mixtures.spread(said.questions, random.Random(0), 5)
    assert len({q.kind for q in asked}) == 5


@needs_data
def test_the_disjoint_variant_never_sees_a_picture_that_is_kept_back() -> None:
    kept = datasets.held_out_pictures()
    samples = datasets.without(datasets.vqa_rad("train"), kept)
    shown = {e.picture for e in mixtures.vqa_rad_examples(samples, 3, seed=1)}
    assert len(kept) == 60
    assert not {name.split(":")[1] for name in shown if name} & kept


@needs_data
def test_rows_of_the_training_split_that_the_test_asks_too_are_left_out() -> None:
    test = {(s.image, datasets.normalised(s.question)) for s in datasets.vqa_rad("test")}
    train = list(datasets.vqa_rad("train"))
    left = [s for s in train if not datasets.asked_in_test(s)]
    assert len(train) - len(left) == 24, "a fault of the published split"
    assert not {(s.image, datasets.normalised(s.question)) for s in left} & test


def test_short_answers_stand_behind_the_short_prompt() -> None:
    examples = list(mixtures.instruct_examples(20, 4))
    short = [e for e in examples if e.system == SHORT]
    assert short and len(short) < 20
    assert all(e.system in (SHORT, SYSTEM) for e in examples)
    answers = [turn.text for e in short for d in e.dialogues for turn in d if turn.role == "assistant"]
    assert all(len(answer.split()) < 12 for answer in answers)


def smoke(runs: Path, *stages: str) -> subprocess.Popen[bytes]:
    chosen = [part for stage in stages for part in ("--stage", stage)]
    command = [sys.executable, "-m", "train", "nano", "--smoke", "--runs", str(runs), *chosen]
    return subprocess.Popen(command, cwd=paths.ROOT, stdout=subprocess.DEVNULL)


@needs_data
def test_every_stage_runs_in_small_and_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    first = smoke(tmp_path)
    until = time.monotonic() + 400
    while not (tmp_path / "base" / "done.json").is_file() and first.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = (tmp_path / "tower" / "done.json").stat().st_mtime_ns
    assert smoke(tmp_path).wait() == 0
    assert (tmp_path / "tower" / "done.json").stat().st_mtime_ns == done, "a finished stage is not run again"
    told = json.loads((tmp_path / "reader" / "done.json").read_text())
    assert told["right"]["domain"][2] == told["tested"] == 25
    for stage in STAGES[1:]:
        assert stage == "reader" or json.loads((tmp_path / stage / "done.json").read_text())["tokens"] > 0
        assert (tmp_path / stage / "loss.png").is_file() and (tmp_path / stage / "loss.html").is_file()
    folder = publish(nano.plan(True, tmp_path), "vqa-official", tmp_path / "nano-med")
    assert {p.name for p in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors", "medvlm.json"}
