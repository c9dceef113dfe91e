"""LLaVA 1.5 and LLaVA-NeXT, and every model put together in their classes: tower, two-layer projector, decoder."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from medvlm.families.family import Family, PictureInputs, Seen, linears


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


def _encode(model: nn.Module, inputs: PictureInputs) -> Tensor:
    return _tower_features(model, inputs["pixel_values"])


def _project(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    features: Tensor = body.multi_modal_projector(encoded)
    return features.flatten(0, 1)


def _encode_tiles(model: nn.Module, inputs: PictureInputs) -> Tensor:
    # One picture at a time: all its tiles are real, none is padding up to another picture's number of tiles.
    return _tower_features(model, inputs["pixel_values"].flatten(0, 1))


def _project_tiles(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    packed, _ = body.pack_image_features(
        [body.multi_modal_projector(encoded)],
        inputs["image_sizes"],
        vision_feature_select_strategy=body.config.vision_feature_select_strategy,
        image_newline=body.image_newline,
    )
    features: Tensor = packed[0]
    return features


def _see(processor: Any, image: Image.Image) -> Seen:
    made = processor.image_processor(images=[image], return_tensors="pt")
    inputs = {name: made[name] for name in ("pixel_values", "image_sizes") if name in made}
    return Seen(inputs, processor.replace_image_token(made, 0))


def _family(
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
        lora_targets=linears(r"model\.language_model\.layers"),
        encode=encode,
        project=project,
        see=_see,
        projector_targets=r"model\.multi_modal_projector\.linear_[12]",
    )


LLAVA = _family("llava", "LlavaForConditionalGeneration", _encode, _project)
LLAVA_NEXT = _family("llava_next", "LlavaNextForConditionalGeneration", _encode_tiles, _project_tiles)
