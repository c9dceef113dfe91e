"""One recipe from data to an adapter that the app loads: `python -m train run CONFIG [key=value ...]`."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev
from typing import Any, TextIO

import torch

from medvlm import catalog, checkpoints
from medvlm.checkpoints import CheckpointInfo
from medvlm.errors import CheckpointError
from medvlm.prompts import PROMPT_VERSION
from train import begun, curves, processes, watching
from train import recipe as recipes
from train.batches import Material
from train.examples import Mixture, mixture
from train.learning import CHECKPOINTS, LOG, TrainingError, learn
from train.made import cards
from train.made.trying import FINE, tried
from train.material import prepare_material
from train.nano.publish import git_commit
from train.parts import Learned, base_folder, prepare, printed, quantization_of, save, table
from train.progress import Progress
from train.recipe import Recipe, home

ADAPTER, MODEL, DONE, PASSES = "adapter", "model", "done.json", "passes.txt"
LOSSES = ("loss", "validation_loss")
UNKNOWN = "unknown"  # the hash of data whose stage left none


def run(
    name: str,
    overrides: Iterable[str] = (),
    runs: Path | None = None,
    quiet: bool = False,
    lines: TextIO | None = None,
) -> list[Path]:
    """Run a recipe, or each of its series; the folders of what was made. Finished ones are left alone.

    `lines`: where progress goes as JSON, one object a line, instead of into the terminal.
    """
    variants = recipes.variants(recipes.read(name, overrides), name, overrides)
    made = [run_one(one, home(runs), quiet, lines) for one in variants]
    if len(made) > 1 and processes.first():
        summary = summed_up(made)
        target = home(runs) / f"{recipes.read(name, overrides).name}.json"
        target.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        print(f"{target}: {summary}", flush=True)
    return made


def run_one(recipe: Recipe, runs: Path, quiet: bool, lines: TextIO | None = None) -> Path:
    """The folder with the adapter (or whole model) of one recipe. Raises UserError."""
    processes.join(recipe)
    folder = runs / recipe.name
    target = folder / (MODEL if recipe.parts.language_model == "full" else ADAPTER)
    with processes.together():
        done = (folder / DONE).is_file()
        if processes.first():
            folder.mkdir(parents=True, exist_ok=True)
            begun.same_recipe(recipe, folder)
            if not done:
                Progress(recipe.name, folder, quiet).beat("preparing")
                starts_from(recipe, runs)  # the first puts together what the others then find
    if done:
        processes.say(f"{recipe.name}: done before ({target})")
        return target
    parts = passes_a_step(recipe, folder)
    while True:
        with processes.together():
            base, before = starts_from(recipe, runs)
            mixed, prepared = made_ready(recipe)
            learned = prepare(recipe, base, before)
            data = data_so_far(mixed, base, before)
            if processes.first():
                begun.same_rows(mixed, folder)
            record = info(recipe, learned, data)
            material = prepared(recipe, learned, mixed, folder, parts)
            if processes.first():
                (folder / "parts.txt").write_text(printed(table(learned)) + "\n", encoding="utf-8")
        processes.say(printed(table(learned)))
        try:
            if not learn(recipe, learned, material, parts, record, folder, quiet, lines):
                stopped = f"{recipe.name}: stopped and saved; the same command goes on from {folder}."
                raise SystemExit(stopped if processes.first() else 1)
            break
        except torch.OutOfMemoryError as error:
            parts = smaller(recipe, parts, error)
            if processes.count() > 1:
                raise next_time(folder, parts, error) from error
            del learned, material
            torch.cuda.empty_cache()
    state = processes.weights(learned.model, not learned.adapted) if processes.sharded(learned.model) else None
    with processes.together():
        if processes.first():
            finish(recipe, learned, mixed, data, record, folder, target, state)
    return target


def made_ready(recipe: Recipe) -> tuple[Mixture, Callable[..., Material]]:
    """What is learnt from, and what makes rows of it: dialogues, or pairs that votes tell apart."""
    if recipe.stage != "prefer":
        return mixture(recipe.data, recipe.learning.seed), prepare_material
    from train import preferring  # TRL takes seconds to import

    return preferring.mixture(recipe), preferring.prepare_material


def passes_a_step(recipe: Recipe, folder: Path) -> int:
    """Passes that make a step in all processes together; more after a lack of memory that ended an earlier run."""
    noted = folder / PASSES
    return int(noted.read_text()) if noted.is_file() else recipe.learning.accumulation * recipe.machine.gpus


def next_time(folder: Path, parts: int, error: Exception) -> TrainingError:
    """Several processes cannot begin anew when one of them lacks memory, for the others wait in the middle of a step.

    They end, and the same command goes on with smaller passes.
    """
    (folder / PASSES).write_text(f"{parts}\n", encoding="utf-8")
    return TrainingError(
        f"Process {processes.rank()} lacks memory ({str(error).splitlines()[0]}). All stop; the same command goes on "
        f"from the last checkpoint with {parts} smaller passes a step, which learn the same."
    )


def starts_from(recipe: Recipe, runs: Path) -> tuple[Path, Path | None]:
    """The base's folder, and the adapter to go on with."""
    if recipe.continues is None:
        return base_folder(recipe), None
    if Path(recipe.continues).is_dir():
        return base_folder(recipe), Path(recipe.continues)
    before = recipes.previous(recipe)
    assert before is not None, "a recipe is continued"
    folder = runs / before.name
    if not (folder / DONE).is_file():
        raise CheckpointError(
            f"{before.name} is not finished at {folder}. Run `python -m train run {recipe.continues}`."
        )
    whole = folder / MODEL
    return (whole, None) if whole.is_dir() else (base_folder(recipe), folder / ADAPTER)


