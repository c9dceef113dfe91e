"""The check that a fresh checkpoint must pass, as when the app loads it: it fits, speaks, and changes something."""

from pathlib import Path

import torch

from medvlm import catalog, checkpoints
from medvlm.engine.decoding import Engine
from medvlm.engine.loading import Quantization, choose_device, choose_dtype, family_in, load_weights
from medvlm.errors import CheckpointError
from medvlm.prompts import PROMPT_VERSION
from medvlm.types import Arm

FINE = "passed"


def tried(made: Path, base: Path, name: str, quantization: Quantization, whole: bool) -> str:
    """FINE, or why the app would refuse what was written. `name`: the base's; `whole`: a model, not an adapter."""
    try:
        if whole:
            _speaks(made, None, quantization)
        else:
            checkpoints.verify(
                checkpoints.read(made),
                base_model=catalog.identity(name),
                revision=checkpoints.base_revision(base),
                family=family_in(base).name,
                prompt_version=PROMPT_VERSION,
            )
            _speaks(base, made, quantization)
    except CheckpointError as error:
        return str(error)
    except (torch.OutOfMemoryError, MemoryError):
        return "not tried: there is no memory for it beside the trained model. Load it in the app, which tries it."
    return FINE


def _speaks(folder: Path, adapter: Path | None, quantization: Quantization) -> None:
    """Raise CheckpointError for gibberish or an adapter without effect; a base's gibberish is no adapter's fault."""
    device = choose_device("auto")
    loaded = load_weights(folder, adapter, device, choose_dtype("auto", device), quantization, "auto")
    engine = Engine(loaded, None, 1 << 20)
    arms: tuple[Arm, ...] = ("base",) if adapter is None else ("base", "tuned")
    probes = {}
    for arm in arms:
        with torch.inference_mode(), engine.switched(arm):
            probes[arm] = engine.probe(arm)
    if adapter is None:
        checkpoints.check_fluent(*probes["base"], str(folder))
        return
    (base, answer), (tuned, _) = probes["base"], probes["tuned"]
    if not bool(torch.isfinite(tuned).all()) or _fluent(base, answer, folder):
        checkpoints.check_fluent(tuned, answer, str(adapter))
    checkpoints.check_differ(base, tuned, str(adapter))


def _fluent(logits: torch.Tensor, answer: list[int], folder: Path) -> bool:
    try:
        checkpoints.check_fluent(logits, answer, str(folder))
    except CheckpointError:
        return False
    return True
