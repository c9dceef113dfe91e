"""Grey pictures as single-file DICOM without anybody's name: for the examples and for tests."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.types import Pixels, Spacing, Window

Modality = Literal["CT", "MR", "CR"]
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "CR": ComputedRadiographyImageStorage}
CT_INTERCEPT = -1024


@dataclass(frozen=True, slots=True)
class Header:
    """The facts that go with the pixels. `seed` fixes the UIDs, so that the same picture gives the same bytes."""

    modality: Modality
    body_part: str
    spacing: Spacing
    window: Window
    inverted: bool
    seed: str


def dicom_bytes(pixels: Pixels, header: Header) -> bytes:
    """(H, W) int16 Hounsfield units (CT) or uint16 -> a DICOM file, explicit VR little endian, 16 bits stored."""
    intercept = CT_INTERCEPT if header.modality == "CT" else 0
    stored = np.clip(pixels.astype(np.int32) - intercept, 0, 65535).astype("<u2")
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CLASSES[header.modality]
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[header.seed, "instance"])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[header.seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[header.seed, "series"])
    dataset.PatientName = dataset.PatientID = ""
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", "drawn, never recorded"
    dataset.ImageComments = NOT_FOR_DIAGNOSIS
    dataset.Modality, dataset.BodyPartExamined = header.modality, header.body_part
    _describe_pixels(dataset, stored, header, intercept)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _describe_pixels(dataset: Dataset, stored: Pixels, header: Header, intercept: int) -> None:
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PhotometricInterpretation = "MONOCHROME1" if header.inverted else "MONOCHROME2"
    spacing = [f"{header.spacing.row:.4g}", f"{header.spacing.column:.4g}"]
    if header.modality == "CR":
        dataset.ImagerPixelSpacing = spacing
    else:
        dataset.PixelSpacing = spacing
    if header.modality == "CT":
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(intercept), "1", "HU"
    dataset.WindowWidth, dataset.WindowCenter = f"{header.window.width:g}", f"{header.window.level:g}"
    dataset.PixelData = stored.tobytes()
