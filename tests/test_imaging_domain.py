"""What a DICOM header says a picture is of, and how large its pixels are."""

import numpy as np
import pytest
from pydicom.sequence import Sequence

from medvlm.imaging import read
from medvlm.types import Scan, Spacing
from tests import dicom_cases as cases

HU = {"RescaleSlope": 1, "RescaleIntercept": -1024}
RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 4096, (40, 32), dtype=np.uint16)


def read_case(data: bytes) -> Scan:
    return read(data, "case.dcm")


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
        ("CR", {"PixelSpacing": [0.2, 0.2]}, Spacing(0.2, 0.2), "perhaps at the detector"),
        (
            "CR",
            {"PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            Spacing(0.2, 0.2),
            "mm, calibrated",
        ),
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
