"""How a recipe for several GPUs is started: accelerate's configuration, the line for one node, several nodes, Slurm.

`python -m train launch CONFIG [--nodes N] [--slurm] [key=value ...]` writes the files and prints the line.
"""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medvlm.errors import ConfigError
from train.recipe import Recipe

CONFIG, JOB = "accelerate.yaml", "launch.sbatch"
PORT = 29500
DEEPSPEED = (
    "machine.sharding is {sharding!r}, which needs the package deepspeed, and a CUDA compiler to build it. Install it "
    "(pip install deepspeed) or set machine.sharding = 'fsdp', which shares the same and needs nothing more."
)


@dataclass(frozen=True, slots=True)
class Launch:
    """What was written for one recipe, and how it is started. `lines`: for one node, or for each of several."""

    config: Path
    lines: tuple[str, ...]
    job: Path | None


def settings(recipe: Recipe, nodes: int = 1) -> dict[str, Any]:
    """accelerate's configuration: what `accelerate config` would ask for. Raises ConfigError."""
    gpus, sharding = recipe.machine.gpus, recipe.machine.sharding
    if mistakes := list(wrong(recipe, nodes)):
        raise ConfigError("\n".join(mistakes))
    if gpus == 1:
        raise ConfigError(
            f"{recipe.name} is for one GPU and needs no launcher, only `python -m train run`. For several, give "
            "machine.gpus."
        )
    made: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": {"none": "MULTI_GPU", "fsdp": "FSDP"}.get(sharding, "DEEPSPEED"),
        "num_processes": gpus,
        "num_machines": nodes,
        "machine_rank": 0,
        # The loop computes in bfloat16 itself; only DeepSpeed must be told.
        "mixed_precision": "bf16" if sharding.startswith("zero") and recipe.machine.precision != "fp32" else "no",
        "main_training_function": "main",
        "main_process_port": PORT,
        "rdzv_backend": "static",
        "same_network": True,
        "use_cpu": False,
        "debug": False,
    }
    if sharding == "fsdp":
        made["fsdp_config"] = dict(FSDP)
    if sharding.startswith("zero"):
        made["deepspeed_config"] = zero(int(sharding[-1]))
    return made


# Which layers are units is read off the model itself when it is there: a language model's decoder layers, and the rest
# as one. The others' units would be asked for as often as there are pictures, which differs from process to process.
FSDP: dict[str, Any] = {
    "fsdp_version": 2,
    "fsdp_reshard_after_forward": True,
    "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "fsdp_state_dict_type": "FULL_STATE_DICT",
    "fsdp_cpu_ram_efficient_loading": False,
    "fsdp_offload_params": False,
    "fsdp_activation_checkpointing": False,
}


def zero(stage: int) -> dict[str, Any]:
    """DeepSpeed's part. "auto" is filled in by the loop, so that smaller passes after a lack of memory fit too."""
    return {
        "zero_stage": stage,
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "offload_optimizer_device": "none",
        "offload_param_device": "none",
        "zero3_init_flag": False,
        "zero3_save_16bit_model": stage == 3,
    }


def wrong(recipe: Recipe, nodes: int = 1) -> Iterable[str]:
    """What of a recipe does not go with several processes."""
    machine = recipe.machine
    if machine.gpus == 1 and machine.sharding != "none":
        yield f"machine.sharding is {machine.sharding!r} and machine.gpus 1: one GPU has nothing to share. Use 'none'."
    if nodes < 1 or machine.gpus % nodes:
        yield f"machine.gpus is {machine.gpus}, which {nodes} nodes cannot have in equal parts. Give another number."
    if machine.precision == "nf4" and machine.sharding != "none":
        yield (
            f"machine.sharding is {machine.sharding!r} and machine.precision 'nf4': 4-bit weights are not shared, each "
            "GPU holds all of them (4 GB for 7B). Set machine.sharding = 'none', or machine.precision = 'bf16'."
        )
    if machine.sharding == "zero3" and recipe.learning.packing:
        yield (
            "machine.sharding is 'zero3' and learning.packing true: packed sequences have different numbers of "
            "pictures, for which ZeRO-3 would wait for ever. Set machine.sharding = 'fsdp' or learning.packing = false."
        )


def missing(recipe: Recipe) -> str | None:
    """What must be installed before this recipe can run, and how."""
    if recipe.machine.sharding.startswith("zero") and find_spec("deepspeed") is None:
        return DEEPSPEED.format(sharding=recipe.machine.sharding)
    return None


