"""Gemma 3, which MedGemma is: 256 tokens a picture that see each other both ways, and windows in most layers."""

from collections.abc import Sequence
from typing import Any

from PIL import Image
from torch import Tensor, nn

from medvlm.families.family import Family, Layout, PictureInputs, Seen, Spots, linears


def _encode(model: nn.Module, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    states: Tensor = body.vision_tower(pixel_values=inputs["pixel_values"], return_dict=True).last_hidden_state
    return states


def _project(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    features: Tensor = body.multi_modal_projector(encoded)
    return features.flatten(0, 1)


def _see(processor: Any, image: Image.Image) -> Seen:
    made = processor.image_processor([[image]], return_tensors="pt", **processor.images_kwargs)
    return Seen({"pixel_values": made["pixel_values"]}, processor.replace_image_token(made, 0))


def _placeholder(processor: Any) -> int:
    # The chat template's mark opens the picture; the tokens that features replace are others.
    return int(processor.tokenizer.image_token_id)


def _layout(config: Any, length: int, spots: Sequence[Spots], pictures: Sequence[PictureInputs]) -> Layout:
    """Every unbroken run of picture tokens sees itself both ways."""
    runs: list[tuple[int, int]] = []
    for spot in (spot for picture in spots for spot in picture):
        if runs and runs[-1][1] == spot:
            runs[-1] = (runs[-1][0], spot + 1)
        else:
            runs.append((spot, spot + 1))
    return Layout(length, length, spans=tuple(runs))


def _masks(config: Any, embeddings: Tensor, key_values: Any, spans: Tensor, known: Tensor | None) -> Any:
    """transformers' own masks for a piece of a prompt: causal, in windows where a layer has them, spans both ways."""
    from transformers.models.gemma3.modeling_gemma3 import create_masks_for_vision_model

    return create_masks_for_vision_model(
        config=config.get_text_config(),
        inputs_embeds=embeddings,
        attention_mask=known,
        past_key_values=key_values,
        position_ids=None,
        block_sequence_ids=spans,
    )


def _packed(config: Any, visible: Tensor, positions: Tensor, same_span: Tensor) -> dict[str, Tensor]:
    """(B, 1, L, L) bool for both kinds of layers; (B, L) positions tell how far apart two tokens are."""
    near = (positions[:, :, None] - positions[:, None, :])[:, None] < config.get_text_config().sliding_window
    both = visible | same_span
    return {"full_attention": both, "sliding_attention": both & near}


GEMMA3 = Family(
    name="gemma3",
    architecture="Gemma3ForConditionalGeneration",
    language_model="model.language_model",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    head="lm_head",
    lora_targets=linears(r"model\.language_model\.layers"),
    encode=_encode,
    project=_project,
    see=_see,
    # FlashAttention knows no mask, and so no pictures that look both ways.
    attention=("sdpa", "eager"),
    layout=_layout,
    masks=_masks,
    packed=_packed,
    placeholder=_placeholder,
)
