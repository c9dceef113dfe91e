"""A stack as a scan: the same numbers however they are stored, decoded when looked at, named by its bytes."""

import gc
import sys
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from medvlm.errors import UserError
from medvlm.imaging import Drop, read, read_study, ready, render
from medvlm.imaging.drop import Given
from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.parts import Part
from medvlm.imaging.placement import frame_seconds
from tests import dicom_cases as cases
from tests.study_cases import AXIAL, firsts, numbered, one_slice, opened, shuffled, stack


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_way_of_storing_slices_gives_the_same_series(syntax: Any) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 4000, (4, 32, 32), dtype=np.uint16)
    files = []
    for n in range(4):
        options: dict[str, Any] = {"syntax": syntax}
        if syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
            ds = cases.dataset(
                pixels[n], "CT", syntax=syntax, SeriesInstanceUID="1.2.3", RescaleSlope=1, RescaleIntercept=-1024,
                PixelSpacing=[1, 1], ImageOrientationPatient=list(AXIAL), ImagePositionPatient=[0, 0, n],
            )  # fmt: skip
            ds.SOPInstanceUID = f"1.2.3.{n}"
            files.append((f"{n}", cases.written(ds)))
        else:
            files.append((f"{n}", one_slice(pixels[n], n, (0.0, 0.0, float(n)), **options)))
    scan = opened(shuffled(files))
    assert (np.stack(scan.slices) == pixels.astype(int) - 1024).all() and scan.unit == "HU"


def test_numbers_of_all_slices_are_fractions_where_any_is() -> None:
    files = [
        (f"{n}", one_slice(numbered(n), n, (0, 0, float(n)), modality="PT", RescaleSlope=slope, RescaleIntercept=0))
        for n, slope in enumerate((1.0, 0.5))
    ]
    scan = opened(files)
    assert [one.dtype for one in scan.slices] == [np.float32, np.float32] and firsts(scan) == [1024, 512]


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [({"FrameTime": 40}, 0.04), ({"CineRate": 20}, 0.05), ({"FrameTimeVector": [0, 30, 50]}, 0.04), ({}, None)],
)
def test_a_cine_knows_how_fast_it_runs(elements: dict[str, Any], seconds: float | None) -> None:
    data = cases.picture(np.zeros((3, 8, 8), np.uint8), "US", **elements)
    assert opened([("a", data)]).frame_seconds == read(data, "a").frame_seconds == pytest.approx(seconds)
    assert frame_seconds(cases.dataset(numbered(1), "US", FrameTime=40), 1) is None


def test_after_loading_nothing_of_the_files_is_held() -> None:
    files = stack([0.0, 1.0, 2.0])
    watched = [data for _, data in files]
    before = [sys.getrefcount(data) for data in watched]
    study = read_study(files)
    scan = study.open(0)
    assert [sys.getrefcount(data) for data in watched] > before, "undecoded slices need their files"
    study.open(0, background=True)
    assert isinstance(scan.slices, LazySlices) and scan.slices.wait(20) and ready(scan) == (3, 3)
    gc.collect()
    assert [sys.getrefcount(data) for data in watched] == before
    assert firsts(scan) == [0, 1, 2]


def test_a_damaged_slice_is_named_and_the_others_are_shown() -> None:
    files = [(f"{n}", one_slice(numbered(n, 32), n, (0, 0, float(n)), syntax=JPEG2000Lossless)) for n in range(4)]
    name, data = files[1]
    start = data.index(b"\xff\x93")
    files[1] = (name, data[: start + 2] + b"\xff\x30" * 20 + data[start + 42 :])
    study = read_study(files)
    scan = study.open(0, background=True)
    assert isinstance(scan.slices, LazySlices) and scan.slices.wait(20)
    shown = []
    for index in range(4):
        try:
            shown.append(int(scan.slices[index].flat[0]))
        except UserError as error:
            assert str(error).startswith("The CT stack, slice 2 of 4, ")
    assert shown in ([0, 2, 3], [0, shown[1], 2, 3])


def test_the_same_bytes_give_the_same_name_and_any_change_another() -> None:
    files = stack([0.0, 1.0, 2.0])
    one, again = opened(files), opened(shuffled(files, 3))
    assert one.sha256 == again.sha256 and len(one.sha256) == 64
    assert opened(files[:2]).sha256 != one.sha256
    data = bytearray(files[1][1])
    data[-5] ^= 1
    assert opened([files[0], (files[1][0], bytes(data)), files[2]]).sha256 != one.sha256
    assert render(one).shape == (6, 6, 3)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_a_file_of_many_frames_is_not_unpacked_for_each_of_them(syntax: UID) -> None:
    frames = np.random.default_rng(4).integers(0, 4000, (6, 16, 16), dtype=np.uint16)
    data = cases.compressed(frames, syntax) if syntax == RLELossless else cases.picture(frames, "MR")
    unpacked: list[int] = []

    def load(size: int) -> bytes:
        unpacked.append(size)
        return data[:size]

    scan = read_study(Drop((Given(Part("case", len(data), load), "case"),))).open(0)
    before = len(unpacked)
    assert (np.stack(list(scan.slices)) == frames).all()
    assert len(unpacked) == before
