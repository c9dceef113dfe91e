"""One training stage as a TOML file says it; `python -m train check` and `run` take its path or name."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from medvlm import config, paths
from medvlm.errors import ConfigError

Stage = Literal["align", "instruct", "downstream", "prefer"]
STAGE_ORDER: tuple[Stage, ...] = ("align", "instruct", "downstream", "prefer")
Whole = Literal["frozen", "lora", "full"]
Instruction = Literal["own", "describe", "none"]
Precision = Literal["fp32", "bf16", "nf4"]
Attention = Literal["sdpa", "flash_attention_2", "eager"]
BadSample = Literal["error", "skip"]
Initial = Literal["kaiming", "gaussian"]
Watched = Literal["loss", "closed", "open"]
Gpu = Literal["none", "t4", "l4", "a10g", "rtx4060", "rtx4090", "a100-40", "a100-80", "h100", "h200"]
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CONFIGS = Path(__file__).parent / "configs"
# The plan among them that is no recipe: its stages follow each other in one command.
PIPELINE = "nano"


@dataclass(frozen=True, slots=True)
class Model:
    base: Annotated[str, "base model: a catalog name, a folder or a hub name"]
    vision_tower: Annotated[str | None, "another tower for a LLaVA-type base: a folder or a hub name"] = None
    language_model: Annotated[str | None, "another decoder for a LLaVA-type base: a folder or a hub name"] = None
    split_pictures: Annotated[bool, "let the image processor cut pictures into tiles where it can"] = True

    @property
    def exchanged(self) -> bool:
        return self.vision_tower is not None or self.language_model is not None


@dataclass(frozen=True, slots=True)
class Parts:
    """What is trained of each part. The vision tower never is."""

    language_model: Whole = "lora"
    projector: Whole = "full"


@dataclass(frozen=True, slots=True)
class Lora:
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: Annotated[tuple[str, ...], "linear layers of each block of the language model"] = LINEARS
    initial: Initial = "kaiming"


@dataclass(frozen=True, slots=True)
class Data:
    """`train`: data set addresses; `weights`: how often each one's rows come in an epoch, 1 where nothing is said."""

    train: tuple[str, ...]
    weights: tuple[float, ...] = ()
    limit: Annotated[int | None, "at most so many samples of each data set, drawn by seed"] = None
    validation: Annotated[str | None, "a data set whose loss is watched"] = None
    validation_split: Annotated[Literal["validation", "test"], "which of its rows"] = "validation"
    validation_limit: int = 200
    instruction: Annotated[Instruction, "own question, an instruction to describe by the 30-word line, or none"] = "own"
    system: Annotated[Literal["chat", "short"], "which of medvlm.prompts stands before"] = "chat"
    on_bad_sample: BadSample = "error"
    pictures: Annotated[str | None, "a folder with the pictures that votes name by hash"] = None
    override: Annotated[str | None, "why rows kept for testing are trained on; stands in the checkpoint"] = None


@dataclass(frozen=True, slots=True)
class Learning:
    rate: float = 1e-4
    projector_rate: Annotated[float | None, "the projector's own rate; as the rest where nothing is said"] = None
    epochs: float = 1.0
    batch: Annotated[int, "sequences in one pass on one device"] = 1
    accumulation: Annotated[int, "passes that make one step"] = 1
    warmup_steps: int = 0
    warmup_share: float = 0.0
    decay: float = 0.0
    beta2: Annotated[float, "Adam's second decay: how long squares of gradients are remembered"] = 0.999
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    clip: float = 1.0
    max_tokens: Annotated[int, "longest sequence; whole turns behind it are left out, a picture is never cut"] = 2048
    packing: Annotated[bool, "several samples in one sequence, none of which sees another"] = False
    seed: int = 0
    steps: Annotated[int | None, "stop after so many steps, for trying out"] = None


@dataclass(frozen=True, slots=True)
class Preference:
    """Of stage "prefer". `beta`: how dearly leaving the adapter that one began with is paid; `loss` as TRL names it."""

    beta: float = 0.1
    loss: Literal["sigmoid", "ipo", "hinge"] = "sigmoid"


@dataclass(frozen=True, slots=True)
class Keeping:
    every: Annotated[int, "steps from checkpoint to checkpoint"] = 100
    last: Annotated[int, "how many of them stay"] = 2
    evaluate_every: Annotated[int | None, "steps from one look at data.validation to the next"] = None
    patience: Annotated[int | None, "stop after so many looks without a better one"] = None
    metric: Annotated[Watched, "what is better: a lower loss, or more right of closed or open questions"] = "loss"
    task: Annotated[str | None, "the data set of those questions; data.validation where nothing is said"] = None
    questions: Annotated[int, "so many of them are answered at each look, drawn by seed"] = 50
    best: Annotated[bool, "the result is the best look's weights, not the last step's"] = False
    features_gb: Annotated[float, "disk for what the frozen tower made of pictures, kept for all runs; 0: none"] = 20.0
    tensorboard: Annotated[bool, "write what is logged for TensorBoard as well"] = False


