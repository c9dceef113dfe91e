"""Series from many files: sorted by place, split where slices do not belong together, decoded when looked at."""

import gc
import random
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, JPEG2000Lossless, RLELossless

from medvlm.errors import UserError
from medvlm.imaging import Limits, Study, first_picture, read, read_study, ready, render
from medvlm.imaging.geometry import directions, letters, plane_of, toward
from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.placement import frame_seconds
from medvlm.imaging.series_words import description_of, words_of
from medvlm.types import Scan
from tests import dicom_cases as cases
from tests.fuzz import samples
from tests.study_cases import AXIAL, CORONAL, Drop, as_series, drops, numbered, one_slice, phantom, stack, tried


def shuffled(files: Drop, seed: int = 1) -> Drop:
    return random.Random(seed).sample(files, len(files))


def opened(files: Drop, number: int = 0) -> Scan:
    return read_study(files).open(number)


def firsts(scan: Scan) -> list[int]:
    """The number that each slice was filled with."""
    return [int(one.flat[0]) for one in scan.slices]


def said(study: Study, number: int = 0) -> str:
    return "; ".join(study.series[number].notes)


def test_slices_are_sorted_by_their_place_and_not_by_name_or_number() -> None:
    files = [(f"{9 - n}.dcm", one_slice(numbered(n), 20 - n, (0.0, 0.0, 2.5 * n))) for n in range(7)]
    scan = opened(shuffled(files))
    assert firsts(scan) == list(range(7))
    assert scan.spacing is not None and scan.spacing.between == pytest.approx(2.5)
    assert scan.geometry is not None and scan.geometry.step == pytest.approx((0, 0, 2.5))
    assert scan.geometry.positions[-1] == pytest.approx((0, 0, 15)) and "sorted by position" in scan.notes


def test_a_stack_is_sorted_along_its_own_normal() -> None:
    # Coronal: across to the left, down to the feet, so the normal points to the back.
    files = [(f"{n}", one_slice(numbered(n), n, (0.0, 3.0 * n, 0.0), CORONAL)) for n in range(5)]
    scan = opened(shuffled(files))
    assert firsts(scan) == list(range(5)) and scan.description.startswith("coronal")


def test_a_gap_is_noted_and_no_other_plane_is_cut_over_it() -> None:
    study = read_study(stack([0.0, 1.0, 2.0, 5.0, 6.0]))
    scan = study.open(0)
    assert "a gap: 2 slices seem to be missing" in said(study)
    assert scan.geometry is not None and scan.geometry.step is None and scan.geometry.positions
    assert scan.spacing is not None and scan.spacing.between is None


def test_uneven_slices_are_said_to_be_uneven() -> None:
    assert "unevenly spaced" in said(read_study(stack([0.0, 1.0, 2.3, 3.3])))


def test_a_tilted_gantry_is_noted_with_its_angle() -> None:
    scan = opened([("a", data) for data in as_series(phantom(tilt=15.0))])
    assert "gantry tilted by 15 degrees" in scan.notes
    assert scan.geometry is not None and scan.geometry.step is not None
    leaning = np.cross(scan.geometry.across, scan.geometry.down) @ np.array(scan.geometry.step)
    assert leaning == pytest.approx(np.linalg.norm(scan.geometry.step) * np.cos(np.radians(15)))
    assert scan.spacing is not None and scan.spacing.between == pytest.approx(leaning)


def test_directions_are_split_and_the_note_says_so() -> None:
    files = [*stack([0.0, 1.0, 2.0])]
    files += [(f"c{n}", one_slice(numbered(50 + n), 10 + n, (0.0, float(n), 0.0), CORONAL)) for n in range(2)]
    study = read_study(shuffled(files))
    assert [(one.count, one.description) for one in study.series] == [(3, "axial"), (2, "coronal")]
    assert all("split from a series of 2 directions" in said(study, number) for number in (0, 1))


def test_a_series_that_turns_stays_together_in_the_order_of_its_numbers() -> None:
    turns = np.radians(np.arange(20) * 9)
    files = [
        (f"{n}", one_slice(numbered(n), n, (0, 0, 0), (np.cos(turn), np.sin(turn), 0, 0, 0, -1)))
        for n, turn in enumerate(turns)
    ]
    study = read_study(shuffled(files))
    assert [one.count for one in study.series] == [20] and "many directions" in said(study)
    scan = study.open(0)
    assert firsts(scan) == list(range(20)) and scan.geometry is None


def test_sizes_and_localizers_are_split() -> None:
    files = [*stack([0.0, 1.0]), ("b", one_slice(numbered(9, 8), 9, (0, 0, 9.0)))]
    files += [("l", one_slice(numbered(7), 8, (0, 0, 8.0), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))]
    study = read_study(files)
    assert sorted(one.count for one in study.series) == [1, 1, 2]
    assert "split from a series of 3 kinds of picture" in said(study)
    assert any("localizer" in one.description for one in study.series)


