"""Nano's vision tower: an EfficientNet-Lite0 that gives picture tokens, and a reader and a teller behind.

A registered transformers class: importing this module is what makes `AutoModel` know it. Batch normalisation is folded
into the convolutions, so a stage is nothing but convolutions and ReLU6. The convolutions know everyday pictures; the
reader, three layers of self-attention over their tokens, is what learnt here to see findings, sides and places; the
teller says what the reader saw in a few tokens more, each of which holds one fact of the whole picture.
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

    def __init__(
        self,
        image_size: int = 256,
        position_channels: int = 32,
        reader_width: int = 256,
        reader_layers: int = 3,
        reader_heads: int = 4,
        told: int = 20,
        teller_layers: int = 2,
        **kwargs: Any,
    ) -> None:
        self.image_size = image_size
        self.position_channels = position_channels
        self.reader_width, self.reader_layers, self.reader_heads = reader_width, reader_layers, reader_heads
        self.told, self.teller_layers = told, teller_layers
        self.patch_size = 32
        self.hidden_size = LAST_CHANNELS + 4 * MIDDLE_CHANNELS + position_channels + reader_width
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


class ReaderLayer(nn.Module):
    """Self-attention among a picture's tokens, then two dense layers; both behind a norm and added to the input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.dense_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.gather = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.query_key_value(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*parts)
        x = x + self.gather(seen.transpose(1, 2).flatten(2))
        narrowed: Tensor = self.narrow(F.gelu(self.widen(self.dense_norm(x))))
        return x + narrowed


class Reader(nn.Module):
    """(B, N, channels) tokens of the convolutions -> (B, N, width): what each place shows within the whole."""

    def __init__(self, channels: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.enter = nn.Linear(channels, width)
        self.layers = nn.ModuleList(ReaderLayer(width, heads) for _ in range(layers))
        self.leave = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.enter(tokens)
        for layer in self.layers:
            x = layer(x)
        left: Tensor = self.leave(x)
        return left


class Teller(nn.Module):
    """(B, N, width) tokens of the reader -> (B, told, width): answers to as many questions that every picture is asked.

    What is asked stands in train/nano/telling.py; only learnt vectors of it are kept here.
    """

    def __init__(self, told: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.asked = nn.Parameter(torch.randn(told, width) * width**-0.5)
        self.layers = nn.ModuleList(ReaderLayer(width, heads) for _ in range(layers))
        self.leave = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = torch.cat([self.asked.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        for layer in self.layers:
            x = layer(x)
        said: Tensor = self.leave(x[:, : len(self.asked)])
        return said


class EfficientNetTower(PreTrainedModel):  # type: ignore[misc]
    """(B, 3, S, S) pixels in [-1, 1] -> (B, (S / 32)^2 + told, hidden_size): in reading order, then what is told.

    A token joins the last stage, the four middle-stage cells that it covers (finer detail), both standardised by
    statistics kept with the weights, fixed sines of its row and column, so that a projector can tell places, and the
    reader's channels. A told token has the teller's channels in the reader's place, and zeros elsewhere.
    """

    config_class = EfficientNetTowerConfig
    main_input_name = "pixel_values"
    _no_split_modules = ("InvertedResidual",)
    _supports_sdpa = True  # the reader's attention is torch's own, whichever back end the language model has

    def __init__(self, config: EfficientNetTowerConfig) -> None:
        super().__init__(config)
        self.stem = SameConv(3, STEM, 3, 2)
        self.stages = nn.ModuleList(self._stages())
        features = LAST_CHANNELS + 4 * MIDDLE_CHANNELS
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_scale", torch.ones(features))
        channels = features + config.position_channels
        self.reader = Reader(channels, config.reader_width, config.reader_layers, config.reader_heads)
        self.teller = Teller(config.told, config.reader_width, config.teller_layers, config.reader_heads)
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

    def placed(self, features: Tensor, rows: int, columns: int) -> Tensor:
        """(B, N, 768) features -> (B, N, 800): standardised, with the sines of their places; what the reader reads."""
        tokens = (features - self.feature_mean) * self.feature_scale
        places = grid_sines(rows, columns, self.config.position_channels).to(tokens)
        return torch.cat([tokens, places.expand(tokens.shape[0], -1, -1)], dim=-1)

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        rows, columns = pixel_values.shape[-2] // 32, pixel_values.shape[-1] // 32
        tokens = self.placed(self.features(pixel_values), rows, columns)
        read = self.reader(tokens)
        told = F.pad(self.teller(read), (tokens.shape[-1], 0))
        tokens = torch.cat([torch.cat([tokens, read], dim=-1), told], dim=1)
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
