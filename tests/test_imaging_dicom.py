"""What the numbers of a DICOM file become, and which window shows them."""

import numpy as np
import pytest
from pydicom.sequence import Sequence

from medvlm.imaging import read, render
from medvlm.types import Scan, Spacing, Window
from tests import dicom_cases as cases

HU = {"RescaleSlope": 1, "RescaleIntercept": -1024}
RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 4096, (40, 32), dtype=np.uint16)


def read_case(data: bytes) -> Scan:
    return read(data, "case.dcm")


def test_rescaled_ct_is_in_hu_as_integers_and_says_so() -> None:
    scan = read_case(cases.picture(GREY, **HU, WindowCenter=40, WindowWidth=400))
    assert (scan.slices[0] == GREY.astype(int) - 1024).all() and scan.slices[0].dtype == np.int16
    assert scan.unit == "HU" and scan.window == Window(400, 40)
    assert scan.notes[:2] == ("numbers rescaled to HU (slope 1, intercept -1024)", "window 400/40 from the file")
    assert scan.notes[-1] == "header removed"


def test_a_wide_rescale_does_not_wrap() -> None:
    full = np.array([[0, 65535]], dtype=np.uint16)
    assert read_case(cases.picture(full, **HU)).slices[0].tolist() == [[-1024, 64511]]


def test_a_fractional_rescale_gives_fractions() -> None:
    scan = read_case(cases.picture(GREY, "MR", RescaleSlope=0.5, RescaleIntercept=1))
    assert scan.slices[0].dtype == np.float32
    assert np.allclose(scan.slices[0], GREY * 0.5 + 1)


def test_unused_bits_above_those_stored_are_ignored() -> None:
    scan = read_case(cases.picture(GREY | 0xF000, "MR", BitsStored=12))
    assert (scan.slices[0] == GREY).all()


def test_monochrome1_is_inverted_after_the_window() -> None:
    pixels = np.array([[0, 1000, 4000]], dtype=np.uint16)
    window = {"WindowCenter": 1000, "WindowWidth": 2000}
    scan = read_case(cases.picture(pixels, "DX", photometric="MONOCHROME1", **window))
    assert scan.inverted and "MONOCHROME1 inverted" in scan.notes
    assert (scan.slices[0] == pixels).all()
    assert render(scan)[0, :, 0].tolist() == [255, 127, 0]


def test_the_first_of_several_windows_is_taken_and_the_rest_is_offered() -> None:
    windows = {"WindowCenter": [40, -600, 50], "WindowWidth": [400, 1500, 0]}
    named = {"WindowCenterWidthExplanation": ["Dr. Roe's", "LUNG", "BONE"]}
    scan = read_case(cases.picture(GREY, **HU, **windows, **named))
    assert scan.window == Window(400, 40) and scan.more_windows == (("Lung", Window(1500, -600)),)
    assert "window 400/40 from the file (first of 2)" in scan.notes
    nameless = read_case(cases.picture(GREY, **HU, **windows))
    assert nameless.more_windows == (("", Window(1500, -600)),)
    known = read_case(cases.picture(GREY, **HU, WindowCenter=40, WindowWidth=80, WindowCenterWidthExplanation="Brain"))
    assert "window 80/40 from the file, brain" in known.notes and not known.more_windows


@pytest.mark.parametrize("function", ["SIGMOID", "LINEAR_EXACT"])
def test_the_files_own_curve_is_used(function: str) -> None:
    scan = read_case(cases.picture(GREY, "DX", WindowCenter=0.5, WindowWidth=0.9, VOILUTFunction=function))
    assert scan.window is not None and scan.window.function == function


@pytest.mark.parametrize("width", [0, 0.5, -3])
def test_a_window_without_a_width_counts_as_none(width: float) -> None:
    scan = read_case(cases.picture(GREY, "MR", WindowCenter=40, WindowWidth=width))
    assert "no window in the file: percentiles 1 to 99" in scan.notes


@pytest.mark.parametrize(
    ("part", "preset", "width"),
    [
        ("HEAD", "brain", 80),
        ("CHEST", "lung", 1500),
        ("KNEE", "bone", 2500),
        ("ABDOMEN", "soft tissue", 400),
        ("", "soft tissue", 400),
    ],
)
def test_ct_without_a_window_gets_the_preset_of_its_body_part(part: str, preset: str, width: float) -> None:
    scan = read_case(cases.picture(GREY, **HU, BodyPartExamined=part))
    assert scan.window is not None and scan.window.width == width
    assert any(note.startswith(f"no window in the file: {preset} window") for note in scan.notes)


def test_ct_that_is_not_in_hu_gets_no_preset() -> None:
    assert "no window in the file: percentiles 1 to 99" in read_case(cases.picture(GREY, "CT")).notes


