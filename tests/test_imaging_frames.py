"""How pixels are stored in DICOM: every transfer syntax, colours, tiles, truncation, files of real devices."""

import subprocess
import sys
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut
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
from medvlm.imaging import read, read_study, render
from medvlm.paths import ROOT
from medvlm.types import Scan
from tests import dicom_cases as cases

HU = {"RescaleSlope": 1, "RescaleIntercept": -1024}
RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 4096, (40, 32), dtype=np.uint16)
SIGNED = RNG.integers(-2000, 2000, (40, 32), dtype=np.int16)
RGB = RNG.integers(0, 256, (40, 32, 3), dtype=np.uint8)


def read_case(data: bytes) -> Scan:
    return read(data, "case.dcm")


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
@pytest.mark.parametrize("pixels", [GREY, SIGNED, GREY.astype(np.uint8), np.stack([SIGNED, -SIGNED])])
def test_uncompressed_numbers_come_back_exactly(pixels: np.ndarray, syntax: UID) -> None:  # type: ignore[type-arg]
    scan = read_case(cases.picture(pixels, "MR", syntax=syntax))
    assert (np.stack(scan.slices).reshape(pixels.shape) == pixels).all()
    assert scan.slices[0].dtype == pixels.dtype


@pytest.mark.parametrize("numbers", [GREY, SIGNED])
def test_numbers_in_the_upper_bits_of_their_words_come_back_exactly(numbers: np.ndarray) -> None:  # type: ignore[type-arg]
    shifted = numbers << 4  # a High Bit above Bits Stored, as scanners wrote it before 2006
    data = cases.picture(shifted, "MR", BitsStored=12, HighBit=15)
    assert (read_case(data).slices[0] == numbers).all()
    series = read_study([("case", data)])
    assert (series.open(0).slices[0] == numbers).all()


def test_frames_of_single_bits_may_begin_within_a_byte() -> None:
    bits = RNG.integers(0, 2, (3, 10, 10), dtype=np.uint8)
    ds = cases.dataset(bits, "OT", BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    assert (np.stack(read_case(cases.written(ds)).slices) == bits).all()


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


JPEG_LS, NEAR_LS = UID("1.2.840.10008.1.2.4.80"), UID("1.2.840.10008.1.2.4.81")
LOSSLESS, LOSSLESS_FIRST, EXTENDED = (UID(f"1.2.840.10008.1.2.4.{number}") for number in (57, 70, 51))
TWELVE = (GREY % 4096).astype(np.uint16)


@pytest.mark.parametrize(
    ("syntax", "stream", "pixels", "elements"),
    [
        (JPEG_LS, imagecodecs.jpegls_encode(GREY), GREY, {}),
        (NEAR_LS, imagecodecs.jpegls_encode(GREY), GREY, {}),
        (JPEG_LS, imagecodecs.jpegls_encode(RGB), RGB, {}),
        (LOSSLESS, imagecodecs.jpeg8_encode(GREY, lossless=True, bitspersample=16), GREY, {}),
        (LOSSLESS_FIRST, imagecodecs.jpeg8_encode(TWELVE, lossless=True, bitspersample=12), TWELVE, {"BitsStored": 12}),
        (LOSSLESS_FIRST, imagecodecs.jpeg8_encode(SIGNED.view("u2"), lossless=True, bitspersample=16), SIGNED, {}),
        (
            LOSSLESS_FIRST,
            imagecodecs.jpeg8_encode(SIGNED.view("u2") & 0xFFF, lossless=True, bitspersample=12),
            SIGNED,
            {"BitsStored": 12},
        ),
        (LOSSLESS_FIRST, imagecodecs.jpeg8_encode(RGB, lossless=True, colorspace="RGB", outcolorspace="RGB"), RGB, {}),
    ],
)
def test_jpeg_ls_and_lossless_jpeg_come_back_exactly(
    syntax: UID,
    stream: bytes,
    pixels: np.ndarray,
    elements: dict[str, int],  # type: ignore[type-arg]
) -> None:
    like = cases.dataset(pixels, "MR", photometric="RGB" if pixels.ndim == 3 else "MONOCHROME2", **elements)
    scan = read_case(cases.encapsulated([bytes(stream)], like, syntax))
    assert (scan.slices[0] == pixels).all() and scan.slices[0].dtype == pixels.dtype


def test_jpeg_with_twelve_bits_comes_back_nearly() -> None:
    smooth = (np.add.outer(np.arange(40), np.arange(32)) * 50).astype(np.uint16)
    stream = imagecodecs.jpeg8_encode(smooth, level=95, bitspersample=12)
    scan = read_case(cases.encapsulated([stream], cases.dataset(smooth, "MR", BitsStored=12), EXTENDED))
    assert np.abs(scan.slices[0].astype(int) - smooth).max() < 60


def test_a_missing_decoder_is_named_with_what_to_install() -> None:
    code = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from medvlm.imaging.codecs import decoder_of\n"
        "for number in (51, 57, 70, 80, 81):\n"
        "    try: decoder_of(f'1.2.840.10008.1.2.4.{number}', 12, 'a.dcm'); print('there')\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    lines = process.stdout.splitlines()
    assert len(lines) == 5 and all("UserError a.dcm is stored as " in line for line in lines)
    assert all("is not installed: pip install imagecodecs, or export it" in line for line in lines)


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


FOLDER = Path(pydicom.data.__file__).parent
LOCAL = sorted((FOLDER / "test_files").glob("*.dcm"))


def test_every_file_that_comes_with_pydicom_is_read_or_refused_alone_and_in_a_drop() -> None:
    files = [path for path in sorted(FOLDER.rglob("*")) if path.is_file() and path.suffix not in (".py", ".pyc")]
    shown = 0
    for path in files:
        data = path.read_bytes()
        try:
            alone = read(data, path.name)
        except UserError as error:
            assert str(error).endswith(".")
            with pytest.raises(UserError):
                read_study([(path.name, data)]).open(0)
            continue
        study = read_study([(path.name, data)])
        scan = study.open(study.largest)
        assert len(scan.slices) == len(alone.slices) and (scan.slices[0] == alone.slices[0]).all()
        assert (scan.spacing, scan.unit, scan.geometry) == (alone.spacing, alone.unit, alone.geometry)
        shown += 1
    assert len(files) > 150 and shown > 90


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
