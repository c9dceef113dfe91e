"""The quick look at a header sees what pydicom sees, or leaves the file to it."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from medvlm.imaging.elements import quick_header
from medvlm.imaging.header import code, codes, item, items, numbers
from tests import dicom_cases as cases
from tests.fuzz import mutants
from tests.study_cases import one_slice

NUMBERS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "SamplesPerPixel", "NumberOfFrames"),
    *("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"),
    *("WindowCenter", "WindowWidth", "InstanceNumber", "SeriesNumber", "EchoTime", "PixelPaddingValue"),
)  # fmt: skip
CODES = ("Modality", "PhotometricInterpretation", "BurnedInAnnotation")
SEQUENCES = ("PerFrameFunctionalGroupsSequence", "VOILUTSequence", "ModalityLUTSequence", "AnatomicRegionSequence")


class Anything:
    def __contains__(self, word: object) -> bool:
        return True


def assert_alike(data: bytes, name: str = "") -> bool:
    """Compares what both see; False where the quick look leaves the file to pydicom."""
    quick = quick_header(data)
    if quick is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers of real devices have flaws that pydicom tells of
        full = dcmread(io.BytesIO(data), force=True)
        for keyword in NUMBERS:
            assert numbers(quick, keyword) == pytest.approx(numbers(full, keyword), rel=1e-6), f"{name}: {keyword}"
        for keyword in CODES:
            assert code(quick, keyword, Anything()) == code(full, keyword, Anything()), f"{name}: {keyword}"  # type: ignore[arg-type]
        assert codes(quick, "ImageType", Anything()) == codes(full, "ImageType", Anything())  # type: ignore[arg-type]
        for keyword in SEQUENCES:
            assert len(items(quick, keyword)) == len(items(full, keyword)), f"{name}: {keyword}"
        assert (quick.get("SeriesInstanceUID") or "") == (full.get("SeriesInstanceUID") or "")
        pixels = full.get("PixelData")
        assert (quick.pixels is None) == (pixels is None), name
        if quick.pixels is not None and quick.pixels.length is not None:
            assert bytes(quick.pixels.value(data)) == pixels, name
    return True


FILES = sorted((Path(pydicom.data.__file__).parent / "test_files").glob("*.dcm"))


def test_files_of_real_devices_are_seen_as_pydicom_sees_them() -> None:
    quick = sum(assert_alike(path.read_bytes(), path.name) for path in FILES)
    assert quick > 60, "most files are sound: the quick look must not give up on them"


def nested(undefined: bool) -> bytes:
    """A header with sequences within sequences, of defined or undefined length."""
    inner = cases.item(CodeValue="51185008", CodeMeaning="x")
    middle = cases.item(AnatomicRegionModifierSequence=[inner])
    ds: Any = cases.dataset(cases.ramp(), "CT", AnatomicRegionSequence=[middle], InstanceNumber=7)
    for element in (ds["AnatomicRegionSequence"], middle["AnatomicRegionModifierSequence"]):
        element.is_undefined_length = undefined
        for one in element.value:
            one.is_undefined_length_sequence_item = undefined
    return cases.written(ds)


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_are_stepped_over_and_read_on_demand(undefined: bool) -> None:
    data = nested(undefined)
    quick = quick_header(data)
    assert quick is not None and quick.get("Rows") == 8 and assert_alike(data)
    assert item(quick, "AnatomicRegionSequence", "AnatomicRegionModifierSequence") is not None


def test_implicit_headers_are_read_and_others_left_alone() -> None:
    pixels = np.arange(64, dtype=np.int16).reshape(8, 8)
    assert assert_alike(cases.picture(pixels, "MR", syntax=ImplicitVRLittleEndian, PixelSpacing=[0.5, 0.25]))
    assert quick_header(cases.picture(pixels, "MR", syntax=ExplicitVRBigEndian)) is None
    assert quick_header(cases.picture(pixels, "MR")[132:]) is None and quick_header(b"") is None


def test_the_start_of_a_file_is_enough_if_it_reaches_the_pixels() -> None:
    data = one_slice(np.zeros((64, 64), np.uint16))
    whole = quick_header(data)
    assert whole is not None and whole.pixels is not None
    start = quick_header(data[: whole.pixels.at + 8])
    assert start is not None and start.pixels == whole.pixels
    assert quick_header(data[: whole.pixels.at - 20]) is None


def test_whatever_is_damaged_is_seen_or_left_and_never_raises() -> None:
    data, seen = one_slice(cases.ramp(8, 8, "uint16"), 1, (0.0, 0.0, 1.0)), 0
    for mutant in mutants(data, 300, seed=9):
        header = quick_header(mutant)
        if header is not None:
            seen += 1
            for keyword in NUMBERS:
                numbers(header, keyword)
    assert 50 < seen < 300


def test_a_sequence_nested_without_end_is_left_to_pydicom() -> None:
    head = one_slice(cases.ramp(8, 8, "uint16"))
    at = head.index(struct.pack("<HH", 0x0008, 0x0060))
    endless = struct.pack("<HH2sHI", 0x0008, 0x0051, b"SQ", 0, 0xFFFFFFFF)
    endless += (struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + endless) * 200
    assert quick_header(head[:at] + endless + head[at:]) is None
