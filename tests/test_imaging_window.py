"""Numbers to grey: the formulas of DICOM against numbers worked out from the standard, and percentiles."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from medvlm.errors import UserError
from medvlm.imaging.rendering import render
from medvlm.imaging.window import PRESETS, automatic, full_range, is_valid, to_grey, words
from medvlm.types import DOMAINS, Scan, VoiFunction, Window


def scan(pixels: np.ndarray, window: Window | None, inverted: bool = False) -> Scan:  # type: ignore[type-arg]
    return Scan((pixels,), "other", "unknown", "0" * 64, "test picture", window=window, inverted=inverted)


# DICOM PS3.3 C.11.2.1.2.1, second and first example (c = 0, w = 100 and c = 2048, w = 4096), C.11.2.1.3.2 for
# LINEAR_EXACT and C.11.2.1.3.1 for SIGMOID, with an output of 0 to 255: worked out by hand.
@pytest.mark.parametrize(
    ("window", "golden"),
    [
        (Window(100, 0), {-51: 0, -50: 0, -49: 3, -1: 126, 0: 129, 48: 252, 49: 255, 50: 255}),
        (Window(4096, 2048), {-1: 0, 0: 0, 1: 0, 2047: 127, 2048: 128, 4095: 255, 4096: 255}),
        (Window(1, 0), {-1: 0, 0: 255, 1: 255}),
        (Window(1, 2048), {2047: 0, 2048: 255}),
        (Window(400, 40), {-160: 0, 40: 128, 239: 255, 240: 255}),
        (Window(100, 0, "LINEAR_EXACT"), {-51: 0, -50: 0, -25: 64, 0: 128, 25: 191, 50: 255, 51: 255}),
        (Window(100, 0, "SIGMOID"), {-50: 30, -25: 69, 0: 128, 25: 186, 50: 225, 1000: 255, -1000: 0}),
    ],
)
@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_the_formulas_give_the_numbers_of_the_standard(window: Window, golden: dict[int, int], dtype: str) -> None:
    shown = to_grey(np.array(list(golden), dtype=dtype), window)
    assert dict(zip(golden, shown.tolist(), strict=True)) == golden


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_formulas_agree_with_an_independent_implementation(function: VoiFunction) -> None:
    pixels = np.arange(-2048, 4096, dtype=np.int16)
    ds = Dataset()
    ds.PhotometricInterpretation, ds.BitsStored, ds.PixelRepresentation = "MONOCHROME2", 16, 1
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = 40, 400, function
    theirs = np.asarray(apply_windowing(pixels, ds), dtype=np.float64)
    theirs = (theirs + 32768) / 65535 * 255
    ours = to_grey(pixels, Window(400, 40, function))
    assert np.abs(ours - theirs).max() <= 0.51


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_a_large_picture_is_shown_like_a_small_one(dtype: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (300, 300)).astype(dtype)
    window = Window(1500, 600, "SIGMOID")
    assert (to_grey(pixels, window) == np.stack([to_grey(row, window) for row in pixels])).all()


def test_the_inversion_comes_after_the_window() -> None:
    pixels = np.array([[0, 1000, 4000]], dtype=np.uint16)
    window = Window(2000, 1000)
    plain, inverted = (render(scan(pixels, window, flag))[0, :, 0].tolist() for flag in (False, True))
    assert plain == [0, 128, 255]
    assert inverted == [255, 127, 0]


def test_a_colour_picture_is_shown_as_it_is_and_is_not_the_scans_own_array() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    shown = render(scan(pixels, None))
    assert (shown == pixels).all()
    shown[:] = 0
    assert pixels.any()


def test_a_chosen_window_takes_the_place_of_the_scans_own() -> None:
    pixels = np.array([[0, 100, 200]], dtype=np.int16)
    assert render(scan(pixels, Window(10, 0)), window=full_range(0, 200))[0, :, 0].tolist() == [0, 128, 255]


def test_eight_bit_grey_is_shown_as_it_is() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (render(scan(pixels, full_range(0, 255)))[..., 1] == pixels).all()


@pytest.mark.parametrize("index", [-1, 1])
def test_a_slice_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(UserError, match="this scan has 1"):
        render(scan(np.zeros((2, 2), np.uint8), None), index)


@pytest.mark.parametrize("window", [Window(0, 0), Window(-5, 0), Window(float("nan"), 0), Window(0.5, 0)])
def test_a_window_without_a_width_is_refused(window: Window) -> None:
    assert not is_valid(window)
    with pytest.raises(UserError, match="Choose a width"):
        render(scan(np.zeros((2, 2), np.uint8), None), window=window)


def test_percentiles_ignore_the_outermost_hundredth() -> None:
    pixels = np.concatenate([np.arange(1000), [10**6] * 5]).astype(np.float32)
    shown = to_grey(pixels, automatic(pixels))
    assert shown[500] == pytest.approx(127, abs=3)
    assert (shown[:9] == 0).all() and (shown[-8:] == 255).all()


@pytest.mark.parametrize("value", [0, 7, 60000])
def test_a_picture_of_one_value_is_shown_mid_grey(value: int) -> None:
    pixels = np.full((4, 4), value, np.uint16)
    assert set(to_grey(pixels, automatic(pixels)).ravel().tolist()) == {128}


def test_a_small_bright_spot_on_an_empty_ground_is_still_seen() -> None:
    pixels = np.zeros((100, 100), np.uint16)
    pixels[0, :20] = 900
    assert to_grey(pixels, automatic(pixels))[0, 0] == 255


def test_fractions_are_windowed_too() -> None:
    pixels = np.linspace(0, 1, 101, dtype=np.float32)
    assert to_grey(pixels, automatic(pixels))[50] == pytest.approx(128, abs=1)


def test_every_domain_has_presets_and_only_ct_has_any() -> None:
    assert set(PRESETS) == {*DOMAINS, "other"}
    assert {domain for domain, presets in PRESETS.items() if presets} == {"ct"}
    assert (PRESETS["ct"]["brain"].width, PRESETS["ct"]["brain"].level) == (80, 40)
    assert all(is_valid(window) for window in PRESETS["ct"].values())


def test_a_window_is_said_as_width_and_level() -> None:
    assert words(Window(1500, -600)) == "1500/-600"
    assert words(full_range(0, 0.5)) == "0.5/0.25"
