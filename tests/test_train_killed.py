"""A run that is killed, stopped or left without disk or memory ends with the weights of one that was not."""

import json
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests import dry_runs, tiny_models
from train import recipe, running
from train.learning import TrainingError, whole
from train.recipe import Recipe
from train.running import smaller

KILLS = int(os.environ.get("MEDVLM_KILLS", "3"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"), "llava", spread=0.1)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dry_runs.data(tmp_path_factory.mktemp("data"))


def small(base: Path, address: str) -> Recipe:
    """Twelve steps with LoRA dropout, in fp32; a checkpoint after every second."""
    one = dry_runs.tiny(replace(recipe.read("seed002-single"), name="small"), base, address, epochs=4.0, steps=None)
    return replace(
        one,
        machine=replace(one.machine, precision="fp32"),
        data=replace(one.data, validation=None),
        keeping=replace(one.keeping, evaluate_every=None, every=2),
    )


def started(base: Path, address: str, runs: Path) -> int:
    """The run in a process of its own, which begins with everything imported; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        torch.set_num_threads(1)  # a forked process has no threads but its own
        running.run_one(small(base, address), runs, quiet=True)
        code = 0
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Its exit status, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture(scope="module")
def undisturbed(base: Path, address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of a run that nobody disturbed."""
    runs = tmp_path_factory.mktemp("runs")
    assert ended(started(base, address, runs)) == 0
    return runs / "small" / "adapter"


def steps(runs: Path) -> int:
    """How far the run's journal is."""
    log = runs / "small" / "log.jsonl"
    lines = log.read_text().splitlines() if log.is_file() else []
    return max((json.loads(line)["step"] for line in lines if line.endswith("}")), default=0)


def wait_for(runs: Path, step: int, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while steps(runs) < step and not (runs / "small" / "done.json").exists() and time.monotonic() < until:
        time.sleep(0.005)


def same_weights(one: Path, other: Path) -> bool:
    a, b = (load_file(folder / "adapter_model.safetensors") for folder in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_killed_at_random_steps_it_ends_with_the_same_weights(
    base: Path, address: str, undisturbed: Path, tmp_path: Path
) -> None:
    rng, seen = random.Random(7), []
    for _ in range(KILLS):
        run = started(base, address, tmp_path)
        wait_for(tmp_path, min(steps(tmp_path) + rng.randint(1, 3), 11))
        time.sleep(rng.random() * 0.05)
        os.kill(run, signal.SIGKILL)
        assert ended(run) in (-signal.SIGKILL, 0)
        seen.append(steps(tmp_path))
    assert ended(started(base, address, tmp_path)) == 0
    assert seen[0] > 0
    assert same_weights(tmp_path / "small" / "adapter", undisturbed)
    log = [json.loads(line) for line in (tmp_path / "small" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == list(range(1, 13))
    whole_log = [json.loads(line) for line in (undisturbed.parent / "log.jsonl").read_text().splitlines()]
    assert log == whole_log


def test_sigterm_saves_and_stops_and_the_same_command_goes_on(
    base: Path, address: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = started(base, address, tmp_path)
    wait_for(tmp_path, 3)
    os.kill(run, signal.SIGTERM)
    assert ended(run) == 1
    (*_, last) = whole(tmp_path / "small" / "checkpoints")
    assert int(last.name.split("-")[1]) >= 3 and not (tmp_path / "small" / "done.json").exists()
    assert {"adapter_model.safetensors", "adapter_config.json", "medvlm.json", "optimizer.pt", "scheduler.pt",
            "rng_state.pth", "trainer_state.json"} <= {path.name for path in last.iterdir()}  # fmt: skip
    assert ended(started(base, address, tmp_path)) == 0
    assert same_weights(tmp_path / "small" / "adapter", undisturbed)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(base: Path, address: str, tmp_path: Path) -> None:
    one = small(base, address)
    home = tmp_path / "small" / "checkpoints"
    home.mkdir(parents=True)
    # Not a folder: what is to be written there cannot be. The system's own refusal, as a full disk's is.
    (home / ".writing").write_text("in the way")
    with pytest.raises(TrainingError, match=r"checkpoint of step 2 could not be.*no checkpoint yet.*same command"):
        running.run_one(one, tmp_path, quiet=True)
    assert whole(home) == []


def test_out_of_memory_makes_more_and_smaller_passes() -> None:
    one = replace(small(Path("base"), "own:x"))
    one = replace(one, learning=replace(one.learning, batch=4, accumulation=2))
    assert smaller(one, 2, MemoryError("x")) == 4
    assert smaller(one, 4, MemoryError("x")) == 8
    with pytest.raises(TrainingError, match="One sequence alone is too large"):
        smaller(one, 8, MemoryError("x"))


def test_smaller_passes_learn_the_same(base: Path, address: str, undisturbed: Path, tmp_path: Path) -> None:
    one = small(base, address)
    plain = replace(one, lora=replace(one.lora, dropout=0.0))
    two = running.run_one(plain, tmp_path / "two", quiet=True)
    together = replace(plain, learning=replace(plain.learning, batch=2, accumulation=1))
    whole_steps = running.run_one(together, tmp_path / "one", quiet=True)
    a, b = (load_file(made / "adapter_model.safetensors") for made in (two, whole_steps))
    assert all(torch.allclose(a[name], b[name], atol=2e-3) for name in a)
