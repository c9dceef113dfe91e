"""What differs from one family of vision-language models to the next: part names, LoRA targets, picture features."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from medvlm.errors import CheckpointError

# What the image processor made of one picture: "pixel_values" and, in some families, "image_sizes".
PictureInputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Family:
    """One family. Paths are attribute paths in the transformers model; `lora_targets` is matched against whole names.

    `encode` runs the frozen tower, the same for every arm; `project` makes of that the features that take the place
    of the picture's tokens, (tokens, hidden), and follows the arm because the projector may be tuned.
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

    @property
    def never_quantised(self) -> list[str]:
        """Parts left in full precision. The head is named because one's own list drops the default that spares it."""
        return [self.head, self.vision_tower, self.projector]

    def part(self, model: nn.Module, path: str) -> nn.Module:
        part = reduce(getattr, path.split("."), model)
        assert isinstance(part, nn.Module)
        return part

    def is_lora_target(self, name: str) -> bool:
        """Whether the module of that full name takes LoRA: linear layers of the language model, never the tower."""
        return re.fullmatch(self.lora_targets, name) is not None


# Bare suffixes such as "q_proj" would also hit the vision tower, so the whole path is spelled.
LLAMA_LINEARS = (
    r"model\.language_model\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|o_proj)|mlp\.(gate_proj|up_proj|down_proj))"
)


def _tower_features(model: nn.Module, pixel_values: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, tokens, width): the tower's chosen layers, without class token where the config says so."""
    config: Any = model.config
    tower = reduce(getattr, ("model", "vision_tower"), model)
    assert isinstance(tower, nn.Module)
    outputs = tower(pixel_values, output_hidden_states=True, return_dict=True)
    layers = config.vision_feature_layer
    chosen = [layers] if isinstance(layers, int) else list(layers)
    states = [outputs.hidden_states[layer] for layer in chosen]
    if config.vision_feature_select_strategy == "default":
        states = [state[:, 1:] for state in states]
    return torch.cat(states, dim=-1)


def _llava_encode(model: nn.Module, inputs: PictureInputs) -> Tensor:
    return _tower_features(model, inputs["pixel_values"])


def _llava_project(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    features: Tensor = body.multi_modal_projector(encoded)
    return features.flatten(0, 1)


def _llava_next_encode(model: nn.Module, inputs: PictureInputs) -> Tensor:
    # One picture at a time: all its tiles are real, none is padding up to another picture's number of tiles.
    return _tower_features(model, inputs["pixel_values"].flatten(0, 1))


def _llava_next_project(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    packed, _ = body.pack_image_features(
        [body.multi_modal_projector(encoded)],
        inputs["image_sizes"],
        vision_feature_select_strategy=body.config.vision_feature_select_strategy,
        image_newline=body.image_newline,
    )
    features: Tensor = packed[0]
    return features


def _llava_type(
    name: str,
    architecture: str,
    encode: Callable[[nn.Module, PictureInputs], Tensor],
    project: Callable[[nn.Module, Tensor, PictureInputs], Tensor],
) -> Family:
    return Family(
        name=name,
        architecture=architecture,
        language_model="model.language_model",
        vision_tower="model.vision_tower",
        projector="model.multi_modal_projector",
        head="lm_head",
        lora_targets=LLAMA_LINEARS,
        encode=encode,
        project=project,
    )


# Keyed by `model_type` in config.json. A family is one entry and its two functions; nothing else asks for its name.
FAMILIES: dict[str, Family] = {
    "llava": _llava_type("llava", "LlavaForConditionalGeneration", _llava_encode, _llava_project),
    "llava_next": _llava_type(
        "llava_next", "LlavaNextForConditionalGeneration", _llava_next_encode, _llava_next_project
    ),
}


def family_of(model_type: str, where: str) -> Family:
    """The family of a config's `model_type`; raises CheckpointError for one that is not known."""
    if model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise CheckpointError(
            f"{where} is a model of type {model_type!r}, which cannot be loaded here. Choose one of: {known}."
        )
    return FAMILIES[model_type]
