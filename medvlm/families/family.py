"""What a family of vision-language models is: part names, LoRA targets, picture features, and how prompts are laid."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor, nn

Attention = Literal["sdpa", "flash_attention_2", "eager"]
# What the image processor made of one picture: "pixel_values" and, by family, sizes, grids or masks.
PictureInputs = dict[str, Tensor]
# Places of a prompt that stand for one picture's features, in order; text may stand between them.
Spots = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture as a model gets it: tensors for its tower, and the text that takes its mark's place in a prompt."""

    inputs: PictureInputs
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the tokens of one prompt lie.

    `positions`: (3, length) where a family has positions of its own, else None for 0, 1, 2, ... `spans`: runs
    (begin, end) whose tokens see each other both ways, so that they must be computed at once. `after`: the position
    of the first token behind the prompt.
    """

    length: int
    after: int
    positions: Tensor | None = None
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def shift(self) -> int:
        """What to add to a token's number behind the prompt to get its position."""
        return self.after - self.length

    def cut(self, place: int, block: int) -> int:
        """The last multiple of `block` up to `place` at which a computation may be cut: not inside a span."""
        place = place // block * block
        while any(begin < place < end for begin, end in self.spans):
            place -= block
        return place

    def blocks(self, start: int, stop: int, block: int) -> list[tuple[int, int]]:
        """From `start` (a cut) to `stop` in pieces that end at multiples of `block`, spans whole."""
        cuts = [p for p in range(start - start % block + block, stop, block) if self.cut(p, block) == p]
        return list(zip([start, *cuts], [*cuts, stop], strict=True))

    def at(self, begin: int, end: int) -> dict[str, Tensor]:
        """The language model's `position_ids` for some of the prompt; nothing where they are the usual ones."""
        return {} if self.positions is None else {"position_ids": self.positions[:, None, begin:end]}


def plain_layout(config: Any, length: int, spots: Sequence[Spots], pictures: Sequence[PictureInputs]) -> Layout:
    """One position a token, each looking back."""
    return Layout(length, length)


def no_masks(config: Any, embeddings: Tensor, key_values: Any, spans: Tensor, known: Tensor | None) -> Any:
    """What the language model makes itself of the mask of known places."""
    return known


def packed_mask(config: Any, visible: Tensor, positions: Tensor, same_span: Tensor) -> Any:
    """(B, 1, L, L) bool who may look at whom; for families without spans and windows."""
    return visible


def stock_processor(folder: Path) -> Any:
    """What AutoProcessor makes of the folder."""
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder, trust_remote_code=False)


def own_placeholder(processor: Any) -> int:
    return int(processor.image_token_id)


def as_written(processor: Any, text: str) -> str:
    return text


def tiles(inputs: PictureInputs, config: Any) -> Tensor:
    """(tiles, 3, H, W): the pixels as the tower gets them."""
    return inputs["pixel_values"].float().flatten(0, -4)


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Paths are attribute paths in the transformers model; regular expressions match whole names.

    `encode` runs the frozen tower, the same for every arm; `project` makes of that the features that take the place
    of the picture's tokens, (tokens, hidden), and follows the arm because the projector may be tuned. `see` is what
    processor and tokenizer make of one picture; `placeholder` the token that features replace; `tidy` what the stock
    processor does to a text once its pictures are in. `masks` and `packed` give the attention masks of families whose
    pictures look both ways. `projector_targets`: linear layers of the projector that may have LoRA, "" for none.
    `attention`: back ends that this family computes rightly with.
    """

    name: str
    architecture: str
    language_model: str
    vision_tower: str
    projector: str
    head: str
    lora_targets: str
    encode: Callable[[nn.Module, PictureInputs], Tensor]
    project: Callable[[nn.Module, Tensor, PictureInputs], Tensor]
    see: Callable[[Any, Image.Image], Seen]
    projector_targets: str = ""
    attention: tuple[Attention, ...] = ("sdpa", "flash_attention_2", "eager")
    layout: Callable[[Any, int, Sequence[Spots], Sequence[PictureInputs]], Layout] = plain_layout
    masks: Callable[[Any, Tensor, Any, Tensor, Tensor | None], Any] = no_masks
    packed: Callable[[Any, Tensor, Tensor, Tensor], Any] = packed_mask
    processor: Callable[[Path], Any] = stock_processor
    placeholder: Callable[[Any], int] = own_placeholder
    tidy: Callable[[Any, str], str] = as_written
    pixels: Callable[[PictureInputs, Any], Tensor] = tiles

    @property
    def never_quantised(self) -> list[str]:
        """Parts left in full precision. The head is named because one's own list drops the default that spares it."""
        return [self.head, self.vision_tower, self.projector]

    def part(self, model: nn.Module, path: str) -> nn.Module:
        part = reduce(getattr, path.split("."), model)
        assert isinstance(part, nn.Module)
        return part

    def is_lora_target(self, name: str) -> bool:
        """Whether the module of that full name may take LoRA: linear layers of language model or projector."""
        return re.fullmatch(self.lora_targets, name) is not None or (
            bool(self.projector_targets) and re.fullmatch(self.projector_targets, name) is not None
        )

    def place(self, name: str) -> Literal["language model", "vision tower", "projector", "head", "other"]:
        """The part that a parameter of that full name, with or without PEFT around the model, belongs to."""
        name = name.removeprefix("base_model.model.")
        parts = {"projector": self.projector, "vision tower": self.vision_tower, "head": self.head}
        parts["language model"] = self.language_model
        for part, path in parts.items():
            if name.startswith(path + "."):
                return part  # type: ignore[return-value]
        return "other"


def linears(layers: str) -> str:
    """The regular expression for the linear layers below; bare suffixes would also hit the vision tower."""
    return layers + r"\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|o_proj)|mlp\.(gate_proj|up_proj|down_proj))"


def span_groups(layout: Layout, length: int, device: torch.device) -> Tensor:
    """(1, length) of the number of the span that a place belongs to, -1 outside."""
    groups = torch.full((1, length), -1, dtype=torch.long, device=device)
    for number, (begin, end) in enumerate(layout.spans):
        groups[0, begin:end] = number
    return groups
