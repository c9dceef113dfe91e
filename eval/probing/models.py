"""Which model is probed, and what a run's record says of it; weights are loaded when the first answer is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import answering, run_info
from eval.answering import Answerer, Asked
from eval.run_info import Wish
from medvlm import catalog
from medvlm.types import Arm, ChatModel

ARMS: tuple[Arm, ...] = ("base", "tuned")
SERVERS_OWN = "server's own"


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """A model to probe. `facts`: the fields of a RunInfo that say which model it is; `trained_on`: what it lists."""

    answerer: Callable[[], Answerer]
    arms: tuple[Arm, ...]
    facts: dict[str, Any]
    trained_on: tuple[str, ...] = ()


def local(wish: Wish, features: Path) -> Probed:
    """The weights in this machine's memory, with the adapter as the tuned arm. Raises CheckpointError."""
    there = run_info.weights(wish)
    loaded: list[Answerer] = []

    def answerer() -> Answerer:
        if not loaded:
            loaded.append(answering.local(wish, there, features))
        return loaded[0]

    facts = {
        "model": catalog.short_name(wish.model),
        "model_revision": there.revision,
        "adapter": catalog.short_name(wish.adapter) if wish.adapter else None,
        "adapter_sha256": there.adapter_sha256,
        "endpoint": None,
        "quantization": wish.quantization,
        "compute_dtype": run_info.dtype(wish),
    }
    return Probed(answerer, ARMS if wish.adapter else ARMS[:1], facts, there.trained_on)


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
    return Probed(lambda: Asked(model, at_once), arms, facts)
