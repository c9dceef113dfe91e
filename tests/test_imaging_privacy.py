"""Nothing of a header but an allow-list of facts comes into a scan."""

import dataclasses
import gc
import io
import logging
import pickle
import types
import zipfile

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging import Study, first_picture, read, read_study
from medvlm.imaging.lazy import LazySlices
from medvlm.types import Scan
from tests import dicom_cases as cases

# Everything a scan may say of a CT file without spacing, apart from numbers.
WORDS = frozenset(
    {
        *("numbers", "rescaled", "to", "HU", "slope", "intercept", "window", "from", "the", "file", "header"),
        *("removed", "no", "pixel", "size", "in", "lengths", "are", "pixels"),
    }
)


def said(scan: Scan) -> str:
    """All text in a scan, its fields and its representation."""
    fields = {field.name: getattr(scan, field.name) for field in dataclasses.fields(scan) if field.name != "slices"}
    return f"{scan!r} {fields!r}"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"BodyPartExamined": "CHEST"},
        {"RescaleType": "SECRETUNIT"},
        {"Manufacturer": "SECRETMAKER", "ImageType": ["SECRETTYPE", "PRIMARY"]},
        {"WindowCenter": [40, 50], "WindowWidth": [400, 500], "WindowCenterWidthExplanation": ["SECRETA", "SECRETB"]},
    ],
)
def test_a_header_full_of_names_leaves_none_in_the_scan(changes: dict[str, object]) -> None:
    data = cases.named(**changes)
    secrets = [text for text in cases.SECRETS.values() if text.encode() in data]
    assert len(secrets) > 20, "the file must hold the names that the scan must not"
    scan = read(data, "SECRETNAME^JOHN.dcm")
    for text in (said(scan), repr(pickle.dumps(scan))):
        assert "SECRET" not in text.upper()
        assert not [secret for secret in secrets if secret in text]


def test_an_invented_modality_is_not_taken_over() -> None:
    scan = read(cases.picture(cases.ramp(), "SECRETMODALITY"), "a")
    assert "SECRET" not in said(scan) and scan.kind == "DICOM"


def test_the_notes_consist_of_known_words_and_numbers() -> None:
    scan = read(cases.named(), "a")
    words = {word.strip("(),/:") for note in scan.notes for word in note.split()}
    unknown = {word for word in words if word and not word.replace("/", "").lstrip("-").isdigit()} - WORDS
    assert not unknown


def test_errors_quote_nothing_of_the_header() -> None:
    ds = cases.header("SR", **cases.SECRETS)
    with pytest.raises(UserError) as caught:
        read(cases.written(ds), "a")
    assert "SECRET" not in str(caught.value) and caught.value.__cause__ is None


def test_a_damaged_file_quotes_nothing_of_its_header() -> None:
    data = cases.named()
    rows = data.index(b"\x28\x00\x10\x00US")
    for value in (b"\x00\x00", b"\xff\xff"):
        broken = data[: rows + 8] + value + data[rows + 10 :]
        with pytest.raises(UserError) as caught:
            read(broken, "a")
        assert "SECRET" not in str(caught.value) and caught.value.__cause__ is None


def test_two_scans_of_the_same_bytes_have_the_same_hash_and_share_no_array() -> None:
    data = cases.named()
    first, second = read(data, "a"), read(data, "b")
    assert first.sha256 == second.sha256
    assert not np.shares_memory(first.slices[0], second.slices[0])


def secret_series() -> list[tuple[str, bytes]]:
    """Three slices whose headers, and whose file names, name the patient wherever they can."""
    return [
        (
            f"SECRETFOLDER/SECRETFILE{number}.dcm",
            cases.named(
                SOPInstanceUID=f"1.2.3.4711.9{number}",
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, number],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                ProtocolName="SECRETPROTOCOL axial",
            ),
        )
        for number in range(3)
    ]


def secret_zip() -> list[tuple[str, bytes]]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = b"SECRETARCHIVE"
        for name, data in [*secret_series(), ("SECRETNOTES.txt", b"SECRETTEXT about SECRETNAME")]:
            archive.writestr(name, data)
    return [("SECRETZIP.zip", out.getvalue())]


