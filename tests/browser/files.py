"""One small file of each format that people drop on the page, made in memory."""

import zipfile
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian

from tests.dicom_cases import header
from tests.study_cases import one_slice

SIDE = 96


def scene(seed: int = 0) -> NDArray[np.uint8]:
    """A grey disc with a bright spot, elsewhere for each seed."""
    y, x = np.mgrid[:SIDE, :SIDE]
    random = np.random.default_rng(seed)
    grey = np.where((x - 48) ** 2 + (y - 48) ** 2 < 40**2, 120, 10) + random.normal(0, 4, (SIDE, SIDE))
    cx, cy = random.integers(30, 66, 2)
    grey[(x - cx) ** 2 + (y - cy) ** 2 < 64] = 230
    return np.clip(grey, 0, 255).astype(np.uint8)


def picture(form: str, seed: int = 0) -> bytes:
    """PNG, JPEG, WEBP, BMP or TIFF, as Pillow writes it."""
    out = BytesIO()
    Image.fromarray(scene(seed)).convert("RGB").save(out, form)
    return out.getvalue()


def deep_png(seed: int = 0) -> bytes:
    out = BytesIO()
    Image.fromarray(scene(seed).astype(np.uint16) * 200).save(out, "PNG")
    return out.getvalue()


def dicom(modality: str, pixels: NDArray[Any], **elements: Any) -> bytes:
    """(frames, H, W) or (H, W) numbers, uncompressed."""
    stack = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    signed = stack.dtype == np.int16
    dataset = header(
        modality,
        ExplicitVRLittleEndian,
        Rows=stack.shape[1],
        Columns=stack.shape[2],
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=int(signed),
        SamplesPerPixel=1,
        **{"PhotometricInterpretation": "MONOCHROME2", **elements},
    )
    if stack.shape[0] > 1:
        dataset.NumberOfFrames = stack.shape[0]
    dataset.PixelData = stack.tobytes()
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def ct(slices: int = 6) -> bytes:
    stack = np.stack([scene(n).astype(np.int16) * 4 - 500 for n in range(slices)])
    return dicom("CT", stack, WindowCenter=40, WindowWidth=400, BodyPartExamined="ABDOMEN", PatientName="Nobody^Real")


def cxr() -> bytes:
    pixels = (255 - scene().astype(np.uint16)) * 16
    return dicom("CR", pixels, PhotometricInterpretation="MONOCHROME1", BodyPartExamined="CHEST")


def mr() -> bytes:
    return dicom("MR", scene().astype(np.uint16) * 8, BodyPartExamined="BRAIN")


def study_zip() -> bytes:
    """A zip of two series: twelve axial CT slices of the chest, slice n of them n brighter, and a short MRI."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(12):
            pixels = scene(n).astype(np.uint16) * 4 + 500
            pixels[:8, :8] = 1024 + n
            data = one_slice(pixels, n + 1, (0.0, 0.0, 5.0 * n), series="ct", SeriesDescription="CHEST LUNG")
            archive.writestr(f"CT/{n:03}", data)
        for n in range(3):
            data = one_slice(
                scene(20 + n).astype(np.uint16) * 8, n + 1, (0.0, 0.0, 4.0 * n), series="mr", modality="MR"
            )
            archive.writestr(f"MR/{n:03}", data)
    return out.getvalue()


# File name -> bytes, and what the notes line says of it.
FORMATS: dict[str, tuple[bytes, str]] = {
    "a.png": (picture("PNG"), "PNG"),
    "a.jpg": (picture("JPEG"), "JPEG"),
    "a.webp": (picture("WEBP"), "WebP"),
    "a.bmp": (picture("BMP"), "BMP"),
    "a.tif": (picture("TIFF"), "TIFF"),
    "deep.png": (deep_png(), "PNG"),
    "ct.dcm": (ct(), "DICOM CT · slice 4/6"),
    "cxr.dcm": (cxr(), "MONOCHROME1 inverted"),
    "mr.dcm": (mr(), "DICOM MR"),
}