def test_a_ct_localizer_gets_no_preset() -> None:
    scan = read_case(cases.picture(GREY, **HU, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    assert "no window in the file: percentiles 1 to 99" in scan.notes


def test_padding_is_left_out_of_the_percentiles() -> None:
    pixels = GREY.astype(np.int16)
    padded = np.concatenate([pixels, np.full((200, 32), -30000, np.int16)])
    plain = read_case(cases.picture(pixels, "MR")).window
    windowed = read_case(cases.picture(padded, "MR", PixelPaddingValue=-30000)).window
    ranged = read_case(cases.picture(padded, "MR", PixelPaddingValue=-31000, PixelPaddingRangeLimit=-29000)).window
    assert windowed == plain == ranged
    assert read_case(cases.picture(padded, "MR")).window != plain


def test_a_modality_table_is_applied_before_the_window() -> None:
    pixels = np.array([[0, 1, 2, 9]], dtype=np.uint16)
    scan = read_case(
        cases.picture(pixels, "CR", ModalityLUTSequence=cases.lut(np.array([100, 300, 200]), first=1), **HU)
    )
    assert scan.slices[0].tolist() == [[100, 100, 300, 200]]
    assert "modality look-up table from the file applied" in scan.notes


def test_a_voi_table_is_baked_into_the_numbers() -> None:
    pixels = np.array([[0, 1, 2, 9]], dtype=np.uint16)
    table = cases.lut(np.array([0, 1024, 4095]), bits=12)
    scan = read_case(cases.picture(pixels, "DX", VOILUTSequence=table, WindowCenter=5, WindowWidth=2))
    assert scan.slices[0].tolist() == [[0, 1024, 4095, 4095]]
    assert render(scan)[0, :, 0].tolist() == [0, 64, 255, 255]
    assert "VOI look-up table from the file applied" in scan.notes


def test_a_voi_table_may_start_below_zero() -> None:
    pixels = np.array([[0, 1024, 1025]], dtype=np.uint16)
    table = cases.lut(np.arange(2048), first=64512)  # -1024, written unsigned
    scan = read_case(cases.picture(pixels, "CR", VOILUTSequence=table, **HU))
    assert scan.slices[0].tolist() == [[0, 1024, 1025]]


def test_ct_keeps_its_hu_where_a_window_stands_beside_a_voi_table() -> None:
    table = cases.lut(np.arange(64))
    scan = read_case(cases.picture(GREY, VOILUTSequence=table, WindowCenter=40, WindowWidth=400, **HU))
    assert scan.unit == "HU" and scan.window == Window(400, 40)


def test_eight_bit_grey_without_a_window_is_shown_as_stored() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    scan = read_case(cases.picture(pixels, "US"))
    assert (render(scan)[..., 0] == pixels).all() and "8-bit grey shown as stored" in scan.notes


def test_floating_point_pixels_are_read_without_nan() -> None:
    ds = cases.dataset(GREY, "MR", BitsAllocated=32, BitsStored=32)
    values = np.linspace(0, 1, GREY.size, dtype=np.float32).reshape(GREY.shape)
    values[0, :2] = np.nan, np.inf
    del ds.PixelData
    ds.FloatPixelData = values.tobytes()
    scan = read_case(cases.written(ds))
    assert np.isfinite(scan.slices[0]).all()
    assert (scan.slices[0][1:] == values[1:]).all()


def test_frames_become_slices_in_order_with_one_window() -> None:
    stack = np.stack([GREY, GREY // 2, GREY // 4])
    scan = read_case(cases.picture(stack, "MR", SpacingBetweenSlices=3, PixelSpacing=[0.5, 0.5]))
    assert len(scan.slices) == 3 and (scan.slices[2] == GREY // 4).all()
    assert scan.spacing == Spacing(0.5, 0.5, 3.0)
    assert scan.name == "MR stack"
    assert render(scan, 0).mean() > render(scan, 2).mean()


def enhanced(slopes: tuple[float, ...]) -> bytes:
    groups = [
        cases.item(
            PixelValueTransformationSequence=Sequence(
                [cases.item(RescaleSlope=slope, RescaleIntercept=0, RescaleType="US")]
            ),
            PlanePositionSequence=Sequence([cases.item(ImagePositionPatient=[0, 0, 2.5 * index])]),
            FrameVOILUTSequence=Sequence([cases.item(WindowCenter=100 + index, WindowWidth=200)]),
        )
        for index, slope in enumerate(slopes)
    ]
    shared = cases.item(PixelMeasuresSequence=Sequence([cases.item(PixelSpacing=[0.7, 0.8])]))
    return cases.picture(
        np.stack([GREY] * len(slopes)), "MR", PerFrameFunctionalGroupsSequence=Sequence(groups),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )  # fmt: skip


def test_an_enhanced_file_is_rescaled_frame_by_frame() -> None:
    scan = read_case(enhanced((1.0, 2.0, 0.5)))
    assert np.allclose(scan.slices[1], GREY * 2.0) and np.allclose(scan.slices[2], GREY * 0.5)
    assert {one.dtype for one in scan.slices} == {np.dtype(np.float32)}
    assert scan.window == Window(200, 100)
    assert scan.spacing == Spacing(0.7, 0.8, 2.5)
