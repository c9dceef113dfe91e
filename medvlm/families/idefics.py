"""Idefics2, with a perceiver between tower and decoder, and Idefics3, which SmolVLM is: pixels folded, then linear."""

import re
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from medvlm.families.family import Family, PictureInputs, Seen, linears


def _patches(model: nn.Module, inputs: PictureInputs, whole: bool) -> Tensor:
    """(tiles, rows, columns) bool: the tower's patches that lie on the picture, wholly or at least in part."""
    config: Any = model.config
    size = config.vision_config.patch_size
    mask = inputs["pixel_attention_mask"].flatten(0, 1)
    grid = mask.unfold(1, size, size).unfold(2, size, size).sum(dim=(-1, -2))
    return grid == size * size if whole else grid > 0


def _encode(model: nn.Module, inputs: PictureInputs, whole: bool) -> Tensor:
    body: Any = model.model
    outputs = body.vision_model(
        pixel_values=inputs["pixel_values"].flatten(0, 1),
        patch_attention_mask=_patches(model, inputs, whole),
        return_dict=True,
    )
    states: Tensor = outputs.last_hidden_state
    return states


def _encode2(model: nn.Module, inputs: PictureInputs) -> Tensor:
    return _encode(model, inputs, whole=True)


def _project2(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    mask = _patches(model, inputs, whole=True).flatten(1)
    features: Tensor = body.connector(encoded, attention_mask=mask.to(encoded.device))
    return features.flatten(0, 1)


def _encode3(model: nn.Module, inputs: PictureInputs) -> Tensor:
    return _encode(model, inputs, whole=False)


def _project3(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    features: Tensor = body.connector(encoded)
    return features.flatten(0, 1)


def _tensors(made: Any) -> PictureInputs:
    return {name: torch.as_tensor(made[name]) for name in ("pixel_values", "pixel_attention_mask")}


def _see2(processor: Any, image: Image.Image) -> Seen:
    """One tile, or four and the whole where the processor splits; each between two marks that neighbours share."""
    made = processor.image_processor([[image]])
    fake = str(processor.fake_image_token)
    tile = f"{fake}{str(processor.image_token) * processor.image_seq_len}"
    count = 5 if processor.image_processor.do_image_splitting else 1
    return Seen(_tensors(made), tile * count + fake)


def _tidy2(processor: Any, text: str) -> str:
    fake = str(processor.fake_image_token)
    return re.sub(rf"{re.escape(fake)}(?=[^\s<])", f"{fake} ", text.replace(fake + fake, fake))


def _see3(processor: Any, image: Image.Image) -> Seen:
    made = processor.image_processor([[image]], return_row_col_info=True)
    return Seen(_tensors(made), processor.replace_image_token(made, 0))


LAYERS = linears(r"model\.text_model\.layers")
IDEFICS2 = Family(
    name="idefics2",
    architecture="Idefics2ForConditionalGeneration",
    language_model="model.text_model",
    vision_tower="model.vision_model",
    projector="model.connector",
    head="lm_head",
    lora_targets=LAYERS,
    encode=_encode2,
    project=_project2,
    see=_see2,
    projector_targets=(
        r"model\.connector\.(modality_projection\.(gate_proj|up_proj|down_proj)|perceiver_resampler\.layers\.\d+\."
        r"(self_attn\.(q_proj|k_proj|v_proj|o_proj)|mlp\.(gate_proj|up_proj|down_proj)))"
    ),
    tidy=_tidy2,
)
IDEFICS3 = Family(
    name="idefics3",
    architecture="Idefics3ForConditionalGeneration",
    language_model="model.text_model",
    vision_tower="model.vision_model",
    projector="model.connector",
    head="lm_head",
    lora_targets=LAYERS,
    encode=_encode3,
    project=_project3,
    see=_see3,
    projector_targets=r"model\.connector\.modality_projection\.proj",
)
