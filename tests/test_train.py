"""Nano's training: what it sees is what the app loads, what is kept back stays so, a killed run goes on."""

import json
import os
import random
import signal
import subprocess
import time
import traceback
from pathlib import Path

import pytest
import torch
from torch import nn

from medvlm import datasets
from medvlm.phantoms.truth import Question
from medvlm.prompts import SHORT, SYSTEM
from train.__main__ import main
from train.nano import mixtures, nf4, shapes
from train.nano import pipeline as nano
from train.nano.publish import git_commit, publish
from train.nano.stages import STAGES

needs_data = pytest.mark.skipif(
    not datasets.data_home().is_dir(), reason=f"{datasets.data_home()} is not there: real training pictures"
)


def test_training_sees_the_very_numbers_that_the_app_loads(nano_folder: Path) -> None:
    import bitsandbytes.functional as bnb
    from transformers import AutoModelForImageTextToText

    from medvlm.model import LocalModel

    ours = AutoModelForImageTextToText.from_pretrained(nano_folder, dtype=torch.float32)
    assert nf4.as_quantised(ours.model.language_model) == 210
    told = dict(quantization="nf4", compute_dtype="float32", self_check=False)
    loaded = LocalModel.load(str(nano_folder), None, **told).loaded.model  # type: ignore[arg-type]
    name = "model.language_model.layers.7.mlp.down_proj"
    layer = loaded.get_submodule(name)
    numbers = bnb.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    torch.testing.assert_close(ours.get_submodule(name).weight.data, numbers.float(), rtol=0, atol=0)


def test_weights_that_come_again_share_the_numbers_and_an_adapters_own_stay_what_they_are() -> None:
    layer = nn.ModuleDict({"base_layer": nn.Linear(64, 64), "lora_A": nn.ModuleDict({"default": nn.Linear(64, 2)})})
    model = nn.ModuleDict({"q_proj": layer})
    whole, own = model.state_dict()["q_proj.base_layer.weight"].clone(), layer["lora_A"]["default"].weight.clone()
    known: dict[str, torch.Tensor] = {}
    assert nf4.as_quantised(model, known) == 1 and list(known) == ["q_proj.base_layer"]
    assert not torch.equal(layer["base_layer"].weight, whole) and torch.equal(layer["lora_A"]["default"].weight, own)
    layer["base_layer"].weight.data = whole
    assert nf4.as_quantised(model, known) == 1
    assert layer["base_layer"].weight.data_ptr() == known["q_proj.base_layer"].data_ptr()


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


def test_a_checkpoint_says_when_its_code_is_no_commits(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True,
                       capture_output=True)  # fmt: skip

    assert git_commit(tmp_path) == "unknown"
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "loop.py").write_text("one")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    clean = git_commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "notes").write_text("beside it")
    assert git_commit(tmp_path) == clean
    (tmp_path / "train" / "loop.py").write_text("two")
    assert git_commit(tmp_path) == f"{clean}-modified"


def smoke(runs: Path) -> int:
    """All stages in small, in a process of its own that begins with everything imported; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        torch.set_num_threads(1)  # a forked process has no threads but its own
        nano.run(nano.plan(True, runs), STAGES)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


@needs_data
def test_every_stage_runs_in_small_and_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    first = smoke(tmp_path)
    while not (tmp_path / "shapes" / "log.jsonl").is_file():
        assert os.waitpid(first, os.WNOHANG) == (0, 0), "it ended before the stage that it was to be killed in"
        time.sleep(0.05)
    os.kill(first, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == -signal.SIGKILL, "killed within a stage"
    done = (tmp_path / "reader" / "done.json").stat().st_mtime_ns
    assert os.waitstatus_to_exitcode(os.waitpid(smoke(tmp_path), 0)[1]) == 0
    assert (tmp_path / "reader" / "done.json").stat().st_mtime_ns == done, "a finished stage is not run again"
    told = json.loads((tmp_path / "reader" / "done.json").read_text())
    assert told["right"]["domain"][2] == told["tested"] == 25
    for stage in STAGES[1:]:
        assert stage == "reader" or json.loads((tmp_path / stage / "done.json").read_text())["tokens"] > 0
        assert (tmp_path / stage / "loss.png").is_file() and (tmp_path / stage / "loss.html").is_file()
        steps = [json.loads(line)["step"] for line in (tmp_path / stage / "log.jsonl").read_text().splitlines()]
        assert steps == sorted(set(steps)), "a killed run goes on in its own log"
    folder = publish(nano.plan(True, tmp_path), "vqa-official", tmp_path / "nano-med")
    assert {p.name for p in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors", "medvlm.json"}


def test_the_command_runs_the_stages_it_is_told_to_and_leaves_finished_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tower").mkdir()
    (tmp_path / "tower" / "done.json").write_text("{}")
    assert main(["nano", "--smoke", "--runs", str(tmp_path), "--stage", "tower"]) == 0
    assert "tower: done before" in capsys.readouterr().out