@dataclass(frozen=True, slots=True)
class Machine:
    precision: Precision = "bf16"
    attention: Attention = "sdpa"
    checkpointing: Annotated[bool, "compute activations again instead of keeping them"] = True
    sharding: Annotated[Literal["none", "fsdp", "zero2", "zero3"], "how several GPUs share the weights"] = "none"
    gpu: Annotated[Gpu, "what memory and hours are estimated for"] = "a100-80"
    gpus: int = 1


@dataclass(frozen=True, slots=True)
class Series:
    """The same recipe several times: for each value of one key, and for each of so many seeds."""

    key: str | None = None
    values: tuple[str, ...] = ()
    runs: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    name: Annotated[str, "names the folder of its runs"]
    source: Annotated[str, "which document and table it follows"]
    stage: Stage
    model: Model
    data: Data
    continues: Annotated[str | None, "a recipe's name or an adapter folder that this stage goes on with"] = None
    reference_hours: Annotated[float | None, "hours that the source reports for it"] = None
    parts: Parts = field(default_factory=Parts)
    lora: Lora = field(default_factory=Lora)
    learning: Learning = field(default_factory=Learning)
    preference: Preference = field(default_factory=Preference)
    keeping: Keeping = field(default_factory=Keeping)
    machine: Machine = field(default_factory=Machine)
    series: Series = field(default_factory=Series)

    def mistakes(self) -> Iterator[str]:
        """What no single value shows."""
        yield from self._ranges()
        yield from self._parts_together()
        yield from self._order()
        if self.stage == "prefer":
            yield from self._preferring()

    def _preferring(self) -> Iterator[str]:
        if self.parts.language_model == "full":
            yield "parts.language_model is 'full'; stage 'prefer' holds an adapter against its own begin. Use 'lora'."
        if self.learning.packing:
            yield "learning.packing puts samples together; stage 'prefer' compares them. Set it to false."
        if self.machine.gpus > 1 or self.machine.sharding != "none":
            yield "machine.gpus and machine.sharding: stage 'prefer' trains on one GPU. Set 1 and 'none'."
        if self.keeping.metric != "loss":
            yield f"keeping.metric is {self.keeping.metric!r}; stage 'prefer' knows only 'loss'."
        if odd := [one for one in self.data.train if not one.startswith("ratings:")]:
            yield f"data.train has {', '.join(odd)}; stage 'prefer' learns from votes alone: ratings:FILE."

    def _ranges(self) -> Iterator[str]:
        learning, lora = self.learning, self.lora
        positive = {
            "learning.rate": learning.rate, "learning.epochs": learning.epochs, "learning.batch": learning.batch,
            "learning.accumulation": learning.accumulation, "lora.rank": lora.rank, "lora.alpha": lora.alpha,
            "keeping.every": self.keeping.every, "keeping.last": self.keeping.last, "machine.gpus": self.machine.gpus,
            "series.runs": self.series.runs, "preference.beta": self.preference.beta, "learning.clip": learning.clip,
            "keeping.questions": self.keeping.questions,
        }  # fmt: skip
        yield from (f"{key} is {value}; give a number above 0." for key, value in positive.items() if not value > 0)
        yield from self._optional_ranges()
        if not 0 <= lora.dropout < 1:
            yield f"lora.dropout is {lora.dropout}; choose 0 to below 1."
        if not 0 < learning.beta2 < 1:
            yield f"learning.beta2 is {learning.beta2}; choose a number between 0 and 1, such as 0.999."
        if learning.max_tokens < 64:
            yield f"learning.max_tokens is {learning.max_tokens}; a question with its answer needs 64 or more."
        if odd := [target for target in lora.targets if target not in LINEARS]:
            yield f"lora.targets names {', '.join(odd)}; choose from {', '.join(LINEARS)}."
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", self.name):
            yield f"name is {self.name!r}; use small letters, digits, dots and hyphens: it names a folder."

    def _optional_ranges(self) -> Iterator[str]:
        learning, keeping, data = self.learning, self.keeping, self.data
        given = {
            "learning.steps": learning.steps, "learning.projector_rate": learning.projector_rate,
            "data.limit": data.limit, "data.validation_limit": data.validation_limit,
            "keeping.evaluate_every": keeping.evaluate_every, "keeping.patience": keeping.patience,
        }  # fmt: skip
        for key, value in given.items():
            if value is not None and not value > 0:
                yield f"{key} is {value}; give a number above 0."
        for key, least in {"warmup_steps": learning.warmup_steps, "decay": learning.decay}.items():
            if least < 0:
                yield f"learning.{key} is {least}; give 0 or more."
        if not 0 <= learning.warmup_share < 1:
            yield f"learning.warmup_share is {learning.warmup_share}; choose 0 to below 1."
        if any(weight <= 0 for weight in data.weights):
            yield f"data.weights is {data.weights}; give numbers above 0, and leave out what is not to be learnt."

    def _parts_together(self) -> Iterator[str]:
        if self.parts.language_model == self.parts.projector == "frozen":
            yield "parts: everything is frozen, so nothing is trained. Choose 'lora' or 'full' for one."
        if self.machine.precision == "nf4" and self.parts.language_model == "full":
            yield "parts.language_model is 'full' and machine.precision 'nf4': 4-bit weights take no steps. Use 'lora'."
        if self.machine.attention == "flash_attention_2" and self.learning.packing:
            yield (
                "learning.packing needs a mask that flash_attention_2 does not take. "
                "Set learning.packing = false or machine.attention = 'sdpa'."
            )
        if self.data.weights and len(self.data.weights) != len(self.data.train):
            yield f"data.weights has {len(self.data.weights)} numbers for {len(self.data.train)} sets; give one each."
        if self.data.validation is None and (self.keeping.patience or self.keeping.evaluate_every):
            yield "keeping.patience and keeping.evaluate_every need data.validation; name a data set."
        yield from self._watched()
        if bool(self.series.key) != bool(self.series.values):
            yield "series.key and series.values belong together; give both or neither."

    def _watched(self) -> Iterator[str]:
        keeping = self.keeping
        if not keeping.evaluate_every:
            needs = {"patience": keeping.patience, "best": keeping.best, "metric": keeping.metric != "loss"}
            yield from (
                f"keeping.{k} is about looks; set keeping.evaluate_every." for k, asked in needs.items() if asked
            )
        if keeping.metric == "loss" and keeping.task:
            yield "keeping.task has questions, but keeping.metric is 'loss'. Choose 'closed' or 'open'."
        if keeping.metric != "loss" and self.machine.sharding in ("fsdp", "zero3"):
            yield (
                f"keeping.metric is {keeping.metric!r}, whose answers need whole weights, and machine.sharding "
                f"{self.machine.sharding!r} cuts them up. Choose metric 'loss', or sharding 'zero2' or 'none'."
            )

    def _order(self) -> Iterator[str]:
        if self.stage == "align" and self.continues:
            yield f"continues is {self.continues!r}, but stage 'align' is the first. Leave it out."
        if self.stage != "align" and self.model.exchanged and not self.continues:
            yield (
                "model has another vision tower or language model, so its projector is new: stage 'align' must come "
                "first. Train such a recipe and name it in continues."
            )


