"""What is wrong with a recipe, and what it will cost, before its first step: `python -m train check CONFIG`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from medvlm import datasets
from medvlm.datasets.places import SOURCES
from medvlm.errors import ConfigError, UserError
from train import examples, sizes
from train import recipe as recipes
from train.recipe import Recipe
from train.sizes import GPUS, SIZES, Size

# Tokens of question, answer and template beside a picture's, where no data is at hand to count them.
WORDS = 200


def check(name: str, overrides: Iterable[str] = (), runs: Path | None = None) -> tuple[list[str], list[str]]:
    """What is wrong, and what is worth knowing, each in a sentence; nothing is loaded or downloaded."""
    try:
        recipe = recipes.read(name, overrides)
    except ConfigError as error:
        return str(error).splitlines(), []
    wrong, known = [*series(recipe, name, overrides)], []
    wrong += [*order(recipe, runs)]
    samples, found = data(recipe)
    wrong += found
    size = size_of(recipe)
    if size is None:
        known.append(f"{recipe.model.base} is in no table of sizes: memory and hours are not estimated.")
    else:
        wrong += [*memory(recipe, size)]
        known += [*estimates(recipe, size, samples)]
    known += [*notes(recipe)]
    return wrong, known


def series(recipe: Recipe, name: str, overrides: Iterable[str]) -> Iterator[str]:
    """Every recipe of a series must be one."""
    try:
        list(recipes.variants(recipe, name, overrides))
    except ConfigError as error:
        yield from (f"series: {line}" for line in str(error).splitlines())


def order(recipe: Recipe, runs: Path | None) -> Iterator[str]:
    """Stages in their order, on one base, and with LoRA that fits where the earlier stage trained it."""
    if recipe.continues is None or Path(recipe.continues).is_dir():
        return
    try:
        before = recipes.previous(recipe)
    except ConfigError as error:
        yield from str(error).splitlines()
        return
    if before is None:
        return
    if before.model != recipe.model and before.parts.language_model != "full":
        yield f"model differs from that of {before.name}, which this goes on with. Give both the same model."
    if before.model.exchanged and before.stage != "align" and before.continues is None:
        yield f"{before.name} has a new projector and no stage 'align' before it. Train one and name it in continues."
    if before.parts.language_model == "lora" == recipe.parts.language_model and before.lora.rank != recipe.lora.rank:
        yield f"lora.rank is {recipe.lora.rank}, but {before.name}, which this goes on with, has {before.lora.rank}."
    if before.parts.language_model == "lora" and before.lora.targets != recipe.lora.targets:
        yield f"lora.targets differ from those of {before.name}, which this goes on with. Give both the same."


def data(recipe: Recipe) -> tuple[int | None, list[str]]:
    """How many dialogues an epoch has, where all of them are here, and what is missing."""
    wrong = []
    count: float = 0
    for number, address in enumerate(recipe.data.train):
        try:
            rows = datasets.load(address, "train", "train", recipe.data.override)
            made = len({examples.dialogue_of(sample) for sample in rows.samples})
            weight = recipe.data.weights[number] if recipe.data.weights else 1.0
            count += weight * min(made, recipe.data.limit or made)
        except UserError as error:
            wrong.append(f"data.train: {error}")
    if recipe.data.validation is not None:
        try:
            datasets.load(recipe.data.validation, recipe.data.validation_split, "eval")
        except UserError as error:
            wrong.append(f"data.validation: {error}")
    return (None if wrong else round(count)), wrong


def size_of(recipe: Recipe) -> Size | None:
    return None if recipe.model.exchanged else SIZES.get(recipe.model.base)


def memory(recipe: Recipe, size: Size) -> Iterator[str]:
    """Whether the given GPU holds it."""
    if recipe.machine.gpu == "none":
        return
    needed, there = sizes.memory_gb(recipe, size), GPUS[recipe.machine.gpu][0]
    if needed > there:
        yield (
            f"machine.gpu is {recipe.machine.gpu} with {there:g} GB and about {needed:.0f} GB are needed on each. Set "
            "machine.precision = 'nf4', machine.checkpointing = true, machine.sharding, a smaller learning.batch, or "
            "another GPU."
        )


def estimates(recipe: Recipe, size: Size, samples: int | None) -> Iterator[str]:
    """Memory, trained weights and hours."""
    trained = sizes.trained(recipe, size)
    total = size.total + (trained if recipe.parts.language_model != "full" else 0)
    yield f"{trained:,} of {total:,} weights take steps ({trained / total:.4%})."
    if recipe.machine.gpu != "none":
        needed = sizes.memory_gb(recipe, size)
        yield f"About {needed:.1f} GB on each {recipe.machine.gpu} (docs/train.md has the formula)."
    if samples is None:
        yield "Hours are not estimated: some data is not here to be counted."
        return
    each = min(size.picture_tokens + WORDS, recipe.learning.max_tokens)
    hours = sizes.hours(recipe, size, samples * recipe.learning.epochs * each)
    runs = max(len(recipe.series.values), 1) * recipe.series.runs
    if hours is not None:
        times = f", {runs} times" if runs > 1 else ""
        yield (
            f"About {hours:.1f} hours on {recipe.machine.gpus} {recipe.machine.gpu} for {samples:,} dialogues of some "
            f"{each} tokens, {recipe.learning.epochs:g} epochs{times}."
        )


def notes(recipe: Recipe) -> Iterator[str]:
    """What the source says, and what must not leave the house."""
    yield f"Follows {recipe.source}."
    if recipe.reference_hours is not None:
        yield f"The source reports {recipe.reference_hours:g} hours."
    for address in recipe.data.train:
        entry = datasets.DATASETS.get(address.partition(":")[0])
        source = SOURCES.get(entry.source or "") if entry else None
        if source is not None and not source.trainable:
            yield f"{source.title} ({source.licence}) does not allow to publish weights trained on it."
