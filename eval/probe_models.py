"""Which model is probed, and what a run's record says of it; weights are loaded when the first answer is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import asking, environment
from eval.asking import Precision
from eval.pictures import Features
from eval.predict import Predictor
from eval.probe_asking import Answering, Local, OneByOne
from medvlm import catalog, checkpoints
from medvlm.loading import choose_device, choose_dtype
from medvlm.types import Arm, ChatModel

ARMS: tuple[Arm, ...] = ("base", "tuned")


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """A model to probe. `facts`: the fields of a RunInfo that say which model it is; `trained_on`: what it lists."""

    answering: Callable[[], Answering]
    arms: tuple[Arm, ...]
    facts: dict[str, Any]
    trained_on: tuple[str, ...] = ()


def local(base: str, adapter: str | None, precision: Precision, features: Path) -> Probed:
    """The base in this machine's memory, with the adapter as its tuned arm. Raises CheckpointError."""
    folder = catalog.resolve(base)
    tuned = catalog.resolve_adapter(adapter) if adapter else None
    loaded: list[Answering] = []

    def answering() -> Answering:
        if not loaded:
            model = asking.load(folder, tuned, precision)
            loaded.append(Local(Predictor(model, Features(features, model))))
        return loaded[0]

    dtype = choose_dtype("auto", choose_device("auto"))
    facts = {
        "model": catalog.short_name(base),
        "model_revision": checkpoints.base_revision(folder),
        "adapter": catalog.short_name(adapter) if adapter else None,
        "adapter_sha256": environment.adapter_hash(tuned) if tuned else None,
        "endpoint": None,
        "quantization": precision if precision == "nf4" else "none",
        "compute_dtype": str(dtype).removeprefix("torch."),
    }
    listed = checkpoints.read(tuned).datasets if tuned else ()
    return Probed(answering, ARMS if tuned else ARMS[:1], facts, listed)


def other(model: ChatModel, endpoint: str | None = None) -> Probed:
    """Any ChatModel, as a base alone: what weights it has is not known."""
    facts = {
        "model": model.name,
        "model_revision": None,
        "adapter": None,
        "adapter_sha256": None,
        "endpoint": endpoint,
        "quantization": "unknown",
        "compute_dtype": "unknown",
    }
    return Probed(lambda: OneByOne(model), ARMS[:1], facts)