@pytest.mark.parametrize(
    ("keyword", "values", "name"),
    [
        ("EchoTime", ["2.5", "5.0"], "echo time"),
        ("AcquisitionNumber", ["1", "2"], "acquisition"),
        ("TemporalPositionIdentifier", ["1", "2"], "time"),
        ("DiffusionBValue", [0.0, 1000.0], "b-value"),
        ("TriggerTime", ["10", "20"], "heart phase"),
    ],
)
def test_slices_at_the_same_places_are_told_apart_by_what_the_header_says(
    keyword: str, values: list[Any], name: str
) -> None:
    files = [
        (
            f"{n}/{turn}",
            one_slice(numbered(10 * turn + n), 2 * n + turn, (0, 0, float(n)), modality="MR", **{keyword: value}),
        )
        for turn, value in enumerate(values)
        for n in range(3)
    ]
    study = read_study(shuffled(files))
    assert [one.count for one in study.series] == [3, 3]
    assert f"split by {name}: 2 stacks lie at the same places" in said(study)
    assert sorted(firsts(study.open(0)) + firsts(study.open(1))) == [n + 1024 for n in (0, 1, 2, 10, 11, 12)]
    assert all(np.ptp(firsts(study.open(number))) == 2 for number in (0, 1)), "each stack holds one of the values"


def test_slices_that_nothing_tells_apart_are_put_into_stacks_by_number() -> None:
    files = [
        (f"{n}{t}", one_slice(numbered(10 * t + n), 10 * t + n, (0, 0, float(n)))) for t in range(2) for n in range(3)
    ]
    study = read_study(shuffled([*files, ("more", one_slice(numbered(20), 20, (0, 0, 0.0)))]))
    assert [one.count for one in study.series] == [3, 3, 1]
    assert "4 slices lie where others do: put into 3 stacks" in said(study)
    assert firsts(study.open(0)) == [0, 1, 2] and firsts(study.open(1)) == [10, 11, 12]


def test_the_same_file_twice_counts_once() -> None:
    files = stack([0.0, 1.0, 2.0])
    study = read_study([*files, files[1], files[2]])
    assert [one.count for one in study.series] == [3] and "left out: 2 files that came twice" in study.notes


def test_slices_without_a_position_are_split_off_and_said() -> None:
    study = read_study([*stack([0.0, 1.0]), ("x", one_slice(numbered(9), 9, None))])
    assert sorted(one.count for one in study.series) == [1, 2]
    assert "split: 1 of 3 slices have no position" in said(study)


def test_without_any_position_the_numbers_give_the_order_and_nothing_is_measured_between() -> None:
    files = [(f"{n}", one_slice(numbered(n), n, None, None, modality="US")) for n in (3, 1, 2)]
    scan = opened(files)
    assert [one - 1024 for one in firsts(scan)] == [1, 2, 3] and scan.geometry is None
    assert "no positions in the files: slices in the order of their numbers" in scan.notes


def test_radiographs_of_one_series_are_pictures_of_their_own() -> None:
    files = [
        (f"{n}", one_slice(numbered(n), n, None, None, modality="DX", PatientOrientation=["L", "F"])) for n in (1, 2)
    ]
    study = read_study(files)
    assert [one.count for one in study.series] == [1, 1]
    geometry = study.open(0).geometry
    assert (
        geometry is not None and (geometry.across, geometry.down) == ((1, 0, 0), (0, 0, -1)) and not geometry.positions
    )


def test_several_series_are_listed_in_their_order_with_what_they_are() -> None:
    chest = stack([0.0, 1.0, 2.0], SeriesNumber=3, SeriesDescription="THORAX lung nativ SECRETNAME")
    brain = [
        (f"b{n}", one_slice(numbered(n, 8), n, (0, 0, float(n)), series="b", modality="MR", SeriesNumber=2,
                            ProtocolName="t2_tirm_tra SECRETNAME"))
        for n in range(2)
    ]  # fmt: skip
    study = read_study(shuffled([*chest, *brain, ("photo", cases.jpeg_baseline(np.zeros((8, 8, 3), np.uint8)))]))
    listed = [(one.modality, one.name, one.description, one.count, one.size, one.thumbnail) for one in study.series]
    assert listed[:2] == [
        ("MR", "MR stack", "axial, T2, FLAIR", 2, (8, 8), 1),
        ("CT", "CT stack", "axial, chest, lung, without contrast", 3, (6, 6), 1),
    ]
    assert study.largest == 1 and study.open(1) is study.open(1)
    assert study.thumbnail(0).shape == (8, 8, 3)
    with pytest.raises(UserError, match=r"Series 9 is not there: there are 3\."):
        study.open(8)


