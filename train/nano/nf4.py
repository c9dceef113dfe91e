"""NF4's own numbers as ordinary weights, so that an adapter also learns to undo what quantisation did."""

import bitsandbytes.functional as bnb
import torch
from torch import Tensor, nn


@torch.no_grad()
def as_quantised(language_model: nn.Module, known: dict[str, Tensor] | None = None) -> int:
    """Replace each linear weight of the base by what NF4 (blocks of 64, one scale a block) keeps of it.

    Returns how many; an adapter's own are left. `known`: where the numbers are kept by name, and taken from when the
    same weights come again: they never take steps, so several models may share them.
    """
    known = {} if known is None else known
    linear = {
        name: module
        for name, module in language_model.named_modules()
        if isinstance(module, nn.Linear) and ".lora_" not in name
    }
    for name, module in linear.items():
        if name not in known:
            known[name] = rounded(module.weight.data)
        module.weight.data = known[name]
    return len(linear)


def rounded(weight: Tensor) -> Tensor:
    """What NF4 keeps of a weight; packed from fp32, as loading does it: from bf16 it would come back in bf16."""
    packed, state = bnb.quantize_4bit(weight.float(), blocksize=64, quant_type="nf4")
    numbers: Tensor = bnb.dequantize_4bit(packed, state)
    return numbers.to(weight.dtype)
