"""Qwen2.5-VL: pictures of any size, a merger of four patches a token, and positions in three directions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from medvlm.families.family import Family, Layout, PictureInputs, Seen, Spots, linears, stock_processor


def _encode(model: nn.Module, inputs: PictureInputs) -> Tensor:
    body: Any = model.model
    # The states before the merger, in the order of the tower's windows; what the merger makes of them is not used.
    states: Tensor = body.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"]).last_hidden_state
    return states


def _project(model: nn.Module, encoded: Tensor, inputs: PictureInputs) -> Tensor:
    from transformers.vision_utils import get_vision_window_index

    visual: Any = model.model.visual  # type: ignore[union-attr]
    order, _ = get_vision_window_index(
        inputs["image_grid_thw"],
        spatial_merge_size=visual.spatial_merge_size,
        window_size=visual.window_size,
        patch_size=visual.patch_size,
    )
    features: Tensor = visual.merger(encoded)[torch.argsort(order).to(encoded.device)]
    return features


def _see(processor: Any, image: Image.Image) -> Seen:
    made = processor.image_processor(images=[image], return_tensors="pt")
    inputs = {name: made[name] for name in ("pixel_values", "image_grid_thw")}
    return Seen(inputs, processor.replace_image_token(made, 0))


def _layout(config: Any, length: int, spots: Sequence[Spots], pictures: Sequence[PictureInputs]) -> Layout:
    """Text moves on all three axes together; a picture's tokens are numbered by row and column from where it begins,
    and the text behind it goes on from the larger of both (Qwen2-VL, arXiv:2409.12191, section 2.1)."""
    merge = config.vision_config.spatial_merge_size
    pieces: list[Tensor] = []
    place = position = 0
    for picture, inputs in zip(spots, pictures, strict=True):
        before = picture[0] - place
        pieces.append(torch.arange(position, position + before).expand(3, -1))
        position += before
        time, rows, columns = (int(n) for n in inputs["image_grid_thw"][0])
        axes = torch.meshgrid(
            torch.arange(time), torch.arange(rows // merge), torch.arange(columns // merge), indexing="ij"
        )
        pieces.append(torch.stack(axes).flatten(1) + position)
        position += max(rows, columns) // merge
        place = picture[-1] + 1
    pieces.append(torch.arange(position, position + length - place).expand(3, -1))
    return Layout(length, position + length - place, torch.cat(pieces, 1))


def _processor(folder: Path) -> Any:
    """The stock processor where torchvision is; else the same without videos, which need it."""
    from transformers.utils import is_torchvision_available

    return stock_processor(folder) if is_torchvision_available() else pictures_only().from_pretrained(folder)


def pictures_only() -> Any:
    """Qwen2.5-VL's own processor class without its video processor."""
    from transformers import ProcessorMixin
    from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor

    class PicturesOnly(Qwen2_5_VLProcessor):  # type: ignore[misc]
        def __init__(
            self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None, **_: Any
        ) -> None:
            self.image_token = "<|image_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token, self.video_token_id = "<|video_pad|>", None
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

        @property
        def model_input_names(self) -> list[str]:
            return [*self.tokenizer.model_input_names, *self.image_processor.model_input_names, "mm_token_type_ids"]

    # Saved folders name the stock class, so that others load them with torchvision.
    PicturesOnly.__name__ = "Qwen2_5_VLProcessor"
    return PicturesOnly


def _pixels(inputs: PictureInputs, config: Any) -> Tensor:
    """Patches back into one picture: the image processor laid them out in groups that the merger joins."""
    vision = config.vision_config
    merge, patch, frames = vision.spatial_merge_size, vision.patch_size, vision.temporal_patch_size
    _, rows, columns = (int(n) for n in inputs["image_grid_thw"][0])
    folded = inputs["pixel_values"].float().view(rows // merge, columns // merge, merge, merge, 3, frames, patch, patch)
    still = folded[:, :, :, :, :, 0].permute(4, 0, 2, 5, 1, 3, 6)
    return still.reshape(1, 3, rows * patch, columns * patch)


QWEN2_5_VL = Family(
    name="qwen2_5_vl",
    architecture="Qwen2_5_VLForConditionalGeneration",
    language_model="model.language_model",
    vision_tower="model.visual",
    projector="model.visual.merger",
    head="lm_head",
    lora_targets=linears(r"model\.language_model\.layers"),
    encode=_encode,
    project=_project,
    see=_see,
    projector_targets=r"model\.visual\.merger\.mlp\.[02]",
    layout=_layout,
    processor=_processor,
    pixels=_pixels,
)
