"""What a file of any format holds beside its pixels that could name a person: names of fields, never their values."""

import io
from collections.abc import Iterator

from medvlm.imaging.domain import MODALITIES
from medvlm.imaging.elements import quick_header
from medvlm.imaging.header import code
from medvlm.imaging.identity import UNEXAMINED, traces_of
from medvlm.imaging.sniff import GZIP, Format, gzip_start
from medvlm.types import Traces

# Text fields of pictures that are known by name. Any other is "other text": a field's name may be somebody's, too.
_WORDS = {
    "title": "Title",
    "author": "Author",
    "description": "Description",
    "copyright": "Copyright",
    "comment": "Comment",
    "creation time": "Creation time",
    "source": "Source",
    "xmp": "XMP data",
    "xml:com.adobe.xmp": "XMP data",
    "photoshop": "Photoshop data",
}
# Written by programs about themselves or the picture: no person's.
_HARMLESS = frozenset(("software", "compression", "jfif_unit", "icc_profile", "exif", "disclaimer", "warning", "label"))
# EXIF 2.32 and TIFF 6.0; private TIFF tags of scanners are not looked at.
_EXIF = {
    0x010E: "Image description",
    0x0132: "Date",
    0x013B: "Artist",
    0x013C: "Host computer",
    0x8298: "Copyright",
    0x9C9B: "Title",
    0x9C9C: "Comment",
    0x9C9D: "Author",
    0x9C9E: "Keywords",
    0x9C9F: "Subject",
}
_EXIF_INNER = {0x9003: "Date", 0x9286: "User comment", 0xA430: "Camera owner", 0xA431: "Camera serial number"}
_EXIF_AT, _GPS_AT = 0x8769, 0x8825
# NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes): name -> where the text stands.
_NIFTI_1 = {"Description": (148, 228), "Auxiliary file": (228, 252), "Intent name": (328, 344), "Data base": (14, 32)}
_NIFTI_2 = {"Description": (240, 320), "Auxiliary file": (320, 344), "Intent name": (508, 524)}


def traces_in(data: bytes, form: Format) -> Traces:
    """Of a file whose pixels can be read. `data` may be its start, if that reaches to the pixels."""
    try:
        if form == "dicom":
            return _dicom(data)
        found = dict.fromkeys(_nifti(data) if form == "nifti" else _picture(data))
    except Exception:  # nobody knows what stands there, so the gate decides as if it named somebody
        return Traces(fields=(UNEXAMINED,))
    return Traces(fields=tuple(found))


def _dicom(data: bytes) -> Traces:
    header = quick_header(data)
    if header is None:
        from pydicom import dcmread

        full = dcmread(io.BytesIO(data), force=True, stop_before_pixels=True)
        return traces_of(full, code(full, "Modality", MODALITIES))
    return traces_of(header, code(header, "Modality", MODALITIES))


def _picture(data: bytes) -> Iterator[str]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        for name, held in image.info.items():
            if isinstance(held, str | bytes) and held and str(name).lower() not in _HARMLESS:
                yield _WORDS.get(str(name).lower(), "Other text")
        exif = image.getexif()
        yield from (word for tag, word in _EXIF.items() if exif.get(tag))
        inner = exif.get_ifd(_EXIF_AT)
        yield from (word for tag, word in _EXIF_INNER.items() if inner.get(tag))
        if exif.get_ifd(_GPS_AT):
            yield "GPS position"


def _nifti(data: bytes) -> Iterator[str]:
    data = gzip_start(data) if data.startswith(GZIP) else data
    second = 540 in (int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))
    for name, (start, end) in (_NIFTI_2 if second else _NIFTI_1).items():
        if data[start:end].strip(b"\0 "):
            yield name
    end = 540 if second else 348
    if data[end : end + 1] not in (b"", b"\0"):
        yield "Header extension"