def home(runs: Path | None) -> Path:
    """Where recipes' runs are: one folder each, by name."""
    return runs or paths.home() / "recipes"


def find(name: str) -> Path:
    """The file of a recipe: a path, or the name of one in train/configs. Raises ConfigError."""
    path = Path(name)
    shipped = CONFIGS / f"{name}.toml"
    if CONFIGS / f"{PIPELINE}.toml" in (path.resolve(), shipped):
        raise ConfigError(f"{name} is no single recipe but a pipeline of its own. Run `python -m train {PIPELINE}`.")
    return path if path.is_file() or not shipped.is_file() else shipped


def read(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe of a file, changed by `key=value`. Raises ConfigError that lists every mistake."""
    return config.read(Recipe, config.file_layer(find(name)), config.override_layer(overrides))


def all_names() -> list[str]:
    """The recipes that ship, but for nano's own plan, which is a pipeline."""
    return sorted(path.stem for path in CONFIGS.glob("*.toml") if path.stem != PIPELINE)


def named(name: str) -> Recipe:
    """The recipe of a name or path, also one of a series, such as "seed002-scaling-7000". Raises ConfigError."""
    if not find(name).is_file():
        for whole in (one for one in all_names() if name.startswith(one + "-")):
            for one in variants(read(whole), whole):
                if one.name == name:
                    return one
    return read(name)


def previous(recipe: Recipe) -> Recipe | None:
    """The recipe that this one continues, where it names one. Raises ConfigError for a stage out of order."""
    if recipe.continues is None or Path(recipe.continues).is_dir():
        return None
    before = named(recipe.continues)
    if STAGE_ORDER.index(before.stage) > STAGE_ORDER.index(recipe.stage):
        raise ConfigError(
            f"continues is {recipe.continues!r}, whose stage {before.stage!r} comes after this one's {recipe.stage!r}. "
            "Continue an earlier stage."
        )
    return before


def variants(recipe: Recipe, name: str, overrides: Iterable[str] = ()) -> Iterator[Recipe]:
    """The recipes of a series, in order: each value of its key with each seed; the recipe itself without one."""
    given = list(overrides)
    for value in recipe.series.values or (None,):
        chosen = [] if value is None else [f"{recipe.series.key}={value}"]
        label = "" if value is None else "-" + re.sub(r"[^a-z0-9.]+", "-", value.lower()).strip("-")
        for number in range(recipe.series.runs):
            seed = [f"learning.seed={recipe.learning.seed + number}"] if recipe.series.runs > 1 else []
            run = f"-run{number + 1}" if seed else ""
            yield read(name, [*given, *chosen, *seed, f"name={recipe.name}{label}{run}"])


def without_run(name: str) -> str:
    """What the runs of a series that differ in their seed alone are called together."""
    return re.sub(r"-run\d+$", "", name)
