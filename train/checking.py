"""What is wrong with a recipe, and what it will cost, before its first step: `python -m train check CONFIG`."""

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from medvlm import catalog, datasets
from medvlm.catalog import CATALOG
from medvlm.datasets.places import SOURCES
from medvlm.errors import ConfigError, UserError
from train import examples, launching, sizes
from train import recipe as recipes
from train.recipe import Recipe
from train.sizes import GPUS, SIZES, Size

# Tokens of question, answer and template beside a picture's, where no data is at hand to count them.
WORDS = 200
# Numbers of GPUs that costs are told for.
COUNTS = (1, 4, 8)
# What the documentation's table compares, all with checkpointing and one sequence of at most 2,048 tokens in a pass.
ALIKE = (
    "machine.gpu=a100-80",
    "machine.checkpointing=true",
    "learning.batch=1",
    "learning.accumulation=16",
    "learning.max_tokens=2048",
    "parts.projector=full",
)
WAYS = {
    "QLoRA (NF4), DDP": ("parts.language_model=lora", "machine.precision=nf4", "machine.sharding=none"),
    "LoRA (bf16), FSDP": ("parts.language_model=lora", "machine.precision=bf16", "machine.sharding=fsdp"),
    "all weights, FSDP": ("parts.language_model=full", "machine.precision=bf16", "machine.sharding=fsdp"),
}


def check(name: str, overrides: Iterable[str] = (), runs: Path | None = None) -> tuple[list[str], list[str]]:
    """What is wrong, and what is worth knowing, each in a sentence; nothing is loaded or downloaded."""
    try:
        recipe = recipes.read(name, overrides)
    except ConfigError as error:
        return str(error).splitlines(), []
    overrides = list(overrides)
    wrong, known = [*series(recipe, name, overrides)], []
    wrong += [*order(recipe, runs), *launching.wrong(recipe)]
    samples, found = data(recipe)
    unfit, lacking = attention(recipe)
    wrong += [*found, *unfit]
    known += lacking
    size = size_of(recipe)
    if size is None:
        what = "A model with exchanged parts" if recipe.model.exchanged else recipe.model.base
        known.append(f"{what} is in no table of sizes: memory and hours are not estimated.")
    else:
        wrong += [*memory(recipe, size)]
        known += [*estimates(recipe, size, samples)]
        known += [*on_others(recipe, size, samples)]
    if recipe.machine.gpus > 1:
        known += [*started(recipe, [name, *overrides], runs)]
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
    if recipe.continues is None:
        return
    if Path(recipe.continues).is_dir():
        yield from adapter(recipe, Path(recipe.continues))
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


def adapter(recipe: Recipe, folder: Path) -> Iterator[str]:
    """Whether an adapter's folder can be gone on with: it says what it is, and its base and LoRA are the recipe's."""
    try:
        info, lora = (json.loads((folder / name).read_text("utf-8")) for name in ("medvlm.json", "adapter_config.json"))
    except (OSError, ValueError) as error:
        yield f"continues names {folder}, which is no adapter that says what it is: {error}. Finish that run first."
        return
    base = catalog.identity(recipe.model.base)
    if not recipe.model.exchanged and info.get("base_model") != base:
        yield f"model.base is {base}, but {folder}, which this goes on with, is for {info.get('base_model')}."
    if recipe.parts.language_model == "lora" and lora.get("r") != recipe.lora.rank:
        yield f"lora.rank is {recipe.lora.rank}, but {folder}, which this goes on with, has {lora.get('r')}."


def attention(recipe: Recipe) -> tuple[list[str], list[str]]:
    """What is wrong with the back end that computes attention, and what is not installed for it."""
    wanted, entry = recipe.machine.attention, CATALOG.get(recipe.model.base)
    if wanted == "sdpa":
        return [], []
    from medvlm.families import FAMILIES  # torch takes seconds to import

    family = FAMILIES.get(entry.family) if entry else None
    wrong = []
    if family is not None and wanted not in family.attention:
        right = " or ".join(family.attention)
        wrong = [f"machine.attention is {wanted!r}; {family.name} computes rightly only with {right}. Choose one."]
    lacking = wanted == "flash_attention_2" and find_spec("flash_attn") is None
    how = "flash_attention_2 is not installed here: pip install flash-attn --no-build-isolation, where CUDA is."
    return wrong, [how] if lacking else []


def data(recipe: Recipe) -> tuple[int | None, list[str]]:
    """How many dialogues an epoch has, where all of them are here, and what is missing."""
    wrong = []
    count: float = 0
    if recipe.stage == "prefer":
        return preferences(recipe)
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
    if recipe.keeping.metric != "loss":
        from train import watching  # torch takes seconds to import

        try:
            watching.task(recipe)
        except UserError as error:
            wrong.append(f"keeping.metric: {error}")
    return (None if wrong else round(count)), wrong


def preferences(recipe: Recipe) -> tuple[int | None, list[str]]:
    """How many pairs the votes give, and which of their pictures are not here."""
    from train.votes import votes

    try:
        found = votes(recipe.data, recipe.data.train)
        if recipe.data.validation is not None:
            votes(recipe.data, [recipe.data.validation])
    except UserError as error:
        return None, [f"data.train: {error}"]
    missing: dict[str, str] = {}
    for name in sorted({one.picture for one in found.dialogues if one.picture}):
        try:
            found.pictures.image(name)
        except UserError as error:
            missing.setdefault(name.partition("#")[0].partition("@")[0], f"data.pictures: {error}")
    return len(found.dialogues), [*missing.values()] if recipe.data.on_bad_sample == "error" else []


