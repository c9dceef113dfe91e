"""On real GPUs: the printed line starts, what shares weights learns the same, and memory is what the formula says."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medvlm.paths import ROOT
from tests import dry_runs, tiny_models
from train import launching, recipe, running, sizes

pytestmark = pytest.mark.gpu


def words(base: Path, address: str, gpus: int, sharding: str) -> list[str]:
    """A tiny recipe of six steps as it is typed."""
    said = {
        "model.base": base, "data.train": address, "data.validation": "none", "data.limit": "none", "name": "small",
        "machine.gpus": gpus, "machine.sharding": sharding, "machine.precision": "fp32", "machine.gpu": "none",
        "machine.attention": "sdpa", "learning.batch": 1, "learning.accumulation": 4 // gpus, "learning.epochs": 2,
        "learning.warmup_steps": 0, "learning.rate": 3e-3, "learning.max_tokens": 1200, "lora.dropout": 0,
        "keeping.evaluate_every": "none", "keeping.patience": "none", "keeping.features_gb": 0,
    }  # fmt: skip
    return ["seed002-single", *(f"{key}={value}" for key, value in said.items())]


def losses(runs: Path) -> list[float]:
    lines = [json.loads(line) for line in (runs / "small" / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_the_printed_line_trains_on_two_gpus_what_one_learns(sharding: str, tmp_path: Path) -> None:
    base = tiny_models.write_model(tmp_path / "base", "llava", spread=0.1)
    address = dry_runs.data(tmp_path / "data", rows=14)
    alone = words(base, address, 1, "none")
    running.run(alone[0], alone[1:], tmp_path / "alone", quiet=True)
    given = words(base, address, 2, sharding)
    both = tmp_path / "both"
    one = recipe.read(given[0], given[1:])
    made = launching.write(one, [*given, "--runs", str(both)], both / "small")
    line = [sys.executable, "-m", "accelerate.commands.launch", *shlex.split(made.lines[0])[2:]]
    subprocess.run(line, cwd=ROOT, check=True, timeout=600)
    assert losses(both) == pytest.approx(losses(tmp_path / "alone"), rel=2e-3)
    assert (both / "small" / "adapter" / "adapter_model.safetensors").is_file()


def test_one_gpu_takes_no_more_than_the_formula_says(tmp_path: Path) -> None:
    """A decoder of 0.3 billion weights with random ones, LoRA, in bfloat16, with checkpointing."""
    base = tiny_models.write_model(tmp_path / "base", "llava", hidden=1024, layers=24)
    given = words(base, dry_runs.data(tmp_path / "data"), 1, "none")
    one = recipe.read(given[0], given[1:])
    one = replace(one, machine=replace(one.machine, precision="bf16", checkpointing=True))
    torch.cuda.reset_peak_memory_stats()
    running.run_one(one, tmp_path / "runs", quiet=True)
    from transformers import AutoConfig

    size = sizes.size_of(AutoConfig.from_pretrained(base).text_config, 0, 0, 16)
    estimated = sizes.memory_gb(replace(one, machine=replace(one.machine, gpu="h100")), size) - sizes.OVERHEAD_GB
    measured = torch.cuda.max_memory_allocated() / sizes.GB
    assert 0.3 * estimated < measured < estimated * 1.05