def test_pictures_of_other_formats_stand_beside_series() -> None:
    found = samples()
    files = [("a.png", found["png 16 bit"]), ("b.tif", found["tiff"]), *stack([0.0, 1.0]), ("c.jpg", found["jpeg"])]
    study = read_study(files)
    assert [(one.name, one.count) for one in study.series] == [
        ("CT stack", 2),
        ("PNG picture", 1),
        ("TIFF stack", 3),
        ("JPEG picture", 1),
    ]
    for series in study.series:
        scan = study.open(series.number)
        assert len(scan.slices) == series.count and scan.name == series.name
        assert study.thumbnail(series.number).ndim == 3
    assert ready(study.open(2)) == (3, 3)


def test_a_tiled_slide_is_one_picture() -> None:
    tiles = np.zeros((4, 4, 4, 3), np.uint8)
    data = cases.picture(tiles, "SM", photometric="RGB", TotalPixelMatrixRows=8, TotalPixelMatrixColumns=8)
    study = read_study([("a.dcm", data)])
    assert [(one.name, one.count, one.thumbnail) for one in study.series] == [("slide microscopy picture", 1, 0)]
    assert study.open(0).slices[0].shape == (8, 8, 3) and study.thumbnail(0).shape == (8, 8, 3)


def test_only_known_words_are_taken_from_free_text() -> None:
    assert words_of(("MEIER^HANS Kopf nativ", "t1_mprage_SAG 1950")) == (
        "head",
        "without contrast",
        "T1",
        "MPRAGE",
        "sagittal",
    )
    assert description_of(("sagittal", "T1"), "axial") == "axial, T1"


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


def test_frames_of_an_enhanced_file_are_sorted_by_their_places() -> None:
    heights = [4.0, 0.0, 2.0]
    groups = [cases.item(PlanePositionSequence=[cases.item(ImagePositionPatient=[0, 0, z])]) for z in heights]
    shared = cases.item(PlaneOrientationSequence=[cases.item(ImageOrientationPatient=list(AXIAL))])
    pixels = np.stack([numbered(int(z)) for z in heights])
    data = cases.picture(pixels, "CT", PerFrameFunctionalGroupsSequence=groups, SharedFunctionalGroupsSequence=[shared],
                         RescaleSlope=1, RescaleIntercept=-1024)  # fmt: skip
    for scan in (read(data, "a.dcm"), opened([("a.dcm", data)])):
        assert firsts(scan) == [0, 2, 4]
        assert scan.geometry is not None and scan.geometry.step == pytest.approx((0, 0, 2))


@pytest.mark.parametrize(
    ("sequence", "keyword", "values", "name"),
    [
        ("MRDiffusionSequence", "DiffusionBValue", [0.0, 1000.0], "b-value"),
        ("FrameContentSequence", "TemporalPositionIndex", [1, 2], "time"),
        ("MREchoSequence", "EffectiveEchoTime", [10.0, 90.0], "echo time"),
    ],
)
def test_frames_of_an_enhanced_file_at_the_same_places_are_split(
    sequence: str, keyword: str, values: list[float], name: str
) -> None:
    frames = [(z, value) for z in (0.0, 1.0, 2.0) for value in values]
    groups = []
    for z, value in frames:
        group = cases.item(PlanePositionSequence=[cases.item(ImagePositionPatient=[0, 0, z])])
        setattr(group, sequence, [cases.item(**{keyword: value})])
        groups.append(group)
    shared = cases.item(PlaneOrientationSequence=[cases.item(ImageOrientationPatient=list(AXIAL))])
    pixels = np.stack([numbered(10 * values.index(value) + int(z)) for z, value in frames])
    data = cases.picture(pixels, "MR", PerFrameFunctionalGroupsSequence=groups, SharedFunctionalGroupsSequence=[shared])
    study = read_study([("a.dcm", data)])
    assert [firsts(study.open(number)) for number in (0, 1)] == [[1024, 1025, 1026], [1034, 1035, 1036]]
    assert f"split by {name}: 2 stacks lie at the same places" in said(study)


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [({"FrameTime": 40}, 0.04), ({"CineRate": 20}, 0.05), ({"FrameTimeVector": [0, 30, 50]}, 0.04), ({}, None)],
)
def test_a_cine_knows_how_fast_it_runs(elements: dict[str, Any], seconds: float | None) -> None:
    data = cases.picture(np.zeros((3, 8, 8), np.uint8), "US", **elements)
    assert opened([("a", data)]).frame_seconds == read(data, "a").frame_seconds == pytest.approx(seconds)
    assert frame_seconds(cases.dataset(numbered(1), "US", FrameTime=40), 1) is None


