"""Bytes -> `Scan`: tells the format from the bytes, reads it within limits, and lets nothing out but `UserError`."""

import hashlib
from dataclasses import replace

from medvlm.imaging.archives import archive_form
from medvlm.imaging.edge import called, only_advice
from medvlm.imaging.limits import Limits
from medvlm.imaging.sniff import Format, form_of, sniff
from medvlm.types import Scan

DEFAULT_LIMITS = Limits()
_NAMES: dict[Format, str] = {
    "png": "PNG",
    "jpeg": "JPEG",
    "webp": "WebP",
    "bmp": "BMP",
    "tiff": "TIFF",
    "dicom": "DICOM",
    "nifti": "NIfTI",
}


def read(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """The picture or stack in one file: PNG, JPEG, WebP, BMP, TIFF, DICOM or NIfTI, told apart by the bytes alone.

    Of an archive it is the largest series; `read_study` lists them all. `name` appears in error messages and nowhere
    else: a scan carries no file name, and of a header only what `Scan` has a field for. Raises `UserError`, and nothing
    else, for whatever cannot be read.
    """
    what = called(name)
    with only_advice(what, kind_of(data)):
        limits.check_file(len(data), what)
        if archive_form(data) is None:
            return read_one(data, sniff(data, what), what, limits)
    from medvlm.imaging.study import read_study

    study = read_study([(name, data)], limits)
    scan = study.open(study.largest)
    count = len(study.series)
    several = (f"the largest of {count} series in the archive",) if count > 1 else ()
    return replace(scan, notes=(*several, *scan.notes, *study.notes))


def kind_of(data: bytes) -> str:
    """What a damaged file is called: "a PNG file"."""
    known = form_of(data)
    return f"a {_NAMES[known]} file" if known is not None else "a file"


def read_one(data: bytes, form: Format, what: str, limits: Limits) -> Scan:
    """One file of a known format, with what it holds that could name a person; raises whatever its decoder raises."""
    from medvlm.imaging.traces import traces_in

    return replace(_decoded(data, form, what, limits), traces=traces_in(data, form))


def _decoded(data: bytes, form: Format, what: str, limits: Limits) -> Scan:
    sha256 = hashlib.sha256(data).hexdigest()
    if form == "dicom":
        from medvlm.imaging.dicom import read_dicom

        return read_dicom(data, what, limits, sha256)
    if form == "tiff":
        from medvlm.imaging.tiff import read_tiff

        return read_tiff(data, what, limits, sha256)
    if form == "nifti":
        from medvlm.imaging.nifti import read_nifti

        return read_nifti(data, what, limits, sha256)
    from medvlm.imaging.pictures import read_picture

    return read_picture(data, form, what, limits, sha256)