def size_of(recipe: Recipe) -> Size | None:
    return None if recipe.model.exchanged else SIZES.get(recipe.model.base)


def memory(recipe: Recipe, size: Size) -> Iterator[str]:
    """Whether the given GPU holds it."""
    if recipe.machine.gpu == "none":
        return
    needed, there = sizes.memory_gb(recipe, size), GPUS[recipe.machine.gpu][0]
    if needed > there:
        yield (
            f"machine.gpu is {recipe.machine.gpu} with {there:g} GB and about {needed:.1f} GB are needed on each. Set "
            f"{', '.join(savings(recipe))}, or another GPU."
        )


def savings(recipe: Recipe) -> Iterator[str]:
    """What would need less memory and is not set yet."""
    learning, machine = recipe.learning, recipe.machine
    if recipe.parts.language_model == "full":
        yield "parts.language_model = 'lora'"
    elif machine.precision != "nf4" and machine.sharding == "none":
        yield "machine.precision = 'nf4'"
    if not machine.checkpointing:
        yield "machine.checkpointing = true"
    if machine.precision != "nf4" and machine.sharding not in ("fsdp", "zero3"):
        yield "machine.sharding = 'fsdp' on more GPUs"
    yield "a smaller learning.batch" if learning.batch > 1 else "a smaller learning.max_tokens"


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
    hours = sizes.hours(recipe, size, samples * recipe.learning.epochs * each, each)
    runs = max(len(recipe.series.values), 1) * recipe.series.runs
    if hours is not None:
        times = f", {runs} times" if runs > 1 else ""
        yield (
            f"About {hours:.1f} hours on {recipe.machine.gpus} {recipe.machine.gpu} for {samples:,} dialogues of some "
            f"{each} tokens, {recipe.learning.epochs:g} epochs{times}."
        )
        yield from looked(recipe, size, samples, each)


def looked(recipe: Recipe, size: Size, samples: int, each: int) -> Iterator[str]:
    """What looks at the validation loss take besides, where there are any."""
    every, learning = recipe.keeping.evaluate_every, recipe.learning
    if every is None or recipe.stage == "prefer":
        return
    rows = datasets.load(str(recipe.data.validation), recipe.data.validation_split, "eval").samples
    most = min(len(rows), recipe.data.validation_limit)
    steps = samples * learning.epochs / (learning.batch * learning.accumulation * recipe.machine.gpus)
    looks = int(steps // every) + 1  # and one at the end
    taken = sizes.looking_hours(recipe, size, float(looks * most * each))
    if taken is not None:
        yield f"{looks} looks at up to {most:,} rows of {recipe.data.validation} take about {taken:.1f} hours more."


def on_others(recipe: Recipe, size: Size, samples: int | None) -> Iterator[str]:
    """What a recipe for several GPUs would need on 1, 4 and 8 of them."""
    machine = recipe.machine
    if machine.gpus == 1 or machine.gpu == "none":
        return
    each = min(size.picture_tokens + WORDS, recipe.learning.max_tokens)
    for gpus in COUNTS:
        one = replace(recipe, machine=replace(machine, gpus=gpus, sharding=machine.sharding if gpus > 1 else "none"))
        needed, there = sizes.memory_gb(one, size), GPUS[machine.gpu][0]
        hours = None if samples is None else sizes.hours(one, size, samples * recipe.learning.epochs * each, each)
        yield (
            f"On {gpus} {machine.gpu} ({one.machine.sharding}): about {needed:.0f} GB on each"
            + (f", more than its {there:g}" if needed > there else "")
            + ("." if hours is None else f", {hours:.1f} hours.")
        )
    if machine.sharding in ("fsdp", "zero3"):
        held = sizes.loading_gb(recipe, size)
        yield f"While loading, its {machine.gpus} processes hold {held:.0f} GB in main memory."


def figures() -> Iterator[str]:
    """Rows of the table in docs/many-gpus.md: three ways to train 7B and 13B, on 1, 4 and 8 A100 of 80 GB.

    GB on each, and hours for a million dialogues of 776 tokens: 576 of a picture and 200 of words.
    """
    each = 776
    for base, (way, words) in product(("llava-1.5-7b", "llava-1.5-13b"), WAYS.items()):
        cells = []
        for gpus in COUNTS:
            alone = ["machine.sharding=none"] if gpus == 1 else []
            said = [*ALIKE, f"model.base={base}", *words, *alone, f"machine.gpus={gpus}"]
            one = recipes.read("seed003-instruct-60k", said)
            hours = sizes.hours(one, SIZES[base], 1e6 * each, each)
            cells.append(f"{sizes.memory_gb(one, SIZES[base]):.0f} GB, {hours:.0f} h")
        yield f"| {base} | {way} | " + " | ".join(cells) + " |"


def started(recipe: Recipe, words: list[str], runs: Path | None) -> Iterator[str]:
    """The line that starts several processes, and what must be installed for it."""
    if runs is not None:
        words = [*words, "--runs", str(runs)]
    config = recipes.home(runs) / recipe.name / launching.CONFIG
    yield f"Start it with: {next(iter(launching.lines(config, words, 1)))}"
    yield f"That configuration is written by: python -m train launch {shlex.join(words)}"
    if lack := launching.missing(recipe):
        yield lack


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
