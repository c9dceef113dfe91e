"""DICOM files of every kind that is read: what the numbers, the window, the domain and the spacing become."""

import warnings
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from medvlm.errors import UserError
from medvlm.imaging import Limits, read, render
from medvlm.types import Scan, Spacing, Window
from tests import dicom_cases as cases

HU = {"RescaleSlope": 1, "RescaleIntercept": -1024}
RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 4096, (40, 32), dtype=np.uint16)
SIGNED = RNG.integers(-2000, 2000, (40, 32), dtype=np.int16)
RGB = RNG.integers(0, 256, (40, 32, 3), dtype=np.uint8)


def read_case(data: bytes, limits: Limits | None = None) -> Scan:
    return read(data, "case.dcm", limits or Limits())


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
@pytest.mark.parametrize("pixels", [GREY, SIGNED, GREY.astype(np.uint8), np.stack([SIGNED, -SIGNED])])
def test_uncompressed_numbers_come_back_exactly(pixels: np.ndarray, syntax: UID) -> None:  # type: ignore[type-arg]
    scan = read_case(cases.picture(pixels, "MR", syntax=syntax))
    assert (np.stack(scan.slices).reshape(pixels.shape) == pixels).all()
    assert scan.slices[0].dtype == pixels.dtype


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("pixels", [GREY, SIGNED, GREY.astype(np.uint8), np.stack([GREY, GREY[::-1]])])
def test_losslessly_compressed_numbers_come_back_exactly(pixels: np.ndarray, syntax: UID) -> None:  # type: ignore[type-arg]
    scan = read_case(cases.compressed(pixels, syntax))
    assert (np.stack(scan.slices).reshape(pixels.shape) == pixels).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_losslessly_compressed_colours_come_back_exactly(syntax: UID) -> None:
    scan = read_case(cases.compressed(RGB, syntax, "XC", photometric="RGB"))
    assert (scan.slices[0] == RGB).all()


def test_lossy_jpeg_2000_comes_back_nearly() -> None:
    smooth = np.add.outer(np.arange(40), np.arange(32)).astype(np.uint16) * 20
    ds = cases.dataset(smooth, "MR")
    ds.compress(JPEG2000, j2k_cr=[4], generate_instance_uid=False)
    assert np.abs(read_case(cases.written(ds)).slices[0].astype(int) - smooth).max() < 40


def test_jpeg_photographs_come_back_nearly_and_as_rgb() -> None:
    smooth = np.stack([np.add.outer(np.arange(40), np.arange(32)) * step for step in (1, 2, 3)], axis=-1).astype(
        np.uint8
    )
    scan = read_case(cases.jpeg_baseline(smooth))
    assert np.abs(scan.slices[0].astype(int) - smooth).mean() < 4
    assert "YBR colours brought to RGB" in scan.notes


def test_htj2k_is_read() -> None:
    assert (read_case(cases.flat_htj2k()).slices[0] == 128).all()


@pytest.mark.parametrize(
    ("syntax", "install"),
    [
        ("1.2.840.10008.1.2.4.80", "pip install pyjpegls"),
        ("1.2.840.10008.1.2.4.70", "pip install pylibjpeg-libjpeg"),
        ("1.2.840.10008.1.2.4.51", "pip install pylibjpeg-libjpeg"),
    ],
)
def test_a_missing_decoder_is_named_with_what_to_install(syntax: str, install: str) -> None:
    data = cases.encapsulated([b"\xff\xd8\xff\xd9"], cases.dataset(GREY, "MR"), UID(syntax))
    with pytest.raises(UserError, match=install):
        read_case(data)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", "1.2.826.0.1.3680043.8.49", "1.2.840.10008.1.2.4.112"])
def test_a_video_or_an_unknown_transfer_syntax_is_refused_with_advice(syntax: str) -> None:
    data = cases.encapsulated([b"\0\0"], cases.dataset(GREY, "US"), UID("1.2.840.10008.1.2.4.102"))
    data = data.replace(b"1.2.840.10008.1.2.4.102\0", syntax.encode().ljust(24, b"\0"))
    with pytest.raises(UserError, match=r"(Save|Export) "):
        read_case(data)


def test_a_file_without_preamble_is_read() -> None:
    data = cases.picture(GREY, "MR")
    assert (read_case(data[132:]).slices[0] == GREY).all()


