"""Bytes -> `Scan`: tells the format from the bytes, reads it within limits, and lets nothing out but `UserError`."""

import hashlib
import logging
import traceback

from medvlm.errors import UserError
from medvlm.imaging.limits import Limits
from medvlm.imaging.quiet import quiet
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
}
_log = logging.getLogger(__name__)


def read(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """The picture or stack in one file: PNG, JPEG, WebP, BMP, TIFF or DICOM, told apart by the bytes alone.

    `name` appears in error messages and nowhere else: a scan carries no file name, and of a header only its modality,
    window, spacing and number of slices. Raises `UserError`, and nothing else, for whatever cannot be read.
    """
    what = _called(name)
    try:
        limits.check_file(len(data), what)
        with quiet():
            return _read(data, sniff(data, what), what, limits)
    except UserError:
        raise
    except MemoryError:
        raise UserError(
            f"{what} needs more memory than is free on this machine. Export fewer slices or a smaller picture."
        ) from None
    except Exception as error:
        # Decoders raise whatever they like on damaged bytes. The text of the error may quote the header, so only its
        # kind and place are kept, and it is not chained.
        _log.info("a file could not be read: %s", _place(error))
    known = form_of(data)
    kind = f"a {_NAMES[known]} file" if known is not None else "a file"
    raise UserError(f"{what} is {kind} that is damaged or cut short. Export or copy it again.")


def _read(data: bytes, form: Format, what: str, limits: Limits) -> Scan:
    sha256 = hashlib.sha256(data).hexdigest()
    if form == "dicom":
        from medvlm.imaging.dicom import read_dicom

        return read_dicom(data, what, limits, sha256)
    if form == "tiff":
        from medvlm.imaging.tiff import read_tiff

        return read_tiff(data, what, limits, sha256)
    from medvlm.imaging.pictures import read_picture

    return read_picture(data, form, what, limits, sha256)


def _called(name: str) -> str:
    """The file's own name for messages, without folders or control characters, shortened."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(letter for letter in base if letter.isprintable()).strip()
    if not clean:
        return "The file"
    return clean if len(clean) <= 60 else f"{clean[:40]}...{clean[-15:]}"


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno}"
