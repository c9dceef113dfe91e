"""De-identified copies: the table, identifiers, dates, pixels, what is left out, and that originals stay."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from medvlm.__main__ import main
from medvlm.deidentify import Options, Report, deidentify
from medvlm.deidentify.profile import action_of, table
from medvlm.deidentify.pseudonyms import Pseudonyms
from medvlm.deidentify.words import KEPT, is_known
from medvlm.errors import UserError
from medvlm.imaging import read
from medvlm.privacy import Box
from tests.dicom_cases import compressed, header, item, named, picture, ramp, written
from tests.planted import found, planted

LINE = Box(2, 1, 9, 3)


class Finder:
    """Says that text stands in one box, on every picture."""

    def find(self, picture: NDArray[np.uint8]) -> tuple[Box, ...]:
        return (LINE,)


def folder_of(parent: Path, *files: bytes) -> Path:
    folder = parent / "in"
    (folder / "SECRETFOLDER").mkdir(parents=True)
    for number, data in enumerate(files):
        (folder / "SECRETFOLDER" / f"SECRET{number:03}.dcm").write_bytes(data)
    return folder


def outputs(out: Path) -> list[Dataset]:
    return [dcmread(path) for path in sorted(out.rglob("*.dcm"))]


def run(parent: Path, *files: bytes, **options: Any) -> tuple[Report, list[Dataset]]:
    finder = Finder() if options.get("clean_pixels") else None
    report = deidentify(folder_of(parent, *files), parent / "out", Options(**options), find=lambda: finder)
    return report, outputs(parent / "out")


# Rows of PS3.15 table E.1-1 with the action that is taken here; "items" and "K" stand for elements it does not name.
@pytest.mark.parametrize(
    ("tag", "kind", "keyword", "action"),
    [
        (0x00100010, "PN", "PatientName", "Z"),
        (0x00100020, "LO", "PatientID", "D"),
        (0x00100030, "DA", "PatientBirthDate", "Z"),
        (0x00100040, "CS", "PatientSex", "Z"),
        (0x00101010, "AS", "PatientAge", "X"),
        (0x00080050, "SH", "AccessionNumber", "Z"),
        (0x00080020, "DA", "StudyDate", "Z"),
        (0x00080080, "LO", "InstitutionName", "X"),
        (0x00080090, "PN", "ReferringPhysicianName", "Z"),
        (0x00081030, "LO", "StudyDescription", "X"),
        (0x0008103E, "LO", "SeriesDescription", "X"),
        (0x0020000D, "UI", "StudyInstanceUID", "U"),
        (0x00200052, "UI", "FrameOfReferenceUID", "U"),
        (0x00204000, "LT", "ImageComments", "X"),
        (0x00400275, "SQ", "RequestAttributesSequence", "X"),
        (0x00880200, "SQ", "IconImageSequence", "X"),
        (0x60003000, "OW", "OverlayData", "X"),
        (0x60020010, "US", "OverlayRows", "X"),
        (0x50000030, "SH", "AxisUnits", "X"),
        (0x00091001, "LO", "", "X"),
        (0x00280010, "US", "Rows", "K"),
        (0x00200032, "DS", "ImagePositionPatient", "K"),
        (0x00080008, "CS", "ImageType", "K"),
        (0x52009230, "SQ", "PerFrameFunctionalGroupsSequence", "items"),
        (0x00181020, "LO", "SoftwareVersions", "X"),
        (0x7FE00010, "OW", "PixelData", "K"),
        (0xFFFCFFFC, "OB", "DataSetTrailingPadding", "X"),
    ],
)
def test_the_table_says_what_happens_to_an_element(tag: int, kind: str, keyword: str, action: str) -> None:
    assert action_of(tag, kind, keyword) == action


def test_the_table_is_that_of_the_standard_in_size() -> None:
    single, repeated = table()
    assert len(single) > 620 and len(repeated) == 3
    assert {action: list(single.values()).count(action) for action in "UZ"} == {"U": 55, "Z": 53}


def test_with_shifted_dates_only_the_dates_of_a_birth_still_go() -> None:
    assert action_of(0x00080020, "DA", "StudyDate", shifted=True) == "K"
    assert action_of(0x00080030, "TM", "StudyTime", shifted=True) == "K"
    assert action_of(0x00100030, "DA", "PatientBirthDate", shifted=True) == "Z"
    assert action_of(0x00101010, "AS", "PatientAge", shifted=True) == "X"
    assert action_of(0x00189999, "DA", "NotInTheTable", shifted=True) == "X"


@pytest.mark.parametrize("options", [{}, {"shift_dates": True}])
def test_of_a_string_in_every_text_element_none_is_left(tmp_path: Path, options: dict[str, bool]) -> None:
    original = planted()
    report, _ = run(tmp_path, original, **options)
    (made,) = (tmp_path / "out").rglob("*.dcm")
    assert len(report.written) == 1 and report.left_out == []
    # With moved dates, times of day stay: that is what the option is for.
    kept = {"112233.4711"} if options else set()
    assert set(found(made.read_bytes())) == kept
    told = [(tmp_path / "out" / name).read_text() for name in ("report.json", "report.txt")]
    assert found(" ".join(told)) == [] and "SECRET" not in " ".join(told)
    assert "SECRET" not in " ".join(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))


def test_what_was_done_is_recorded_and_the_picture_is_the_same(tmp_path: Path) -> None:
    report, (made,) = run(tmp_path, named())
    assert made.PatientIdentityRemoved == "YES" and made.LongitudinalTemporalInformationModified == "REMOVED"
    codes = [(one.CodeValue, one.CodingSchemeDesignator) for one in made.DeidentificationMethodCodeSequence]
    assert codes == [("113100", "DCM")] and report.options[0].startswith("113100")
    assert made.StudyDate == "" and made.PatientName == made.PatientID and str(made.PatientID).startswith("MV")
    assert not [element for element in made.iterall() if element.tag.is_private]
    assert np.array_equal(made.pixel_array, dcmread(tmp_path / "in" / "SECRETFOLDER" / "SECRET000.dcm").pixel_array)
    (file,) = (tmp_path / "out").rglob("*.dcm")
    scan = read(file.read_bytes(), "a")
    assert scan.traces.removed and scan.window is not None and scan.window.width == 400
    assert str(file.relative_to(tmp_path / "out")) == "patient-001/study-001/series-001/00001.dcm"


def study_of(patient: str, series: str, number: int, date: str = "20200203") -> bytes:
    return picture(
        ramp() + number,
        "CT",
        SOPInstanceUID=f"1.2.{number}",
        PatientID=patient,
        PatientName=f"NAME^{patient}",
        StudyInstanceUID=f"1.7.{patient}",
        SeriesInstanceUID=series,
        FrameOfReferenceUID="1.9.9",
        StudyDate=date,
        AcquisitionDateTime=f"{date}101112.5+0100",
        StudyTime="101112",
        SourceImageSequence=[item(ReferencedSOPInstanceUID="1.2.1")],
        DerivationImageSequence=[item(ReferencedSOPInstanceUID="1.2.1")],
    )


def test_new_identifiers_are_consistent_in_a_run_and_others_in_the_next(tmp_path: Path) -> None:
    files = [study_of("11", "1.5.1", 1), study_of("11", "1.5.1", 2), study_of("22", "1.5.2", 3)]
    report, made = run(tmp_path, *files)
    assert (report.patients, report.studies, report.series) == (2, 2, 2)
    assert made[0].SeriesInstanceUID == made[1].SeriesInstanceUID != made[2].SeriesInstanceUID
    assert made[0].PatientID == made[1].PatientID != made[2].PatientID
    assert len({one.FrameOfReferenceUID for one in made}) == 1 and made[0].FrameOfReferenceUID != "1.9.9"
    assert made[1].DerivationImageSequence[0].ReferencedSOPInstanceUID == made[0].SOPInstanceUID
    assert "SourceImageSequence" not in made[0]
    assert made[0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.2", "the kind of object is no identifier"
    assert made[0].file_meta.MediaStorageSOPInstanceUID == made[0].SOPInstanceUID
    (tmp_path / "again").mkdir()
    _, again = run(tmp_path / "again", *files)
    assert again[0].SOPInstanceUID != made[0].SOPInstanceUID


def test_dates_move_by_a_number_of_days_of_each_patient(tmp_path: Path) -> None:
    files = [study_of("11", "1.5.1", 1), study_of("11", "1.5.1", 2, "20200210"), study_of("22", "1.5.2", 3)]
    _, made = run(tmp_path, *files, shift_dates=True)
    days = [np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:8]}") for d in (one.StudyDate for one in made)]
    assert days[1] - days[0] == np.timedelta64(7, "D"), "what lies between two dates of a patient stays"
    assert days[0] < np.datetime64("2020-02-03") and days[0] != days[2]
    assert made[0].AcquisitionDateTime == f"{made[0].StudyDate}101112.5" and made[0].StudyTime == "101112"
    codes = [one.CodeValue for one in made[0].DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"] and made[0].LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.parametrize("said", ["", "2020", "20201332", "SECRETDATE", "20200101SECRET"])
def test_what_is_no_date_is_not_moved(said: str) -> None:
    assert Pseudonyms(b"k").moved(said, "p") is None


def test_a_key_makes_runs_repeatable_and_is_kept_elsewhere_and_closed(tmp_path: Path) -> None:
    key = tmp_path / "safe" / "key"
    key.parent.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    runs = [run(tmp_path / name, study_of("11", "1.5.1", 1), key=key, shift_dates=True)[1][0] for name in ("a", "b")]
    assert runs[0].SOPInstanceUID == runs[1].SOPInstanceUID and runs[0].StudyDate == runs[1].StudyDate
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() not in "".join(
        path.read_text() for path in (tmp_path / "a" / "out").glob("report.*")
    )


@pytest.mark.parametrize("place", ["out/key", "key", "out/deep/key"])
def test_a_key_beside_the_output_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(UserError, match="beside the output"):
        run(tmp_path, named(), key=tmp_path / place)
    assert not (tmp_path / place).exists() and not (tmp_path / "out").exists()


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "safe" / "key"
    key.parent.mkdir()
    key.write_text("password")
    with pytest.raises(UserError, match="holds no key"):
        run(tmp_path, named(), key=key)


def test_originals_stay_as_they_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, named(), planted())
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*.dcm")}
    deidentify(folder, tmp_path / "out")
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()} == before


def test_what_cannot_be_written_is_counted_by_position_and_never_by_name(tmp_path: Path) -> None:
    report_only = written(header("SR", PatientName="SECRETNAME"))
    files = [named(), b"hello", named(), report_only, picture(ramp(dtype="uint8"), "US", SOPInstanceUID="1.3.3")]
    report, made = run(tmp_path, *files)
    assert len(made) == 1 and [one.position for one in report.left_out] == [2, 3, 4, 5]
    reasons = [one.reason for one in report.left_out]
    assert "no DICOM" in reasons[0] and "came twice" in reasons[1] and "holds no picture" in reasons[2]
    assert "clean_pixels" in reasons[3]
    told = (tmp_path / "out" / "report.txt").read_text()
    assert "SECRET" not in told and "Best effort" in told and "Not for diagnosis" in told
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["seen"] == 5 and record["written"][0]["file"].startswith("patient-001/")


def test_ultrasound_that_says_it_has_no_text_is_written_as_it_is(tmp_path: Path) -> None:
    report, made = run(tmp_path, picture(ramp(dtype="uint8"), "US", BurnedInAnnotation="NO"))
    assert len(made) == 1 and report.left_out == []


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_text_in_pixels_is_covered_on_request(tmp_path: Path, dtype: str) -> None:
    pixels = np.stack([ramp(16, 16, dtype) // 2 + 50] * 2)
    report, (made,) = run(tmp_path, picture(pixels, "US"), clean_pixels=True)
    grown = LINE.grown(16, 16)
    assert (made.pixel_array[:, grown.top : grown.bottom, grown.left : grown.right] == 50).all()
    assert np.array_equal(made.pixel_array[:, grown.bottom :], pixels[:, grown.bottom :])
    assert made.BurnedInAnnotation == "NO" and report.written[0].regions == 1
    assert [one.CodeValue for one in made.DeidentificationMethodCodeSequence] == ["113100", "113101"]


def test_colours_and_compressed_pixels_are_covered_too(tmp_path: Path) -> None:
    colour = np.full((16, 16, 3), 200, np.uint8)
    files = [
        picture(colour, "US", photometric="RGB"),
        compressed(ramp(64, 64) + 7, JPEG2000Lossless, SOPInstanceUID="1.4"),
    ]
    _, made = run(tmp_path, *files, clean_pixels=True)
    assert len(made) == 2 and all(not one.file_meta.TransferSyntaxUID.is_compressed for one in made)
    assert made[0].pixel_array[2, 4].tolist() == [0, 0, 0] and made[0].pixel_array[12, 4].tolist() == [200, 200, 200]
    assert made[1].pixel_array[2, 4] == 7 and made[1].pixel_array[12, 4] == 12 * 64 + 4 + 7


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_transfer_syntaxes_stay_what_they_are(tmp_path: Path, syntax: Any) -> None:
    _, (made,) = run(tmp_path, picture(ramp(), "CT", syntax=syntax, PatientName="SECRETNAME", StudyDate="20200101"))
    assert made.file_meta.TransferSyntaxUID == syntax and np.array_equal(made.pixel_array, ramp())
    assert "SECRET" not in str(made)


def test_an_identifier_that_is_repeated_elsewhere_goes_there_too(tmp_path: Path) -> None:
    report, (made,) = run(tmp_path, picture(ramp(), "CT", PatientName="CHEST^ADA", BodyPartExamined="CHEST"))
    assert "BodyPartExamined" not in made and report.echoes["BodyPartExamined"] == 1


def test_codes_of_public_vocabularies_stay_in_their_own_words_and_others_go(tmp_path: Path) -> None:
    public = item(CodeValue="T-D3000", CodingSchemeDesignator="SRT", CodeMeaning="SECRETMEANING")
    private = item(CodeValue="SECRET1", CodingSchemeDesignator="99SECRET", CodeMeaning="SECRETMEANING")
    _, (made,) = run(
        tmp_path, picture(ramp(), "CT", AnatomicRegionSequence=[public], PrimaryAnatomicStructureSequence=[private])
    )
    assert made.AnatomicRegionSequence[0].CodeValue == "T-D3000"
    assert "SECRET" not in str(made) and made.AnatomicRegionSequence[0].CodeMeaning
    assert "PrimaryAnatomicStructureSequence" not in made


def test_words_that_nobody_knows_are_taken_out_of_code_strings(tmp_path: Path) -> None:
    _, (made,) = run(tmp_path, picture(ramp(), "CT", ImageType=["ORIGINAL", "PRIMARY", "SECRET"], ScanOptions="SECRET"))
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "OTHER"] and "ScanOptions" not in made
    assert is_known("PatientOrientation", "LA") and not is_known("PatientOrientation", "LAURA")
    assert not any(is_known(keyword, "ZQX00001") for keyword in KEPT)


@pytest.mark.parametrize(
    ("source", "out", "says"),
    [
        ("none", "out", "is not there"),
        ("in", "in/out", "lies inside"),
        ("in", "in", "lies inside"),
        ("in", "full", "is not an empty folder"),
        ("in/SECRETFOLDER", "in", "lies inside"),
        ("empty", "out", "holds no files"),
    ],
)
def test_what_cannot_be_a_run_is_refused_before_anything_is_written(
    tmp_path: Path, source: str, out: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path, named())
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    assert main(["deidentify", str(tmp_path / source), str(tmp_path / out)]) == 1
    assert says in capsys.readouterr().err and sorted(tmp_path.rglob("*")) == before


def test_without_a_detector_clean_pixels_names_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pip install rapidocr"):
        deidentify(folder_of(tmp_path, named()), tmp_path / "out", Options(clean_pixels=True), find=lambda: None)
    assert not (tmp_path / "out").exists()


def test_where_nothing_could_be_written_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none of 2 files.*no DICOM") as caught:
        run(tmp_path, b"hello", b"there")
    assert "SECRET" not in str(caught.value)


def test_a_damaged_file_is_left_out_and_leaves_nothing_behind(tmp_path: Path) -> None:
    report, made = run(tmp_path, named(), named(SOPInstanceUID="1.2.9")[:-40])
    assert len(made) == 1 and report.left_out[0].position == 2
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        "00001.dcm",
        "report.json",
        "report.txt",
    ]


def test_the_command_prints_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, named())
    assert main(["deidentify", str(folder), str(tmp_path / "out"), "--shift-dates"]) == 0
    said = capsys.readouterr()
    assert said.out == (tmp_path / "out" / "report.txt").read_text() and "113107" in said.out and said.err == ""
