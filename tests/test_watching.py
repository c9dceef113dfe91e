"""Looks at a model that trains: its answers are the app's, the best look's weights stay, and a kill changes nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from medvlm.errors import ConfigError, DatasetError
from medvlm.model import LocalModel
from tests import dry_runs, tiny_models
from train import checking, recipe, running, watching
from train.recipe import Recipe


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dry_runs.data(tmp_path_factory.mktemp("data"), rows=5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_model(tmp_path_factory.mktemp("base"), "llava", spread=0.1)


def watched(base: Path, address: str, steps: int = 3, **keeping: Any) -> Recipe:
    """Steps so large that the loss grows again; every step is looked at."""
    chosen: dict[str, Any] = {"every": 1, "evaluate_every": 1, "features_gb": 0.0, **keeping}
    one = dry_runs.tiny(replace(recipe.read("seed002-single"), name="watched"), base, address, steps=steps, epochs=9.0)
    return replace(
        one,
        lora=replace(one.lora, dropout=0.0),
        learning=replace(one.learning, rate=0.5, schedule="constant", warmup_steps=0),
        machine=replace(one.machine, precision="fp32"),
        data=replace(one.data, validation=address),
        keeping=replace(one.keeping, **chosen),
    )


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_answers_are_those_the_app_gives_with_the_saved_adapter(base: Path, address: str, tmp_path: Path) -> None:
    one = watched(base, address, metric="open", best=True, questions=2, steps=2)
    asked = watching.task(one)
    assert asked is not None and len(asked.samples) == 2
    made = running.run_one(one, tmp_path, quiet=True)
    looks = [line for line in log(made.parent) if "open" in line]
    assert [(line["step"], line["n"]) for line in looks] == [(1, 2), (2, 2)]
    assert all("validation_loss" in line and 0 <= line["open"] <= 1 for line in looks)
    done = json.loads((made.parent / "done.json").read_text())["best"]
    app = LocalModel.load(str(base), str(made), device="cpu", quantization="none", compute_dtype="float32",
                          self_check=False)  # fmt: skip
    answers = app.generate_batch([watching.conversation(asked, s) for s in asked.samples], "tuned", watching.GREEDY)
    items = [watching.Item(a, s.reference, s.closed) for a, s in zip(answers, asked.samples, strict=True)]
    value = watching.summary(asked.metric, items).value
    assert value == max(line["open"] for line in looks) == done["value"] and done["n"] == 2
    # Training goes on from a look as if there had been none.
    alone = running.run_one(watched(base, address, steps=done["step"], evaluate_every=None), tmp_path / "b", quiet=True)
    tensors, others = (load_file(folder / "adapter_model.safetensors") for folder in (made, alone))
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_the_best_look_is_the_result_and_patience_stops(base: Path, address: str, tmp_path: Path) -> None:
    one = watched(base, address, steps=60, best=True, patience=2)
    made = running.run_one(one, tmp_path, quiet=True)
    losses = {line["step"]: line["validation_loss"] for line in log(made.parent) if "validation_loss" in line}
    best = min(losses, key=lambda step: losses[step])
    assert len(losses) == best + 2 < 60, "two looks without a better one, and no more"
    done = json.loads((made.parent / "done.json").read_text())
    assert done["best"] == {"step": best, "metric": "loss", "value": losses[best]}
    assert not (made.parent / "best").exists() and not (made / watching.LOOK).exists()
    # The weights of a run that ends at that step.
    short = running.run_one(watched(base, address, steps=best), tmp_path / "short", quiet=True)
    tensors, others = (load_file(folder / "adapter_model.safetensors") for folder in (made, short))
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_the_last_step_is_looked_at_so_that_what_is_told_is_of_the_weights_that_stay(
    base: Path, address: str, tmp_path: Path
) -> None:
    made = running.run_one(watched(base, address, steps=3, evaluate_every=2), tmp_path, quiet=True)
    losses = {line["step"]: line["validation_loss"] for line in log(made.parent) if "validation_loss" in line}
    assert list(losses) == [2, 3]
    assert json.loads((made.parent / "done.json").read_text())["validation_loss"] == losses[3]


def test_best_and_patience_know_which_way_is_better() -> None:
    history = [{"eval_loss": v, "eval_closed": v, "step": n} for n, v in enumerate((0.5, 0.9, 0.2, 0.9))]
    assert watching.best_of(history, "loss") == 2 and watching.best_of(history, "closed") == 1
    assert watching.looks([{"loss": 1.0}, *history], "closed") == history


def test_what_cannot_be_looked_at_is_said_before_the_first_step(base: Path, address: str) -> None:
    wrong, _ = checking.check("seed002-vqa", ["keeping.best=true", "keeping.evaluate_every=none"])
    assert any("keeping.best is about looks" in line for line in wrong)
    wrong, _ = checking.check("seed002-vqa", ["keeping.metric=closed", "machine.sharding=fsdp", "machine.gpus=2"])
    assert any("Choose metric 'loss'" in line for line in wrong)
    with pytest.raises(DatasetError, match=r"no closed question.*keeping\.task"):
        watching.task(watched(base, address, metric="closed"))


def test_tensorboard_is_written_or_said_to_be_missing(base: Path, address: str, tmp_path: Path) -> None:
    one = watched(base, address, steps=1, tensorboard=True)
    try:
        import tensorboard  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match="pip install tensorboard"):
            running.run_one(one, tmp_path, quiet=True)
        return
    made = running.run_one(one, tmp_path, quiet=True)
    assert list((made.parent / "tensorboard").glob("events.*"))