def environment(recipe: Recipe) -> dict[str, str]:
    """What `accelerate launch` tells processes of sharding, so that torchrun alone is enough where it said nothing."""
    if recipe.machine.sharding != "fsdp":
        return {}
    told = {key.upper(): str(value).lower() if isinstance(value, bool) else str(value) for key, value in FSDP.items()}
    return {"ACCELERATE_USE_FSDP": "true", **told}


def agree_or_raise(recipe: Recipe) -> None:
    """Fill in what the launcher left unsaid. Raises ConfigError where it says something else than the recipe."""
    if mistakes := list(wrong(recipe)):
        raise ConfigError("\n".join(mistakes))
    if lack := missing(recipe):
        raise ConfigError(lack)
    told = {
        "fsdp": os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true",
        "zero": os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true",
    }
    for kind, said in told.items():
        if said and not recipe.machine.sharding.startswith(kind):
            raise ConfigError(
                f"The launcher is configured for {kind.upper()} and machine.sharding is {recipe.machine.sharding!r}. "
                "Write its configuration anew with `python -m train launch` and the same words."
            )
    if recipe.machine.sharding.startswith("zero") and not told["zero"]:
        raise ConfigError(
            f"machine.sharding is {recipe.machine.sharding!r}, which `accelerate launch` must be told. Start it with "
            "the line of `python -m train launch`."
        )
    for key, value in environment(recipe).items():
        os.environ.setdefault(key, value)


def write(recipe: Recipe, words: list[str], folder: Path, nodes: int = 1, slurm: bool = False) -> Launch:
    """The configuration (and the job) into the run's folder, read back by accelerate itself. Raises ConfigError.

    `words`: what follows `python -m train run`.
    """
    from accelerate.commands.config.config_args import ClusterConfig  # type: ignore[import-untyped]

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CONFIG
    ClusterConfig(**settings(recipe, nodes)).to_yaml_file(path)
    checked(path)
    job = None
    if slurm:
        job = folder / JOB
        job.write_text(slurm_job(recipe, path, words, nodes), encoding="utf-8")
    return Launch(path, tuple(lines(path, words, nodes)), job)


def checked(path: Path) -> dict[str, Any]:
    """accelerate's own reading of a configuration. Raises ConfigError for what it does not know."""
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import launch_command_parser  # type: ignore[import-untyped]

    try:
        found = load_config_from_file(str(path)).to_dict()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no configuration for accelerate: {error}. Write it anew.") from error
    # The parts within are taken over unread: a misspelt one would be without effect.
    known = vars(launch_command_parser().parse_args(["script"]))
    parts = [*(found.get("fsdp_config") or {}), *(found.get("deepspeed_config") or {})]
    if odd := [key for key in parts if key not in known]:
        raise ConfigError(f"{path} names {', '.join(odd)}, which this accelerate does not know. Write it anew.")
    return dict(found)


def lines(config: Path, words: list[str], nodes: int) -> Iterable[str]:
    """What is typed: once on one node, or on each of several with its number."""
    train = f"-m train run {shlex.join(words)}"
    start = f"accelerate launch --config_file {shlex.quote(str(config))}"
    if nodes == 1:
        yield f"{start} {train}"
    for number in range(nodes if nodes > 1 else 0):
        yield f"{start} --machine_rank {number} --main_process_ip FIRST_NODE --main_process_port {PORT} {train}"


def slurm_job(recipe: Recipe, config: Path, words: list[str], nodes: int) -> str:
    """A batch script. SIGTERM comes two minutes before the time is up, so that the run saves; requeued, it goes on."""
    each = recipe.machine.gpus // nodes
    start = (
        f"exec accelerate launch --config_file {shlex.quote(str(config))} --machine_rank $SLURM_NODEID "
        f"--main_process_ip $FIRST_NODE --main_process_port {PORT} -m train run {shlex.join(words)}"
    )
    return "\n".join(
        [
            "#!/bin/bash",
            f"#SBATCH --job-name={recipe.name}",
            f"#SBATCH --nodes={nodes}",
            "#SBATCH --ntasks-per-node=1",
            f"#SBATCH --gpus-per-node={each}",
            f"#SBATCH --cpus-per-task={8 * each}",
            "#SBATCH --signal=TERM@120",
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            "set -e",
            'export FIRST_NODE=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)',
            f"srun --kill-on-bad-exit=1 bash -c {shlex.quote(start)}",
            "",
        ]
    )
