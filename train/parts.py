"""A recipe's model in memory: base, adapter, and exactly what is trained; printed, and asserted."""

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from medvlm import catalog
from medvlm.engine.loading import Quantization, family_in, load_base
from medvlm.errors import CheckpointError, ConfigError
from medvlm.families import Family
from train import processes
from train.recipe import Recipe

WEIGHTS = "adapter_model.safetensors"
ADAPTER = "default"


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that is about to learn. `model`: with PEFT around it unless its language model takes steps whole."""

    model: Any
    processor: Any
    family: Family
    base: Path

    @property
    def inner(self) -> Any:
        """The transformers model inside."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def adapted(self) -> bool:
        return self.inner is not self.model


@dataclass(frozen=True, slots=True)
class PartCount:
    part: str
    weights: int
    trained: int


def base_folder(recipe: Recipe) -> Path:
    """The folder of the recipe's base, put together first where parts are exchanged. Raises CheckpointError."""
    if recipe.model.exchanged:
        from train.exchange import exchanged

        return exchanged(recipe.model)
    return catalog.resolve(recipe.model.base)


def prepare(recipe: Recipe, base: Path, before: Path | None) -> Learned:
    """Base and adapter, with what the recipe trains and nothing else; goes on from the adapter `before`.

    Raises CheckpointError and ConfigError.
    """
    torch.manual_seed(recipe.learning.seed)
    machine = recipe.machine
    attention_or_raise(recipe, family_in(base))
    dtype = torch.float32 if machine.precision == "fp32" else torch.bfloat16
    full = recipe.parts.language_model == "full"
    model, processor, family = load_base(
        base,
        processes.device(recipe),
        torch.float32 if full else dtype,
        quantization_of(recipe),
        machine.attention,
    )
    if hasattr(processor.image_processor, "do_image_splitting"):
        processor.image_processor.do_image_splitting &= recipe.model.split_pictures
    learned = Learned(model if full else _adapted(recipe, model, family), processor, family, base)
    if before is not None:
        go_on_from(learned, before)
    choose(recipe, learned)
    if machine.checkpointing:
        language: Any = family.part(learned.inner, family.language_model)
        language.activation_checkpointing_enable()
    return learned


def quantization_of(recipe: Recipe) -> Quantization:
    return "nf4" if recipe.machine.precision == "nf4" else "none"


def attention_or_raise(recipe: Recipe, family: Family) -> None:
    """Raise ConfigError where the back end is not one of the family's, or is not installed."""
    wanted = recipe.machine.attention
    if wanted not in family.attention:
        raise ConfigError(
            f"machine.attention is {wanted!r}, but {family.name} computes rightly only with "
            f"{' or '.join(family.attention)}. Choose one of them."
        )
    if wanted == "flash_attention_2":
        from transformers.utils import is_flash_attn_2_available

        if not is_flash_attn_2_available():
            raise ConfigError(
                "machine.attention is 'flash_attention_2', which needs a CUDA device and the package flash-attn. "
                "Install it (pip install flash-attn --no-build-isolation) or set machine.attention = 'sdpa'."
            )


def lora_names(recipe: Recipe, model: nn.Module, family: Family) -> list[str]:
    """Full names of the linear layers that get LoRA: those of the recipe, never the vision tower's."""
    chosen = []
    for name, _ in model.named_modules():
        place = family.place(name)
        if not family.is_lora_target(name):
            continue
        if place == "language model" and name.rpartition(".")[2] in recipe.lora.targets:
            chosen.append(name)
        if place == "projector" and recipe.parts.projector == "lora":
            chosen.append(name)
    return chosen


