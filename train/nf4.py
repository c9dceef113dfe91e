"""NF4's own numbers as ordinary weights, so that an adapter also learns to undo what quantisation did."""

import bitsandbytes.functional as bnb
import torch
from torch import nn


@torch.no_grad()
def as_quantised(language_model: nn.Module) -> int:
    """Replace each linear weight by what NF4 (blocks of 64, one scale a block) keeps of it; returns how many."""
    count = 0
    for module in language_model.modules():
        if isinstance(module, nn.Linear):
            # From fp32, as loading does it: from bf16 the numbers would come back rounded to bf16.
            packed, state = bnb.quantize_4bit(module.weight.data.float(), blocksize=64, quant_type="nf4")
            module.weight.copy_(bnb.dequantize_4bit(packed, state))
            count += 1
    return count
