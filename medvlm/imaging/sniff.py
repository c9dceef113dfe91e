"""What kind of file the bytes are, told from the bytes alone; what cannot be read is refused by its own name."""

import struct
import zlib
from typing import Literal

from medvlm.errors import UserError

Format = Literal["png", "jpeg", "webp", "bmp", "tiff", "dicom", "nifti"]

GZIP = b"\x1f\x8b"
READABLE = "PNG, JPEG, WebP, BMP, TIFF, DICOM and NIfTI"
_SAVE_AS = "Save it as PNG, TIFF or DICOM and add it again."

# Magic number at its offset -> what the file is -> what to do.
_REFUSED: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"GIF8", "a GIF", _SAVE_AS),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file outside DICOM", _SAVE_AS),
    (0, b"\xff\x4f\xff\x51", "a bare JPEG 2000 stream outside DICOM", _SAVE_AS),
    (0, b"8BPS", "a Photoshop document", _SAVE_AS),
    (0, b"\xff\x0a", "a JPEG XL picture", _SAVE_AS),
    (4, b"ftypheic", "a HEIC photograph", _SAVE_AS),
    (4, b"ftypheix", "a HEIC photograph", _SAVE_AS),
    (4, b"ftypmif1", "a HEIF photograph", _SAVE_AS),
    (4, b"ftypavif", "an AVIF picture", _SAVE_AS),
    (4, b"ftyp", "a video", "Save single pictures of it as PNG and add those."),
    (0, b"\x1aE\xdf\xa3", "a video", "Save single pictures of it as PNG and add those."),
    (8, b"AVI ", "a video", "Save single pictures of it as PNG and add those."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and add the pictures in it."),
    (0, b"Rar!", "a RAR archive", "Unpack it and add the pictures in it."),
    (0, b"BZh", "a bzip2 archive", "Unpack it and add the pictures in it."),
    (0, b"\xfd7zXZ", "an xz archive", "Unpack it and add the pictures in it."),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it and add the pictures in it."),
    (0, b"NRRD0", "an NRRD volume, which is not read yet", "Export the slices as DICOM or PNG."),
    (0, b"ObjectType", "a MetaImage volume, which is not read yet", "Export the slices as DICOM or PNG."),
    (0, b"\x89HDF", "an HDF5 file", "Export the picture in it as PNG or TIFF."),
    (0, b"\x93NUMPY", "a NumPy array", "Export the picture in it as PNG or TIFF."),
    (0, b"%!PS", "a PostScript document", "Export the picture in it as PNG or JPEG."),
    (0, b"{\\rtf", "a text document", "Export the picture in it as PNG or JPEG."),
    (0, b"Salted__", "encrypted", "Decrypt it and add it again."),
    (0, b"age-encryption.org", "encrypted", "Decrypt it and add it again."),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted (PGP)", "Decrypt it and add it again."),
    (0, b"\x7fELF", "a program", f"Add a picture: {READABLE} are read."),
    (0, b"MZ", "a program", f"Add a picture: {READABLE} are read."),
)
# Object identifiers of the Cryptographic Message Syntax, in which DICOM files are encrypted or signed (PS3.10 8.).
_CMS_ENVELOPED = bytes.fromhex("2a864886f70d010703")
_CMS_SIGNED = bytes.fromhex("2a864886f70d010702")
_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UI UL UN US UT".split())
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


def sniff(data: bytes, what: str) -> Format:
    """The format of `data`; raises `UserError`, with `what` as the file's name, for everything that is not read."""
    if not data:
        raise UserError(f"{what} is empty (0 bytes). Choose the file again, or export it again.")
    known = form_of(data)
    if known is None:
        raise UserError(f"{what} {_refusal(data)}")
    return known


