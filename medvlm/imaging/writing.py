"""Grey pictures and series as DICOM, volumes as NIfTI, without anybody's name: for the examples and for tests."""

import gzip
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal

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
from medvlm.types import Geometry, Pixels, Spacing, Window

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
    return _written(_dataset(pixels, header))


def series_bytes(voxels: Pixels, geometry: Geometry, header: Header, description: str = "") -> list[bytes]:
    """(slices, H, W) int16 Hounsfield units (CT) or uint16 -> a DICOM file a slice, numbered from 1 in that order."""
    files = []
    for index, (pixels, position) in enumerate(zip(voxels, geometry.positions, strict=True)):
        dataset = _dataset(pixels, replace(header, seed=f"{header.seed}/{index}"))
        for level, keyword in (("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID")):
            setattr(dataset, keyword, generate_uid(entropy_srcs=[header.seed, level]))
        dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[header.seed, "place"])
        dataset.SeriesDescription, dataset.SeriesNumber, dataset.InstanceNumber = description, 1, index + 1
        dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
        dataset.ImageOrientationPatient = [_decimal(part) for part in (*geometry.across, *geometry.down)]
        dataset.ImagePositionPatient = [_decimal(part) for part in position]
        if header.spacing.between is not None:
            dataset.SliceThickness = _decimal(header.spacing.between)
        files.append(_written(dataset))
    return files


def nifti_bytes(voxels: Pixels, affine: Pixels) -> bytes:
    """(slices, H, W) numbers -> a packed NIfTI-1 volume (.nii.gz), always the same bytes for the same numbers.

    `affine` is that of `geometry.affine`: (column, row, slice) to mm in DICOM's axes.
    """
    from nibabel import Nifti1Image

    image: Any = Nifti1Image
    volume = image(np.asfortranarray(voxels.transpose(2, 1, 0)), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)
    volume.header.set_xyzt_units("mm")
    volume.set_qform(None, code=0)
    volume.set_sform(volume.affine, code=1)
    return gzip.compress(volume.to_bytes(), mtime=0)


def _decimal(number: float) -> str:
    """At most 16 characters, as a decimal string may have (PS3.5 6.2)."""
    return f"{number + 0.0:.8f}"[:16]


def _written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _dataset(pixels: Pixels, header: Header) -> Dataset:
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
    return dataset


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
