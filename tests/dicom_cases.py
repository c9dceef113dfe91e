"""Tiny synthetic DICOM files, built in memory and named by what is special about them."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    generate_uid,
)

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "SC": "1.2.840.10008.5.1.4.1.1.7",
    "XC": "1.2.840.10008.5.1.4.1.1.77.1.4",
    "SM": "1.2.840.10008.5.1.4.1.1.77.1.6",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
}
HTJ2K_LOSSLESS = UID("1.2.840.10008.1.2.4.201")

Array = NDArray[Any]


def ramp(rows: int = 8, columns: int = 8, dtype: str = "int16") -> Array:
    """0, 1, 2, ... row by row."""
    return np.arange(rows * columns, dtype=dtype).reshape(rows, columns)


def item(**elements: Any) -> Dataset:
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return one


def header(modality: str, syntax: UID = ExplicitVRLittleEndian, **elements: Any) -> FileDataset:
    """A file without pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CLASSES.get(modality, CLASSES["SC"])
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    meta.TransferSyntaxUID = syntax
    ds = FileDataset(
        "", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=syntax == ImplicitVRLittleEndian,
        is_little_endian=syntax != ExplicitVRBigEndian,
    )  # fmt: skip
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.Modality = modality
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def written(ds: FileDataset) -> bytes:
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def dataset(
    pixels: Array, modality: str = "CT", photometric: str = "MONOCHROME2", syntax: UID = ExplicitVRLittleEndian,
    **elements: Any,
) -> FileDataset:  # fmt: skip
    """A picture of `pixels`: (H, W), (frames, H, W), (H, W, 3) or (frames, H, W, 3) of an integer type."""
    ds = header(modality, syntax)
    samples = 3 if pixels.shape[-1] == 3 and photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else 1
    shape = pixels.shape[:-1] if samples == 3 else pixels.shape
    ds.Rows, ds.Columns = shape[-2:]
    if len(shape) == 3:
        ds.NumberOfFrames = shape[0]
    bits = pixels.dtype.itemsize * 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = samples, photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    if samples == 3:
        ds.PlanarConfiguration = 0
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    if ds.BitsStored != bits and "HighBit" not in elements:
        ds.HighBit = ds.BitsStored - 1
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    raw = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if bits == 8 and syntax != ImplicitVRLittleEndian else "OW"
    return ds


def picture(pixels: Array, modality: str = "CT", **options: Any) -> bytes:
    """`dataset`, written; see there."""
    return written(dataset(pixels, modality, **options))


def compressed(pixels: Array, syntax: UID, modality: str = "MR", **options: Any) -> bytes:
    """The same picture in a compressed transfer syntax that pydicom can write."""
    ds = dataset(pixels, modality, **options)
    ds.compress(syntax, generate_instance_uid=False)
    return written(ds)


def encapsulated(frames: list[bytes], like: FileDataset, syntax: UID) -> bytes:
    """Ready-made compressed frames in the header of `like`."""
    like.file_meta.TransferSyntaxUID = syntax
    like.PixelData = encapsulate(frames)
    like["PixelData"].VR = "OB"
    like["PixelData"].is_undefined_length = True
    return written(like)


def jpeg_baseline(rgb: NDArray[np.uint8]) -> bytes:
    """A colour photograph as cameras write it into DICOM: JPEG with subsampled YBR."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=95, subsampling=1)
    like = dataset(rgb, "XC", photometric="YBR_FULL_422")
    return encapsulated([out.getvalue()], like, JPEGBaseline8Bit)


def j2k_stream(pixels: Array) -> bytes:
    """A JPEG 2000 codestream of the picture, without DICOM around it."""
    from pydicom.encaps import generate_frames

    ds = dataset(pixels, "MR")
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def flat_htj2k(rows: int = 32, columns: int = 32) -> bytes:
    """A flat mid-grey HTJ2K picture. No encoder for it is at hand, but a picture without any detail has no coded block:

    so the JPEG 2000 stream of it becomes HTJ2K by its headers alone (ISO/IEC 15444-15: CAP marker, code-block style).
    """
    pixels = np.full((rows, columns), 128, np.uint8)
    stream = bytearray(j2k_stream(pixels))
    struct.pack_into(">H", stream, 6, 0x4000)  # Rsiz: part 15 is in use
    cod = stream.index(b"\xff\x52")
    stream[cod + 12] |= 0x40  # SPcod: high-throughput code-blocks
    siz_end = 4 + struct.unpack_from(">H", stream, 4)[0]
    cap = struct.pack(">HHIH", 0xFF50, 8, 1 << (32 - 15), 0)
    return encapsulated([bytes(stream[:siz_end] + cap + stream[siz_end:])], dataset(pixels, "MR"), HTJ2K_LOSSLESS)


def palette(stored: NDArray[np.uint8], colours: NDArray[np.uint8]) -> bytes:
    """An ultrasound picture in palette colours: `colours` of shape (entries, 3), in entries of 16 bits."""
    wide = (colours.astype("<u2") << 8) | colours
    elements: dict[str, Any] = {}
    for channel, colour in enumerate(("Red", "Green", "Blue")):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [len(colours), 0, 16]
        elements[f"{colour}PaletteColorLookupTableData"] = wide[:, channel].tobytes()
    return picture(stored, "US", photometric="PALETTE COLOR", **elements)


def lut(entries: Array, first: int = 0, bits: int = 16) -> Sequence:
    """A look-up table sequence of one item."""
    return Sequence([item(LUTDescriptor=[len(entries), first, bits], LUTData=entries.astype("<u2").tobytes())])


# Every text element that can name somebody, with a value that a test can look for.
SECRETS = {
    "PatientName": "SECRETNAME^JOHN",
    "PatientID": "SECRETID4711",
    "PatientBirthDate": "19501231",
    "PatientAddress": "SECRETSTREET 1",
    "OtherPatientNames": "SECRETALIAS",
    "InstitutionName": "SECRETHOSPITAL",
    "InstitutionAddress": "SECRETTOWN",
    "ReferringPhysicianName": "SECRETDOCTOR",
    "OperatorsName": "SECRETOPERATOR",
    "AccessionNumber": "SECRETACCESS",
    "StudyDescription": "SECRETSTUDY",
    "SeriesDescription": "SECRETSERIES",
    "ProtocolName": "SECRETPROTOCOL",
    "ImageComments": "SECRETCOMMENT",
    "PatientComments": "SECRETREMARK",
    "StationName": "SECRETSTATION",
    "DeviceSerialNumber": "SECRETSERIAL",
    "StudyID": "SECRETSTUDYID",
    "WindowCenterWidthExplanation": "SECRETWINDOW",
    "DerivationDescription": "SECRETDERIVED",
    "RequestedProcedureDescription": "SECRETREQUEST",
    "StudyDate": "20200203",
    "StudyTime": "112233",
    "StudyInstanceUID": "1.2.3.4711.1",
    "SeriesInstanceUID": "1.2.3.4711.2",
}


def named(**changes: Any) -> bytes:
    """A CT slice whose header names the patient wherever it can, in private elements and code strings too."""
    elements: dict[str, Any] = {**SECRETS, "RescaleSlope": 1, "RescaleIntercept": -1024}
    elements |= {"WindowCenter": 40, "WindowWidth": 400, "BodyPartExamined": "SECRETPART", **changes}
    ds = dataset(ramp(dtype="uint16"), "CT", **elements)
    block = ds.private_block(0x0011, "SECRETVENDOR", create=True)
    block.add_new(0x01, "LO", "SECRETPRIVATE")
    return written(ds)
