"""The adapter for some rows of a batch only: base and tuned in one pass over one set of weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from medvlm.loading import ADAPTER


class RowAdapter:
    """Adds LoRA's product to chosen rows of each layer's output, while the adapter itself is switched off.

    PEFT can mix adapters in a batch too (`adapter_names`); picking rows by lists of numbers costs it more than the
    product itself in a batch of two: see `tests/bench/bench_pair.py`.
    """

    def __init__(self, adapted: nn.Module | None) -> None:
        modules: list[Any] = [] if adapted is None else list(adapted.modules())
        self._layers = [m for m in modules if ADAPTER in getattr(m, "lora_A", {})]
        odd = [m for m in modules if ADAPTER in getattr(m, "lora_embedding_A", {})]
        # DoRA and its kin compute more than one product; they are left to PEFT, one arm after the other.
        self.plain = not odd and all(ADAPTER not in getattr(m, "lora_variant", {}) for m in self._layers)

    @contextmanager
    def on(self, rows: slice) -> Iterator[None]:
        """While this lasts, these rows are the tuned model's. The adapter must be switched off, and nobody else ask."""
        handles = [layer.register_forward_hook(partial(_add, rows)) for layer in self._layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _add(rows: slice, layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """output[rows] += scaling * B A x (Hu et al. 2021, LoRA, equation 3), in place."""
    down, up = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER]
    x = inputs[0][rows].to(down.dtype)
    output[rows].add_(F.linear(F.linear(x, down), up.weight, up.bias), alpha=layer.scaling[ADAPTER])
