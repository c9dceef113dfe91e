"""How far two checkpoints' weights are from each other, part by part; LoRA by what it adds, not by its factors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from medvlm import checkpoints
from medvlm.families import Family
from train.made import cards


@dataclass(frozen=True, slots=True)
class Part:
    """One part's difference as Frobenius norms. `kind` "lora": of what LoRA adds to the base, not of its factors."""

    part: str
    kind: str
    tensors: int
    differ: int
    a: float
    b: float
    difference: float


class Tensors:
    """The tensors of a folder's safetensors by name, one read at a time."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Path] = {}
        for file in checkpoints.weight_files(folder):
            with safe_open(file, "pt") as opened:
                self._files |= dict.fromkeys(opened.keys(), file)

    @property
    def names(self) -> set[str]:
        return set(self._files)

    def __getitem__(self, name: str) -> Tensor:
        with safe_open(self._files[name], "pt") as opened:
            found: Tensor = opened.get_tensor(name)
        return found


def equal(a: Tensor, b: Tensor) -> bool:
    """By value: the same numbers in two formats are equal."""
    return a.shape == b.shape and torch.equal(a.double(), b.double())


def scales(folder: Path, tensors: Tensors) -> dict[str, float]:
    """What each LoRA layer's product is multiplied by: alpha over rank (rsLoRA: over its root), by the layer's name."""
    config = (
        json.loads((folder / cards.ADAPTER).read_text(encoding="utf-8")) if (folder / cards.ADAPTER).is_file() else {}
    )
    alphas: Mapping[str, float] = config.get("alpha_pattern") or {}
    made = {}
    for name in (name for name in tensors.names if name.endswith(".lora_A.weight")):
        layer = name.removesuffix(".lora_A.weight")
        rank = tensors[name].shape[0]
        alpha = next((v for key, v in alphas.items() if layer.endswith(key)), config.get("lora_alpha", rank))
        made[layer] = alpha / (rank**0.5 if config.get("use_rslora") else rank)
    return made


def parts(
    a: Tensors, b: Tensors, differ: Sequence[str], family: Family, scaled: Sequence[Mapping[str, float]]
) -> tuple[Part, ...]:
    """Norms summed in squares over each part, LoRA and whole tensors apart."""
    summed: dict[tuple[str, str], list[float]] = {}
    for name in sorted(a.names | b.names):
        kind = "lora" if ".lora_" in name else "whole"
        row = summed.setdefault((place(family, name), kind), [0, 0, 0.0, 0.0, 0.0])
        row[0] += 1
        row[1] += name in differ or name not in a.names or name not in b.names
        if kind == "whole":
            squares = _squares(*(t[name].double() if name in t.names else None for t in (a, b)))
        elif name.endswith(".lora_A.weight"):
            layer = name.removesuffix(".lora_A.weight")
            squares = product_squares(*(_factors(t, layer, s) for t, s in zip((a, b), scaled, strict=True)))
        else:
            continue
        row[2:] = [old + new for old, new in zip(row[2:], squares, strict=True)]
    return tuple(
        Part(part, kind, int(row[0]), int(row[1]), *(max(square, 0.0) ** 0.5 for square in row[2:]))
        for (part, kind), row in summed.items()
    )


def place(family: Family, name: str) -> str:
    """The part that a tensor on disk belongs to: published files name them otherwise than the classes in memory."""
    if ".lm_head." in f".{name}":
        return "head"
    found = next((p for p in (family.place(name), family.place(f"model.{name}")) if p != "other"), "other")
    # Qwen's files have the decoder directly below "model".
    return "language model" if found == "other" and name.startswith("model.") else found


def _squares(a: Tensor | None, b: Tensor | None) -> tuple[float, float, float]:
    """Squared norms of A, of B, and of their difference; where one is missing or of another shape, of both together."""
    first, second = (0.0 if t is None else float(t.square().sum()) for t in (a, b))
    if a is None or b is None or a.shape != b.shape:
        return first, second, first + second
    return first, second, float((a - b).square().sum())


Factors = tuple[Tensor, Tensor]


def _factors(tensors: Tensors, layer: str, scaled: Mapping[str, float]) -> Factors | None:
    """(out, r) and (r, in) whose product LoRA adds to a layer; None where the checkpoint has none there."""
    if layer not in scaled:
        return None
    return tensors[f"{layer}.lora_B.weight"].double() * scaled[layer], tensors[f"{layer}.lora_A.weight"].double()


def product_squares(a: Factors | None, b: Factors | None) -> tuple[float, float, float]:
    """Squared norms of the products of A's factors, of B's, and of their difference, without building a product.

    |BA|^2 = trace(B'B AA'), and a difference of products is one product of factors put side by side.
    """

    def square(factors: Factors | None) -> float:
        return 0.0 if factors is None else float(((factors[0].T @ factors[0]) * (factors[1] @ factors[1].T)).sum())

    first, second = square(a), square(b)
    if a is None or b is None:
        return first, second, first + second
    if all(torch.equal(x, y) for x, y in zip(a, b, strict=True) if x.shape == y.shape) and a[0].shape == b[0].shape:
        return first, second, 0.0
    return first, second, square((torch.cat([a[0], -b[0]], 1), torch.cat([a[1], b[1]])))
