"""Recipes: every one in small on tiny models, and how many of twenty killed runs end with the same weights."""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from medvlm.paths import ROOT
from tests.bench.measuring import Row, row

KILLED = "tests/test_train_killed.py::test_killed_at_random_steps_it_ends_with_the_same_weights"


def dry_run(name: str, folder: Path) -> float:
    """Seconds for two steps of all stages of a recipe, on a tiny model of its family, until the app has loaded it."""
    from medvlm.model import LocalModel
    from tests import dry_runs, tiny_models
    from train import recipe, running

    base = tiny_models.write_model(folder / "base", dry_runs.family_of(recipe.read(name)), spread=0.1)
    address = dry_runs.data(folder / "data")
    start = time.perf_counter()
    for one in dry_runs.stages(name, base, address):
        made = running.run_one(one, folder / "runs", quiet=True)
    whole = made.name == "model"
    loaded = LocalModel.load(str(made if whole else base), None if whole else str(made), device="cpu", self_check=False)
    assert len(loaded.arms) == (1 if whole else 2)
    return time.perf_counter() - start


def survived(kills: int) -> bool:
    """Whether a run that was killed so often ended with the weights of one that was not."""
    environment = {**os.environ, "MEDVLM_KILLS": str(kills)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", KILLED]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL).returncode == 0


def run(smoke: bool) -> list[Row]:
    """Raises AssertionError where a recipe's result cannot be loaded, or a kill changed a weight."""
    from train import recipe

    names = ["smolvlm-laptop"] if smoke else recipe.all_names()
    rows = []
    for name in names:
        with TemporaryDirectory() as folder:
            rows.append(row(f"dry run of {name}", dry_run(name, Path(folder)), "s"))
    if not smoke:
        assert survived(20), "a killed run ended with other weights"
        rows.append(row("kills survived bit for bit", 20, "", "kills", 20))
    return rows
