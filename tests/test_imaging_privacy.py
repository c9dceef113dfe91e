"""Nothing of a header but an allow-list of facts comes into a scan."""

import dataclasses
import pickle

import numpy as np
import pytest

from medvlm.errors import UserError
from medvlm.imaging import read
from medvlm.types import Scan
from tests import dicom_cases as cases

# Everything a scan may say of a CT file without spacing, apart from numbers.
WORDS = frozenset(
    {
        *("numbers", "rescaled", "to", "HU", "slope", "intercept", "window", "from", "the", "file", "header"),
        *("removed", "no", "pixel", "size", "in", "so", "nothing", "can", "be", "measured"),
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
