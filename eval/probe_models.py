"""Which model is probed, and what a run's record says of it; weights are loaded when the first answer is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import run_info
from eval.answering import BATCHED
from eval.pictures import Features
from eval.predict import Predictor
from eval.probe_asking import Answering, Local, OneByOne
from eval.run_info import Weights, Wish
from medvlm import catalog
from medvlm.loading import choose_device, choose_dtype, load_weights
from medvlm.model import LocalModel
from medvlm.types import Arm, ChatModel

ARMS: tuple[Arm, ...] = ("base", "tuned")
SERVERS_OWN = "server's own"


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """A model to probe. `facts`: the fields of a RunInfo that say which model it is; `trained_on`: what it lists."""

    answering: Callable[[], Answering]
    arms: tuple[Arm, ...]
    facts: dict[str, Any]
    trained_on: tuple[str, ...] = ()


def local(wish: Wish, features: Path) -> Probed:
    """The weights in this machine's memory, with the adapter as the tuned arm. Raises CheckpointError."""
    there, device = run_info.weights(wish), choose_device(wish.device)
    dtype = choose_dtype(wish.compute_dtype, device)
    loaded: list[Answering] = []

    def answering() -> Answering:
        if not loaded:
            loaded.append(_loaded(wish, there, features))
        return loaded[0]

    facts = {
        "model": catalog.short_name(wish.model),
        "model_revision": there.revision,
        "adapter": catalog.short_name(wish.adapter) if wish.adapter else None,
        "adapter_sha256": there.adapter_sha256,
        "endpoint": None,
        "quantization": wish.quantization,
        "compute_dtype": str(dtype).removeprefix("torch."),
    }
    return Probed(answering, ARMS if wish.adapter else ARMS[:1], facts, there.trained_on)


def _loaded(wish: Wish, there: Weights, features: Path) -> Answering:
    """Batched where the family can, else one question after the other."""
    assert there.base is not None, "without an endpoint the weights are here"
    device = choose_device(wish.device)
    dtype = choose_dtype(wish.compute_dtype, device)
    loaded = load_weights(there.base, there.adapter, device, dtype, wish.quantization, "auto")
    if loaded.family.name in BATCHED:
        return Local(Predictor(loaded, Features(features, loaded)))
    return OneByOne(LocalModel(loaded))


def served(
    model: ChatModel, arms: tuple[Arm, ...], base: str, tuned: str | None, endpoint: str, at_once: int
) -> Probed:
    """What a server answers; which weights it has is not known here."""
    facts = {
        "model": base,
        "model_revision": None,
        "adapter": tuned,
        "adapter_sha256": None,
        "endpoint": endpoint,
        "quantization": SERVERS_OWN,
        "compute_dtype": SERVERS_OWN,
    }
    return Probed(lambda: OneByOne(model, at_once), arms, facts)