@pytest.mark.parametrize("implicit", [True, False])
def test_a_bare_data_set_without_meta_header_is_read(implicit: bool) -> None:
    ds = cases.dataset(GREY, "MR", syntax=ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    whole = cases.written(ds)
    start = whole.index(b"\x08\x00\x16\x00", 132 + 12)
    assert (read_case(whole[start:]).slices[0] == GREY).all()


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


def test_the_first_of_several_windows_is_taken_and_the_rest_is_mentioned() -> None:
    scan = read_case(cases.picture(GREY, **HU, WindowCenter=[40, -600], WindowWidth=[400, 1500]))
    assert scan.window == Window(400, 40)
    assert "window 400/40 from the file (first of 2)" in scan.notes


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


def test_palette_colours_become_rgb() -> None:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], dtype=np.uint8)
    stored = np.array([[0, 1], [2, 9]], dtype=np.uint8)
    scan = read_case(cases.palette(stored, colours))
    assert scan.slices[0].tolist() == [[[0, 0, 0], [255, 0, 0]], [[0, 128, 255], [0, 128, 255]]]


def test_ybr_becomes_rgb() -> None:
    # PS3.3 C.7.6.3.1.2: pure red is Y 76, CB 85, CR 255.
    ybr = np.full((4, 4, 3), (76, 85, 255), dtype=np.uint8)
    red = read_case(cases.picture(ybr, "US", photometric="YBR_FULL")).slices[0][0, 0]
    assert np.abs(red.astype(int) - (254, 0, 0)).max() <= 2


def test_colours_in_planes_are_put_together() -> None:
    planes = np.ascontiguousarray(np.moveaxis(RGB, -1, 0))
    ds = cases.dataset(RGB, "XC", photometric="RGB", PlanarConfiguration=1)
    ds.PixelData = planes.tobytes()
    assert (read_case(cases.written(ds)).slices[0] == RGB).all()


def test_deep_colours_are_brought_to_eight_bits() -> None:
    scan = read_case(cases.picture(RGB.astype(np.uint16) * 257, "XC", photometric="RGB"))
    assert (scan.slices[0] == RGB).all() and "16-bit colour brought to 8 bits" in scan.notes


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


def test_a_tiled_slide_is_put_together() -> None:
    whole = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    tiles = np.stack([whole[row : row + 4, column : column + 4] for row in (0,) for column in (0, 4)])
    low = np.zeros((2, 4, 4, 3), np.uint8)
    low[0, :2], low[1, :2] = whole[4:, :4], whole[4:, 4:]
    scan = read_case(
        cases.picture(
            np.concatenate([tiles, low]), "SM", photometric="RGB", TotalPixelMatrixRows=6, TotalPixelMatrixColumns=8
        )
    )
    assert len(scan.slices) == 1 and (scan.slices[0] == whole).all()
    assert scan.domain == "histology" and "slide put together from 4 tiles" in scan.notes