def form_of(data: bytes) -> Format | None:
    """The format of `data` if it is one that is read, damaged or not; None otherwise."""
    if data[128:132] == b"DICM":
        return "dicom"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"BM" and len(data) >= 18 and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if is_nifti(data) or (data.startswith(GZIP) and is_nifti(gzip_start(data))):
        return "nifti"
    return "dicom" if _bare_dicom(data) else None


def gzip_start(data: bytes) -> bytes:
    """The first 544 bytes of what a gzip stream holds, or fewer where it is damaged."""
    try:
        return zlib.decompressobj(31).decompress(data[:65536], 544)
    except zlib.error:
        return b""


def _bare_dicom(data: bytes) -> bool:
    """Whether this is DICOM without the 128-byte preamble: two elements in order, of group 0002 or 0008."""
    return any(_two_elements(data, order) for order in ("<", ">"))


def _two_elements(data: bytes, order: str) -> bool:
    first = _element(data, 0, order)
    if first is None or first[0] >> 16 not in (0x0002, 0x0008):
        return False
    second = _element(data, first[1], order)
    return second is not None and first[0] < second[0] and second[0] >> 16 <= 0x0010


def _element(data: bytes, at: int, order: str) -> tuple[int, int] | None:
    """The tag of the element that starts `at`, and where the next one starts; None if none can start here."""
    if at + 12 > len(data):
        return None
    group, number = struct.unpack_from(f"{order}HH", data, at)
    if data[at + 4 : at + 6] not in _VRS:
        length = struct.unpack_from(f"{order}I", data, at + 4)[0]
        after = at + 8 + length
    elif data[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OD", b"OF", b"OL"):
        after = at + 12 + struct.unpack_from(f"{order}I", data, at + 8)[0]
    else:
        after = at + 8 + struct.unpack_from(f"{order}H", data, at + 6)[0]
    return (group << 16 | number, after) if after <= len(data) else None


def _refusal(data: bytes) -> str:
    if data.startswith(b"%PDF"):
        return _pdf(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return _office(data)
    if _CMS_ENVELOPED in data[:64]:
        return "is encrypted (a DICOM file in a CMS envelope). Decrypt it where it was exported and add it again."
    if _CMS_SIGNED in data[:64]:
        return "is wrapped in a digital signature (CMS). Export the picture in it as plain DICOM."
    for offset, magic, kind, advice in _REFUSED:
        if data[offset : offset + len(magic)] == magic:
            return f"is {kind}. {advice}"
    if _is_text(data):
        return f"is a text file, not a picture. Add a picture: {READABLE} are read."
    return f"is not a picture that is known here (it starts with {data[:4].hex(' ')}). {READABLE} are read."


def _pdf(data: bytes) -> str:
    if b"/Encrypt" in data:
        return "is a password-protected PDF. Export the picture in it as PNG or DICOM, without the password."
    return "is a PDF document. Export the picture in it as PNG or JPEG and add that."


def _office(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "is a password-protected Office document. Save the picture in it as PNG and add that."
    return "is an Office document. Save the picture in it as PNG and add that."


def is_nifti(data: bytes) -> bool:
    """Whether the first 348 bytes are the header of a NIfTI-1, NIfTI-2 or Analyze volume."""
    if len(data) < 348:
        return False
    if data[344:348] in (b"n+1\0", b"ni1\0") or data[4:8] in (b"n+2\0", b"ni2\0"):
        return True
    return data[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c") and data[38:39] == b"r"


def _is_text(data: bytes) -> bool:
    start = data[:2048]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # Only the cut at 2,048 bytes may fall into the middle of a letter.
        if len(data) <= len(start) or error.start < len(start) - 4:
            return False
        text = start[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f\ufeff" for letter in text)


def after_meta(data: bytes) -> int:
    """Where the data set of a DICOM file starts: behind the preamble and the elements of group 0002."""
    at = 132 if data[128:132] == b"DICM" else 0
    while (element := _element(data, at, "<")) is not None and element[0] >> 16 == 0x0002:
        at = element[1]
    return at