def smaller(recipe: Recipe, parts: int, error: Exception) -> int:
    """Twice the passes a step, each of half the sequences: what a step learns stays the same."""
    processes_ = recipe.machine.gpus
    step = recipe.learning.batch * recipe.learning.accumulation * processes_
    if step <= parts:
        raise TrainingError(
            f"One sequence alone is too large for the memory ({str(error).splitlines()[0]}). Lower "
            "learning.max_tokens, set machine.checkpointing = true, or machine.precision = 'nf4'."
        ) from error
    more = next((n for n in range(2 * parts, step + 1) if step % n == 0 and n % processes_ == 0), step)
    print(
        f"{recipe.name}: out of memory; now {more} passes of {step // more} make a step instead of {parts}.", flush=True
    )
    return more


def finish(
    recipe: Recipe,
    learned: Learned,
    mixed: Mixture,
    data: dict[str, str],
    record: CheckpointInfo,
    folder: Path,
    target: Path,
    state: dict[str, torch.Tensor] | None,
) -> None:
    """The adapter with what it says of itself, its card and curve, and the mark that the run is done; checkpoints go.

    It is tried as the app does at its load; what that found stands in the mark and is said.
    """
    part = folder / f".{target.name}"
    shutil.rmtree(part, ignore_errors=True)
    best = watching.best(folder)
    if best is None:
        save(learned, part, state)
    else:
        shutil.copytree(best.folder, part, ignore=shutil.ignore_patterns(watching.LOOK))
    checkpoints.write(record, part)
    curves.draw(folder / LOG, folder)
    lines = [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    watched = [line["validation_loss"] for line in lines if "validation_loss" in line]
    facts = {
        "loss": losses[-1] if losses else None,
        "validation_loss": watched[-1] if watched else None,
        "dialogues": len(mixed.dialogues),
        "data": data,
        "trained": sum(count.trained for count in table(learned)),
        "check": tried(part, learned.base, base_name(recipe, learned), quantization_of(recipe), target.name == MODEL),
    }
    if best is not None:
        facts["best"] = best.look
    if facts["check"] != FINE:
        processes.say(f"{recipe.name}: the app will refuse what was made: {facts['check']}")
    cards.write(part, cards.Story(asdict(recipe), facts, printed(table(learned)), folder / cards.CURVE))
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)
    (folder / "done.part").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (folder / "done.part").replace(folder / DONE)
    for kept in (CHECKPOINTS, watching.BEST):
        shutil.rmtree(folder / kept, ignore_errors=True)


def base_name(recipe: Recipe, learned: Learned) -> str:
    """The base as the checkpoint records it: an adapter on what was put together or trained here names that folder."""
    own = learned.adapted and (learned.base / checkpoints.FILE).is_file()
    return str(learned.base) if recipe.model.exchanged or own else recipe.model.base


def data_so_far(mixed: Mixture, base: Path, before: Path | None) -> dict[str, str]:
    """Hash by name of all data that went into the weights: those of the stages before, then this one's.

    Raises CheckpointError for an adapter `before` that does not say what it was trained on.
    """
    seen: dict[str, str] = {}
    for folder in (base, before):
        if folder is not None and (folder == before or (folder / checkpoints.FILE).is_file()):
            told = (cards.story(folder).facts or {}).get("data", {})
            seen |= {label: told.get(label, UNKNOWN) for label in checkpoints.read(folder).datasets}
    return seen | dict(zip(mixed.labels, mixed.hashes, strict=True))


def info(recipe: Recipe, learned: Learned, data: Iterable[str]) -> CheckpointInfo:
    """What the checkpoint says of itself. `data`: names of all data that went into it, also in stages before."""
    return CheckpointInfo(
        base_model=catalog.identity(base_name(recipe, learned)),
        base_revision=checkpoints.base_revision(learned.base),
        family=learned.family.name,
        stage=recipe.stage,
        prompt_version=PROMPT_VERSION,
        datasets=tuple(data),
        git_commit=git_commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def summed_up(made: list[Path]) -> dict[str, Any]:
    """Last losses of a series; of runs that differ in their seed alone also mean and standard deviation (n - 1)."""
    done = {path.parent.name: json.loads((path.parent / DONE).read_text(encoding="utf-8")) for path in made}
    runs = {name: {key: facts[key] for key in LOSSES} for name, facts in done.items()}
    alike: dict[str, list[dict[str, Any]]] = {}
    for name, losses in runs.items():
        alike.setdefault(recipes.without_run(name), []).append(losses)
    return {"runs": runs, "alike": {name: spread(several) for name, several in alike.items() if len(several) > 1}}


def spread(several: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (n - 1) of each loss that two runs or more have."""
    known = {key: [one[key] for one in several if one[key] is not None] for key in LOSSES}
    return {
        key: {"n": len(values), "mean": mean(values), "deviation": stdev(values)}
        for key, values in known.items()
        if len(values) > 1
    }