def reached(start: object) -> list[object]:
    """Every object that can be reached from `start`, without types, modules and the globals of functions."""
    seen: dict[int, object] = {}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType | np.ndarray):
            continue
        seen[id(one)] = one
        if isinstance(one, types.FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        else:
            waiting += gc.get_referents(one)
    return list(seen.values())


def texts(study: Study) -> list[str]:
    return [one for one in reached(study) if isinstance(one, str)]


def raw_bytes(study: Study) -> list[bytes]:
    return [bytes(one) for one in reached(study) if isinstance(one, bytes | bytearray | memoryview)]


@pytest.mark.parametrize("drop", [secret_series, secret_zip])
def test_a_study_full_of_names_holds_none_of_them(drop: object, caplog: pytest.LogCaptureFixture) -> None:
    files = drop()  # type: ignore[operator]
    with caplog.at_level(logging.DEBUG):
        study = read_study(files)
        scan = study.open(0, background=True)
        first = first_picture(files)
    assert first is not None and [one.count for one in study.series] == [3]
    listed = f"{study.series!r} {study.notes!r} {said(scan)} {said(first)} {caplog.text}"
    assert "SECRET" not in listed.upper() and "4711" not in listed
    assert isinstance(scan.slices, LazySlices) and scan.slices.wait(20)
    assert "SECRET" not in repr(pickle.dumps(scan)) and "4711" not in repr(pickle.dumps(scan))


def test_what_a_study_keeps_has_no_text_of_a_header_and_no_file_name() -> None:
    study = read_study(secret_series())
    study.open(0)
    kept = texts(study)
    assert kept and not [text for text in kept if "SECRET" in text or "4711" in text]


def test_once_loaded_a_study_keeps_no_byte_of_a_header() -> None:
    study = read_study(secret_series())
    scan = study.open(0)
    assert [one for one in raw_bytes(study) if b"SECRET" in one], "slices that nobody has looked at need their files"
    study.open(0, background=True)
    assert isinstance(scan.slices, LazySlices) and scan.slices.wait(20)
    assert not [one for one in raw_bytes(study) if b"SECRET" in one or b"4711" in one]


def test_errors_of_a_study_quote_names_of_files_at_most() -> None:
    broken = [(name, data[:-20]) for name, data in secret_series()]
    with pytest.raises(UserError) as caught:
        read_study(broken)
    assert "SECRET" not in str(caught.value) and caught.value.__cause__ is None
    mixed = [*secret_series(), *broken[:1], ("SECRETREADME.txt", b"SECRETTEXT")]
    assert "SECRET" not in repr(read_study(mixed).notes)


def test_what_cannot_be_read_counts_as_something_that_may_name_a_person() -> None:
    from medvlm.imaging import UNEXAMINED
    from medvlm.imaging.traces import traces_in
    from medvlm.privacy import Gate, findings_of

    whole = cases.picture(cases.ramp(), "CT", SeriesDescription="MARKER")
    # Six bytes are no numbers of four.
    damaged = whole.replace(b"LO\x06\x00MARKER", b"FL\x06\x00MARKER")
    assert damaged != whole and UNEXAMINED not in traces_in(whole, "dicom").fields
    for data, form in ((damaged, "dicom"), (b"\x89PNG no picture", "png")):
        traces = dataclasses.replace(traces_in(data, form), removed=True)  # type: ignore[arg-type]
        assert UNEXAMINED in traces.fields
        (finding,) = findings_of(traces)
        assert "cannot be read" in finding.sentence, "whatever the file says of itself"
        assert Gate("ask", lambda: None).rule(dataclasses.replace(read(whole, "a"), traces=traces)).verdict == "ask"
        assert (
            Gate("strict", lambda: None).rule(dataclasses.replace(read(whole, "a"), traces=traces)).verdict == "block"
        )


def test_what_lies_too_deep_to_be_looked_at_counts_too() -> None:
    from pydicom import Dataset

    from medvlm.imaging import UNEXAMINED
    from medvlm.imaging.identity import traces_of

    deep = Dataset()
    deep.PatientName = "A"
    for _ in range(20):
        outer = Dataset()
        outer.ReferencedImageSequence = [deep]
        deep = outer
    deep.file_meta = Dataset()
    assert traces_of(deep, "CT").fields == (UNEXAMINED,)
    for _ in range(10):
        deep = deep.ReferencedImageSequence[0]
    deep.file_meta = Dataset()
    assert traces_of(deep, "CT").fields == ("Patient's Name",)


@pytest.mark.parametrize(
    ("modality", "word"), [("SC", "secondary capture"), ("OT", "DICOM"), ("CT", "CT"), ("", "DICOM")]
)
def test_a_series_and_its_scan_are_called_the_same(modality: str, word: str) -> None:
    data = cases.picture(cases.ramp(), modality)
    study = read_study([("a", data)])
    assert study.series[0].name == study.open(0).name == read(data, "a").name == f"{word} picture"
