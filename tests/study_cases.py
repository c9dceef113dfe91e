"""Drops for tests and benchmarks: series of slices, archives and volumes, built in memory, and a full look at one."""

import gzip
import io
import random
import tarfile
import zipfile
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from medvlm.imaging import Study, first_picture, read_study, render
from medvlm.imaging.geometry import affine
from medvlm.imaging.writing import Header, nifti_bytes, series_bytes
from medvlm.phantoms.volume import WINDOW, Volume, draw_volume
from medvlm.types import Scan, Spacing
from tests import dicom_cases as cases

Drop = list[tuple[str, bytes]]
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def one_slice(pixels: NDArray[Any], number: int = 1, position: tuple[float, float, float] | None = None,
              orientation: tuple[float, ...] | None = AXIAL, series: str = "a", modality: str = "CT",
              syntax: UID = ExplicitVRLittleEndian, **elements: Any) -> bytes:  # fmt: skip
    """One file of a series; `position` None leaves it out."""
    facts: dict[str, Any] = {
        "SeriesInstanceUID": generate_uid(entropy_srcs=[series]),
        "InstanceNumber": number,
        "PixelSpacing": [0.7, 0.8],
        **({"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"} if modality == "CT" else {}),
        **({"ImagePositionPatient": list(position)} if position is not None else {}),
        **({"ImageOrientationPatient": list(orientation)} if orientation is not None else {}),
        **elements,
    }
    ds = cases.dataset(pixels, modality, **facts)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[series, str(number), str(position), str(sorted(elements.items()))]
    )
    if syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    return cases.written(ds)


def numbered(value: int, size: int = 6) -> NDArray[np.uint16]:
    """A slice that can be told by its numbers."""
    return np.full((size, size), 1024 + value, np.uint16)


def stack(places: list[float], **options: Any) -> Drop:
    """Axial slices at these heights, numbered from 1 in this order; slice n holds the number n - 1 in HU."""
    return [
        (f"{index}.dcm", one_slice(numbered(index), index + 1, (0.0, 0.0, z), **options))
        for index, z in enumerate(places)
    ]


def ct_series(count: int, size: int) -> Drop:
    """A shuffled CT series with a header as long as scanners write it, noise included."""
    rng = np.random.default_rng(3)
    base = rng.integers(0, 3000, (size, size), dtype=np.uint16)
    filler = {name: "A TEXT" for name in cases.SECRETS if not name.endswith(("Date", "Time", "UID"))}
    order = rng.permutation(count)
    files = []
    for index in order:
        pixels = base + np.uint16(index)
        data = one_slice(
            pixels, int(index) + 1, (0.0, 0.0, float(index)), WindowCenter=40, WindowWidth=400,
            SpecificCharacterSet="ISO_IR 100", Manufacturer="MAKER", KVP="120", SliceThickness="1",
            ExposureTime="500", XRayTubeCurrent="200", ConvolutionKernel="B30f", PatientPosition="HFS", **filler,
        )  # fmt: skip
        files.append((f"IM{len(files):05d}", data))
    return files


def phantom(tilt: float = 0.0, turn: float = 0.0, shape: tuple[int, int, int] = (12, 28, 32)) -> Volume:
    scale = 44 / shape[0]
    return draw_volume(
        shape, Spacing(row=1.5 * 112 / shape[1], column=1.6 * 128 / shape[2], between=3.0 * scale), tilt, turn
    )


def as_series(volume: Volume, seed: str = "volume") -> list[bytes]:
    header = Header("CT", "CHEST", volume.spacing, WINDOW, False, seed)
    return series_bytes(volume.voxels, volume.geometry, header, "Chest axial plain")


def as_nifti(volume: Volume) -> bytes:
    return nifti_bytes(volume.voxels, affine(volume.geometry, volume.spacing))


def gzipped(data: bytes) -> bytes:
    """The same bytes whenever it is made: tests are named after them, and two processes must agree on the names."""
    return gzip.compress(data, mtime=0)


def zipped(files: Drop, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(files: Drop, packed: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzipped(out.getvalue()) if packed else out.getvalue()


@cache
def drops() -> dict[str, Drop]:
    """One small sound drop for each way in; not to be changed."""
    volume = phantom(tilt=10.0, shape=(4, 10, 12))
    series = [(f"{index}.dcm", data) for index, data in enumerate(as_series(volume))]
    packed = [
        (f"{n}.dcm", one_slice(numbered(n, 32), n, (0.0, 0.0, float(n)), syntax=JPEG2000Lossless)) for n in (1, 2, 3)
    ]
    disc = [(f"IM{index}", data) for index, (_, data) in enumerate(series)]
    return {
        "series": series,
        "series of JPEG 2000": packed,
        "zip": [("scan.zip", zipped(series))],
        "tar": [("scan.tar", tarred(series))],
        "tar.gz": [("scan.tar.gz", tarred(series, packed=True))],
        "gzip": [("one.dcm.gz", gzipped(series[0][1]))],
        "nifti": [("scan.nii", gzip.decompress(as_nifti(volume)))],
        "nifti.gz": [("scan.nii.gz", as_nifti(volume))],
        "disc": [("DICOMDIR", dicomdir([name for name, _ in disc])), *disc],
    }


def dicomdir(paths: list[str]) -> bytes:
    """A table of contents that lists these files."""
    records = [
        cases.item(
            DirectoryRecordType="IMAGE", ReferencedFileID=path.upper().split("/"), OffsetOfTheNextDirectoryRecord=0
        )
        for path in paths
    ]
    ds = cases.header("SC", DirectoryRecordSequence=records)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    return cases.written(ds)


def tried(files: Drop) -> int:
    """Everything a page does with a drop: list, thumbnails, every slice of every series; how many slices there were."""
    first_picture(files)
    study = read_study(files)
    count = 0
    for series in study.series:
        study.thumbnail(series.number)
        scan = study.open(series.number)
        for index in range(len(scan.slices)):
            render(scan, index)
            count += 1
    return count


def shuffled(files: Drop, seed: int = 1) -> Drop:
    """The same files in another order."""
    return random.Random(seed).sample(files, len(files))


def opened(files: Drop, number: int = 0) -> Scan:
    """One series of a drop, the first if no other is named."""
    return read_study(files).open(number)


def firsts(scan: Scan) -> list[int]:
    """The number that each slice was filled with."""
    return [int(one.flat[0]) for one in scan.slices]


def said(study: Study, number: int = 0) -> str:
    """All notes on one series."""
    return "; ".join(study.series[number].notes)