def test_a_slice_is_decoded_when_it_is_looked_at_and_its_file_let_go() -> None:
    calls: list[int] = []
    held = [np.zeros(3) for _ in range(4)]

    def source(index: int, array: Any) -> Any:
        return lambda: calls.append(index) or array

    slices = LazySlices([source(n, array) for n, array in enumerate(held)])
    watched = [weakref.ref(array) for array in held]
    assert slices.ready == 0 and slices[2] is slices[2] and calls == [2] and slices.ready == 1
    assert [one.shape for one in slices[1:3]] == [(3,), (3,)] and calls == [2, 1]
    with pytest.raises(IndexError):
        slices[4]
    slices.load(first=3)
    assert slices.wait(20) and slices.ready == 4 and sorted(calls) == [0, 1, 2, 3]
    held.clear()
    del slices
    gc.collect()
    assert [one() for one in watched] == [None] * 4


def test_the_background_stops_when_nobody_holds_the_slices() -> None:
    go, calls = threading.Event(), []

    def source() -> Any:
        calls.append(1)
        go.wait(20)
        return np.zeros(2)

    slices = LazySlices([source] * 50)
    slices.load()
    filler = slices._filler
    del slices
    go.set()
    assert filler is not None
    filler.join(20)
    assert not filler.is_alive() and len(calls) <= 2


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


def test_one_bad_file_does_not_hide_the_others() -> None:
    files = [
        *stack([0.0, 1.0]),
        ("readme.txt", b"hello there"),
        ("cut", one_slice(numbered(1), 9, (0, 0, 9.0))[:-20]),
        ("e", b""),
    ]
    study = read_study(files)
    assert [one.count for one in study.series] == [2]
    notes = "; ".join(study.notes)
    assert "1 file left out: a text file, not a picture" in notes and "cut short" in notes and "empty" in notes
    assert "readme" not in notes


def test_a_drop_without_any_picture_says_why() -> None:
    with pytest.raises(UserError, match=r"None of the 3 files can be shown: 2 files left out: a text file") as caught:
        read_study([("a.txt", b"hello"), ("b.txt", b"hello"), ("c.dcm", cases.written(cases.header("SR")))])
    assert "structured report" in str(caught.value)
    with pytest.raises(UserError, match=r"^a\.txt is a text file"):
        read_study([("a.txt", b"hello")])
    with pytest.raises(UserError, match="No file was given"):
        read_study([])


def test_limits_hold_for_files_slices_and_the_whole_study() -> None:
    files = stack([0.0, 1.0, 2.0])
    with pytest.raises(UserError, match="has 3 slices; at most 2"):
        read_study(files, Limits(frames=2)).open(0)
    with pytest.raises(UserError, match="holds more than 2 files"):
        read_study(files, Limits(files=2))
    with pytest.raises(UserError, match="The study would have"):
        read_study(files, Limits(study_bytes=500))
    with pytest.raises(UserError, match="of memory once unpacked"):
        read_study(files, Limits(total_bytes=100)).open(0)


def test_progress_counts_every_file() -> None:
    seen: list[tuple[int, int]] = []
    read_study([*stack([0.0, 1.0]), ("x.txt", b"text")], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_first_picture_comes_from_the_middle_past_what_is_none() -> None:
    files = [*stack([0.0, 1.0, 2.0])]
    assert firsts(first_picture([files[0], ("a.txt", b"text"), files[2]]) or opened(files)) in ([0], [2])
    assert first_picture([("a.txt", b"text")]) is None


def test_the_same_bytes_give_the_same_name_and_any_change_another() -> None:
    files = stack([0.0, 1.0, 2.0])
    one, again = opened(files), opened(shuffled(files, 3))
    assert one.sha256 == again.sha256 and len(one.sha256) == 64
    assert opened(files[:2]).sha256 != one.sha256
    data = bytearray(files[1][1])
    data[-5] ^= 1
    assert opened([files[0], (files[1][0], bytes(data)), files[2]]).sha256 != one.sha256
    assert render(one).shape == (6, 6, 3)


def test_directions_letters_and_planes() -> None:
    assert letters((1, 0, 0)) == "L" and letters((0, -0.8, 0.6)) == "AH" and letters((0.1, 0.99, 0)) == "P"
    assert plane_of((1, 0, 0), (0, 1, 0)) == "axial" and plane_of((0, 1, 0), (0, 0, -1)) == "sagittal"
    assert plane_of((1, 0, 0), (0, 0.7071, 0.7071)) == "oblique"
    assert (
        directions((1, 0, 0, 1, 0, 0)) is None and directions((0, 0, 0, 0, 1, 0)) is None and directions((1, 0)) is None
    )
    assert (
        toward(("A", "F")) == ((0, -1, 0), (0, 0, -1)) and toward(("L", "R\0")) is None and toward(("LR", "F")) is None
    )


@pytest.mark.parametrize("name", drops())
def test_every_way_in_leads_to_pictures(name: str) -> None:
    assert tried(drops()[name]) >= 1
