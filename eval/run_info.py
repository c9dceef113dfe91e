"""What a run will be, worked out before anything is loaded: rows, weights by hash, prompt, decoding, conditions."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from eval import environment, pictures
from eval.nano import tasks
from eval.nano.tasks import Case
from eval.task_list import PROMPTS, Task
from medvlm import catalog, checkpoints, datasets, prompts
from medvlm.datasets import Rows
from medvlm.engine.loading import ComputeType, Device, Quantization, choose_device, choose_dtype, family_in
from medvlm.errors import ConfigError
from medvlm.metrics.profiles import METRICS
from medvlm.scores import RunInfo
from medvlm.statistics import SEED
from medvlm.types import Arm, Decoding, Sample

# What makes two runs the same one, and what may change while one goes on, which is then noted.
IDENTITY = (
    "task", "dataset", "split", "samples", "data_sha256", "arms", "model", "model_revision", "adapter",
    "adapter_sha256", "endpoint", "quantization", "compute_dtype", "prompt", "prompt_version", "system", "decoding",
    "limit", "metrics",
)  # fmt: skip
CONDITIONS = ("versions", "hardware", "git_commit")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line. `arms` None: both where there is an adapter, else the base."""

    task: str
    model: str = "nano"
    adapter: str | None = None
    arms: tuple[Arm, ...] | None = None
    quantization: Quantization = "nf4"
    compute_dtype: ComputeType = "auto"
    device: Device = "auto"
    prompt: str | None = None
    tokens: int | None = None
    limit: int | None = None
    endpoint: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """What answers: folders where it is loaded here, hashes, and how it is called."""

    base: Path | None = None
    adapter: Path | None = None
    revision: str | None = None
    adapter_sha256: str | None = None
    trained_on: tuple[str, ...] = ()


def rows(task: Task, limit: int | None) -> Rows:
    """The task's rows, the first `limit` of them. Raises DatasetError."""
    found = datasets.load(task.address, task.split)
    if not found.samples:
        raise ConfigError(f"{task.address} has no rows in split {task.split!r}. Choose another split with @SPLIT.")
    return replace(found, samples=found.samples[:limit])


def cases(found: Rows, system: str) -> list[Case]:
    return [tasks.as_case(sample, system) for sample in found.samples]


def weights(wish: Wish) -> Weights:
    """Where the weights are and what they are. Raises CheckpointError where adapter and base do not fit."""
    if wish.endpoint is not None:
        return Weights()
    base = catalog.resolve(wish.model)
    revision = checkpoints.base_revision(base)
    if wish.adapter is None:
        return Weights(base, revision=revision)
    adapter = catalog.resolve_adapter(wish.adapter)
    made = checkpoints.read(adapter)
    checkpoints.verify(
        made,
        base_model=catalog.identity(wish.model),
        revision=revision,
        family=family_in(base).name,
        prompt_version=prompts.PROMPT_VERSION,
    )
    return Weights(base, adapter, revision, environment.adapter_hash(adapter), made.datasets)


def arms(wish: Wish) -> tuple[Arm, ...]:
    """The arms to ask. Raises ConfigError for a tuned arm without an adapter."""
    if wish.arms is None:
        return ("base", "tuned") if wish.adapter else ("base",)
    if "tuned" in wish.arms and wish.adapter is None:
        raise ConfigError("--arm tuned needs --adapter: a folder that training wrote, or a name in assets/adapters.")
    return wish.arms


def info(wish: Wish, task: Task, found: Rows, there: Weights) -> RunInfo:
    """The run's description, named after the task, the model and a fingerprint of all that decides its answers."""
    prompt = wish.prompt or task.prompt
    entry, _ = datasets.resolve(task.address)
    made = RunInfo(
        name="",
        task=wish.task,
        dataset=task.address,
        split=task.split,
        real=entry.real,
        samples=len(found.samples),
        arms=arms(wish),
        model=wish.model,
        model_revision=there.revision,
        adapter=wish.adapter,
        adapter_sha256=there.adapter_sha256,
        endpoint=wish.endpoint,
        quantization="server's own" if wish.endpoint else wish.quantization,
        compute_dtype="server's own" if wish.endpoint else dtype(wish),
        prompt=prompt,
        prompt_version=prompts.PROMPT_VERSION,
        system=system(prompt),
        decoding=Decoding(max_tokens=wish.tokens or task.tokens),
        limit=wish.limit,
        metrics=tuple(METRICS),
        data_sha256=data_sha256(found.samples),
        fingerprint="",
        seeds={"decoding": 0, "bootstrap": SEED, "kept_back": datasets.HELD_OUT_SEED},
        versions=environment.versions(),
        hardware=environment.hardware(),
        git_commit=environment.git_commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        state="running",
        notes=tuple(without_pictures(found)),
    )
    made = replace(made, fingerprint=fingerprint(made))
    return replace(made, name=wish.name or default_name(made))


def system(prompt: str) -> str:
    """The system prompt of that name. Raises ConfigError."""
    if prompt not in PROMPTS:
        raise ConfigError(f"There is no prompt {prompt!r}; choose one of {', '.join(PROMPTS)}.")
    return PROMPTS[prompt]


def dtype(wish: Wish) -> str:
    """The number format that the weights will compute in, such as "float32"."""
    return str(choose_dtype(wish.compute_dtype, choose_device(wish.device))).removeprefix("torch.")


def default_name(made: RunInfo) -> str:
    """Such as "vqa-rad-nano-nano-med-1a2b3c4d"."""
    parts = [made.task, catalog.short_name(made.model), *([catalog.short_name(made.adapter)] if made.adapter else [])]
    plain = "-".join(parts).replace(":", "-").replace("@", "-").replace("/", "-").replace("=", "-").replace(",", "-")
    return f"{plain}-{made.fingerprint[:8]}"


def fingerprint(made: RunInfo) -> str:
    """Equal where the same is asked of the same weights in the same way."""
    record = asdict(made)
    told = json.dumps({name: record[name] for name in IDENTITY}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def data_sha256(samples: Sequence[Sample]) -> str:
    """A hash over all rows and the bytes of all their pictures. Raises DatasetError for one that is not there."""
    sha = hashlib.sha256(datasets.rows_sha256(samples).encode())
    for name in dict.fromkeys(datasets.name_of(sample) for sample in samples):
        if name is not None:
            sha.update(pictures.identity(name).encode())
    return sha.hexdigest()


def without_pictures(found: Rows) -> list[str]:
    """What must be said where rows of a data set with pictures were asked without them."""
    blind = sum(not sample.image for sample in found.samples)
    entry, _ = datasets.resolve(found.address)
    if not blind or entry.real is None:
        return []
    return [f"{blind} of {len(found.samples)} questions were asked without their picture, which is not here."]
