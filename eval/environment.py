"""What a score was made with: hashes of weights and code, versions, and the hardware in words."""

import hashlib
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from medvlm import checkpoints, datasets
from medvlm.paths import ROOT
from medvlm.prompts import PROMPT_VERSION
from medvlm.scores import Record
from medvlm.statistics import RESAMPLES, SEED

LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")


def adapter_hash(adapter: Path) -> str:
    """SHA-256 over the adapter's weight files."""
    sha = hashlib.sha256()
    for file in checkpoints.weight_files(adapter):
        sha.update(file.read_bytes())
    return sha.hexdigest()


def weights(base: Path, adapter: Path) -> Record:
    """What a score belongs to: it is void when any of these changes."""
    return {
        "adapter_sha256": adapter_hash(adapter),
        "base": "nano",
        "base_revision": checkpoints.base_revision(base),
        "prompt_version": PROMPT_VERSION,
    }


def conditions() -> Record:
    """Under which conditions it was made; told, but a score stays valid when they change."""
    return {
        "git_commit": git_commit(),
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "seeds": {"bootstrap": SEED, "kept_back": datasets.HELD_OUT_SEED},
        "resamples": RESAMPLES,
    }


def versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def hardware() -> str:
    """Such as "2 cores, AVX2", and the GPUs where there are any."""
    cards = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return ", ".join([f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}", *cards])


def git_commit() -> str:
    """The commit of the code, or "unknown" outside a checkout."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
