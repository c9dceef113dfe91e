"""Decoders for compressed DICOM: what each transfer syntax is called, what decodes it, and what to install if nothing.

pydicom decodes RLE by itself, JPEG with Pillow and JPEG 2000 with OpenJPEG. For JPEG-LS, lossless and 12-bit JPEG this
module is a plug-in of pydicom around imagecodecs (BSD), since the usual plug-in for them is under the GPL.
"""

import threading
from typing import Any

from medvlm.errors import UserError

_IMAGECODECS = "pip install imagecodecs"
_OPENJPEG = "pip install pylibjpeg pylibjpeg-openjpeg"
_JPEG_12_BIT = "1.2.840.10008.1.2.4.51"
_JPEG_LS = frozenset(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"))
_BY_IMAGECODECS = (_JPEG_12_BIT, "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", *sorted(_JPEG_LS))
# Transfer syntax -> its name, and what to install where no decoder for it is there.
COMPRESSIONS: dict[str, tuple[str, str]] = {
    "1.2.840.10008.1.2.4.50": ("JPEG", "pip install pillow"),
    _JPEG_12_BIT: ("JPEG with 12 bits", _IMAGECODECS),
    "1.2.840.10008.1.2.4.57": ("lossless JPEG", _IMAGECODECS),
    "1.2.840.10008.1.2.4.70": ("lossless JPEG", _IMAGECODECS),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS", _IMAGECODECS),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS", _IMAGECODECS),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000", _OPENJPEG),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", _OPENJPEG),
    "1.2.840.10008.1.2.4.201": ("HTJ2K", _OPENJPEG),
    "1.2.840.10008.1.2.4.202": ("HTJ2K", _OPENJPEG),
    "1.2.840.10008.1.2.4.203": ("HTJ2K", _OPENJPEG),
    "1.2.840.10008.1.2.5": ("RLE", "pip install pydicom"),
}
_VIDEO = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
# What pydicom asks a plug-in for.
DECODER_DEPENDENCIES = {syntax: ("imagecodecs>=2024.1",) for syntax in _BY_IMAGECODECS}
_lock = threading.Lock()
_plugged = False


def decoder_of(syntax: str, bits: int, what: str) -> Any:
    """pydicom's decoder of a transfer syntax; raises `UserError` with what to do where there is none."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    if syntax in _VIDEO:
        raise UserError(f"{what} holds a video. Save single pictures of it as DICOM or PNG and add those.")
    name, install = COMPRESSIONS.get(syntax, ("an unknown way", ""))
    _plug_in()
    try:
        decoder = get_decoder(UID(syntax))
    except NotImplementedError:
        raise UserError(
            f"{what} is stored in a way (transfer syntax {only_digits(syntax)}) that no decoder here reads. "
            "Export it as uncompressed DICOM."
        ) from None
    too_deep = syntax == _JPEG_12_BIT and bits > 8 and set(decoder.available_plugins) == {"pillow"}
    if too_deep or not decoder.is_available:
        raise UserError(
            f"{what} is stored as {name}, and the decoder for it is not installed: {install}, "
            "or export it as uncompressed DICOM."
        )
    return decoder


def only_digits(syntax: str) -> str:
    """A unique identifier is digits and dots; anything else in its place is not repeated."""
    return syntax if syntax and set(syntax) <= set("0123456789.") and len(syntax) <= 64 else "not given"


def _plug_in() -> None:
    """Adds the plug-in once a process; pydicom's own registration is not safe with threads."""
    global _plugged
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    with _lock:
        if not _plugged:
            for syntax in _BY_IMAGECODECS:
                get_decoder(UID(syntax)).add_plugin("imagecodecs", (__name__, "decode_frame"))
            _plugged = True


def is_available(syntax: str) -> bool:
    """Whether imagecodecs is installed with what a syntax needs; asked by pydicom."""
    try:
        import imagecodecs
    except ImportError:
        return False
    return bool(imagecodecs.JPEGLS.available if syntax in _JPEG_LS else imagecodecs.JPEG8.available)


def decode_frame(source: bytes, runner: Any) -> bytes:
    """One frame for pydicom, colours by pixel and as they are stored; raises whatever the decoder raises."""
    from imagecodecs import jpeg8_decode, jpegls_decode

    if runner.transfer_syntax in _JPEG_LS:
        pixels = jpegls_decode(bytes(source))
    elif runner.samples_per_pixel > 1:
        # The same colours in and out: pydicom converts them, by what the header says.
        pixels = jpeg8_decode(bytes(source), colorspace="YCBCR", outcolorspace="YCBCR")
    else:
        pixels = jpeg8_decode(bytes(source))
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    elif runner.transfer_syntax not in _JPEG_LS and runner.pixel_representation == 1:
        pixels = _signed(pixels, runner.bits_stored)
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    encoded: bytes = pixels.tobytes()
    return encoded


def _signed(pixels: Any, bits: int) -> Any:
    """JPEG knows no sign: the stored bits are a two's complement, whose sign is spread over the whole number."""
    spare = pixels.dtype.itemsize * 8 - bits
    return (pixels.view(f"i{pixels.dtype.itemsize}") << spare) >> spare
