"""Nano's vision tower: an EfficientNet-Lite0 that gives picture tokens instead of classes.

A registered transformers class: importing this module is what makes `AutoModel` know it. Batch normalisation is folded
into the convolutions, so a stage is nothing but convolutions and ReLU6.
Source of the layout: Tan and Le, EfficientNet (arXiv:1905.11946), in its Lite0 form (no squeeze-excite, ReLU6).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

# (repeats, kernel, stride, expansion, channels) of the seven stages.
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
STEM = 32
MIDDLE_STAGE, MIDDLE_CHANNELS, LAST_CHANNELS = 4, 112, 320


class EfficientNetTowerConfig(PreTrainedConfig):  # type: ignore[misc]
    """Sizes of the tower. `hidden_size` is the width of a picture token, `patch_size` the pixels a token stands for."""

    model_type = "medvlm_efficientnet"
    base_config_key = "vision_config"

    def __init__(self, image_size: int = 256, position_channels: int = 32, **kwargs: Any) -> None:
        self.image_size = image_size
        self.position_channels = position_channels
        self.patch_size = 32
        self.hidden_size = LAST_CHANNELS + 4 * MIDDLE_CHANNELS + position_channels
        self.num_hidden_layers = 1
        super().__init__(**kwargs)


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: the odd pixel of padding goes below and to the right."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = SameConv(channels, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = SameConv(wide, out, 1)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self.expand(x)) if self.expand is not None else x
        y: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + y if self.residual else y


class EfficientNetTower(PreTrainedModel):  # type: ignore[misc]
    """(B, 3, S, S) pixels in [-1, 1] -> (B, (S / 32)^2, hidden_size) tokens in reading order.

    A token joins the last stage, the four middle-stage cells that it covers (finer detail), both standardised by
    statistics kept with the weights, and fixed sines of its row and column, so that a projector can tell places.
    """

    config_class = EfficientNetTowerConfig
    main_input_name = "pixel_values"
    _no_split_modules = ("InvertedResidual",)

    def __init__(self, config: EfficientNetTowerConfig) -> None:
        super().__init__(config)
        self.stem = SameConv(3, STEM, 3, 2)
        self.stages = nn.ModuleList(self._stages())
        features = LAST_CHANNELS + 4 * MIDDLE_CHANNELS
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_scale", torch.ones(features))
        self.post_init()

    @staticmethod
    def _stages() -> Sequence[nn.Sequential]:
        stages, channels = [], STEM
        for repeats, kernel, stride, expansion, out in STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(InvertedResidual(channels, out, kernel, stride if i == 0 else 1, expansion))
                channels = out
            stages.append(nn.Sequential(*blocks))
        return stages

    def features(self, pixel_values: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, N, 768): last stage and middle stage side by side, not yet standardised."""
        x = F.relu6(self.stem(pixel_values.to(self.stem.weight.dtype)))
        middle = x
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i == MIDDLE_STAGE:
                middle = F.pixel_unshuffle(x, 2)
        return torch.cat([x, middle], dim=1).flatten(2).transpose(1, 2)

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        tokens = (self.features(pixel_values) - self.feature_mean) * self.feature_scale
        places = grid_sines(pixel_values.shape[-2] // 32, pixel_values.shape[-1] // 32, self.config.position_channels)
        places = places.to(tokens).expand(tokens.shape[0], -1, -1)
        tokens = torch.cat([tokens, places], dim=-1)
        return BaseModelOutputWithPooling(
            last_hidden_state=tokens, pooler_output=tokens.mean(1), hidden_states=(tokens,)
        )


def grid_sines(rows: int, columns: int, channels: int) -> Tensor:
    """(1, rows * columns, channels): sines and cosines of the cell's row and column at doubling frequencies."""
    steps = 2.0 ** torch.arange(channels // 4) * (math.pi / 2)
    row = (torch.arange(rows) + 0.5) / rows
    column = (torch.arange(columns) + 0.5) / columns
    by_row, by_column = row[:, None] * steps, column[:, None] * steps
    along = torch.cat([by_row.sin(), by_row.cos()], -1)[:, None].expand(-1, columns, -1)
    across = torch.cat([by_column.sin(), by_column.cos()], -1)[None].expand(rows, -1, -1)
    return torch.cat([along, across], -1).reshape(1, rows * columns, -1)


AutoConfig.register(EfficientNetTowerConfig.model_type, EfficientNetTowerConfig, exist_ok=True)
AutoModel.register(EfficientNetTowerConfig, EfficientNetTower, exist_ok=True)
