"""Files of a series become stacks: sorted by place, split where slices do not belong together, and it is said."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from medvlm.imaging import read, read_study
from tests import dicom_cases as cases
from tests.study_cases import (
    AXIAL,
    CORONAL,
    as_series,
    firsts,
    numbered,
    one_slice,
    opened,
    phantom,
    said,
    shuffled,
    stack,
)


def test_files_that_name_no_series_are_not_mixed_across_studies() -> None:
    files = stack([0, 2, 4, 6])
    for n, (name, data) in enumerate(files):
        ds = dcmread(BytesIO(data))
        if "SeriesInstanceUID" in ds:
            del ds.SeriesInstanceUID
        ds.StudyInstanceUID = f"1.2.{n % 2}"
        files[n] = name, cases.written(ds)
    assert [one.count for one in read_study(files).series] == [2, 2]


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


def test_slices_without_a_position_are_split_off_and_said() -> None:
    study = read_study([*stack([0.0, 1.0]), ("x", one_slice(numbered(9), 9, None))])
    assert sorted(one.count for one in study.series) == [1, 2]
    assert "split: no position in the files of 1 of 3 slices" in said(study)


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
