"""How recipes for several GPUs are started: accelerate reads what is written, and understands the line."""

import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from accelerate.commands import launch
from accelerate.utils import DeepSpeedPlugin
from accelerate.utils.launch import prepare_multi_gpu_env

from medvlm.errors import ConfigError
from train import launching, recipe
from train.__main__ import main
from train.recipe import Recipe

SEVERAL = [name for name in recipe.all_names() if recipe.read(name).machine.gpus > 1]
# One recipe for each way that recipes ask for.
SHAPES = {("zero3", 4): "seed001-1.5-13b-align", ("fsdp", 8): "seed003-instruct-60k"}


def sharing(sharding: str, *more: str) -> Recipe:
    return recipe.read("seed003-instruct-60k", [f"machine.sharding={sharding}", *more])


def understood(line: str) -> Any:
    """What accelerate makes of a printed line, with the configuration that it names."""
    words = shlex.split(line)
    assert words[:2] == ["accelerate", "launch"]
    chosen, _, _ = launch._validate_launch_command(launch.launch_command_parser().parse_args(words[2:]))
    return chosen


def test_every_recipe_for_several_gpus_has_a_configuration_that_accelerate_reads(tmp_path: Path) -> None:
    assert {(recipe.read(name).machine.sharding, recipe.read(name).machine.gpus) for name in SEVERAL} == set(SHAPES)
    for (sharding, gpus), name in SHAPES.items():
        made = launching.write(recipe.read(name), [name], tmp_path)
        found = launching.checked(made.config)
        assert found["num_processes"] == gpus
        assert found["distributed_type"] == {"fsdp": "FSDP", "zero3": "DEEPSPEED"}[sharding]
        chosen = understood(made.lines[0])
        assert chosen.module and chosen.training_script == "train" and chosen.training_script_args == ["run", name]


def test_the_line_makes_accelerate_say_what_processes_without_it_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = sharing("fsdp")
    made = launching.write(one, ["seed003-instruct-60k"], tmp_path)
    told = prepare_multi_gpu_env(understood(made.lines[0]))
    assert {key: told.get(key) for key in launching.environment(one)} == launching.environment(one)
    plain = launching.write(sharing("none"), ["seed003-instruct-60k"], tmp_path)
    chosen = understood(plain.lines[0])
    assert chosen.multi_gpu and not chosen.use_fsdp and chosen.mixed_precision == "no"


def test_zero_is_a_plugin_of_accelerates(tmp_path: Path) -> None:
    for stage in (2, 3):
        given = launching.checked(launching.write(sharing(f"zero{stage}"), [], tmp_path).config)["deepspeed_config"]
        plugin = DeepSpeedPlugin(**given)
        assert plugin.deepspeed_config["zero_optimization"]["stage"] == stage
        assert plugin.deepspeed_config["gradient_accumulation_steps"] == "auto"
        assert plugin.zero3_save_16bit_model == (stage == 3)


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="deepspeed is installed")
def test_without_deepspeed_a_recipe_says_how_to_get_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"zero3.*pip install deepspeed.*machine.sharding = 'fsdp'"):
        launching.agree_or_raise(sharing("zero3"))
    assert main(["launch", "seed001-1.5-13b-align", "--runs", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("accelerate launch --config_file") and "pip install deepspeed" in said.err


def test_a_key_that_accelerate_does_not_know_is_an_error(tmp_path: Path) -> None:
    path = launching.write(sharing("fsdp"), [], tmp_path).config
    path.write_text(path.read_text().replace("fsdp_offload_params", "fsdp_offload_parms"))
    with pytest.raises(ConfigError, match="names fsdp_offload_parms"):
        launching.checked(path)
    path.write_text("distributed_type: FSDP\nnumber: 3\n")
    with pytest.raises(ConfigError, match="number"):
        launching.checked(path)


def test_what_cannot_be_shared_is_said() -> None:
    assert "nothing to share" in next(iter(launching.wrong(sharing("fsdp", "machine.gpus=1"))))
    assert "cannot have in equal parts" in next(iter(launching.wrong(sharing("fsdp"), nodes=3)))
    lora = ("parts.language_model=lora", "machine.precision=nf4")
    assert "4-bit weights are not shared" in next(iter(launching.wrong(sharing("zero2", *lora))))
    assert "wait for ever" in next(iter(launching.wrong(sharing("zero3", "learning.packing=true"))))
    with pytest.raises(ConfigError, match="needs no launcher"):
        launching.settings(sharing("none", "machine.gpus=1"))
    assert list(launching.wrong(sharing("none", *lora))) == list(launching.wrong(sharing("fsdp"), nodes=2)) == []


def test_a_launcher_configured_for_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match=r"configured for FSDP and machine.sharding is 'none'"):
        launching.agree_or_raise(sharing("none"))


def test_several_nodes_get_a_line_each_and_slurm_a_script_that_bash_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["seed003-instruct-60k", "machine.gpus=16", "--nodes", "2", "--runs", str(tmp_path)]
    assert main(["launch", *given]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [understood(line.replace("FIRST_NODE", "node1")).machine_rank for line in lines] == [0, 1]
    assert main(["launch", *given, "--slurm"]) == 0
    job = tmp_path / "seed003-instruct-60k" / launching.JOB
    assert capsys.readouterr().out.strip() == f"sbatch {job}"
    text = job.read_text()
    assert "--nodes=2" in text and "--gpus-per-node=8" in text and "--signal=TERM@120" in text
    assert subprocess.run(["bash", "-n", job], check=False).returncode == 0


def test_a_jobs_line_becomes_each_nodes_own(tmp_path: Path) -> None:
    """The script with srun and scontrol replaced by what they would do on the second of two nodes."""
    job = tmp_path / "job"
    words = ["my recipe.toml", "learning.rate=1e-4"]
    job.write_text(launching.slurm_job(sharing("fsdp"), tmp_path / "a b.yaml", words, 2))
    for name, does in (
        ("scontrol", 'printf "node1\\nnode2\\n"'),
        ("srun", 'shift; exec "$@"'),
        ("accelerate", f'exec {sys.executable} -c "import sys; print(sys.argv[1:])" "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    told = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_NODEID": "1", "SLURM_JOB_NODELIST": "x"}
    said = subprocess.run(["bash", job], env=told, capture_output=True, text=True, check=True).stdout
    for word in ("'--machine_rank', '1'", "'--main_process_ip', 'node1'", "a b.yaml'", "'my recipe.toml'"):
        assert word in said