def test_the_label_of_a_slide_is_never_shown() -> None:
    data = cases.picture(RGB, "SM", photometric="RGB", ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"])
    with pytest.raises(UserError, match="may name the patient"):
        read_case(data)


@pytest.mark.parametrize(
    ("modality", "part", "domain", "source"),
    [
        ("CR", "CHEST", "cxr", "file"),
        ("DX", "THORAX", "cxr", "file"),
        ("CR", "KNEE", "other", "file"),
        ("DX", "", "other", "unknown"),
        ("CR", "SOMETHING ELSE", "other", "unknown"),
        ("CT", "CHEST", "ct", "file"),
        ("MR", "", "mri", "file"),
        ("SM", "", "histology", "file"),
        ("US", "CHEST", "other", "file"),
        ("SC", "CHEST", "other", "unknown"),
        ("XC", "", "other", "unknown"),
    ],
)
def test_the_domain_is_what_the_header_says_and_nothing_else(
    modality: str, part: str, domain: str, source: str
) -> None:
    scan = read_case(cases.picture(GREY, modality, BodyPartExamined=part))
    assert (scan.domain, scan.domain_source) == (domain, source)
    assert scan.kind == f"DICOM {modality}"


def test_small_letters_and_hyphens_do_not_hide_a_body_part() -> None:
    data = cases.picture(GREY, "DX", BodyPartExamined="CHEST ")
    assert read_case(data.replace(b"CHEST ", b"Chest ")).domain == "cxr"
    assert (
        "no window in the file: bone window 2500/480"
        in read_case(cases.picture(GREY, **HU, BodyPartExamined="T_SPINE")).notes
    )


def test_the_chest_may_be_said_by_its_code() -> None:
    place = Sequence([cases.item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Chest")])
    assert read_case(cases.picture(GREY, "DX", AnatomicRegionSequence=place)).domain == "cxr"


@pytest.mark.parametrize(
    ("modality", "elements", "spacing", "note"),
    [
        ("CT", {"PixelSpacing": [0.7, 0.5]}, Spacing(0.7, 0.5), "pixel size 0.7 x 0.5 mm"),
        ("CT", {"ImagerPixelSpacing": [0.7, 0.5]}, None, "no pixel size"),
        ("DX", {"ImagerPixelSpacing": [0.15, 0.15]}, Spacing(0.15, 0.15), "at the detector"),
        (
            "DX",
            {"ImagerPixelSpacing": [0.15, 0.15], "EstimatedRadiographicMagnificationFactor": 1.5},
            Spacing(0.1, 0.1),
            "corrected for the magnification of 1.5",
        ),
        ("DX", {"ImagerPixelSpacing": [0.15, 0.15], "PixelSpacing": [0.12, 0.12]}, Spacing(0.12, 0.12), "calibrated"),
        ("CR", {"NominalScannedPixelSpacing": [0.2, 0.2]}, Spacing(0.2, 0.2), "on the scanned film"),
        ("US", {"PixelSpacing": [0.7, 0.5]}, None, "no single pixel size"),
        ("MR", {"PixelSpacing": [0, 0.5]}, None, "no pixel size"),
        ("MR", {}, None, "no pixel size"),
    ],
)
def test_the_spacing_is_the_one_that_holds_for_the_modality(
    modality: str, elements: dict[str, object], spacing: Spacing | None, note: str
) -> None:
    scan = read_case(cases.picture(GREY, modality, **elements))
    if spacing is None:
        assert scan.spacing is None
    else:
        assert scan.spacing is not None
        assert (scan.spacing.row, scan.spacing.column) == pytest.approx((spacing.row, spacing.column))
    assert any(note in line for line in scan.notes)


@pytest.mark.parametrize(
    ("elements", "modality", "note"),
    [
        ({"BurnedInAnnotation": "YES"}, "CT", "may name the patient"),
        ({}, "US", "check that it names nobody"),
    ],
)
def test_text_in_the_pixels_is_warned_of(elements: dict[str, str], modality: str, note: str) -> None:
    assert any(note in line for line in read_case(cases.picture(GREY, modality, **elements)).notes)
    clean = read_case(cases.picture(GREY, modality, BurnedInAnnotation="NO"))
    assert not any("burned" in line for line in clean.notes)


@pytest.mark.parametrize("modality", ["SR", "RTSTRUCT"])
def test_dicom_without_pixels_is_named(modality: str) -> None:
    with pytest.raises(UserError, match=rf"DICOM {modality} \(.+\), which holds no picture"):
        read_case(cases.written(cases.header(modality)))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_file_is_said_to_be_cut_short(share: float) -> None:
    data = cases.picture(GREY, **HU)
    with pytest.raises(UserError, match="cut short"):
        read_case(data[: int(len(data) * share)])


def test_fewer_frames_than_announced_are_said_to_be_cut_short() -> None:
    ds = cases.dataset(np.stack([GREY, GREY]), "MR")
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.NumberOfFrames = 3
    with pytest.raises(UserError, match=r"cut short|damaged"):
        read_case(cases.written(ds))


LOCAL = sorted((Path(pydicom.data.__file__).parent / "test_files").glob("*.dcm"))


@pytest.mark.parametrize("path", LOCAL, ids=lambda path: path.name)
def test_files_of_real_devices_are_read_like_pydicom_reads_them_or_refused(path: Path) -> None:
    data = path.read_bytes()
    try:
        scan = read(data, path.name)
    except UserError as error:
        assert path.name in str(error) and str(error).endswith(".")
        return
    assert render(scan).dtype == np.uint8
    if scan.slices[0].ndim == 3:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their headers have flaws that pydicom tells of
        ds = dcmread(path, force=True)
        theirs = np.asarray(apply_modality_lut(ds.pixel_array, ds)).reshape(len(scan.slices), *scan.slices[0].shape)
    assert np.allclose(np.stack(scan.slices), theirs)
