"""The formulas for memory against what can be counted: the real classes, and what autograd saves for the way back."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    MistralConfig,
)

from medvlm import paths
from train import checking, recipe, sizes
from train.sizes import SIZES

CLIP = dict(
    hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
    patch_size=14, projection_dim=768,
)  # fmt: skip


def weights_on_no_device(make: Any, config: Any) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make(config).parameters())


@pytest.mark.parametrize("name", ["llava-1.5-7b", "llava-1.5-13b", "llava-next-7b"])
def test_the_table_counts_what_the_real_class_has(name: str) -> None:
    size = SIZES[name]
    text = dict(
        vocab_size=size.vocabulary, hidden_size=size.hidden, intermediate_size=size.inner,
        num_hidden_layers=size.layers, num_attention_heads=size.query // 128,
        num_key_value_heads=size.key_value // 128, tie_word_embeddings=False,
    )  # fmt: skip
    made: tuple[Any, Any, Any] = (
        (LlavaNextForConditionalGeneration, LlavaNextConfig, MistralConfig)
        if name == "llava-next-7b"
        else (LlavaForConditionalGeneration, LlavaConfig, LlamaConfig)
    )
    model, config, decoder = made
    given = config(vision_config=CLIPVisionConfig(**CLIP), text_config=decoder(**text))
    assert weights_on_no_device(model, given) == size.total


def saved(model: torch.nn.Module, wide: int, tokens: int) -> int:
    """Bytes that autograd saves in one forward pass, without the weights themselves."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    dtype = torch.float32 if wide == 4 else torch.bfloat16
    given = torch.randn(1, tokens, 128, dtype=dtype, requires_grad=True)
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=wide == 2)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), mixed:
        model(inputs_embeds=given, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize(("wide", "key_value", "checkpointing"), list(product((2, 4), (1, 4), (False, True))))
def test_activations_are_what_autograd_saves(wide: int, key_value: int, checkpointing: bool) -> None:
    """Of the layers alone: two models of different depth, and the difference between them."""
    tokens, found = 32, []
    for layers in (1, 3):
        config = LlamaConfig(
            vocab_size=8, hidden_size=128, intermediate_size=352, num_hidden_layers=layers, num_attention_heads=4,
            num_key_value_heads=key_value,
        )  # fmt: skip
        model = LlamaModel(config).to(torch.float32 if wide == 4 else torch.bfloat16).train()
        if checkpointing:
            model.activation_checkpointing_enable()
        found.append(saved(model, wide, tokens))
    size = sizes.size_of(config, 0, 0, 0)
    expected = wide * size.hidden if checkpointing else sizes.layer_bytes(size, wide, wide)
    assert (found[1] - found[0]) / 2 / tokens == pytest.approx(expected, rel=0.03)


def test_what_is_shared_by_more_gpus_is_less_on_each() -> None:
    one, size = recipe.read("seed003-instruct-60k"), SIZES["llava-1.5-7b"]
    assert one.parts.language_model == "full" and one.machine.sharding == "fsdp"
    held = [sizes.at_rest(replace(one, machine=replace(one.machine, gpus=gpus)), size) for gpus in (4, 8)]
    whole = sizes.gathered_bytes(one, size)
    assert (held[0] - whole) == pytest.approx(2 * (held[1] - whole))
    alone = replace(one, machine=replace(one.machine, gpus=1, sharding="none"))
    # 16 bytes with Adam and a copy to compute with for language model and projector, 2 for the tower.
    assert sizes.at_rest(alone, size) == 18 * (size.language_model + size.projector) + 2 * size.tower


def test_more_gpus_are_faster_but_never_by_more_than_their_number() -> None:
    one, size = recipe.read("seed003-instruct-60k"), SIZES["llava-1.5-7b"]
    took = []
    for gpus in (1, 4, 8):
        made = replace(one, machine=replace(one.machine, gpus=gpus, sharding="fsdp" if gpus > 1 else "none"))
        took.append(sizes.hours(made, size, 1e8, 776) or 0.0)
    assert took[0] > took[1] > took[2] and took[0] / took[2] <= 8.0001
    slow = replace(made, machine=replace(made.machine, gpu="l4"))
    assert sizes.sending_seconds(slow, size) > 5 * sizes.sending_seconds(made, size)


def test_check_tells_the_costs_on_1_4_and_8_gpus_and_the_line_that_starts_it(tmp_path: Path) -> None:
    _, known = checking.check("seed003-instruct-60k", ["learning.batch=1"], tmp_path)
    for start in ("On 1 a100-40 (none): about", "On 4 a100-40 (fsdp): about", "On 8 a100-40 (fsdp): about"):
        assert any(line.startswith(start) for line in known), known
    assert any("accelerate launch --config_file" in line and "-m train run seed003" in line for line in known)
    wrong, _ = checking.check("seed003-instruct-60k", ["machine.precision=nf4", "parts.language_model=lora"])
    assert any("4-bit weights are not shared" in line for line in wrong)


def test_the_figures_in_the_documentation_are_the_formulas() -> None:
    text = (paths.ROOT / "docs" / "many-gpus.md").read_text(encoding="utf-8")
    for row in checking.figures():
        assert row in text, row
