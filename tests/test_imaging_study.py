"""What was dropped at once: its series are listed and opened, bad files are named, limits hold."""

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging import Limits, first_picture, read_study, ready
from tests import dicom_cases as cases
from tests.fuzz import samples
from tests.study_cases import drops, firsts, numbered, one_slice, opened, shuffled, stack, tried


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


def test_the_same_file_twice_counts_once() -> None:
    files = stack([0.0, 1.0, 2.0])
    study = read_study([*files, files[1], files[2]])
    assert [one.count for one in study.series] == [3] and "left out: 2 files that came twice" in study.notes


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


@pytest.mark.parametrize("name", drops())
def test_every_way_in_leads_to_pictures(name: str) -> None:
    assert tried(drops()[name]) >= 1