def _adapted(recipe: Recipe, model: nn.Module, family: Family) -> Any:
    """A fresh adapter. Where the language model is frozen it still has LoRA, at zero: later stages go on with it."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        init_lora_weights="gaussian" if recipe.lora.initial == "gaussian" else True,
        target_modules=lora_names(recipe, model, family),
        modules_to_save=[family.projector.rpartition(".")[2]] if recipe.parts.projector == "full" else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft 0.21 asks transformers 5.23 for a retired name
        adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if _own(name):
            parameter.data = parameter.data.float()
    return adapted


def _own(name: str) -> bool:
    return ".lora_" in name or "modules_to_save" in name


def go_on_from(learned: Learned, before: Path) -> None:
    """Put an earlier stage's adapter into this one's. LoRA that never took a step may differ in rank and targets."""
    from peft import set_peft_model_state_dict

    file = before / WEIGHTS
    if not file.is_file():
        raise CheckpointError(f"{before} has no {WEIGHTS} to go on from. Finish that stage first, or name another.")
    tensors = load_file(file)
    lora = {name: tensor for name, tensor in tensors.items() if "lora_" in name}
    untrained = not any(bool(tensor.any()) for name, tensor in lora.items() if "lora_B" in name)
    if not learned.adapted:
        if not untrained:
            raise ConfigError(f"{before} has LoRA, which a recipe of all weights cannot go on with. Merge it first.")
        whole = {name.removeprefix("base_model.model."): t for name, t in tensors.items() if name not in lora}
        learned.model.load_state_dict(whole, strict=False)
        return
    wanted = {name: tensor for name, tensor in tensors.items() if not untrained or name not in lora}
    try:
        result = set_peft_model_state_dict(learned.model, wanted)
    except RuntimeError as error:
        raise CheckpointError(f"{before} does not fit this recipe: {str(error)[:300]}. Give lora its rank.") from error
    if result.unexpected_keys:
        raise CheckpointError(
            f"{before} trained {len(result.unexpected_keys)} tensors that this recipe has not, such as "
            f"{result.unexpected_keys[0]}. Give parts and lora.targets what that stage had."
        )


def choose(recipe: Recipe, learned: Learned) -> None:
    """Let exactly the recipe's parts take steps; assert that nothing else does, and that each of them has some."""
    parts, family = recipe.parts, learned.family
    for name, parameter in learned.model.named_parameters():
        parameter.requires_grad_(_wanted(name, recipe, family, learned.adapted))
    counts = {count.part: count for count in table(learned)}
    for part, how in (("language model", parts.language_model), ("projector", parts.projector)):
        assert (counts[part].trained > 0) == (how != "frozen"), f"{part} is {how}"
    assert counts["vision tower"].trained == 0, "the tower is frozen"


def _wanted(name: str, recipe: Recipe, family: Family, adapted: bool) -> bool:
    place = family.place(name)
    how = {"language model": recipe.parts.language_model, "projector": recipe.parts.projector}.get(place, "frozen")
    if place == "head":
        how = "full" if recipe.parts.language_model == "full" else "frozen"
    if how == "full":
        return not adapted or "modules_to_save" in name
    return how == "lora" and ".lora_" in name


def table(learned: Learned) -> list[PartCount]:
    """Weights of each part and how many take steps; 4-bit weights are counted as what they stand for."""
    counted: dict[str, list[int]] = {}
    for name, parameter in learned.model.named_parameters():
        count = counted.setdefault(learned.family.place(name), [0, 0])
        size = parameter.quant_state.shape.numel() if hasattr(parameter, "quant_state") else parameter.numel()
        # A projector in modules_to_save stands beside the base's own, which is not counted twice.
        count[0] += size if ".original_module." not in name else 0
        count[1] += size if parameter.requires_grad else 0
    return [PartCount(part, *counts) for part, counts in counted.items()]


def printed(counts: list[PartCount]) -> str:
    """The table as text, with each part's share of all weights that take steps."""
    total, trained = sum(c.weights for c in counts), sum(c.trained for c in counts)
    rows = [
        f"{c.part:<16}{c.weights:>16,}{c.trained:>16,}{c.trained / max(c.weights, 1):>10.4%}"
        for c in [*counts, PartCount("all", total, trained)]
    ]
    return "\n".join([f"{'part':<16}{'weights':>16}{'trained':>16}{'share':>10}", *rows])


def save(learned: Learned, folder: Path, state: dict[str, torch.Tensor] | None = None) -> None:
    """The adapter, or the whole model where all of it was trained, into an empty folder.

    `state`: the weights by name, where the model holds only parts of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told: dict[str, Any] = {} if state is None else {"state_dict": state}
        if learned.adapted:
            told |= {"save_embedding_layers": False, "selected_adapters": [ADAPTER]}
        learned.model.save_pretrained(folder, **told)
    if not learned.adapted:
        learned.processor.save_pretrained(folder)
    shutil.rmtree(folder / "README.md", ignore_errors=True)
    (folder / "README.md").unlink(missing_ok=True)


def load(learned: Learned, folder: Path) -> None:
    """What `save` wrote, back into the model."""
    if learned.adapted:
        go_on_from(learned, folder)
        return
    for file in sorted(folder.glob("model*.safetensors")):
        learned.model.load_state_dict(load_file(file), strict=False)
