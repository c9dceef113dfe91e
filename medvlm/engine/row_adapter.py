"""The adapter for some rows of a batch only: base and tuned in one pass over one set of weights."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medvlm.engine.loading import ADAPTER, UnpackedLinear4bit


class RowAdapter:
    """Computes linear layers for rows of two arms: the base's product for all, LoRA's on top for the tuned ones.

    PEFT can mix adapters in a batch too (`adapter_names`); picking rows by lists of numbers costs it more than the
    product itself in a batch of two: see `tests/bench/bench_pair.py`.
    """

    def __init__(self, adapted: nn.Module | None, head: nn.Module) -> None:
        modules: list[Any] = [] if adapted is None else list(adapted.modules())
        self._layers = [m for m in modules if ADAPTER in getattr(m, "lora_A", {})]
        self._head: Any = head
        odd = [m for m in modules if ADAPTER in getattr(m, "lora_embedding_A", {})]
        # DoRA and its kin compute more than one product; they are left to PEFT, one arm after the other.
        self.plain = not odd and all(ADAPTER not in getattr(m, "lora_variant", {}) for m in self._layers)

    @contextmanager
    def on(self, rows: slice) -> Iterator[None]:
        """While this lasts, these rows are the tuned model's and the others the base's, in every thread.

        PEFT's own switch is not looked at. It may be wherever it is.
        """
        with ExitStack() as undone:
            for layer in self._layers:
                undone.enter_context(_instead(layer, partial(_mixed, layer, rows)))
            undone.enter_context(_instead(self._head, partial(_product, self._head, self._head.forward)))
            yield


@contextmanager
def _instead(layer: Any, forward: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, the layer computes so."""
    before = layer.__dict__.get("forward")
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
        if before is not None:
            layer.forward = before


def _mixed(layer: Any, rows: slice, x: Tensor) -> Tensor:
    """W x, and for some rows + scaling * B A x (Hu et al. 2021, LoRA, equation 3)."""
    result = _product(layer.base_layer, layer.base_layer, x)
    if rows.start == rows.stop:
        return result
    down, up, scaling = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER], layer.scaling[ADAPTER]
    low = F.linear(x[rows].to(down.dtype), down)
    if up.bias is None and up.weight.dtype == result.dtype:
        # Added by the product itself: a result of its own would be written and read once more.
        result[rows].view(-1, result.shape[-1]).addmm_(low.view(-1, low.shape[-1]), up.weight.t(), alpha=scaling)
    else:
        result[rows].add_(F.linear(low, up.weight, up.bias), alpha=scaling)
    return result


def _product(layer: Any, forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The layer's own product, by its `forward`; that of two single vectors in the form that reads the weights once.

    Two vectors times a matrix of (4096, 1024), (1536, 576), (576, 1536) and (49152, 576) took MKL's fp32 product 0.74,
    0.59, 0.90 and 0.57 of two single vectors with the matrix on the left, 1.20, 1.00, 0.94 and 1.14 with it on the
    right, as `linear` has it; of (1024, 4096) 1.16 and 1.05. AVX2, one thread.
    """
    weight: Tensor | None = None
    if type(layer) in (nn.Linear, UnpackedLinear4bit) and x.numel() == 2 * x.shape[-1] and x.device.type == "cpu":
        weight = layer.dense if type(layer) is UnpackedLinear4bit else layer.weight
    if weight is None or weight.shape[1] > 3 * weight.shape[0] or not x.dtype == weight.dtype == torch.float32:
        return forward(x)
    flat = torch.mm(weight, x.reshape(2, -1).t()).t().contiguous()
    return (flat if layer.bias is None else flat + layer.bias).view(*x.shape[:-1], -1)
