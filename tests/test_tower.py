"""The vision tower: TensorFlow's padding, folded normalisation, tokens that know their place."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel

from medvlm.tower import EfficientNetTower, EfficientNetTowerConfig, SameConv, grid_sines
from train.nano.encoder import BATCH_NORM_EPS, fold


@pytest.mark.parametrize(("size", "kernel", "stride", "out"), [(7, 3, 2, 4), (8, 3, 2, 4), (8, 5, 2, 4), (9, 5, 1, 9)])
def test_padding_is_tensorflows_same(size: int, kernel: int, stride: int, out: int) -> None:
    # https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2: ceil(size / stride) places.
    conv = SameConv(1, 1, kernel, stride, bias=False)
    assert conv(torch.zeros(1, 1, size, size)).shape == (1, 1, out, out)


def test_the_odd_pixel_of_padding_is_below_and_to_the_right() -> None:
    conv = SameConv(1, 1, 3, 2, bias=False)
    nn.init.ones_(conv.weight)
    image = torch.zeros(1, 1, 4, 4)
    image[..., 0, 0] = 1
    # With the odd pixel above and to the left, the first window would start at -1 and hold a corner more.
    assert conv(image)[0, 0].tolist() == F.conv2d(F.pad(image, (0, 1, 0, 1)), conv.weight, stride=2)[0, 0].tolist()


def test_folding_gives_what_convolution_and_normalisation_give() -> None:
    conv, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5, eps=BATCH_NORM_EPS)
    nn.init.uniform_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    nn.init.uniform_(norm.weight)
    state = {"c.weight": conv.weight.data, **{f"n.{k}": v for k, v in norm.state_dict().items()}}
    weight, bias = fold(state, "c", "n")
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(F.conv2d(x, weight, bias), norm.eval()(conv(x)), rtol=1e-4, atol=1e-5)


def test_a_picture_becomes_64_tokens_that_know_their_place_and_20_that_tell_of_the_whole() -> None:
    tower = EfficientNetTower(EfficientNetTowerConfig()).eval()
    with torch.inference_mode():
        tokens = tower(torch.zeros(1, 3, 256, 256)).last_hidden_state
    assert tokens.shape == (1, 84, 1056)
    torch.testing.assert_close(tokens[:, :64, 768:800], grid_sines(8, 8, 32))
    assert len(grid_sines(8, 8, 32)[0].unique(dim=0)) == 64


def test_the_tower_is_known_to_auto_model() -> None:
    assert isinstance(AutoModel.from_config(EfficientNetTowerConfig()), EfficientNetTower)
