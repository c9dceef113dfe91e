"""PNG, JPEG, WebP and BMP -> `Scan`: numbers kept as deep as the file has them, upright, on black."""

import io
import struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from medvlm.errors import UserError
from medvlm.imaging.codestream import MOST_SCANS, has_too_many_scans, is_too_short
from medvlm.imaging.limits import Limits
from medvlm.imaging.undefined import finite
from medvlm.imaging.window import PERCENTILES, automatic, full_range, sample
from medvlm.types import Pixels, Scan

PictureFormat = Literal["png", "jpeg", "webp", "bmp"]
_KINDS: dict[PictureFormat, str] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "bmp": "BMP"}
# EXIF orientation -> (mirror left to right first, then quarter turns anticlockwise); 1 is upright.
_TURNS: dict[int, tuple[bool, int]] = {
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}
# Slices that are looked at for a window by percentiles.
_SAMPLED = 32
ROTATED = "rotated as the camera noted"
FLATTENED = "transparent parts shown on black"
NO_SPACING = "no pixel size in the file: lengths are in pixels"


def read_picture(data: bytes, form: PictureFormat, what: str, limits: Limits, sha256: str) -> Scan:
    """Reads one still picture; of an animation the first. `what` names the file in errors."""
    if form == "webp":
        limits.check_frame(*webp_size(data, what), what)
    image = _opened(data, form)
    limits.check_frame(image.height, image.width, what)
    limits.check_total(image.height * image.width * 4, what)
    if form == "jpeg":
        _check_stream(data, image.height, image.width, what)
    count = int(getattr(image, "n_frames", 1))
    image.load()
    pixels, notes = numbers_of(image)
    notes = (*notes, *_deep_note(data, form))
    upright = turned(pixels, orientation_of(image))
    if upright is not pixels:
        notes = (*notes, ROTATED)
    if count > 1:
        notes = (*notes, f"first of {count} pictures of an animation")
    return picture_scan((upright,), _KINDS[form], notes, sha256)


def picture_scan(
    slices: tuple[Pixels, ...], kind: str, notes: tuple[str, ...], sha256: str, inverted: bool = False
) -> Scan:
    """A scan of slices that say nothing of themselves; greys of 8 bits are shown as they are, others by percentiles."""
    window = None
    if slices[0].ndim == 2 and slices[0].dtype == np.uint8:
        window = full_range(0, 255)
    elif slices[0].ndim == 2:
        window = automatic(sample(slices[:: -(-len(slices) // _SAMPLED)]))
        notes = (*notes, f"{_depth(slices[0])} grey, window by {PERCENTILES}")
    return Scan(
        slices=slices,
        domain="other",
        domain_source="unknown",
        sha256=sha256,
        name=f"{kind} {'picture' if len(slices) == 1 else 'stack'}",
        kind=kind,
        window=window,
        inverted=inverted,
        notes=(*notes, NO_SPACING),
    )


def numbers_of(image: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """A loaded Pillow image as (H, W) numbers or (H, W, 3) uint8, and what had to be done for it."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
        pixels, notes = numbers_of(image)
        return (_grey_if_grey(pixels), notes)
    if image.mode in ("LA", "RGBA", "La", "RGBa"):
        straight = np.asarray(image.convert("LA" if image.mode in ("LA", "La") else "RGBA"))
        return on_black(straight[..., :-1], straight[..., -1], 255)
    if image.mode in ("1", "L", "RGB") and "transparency" in image.info:
        return numbers_of(image.convert("LA" if image.mode != "RGB" else "RGBA"))
    if image.mode == "1":
        return np.asarray(image.convert("L")), ()
    if image.mode in ("L", "RGB"):
        return np.asarray(image), ()
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), ()
    if image.mode in ("I", "F"):
        return finite(np.asarray(image))
    return np.asarray(image.convert("RGB")), (f"{image.mode} colours brought to RGB",)


def on_black(straight: Pixels, alpha: Pixels, top: int) -> tuple[Pixels, tuple[str, ...]]:
    """Straight colours (H, W, C) over black by their alpha (H, W) of 0..`top`; a grey picture comes back as (H, W)."""
    flat = straight[..., 0] if straight.shape[-1] == 1 else straight
    if int(alpha.min()) >= top:
        return np.ascontiguousarray(flat), ()
    share = alpha if flat.ndim == 2 else alpha[..., np.newaxis]
    mixed = np.rint(flat.astype(np.float32) * (share.astype(np.float32) / top)).astype(flat.dtype)
    return mixed, (FLATTENED,)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or where the EXIF block is damaged."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, OSError, struct.error):
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """The picture upright; the same object where it already is."""
    if orientation not in _TURNS:
        return pixels
    mirrored, quarters = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, quarters))


def webp_size(data: bytes, what: str) -> tuple[int, int]:
    """Rows and columns as the WebP header declares them, since its decoder allocates them when it opens the file."""
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[27:30], "little"), 1 + int.from_bytes(data[24:27], "little")
    if chunk == b"VP8 " and len(data) >= 30:
        columns, rows = struct.unpack_from("<HH", data, 26)
        return rows & 0x3FFF, columns & 0x3FFF
    if chunk == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
    raise UserError(f"{what} is a WebP picture that is damaged or cut short. Export or copy it again.")


def _opened(data: bytes, form: PictureFormat) -> Image.Image:
    # The plugin is named, not guessed: `Image.open` would try them all, and check sizes by a limit of its own.
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    plugins: dict[PictureFormat, Any] = {
        "png": PngImagePlugin.PngImageFile,
        "jpeg": JpegImagePlugin.JpegImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
    }
    image: Image.Image = plugins[form](io.BytesIO(data))
    return image


def _check_stream(data: bytes, rows: int, columns: int, what: str) -> None:
    if is_too_short(data, rows, columns):
        raise UserError(
            f"{what} is cut short: {len(data):,} bytes cannot hold {columns} x {rows} pixels. Export or copy it again."
        )
    if has_too_many_scans(data):
        raise UserError(f"{what} is a JPEG built from more than {MOST_SCANS} scans. Save it as a plain JPEG or PNG.")


def _deep_note(data: bytes, form: PictureFormat) -> tuple[str, ...]:
    """Pillow reads PNG of 16 bits with colour or transparency as 8 bits: its header (IHDR) says what was there."""
    deep = form == "png" and data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")
    return ("16-bit colour brought to 8 bits",) if deep else ()


def _grey_if_grey(pixels: Pixels) -> Pixels:
    """A palette of greys is a grey picture, and can be windowed as one."""
    if pixels.ndim == 3 and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all():
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def _depth(pixels: NDArray[Any]) -> str:
    bits = pixels.dtype.itemsize * 8
    return f"{bits}-bit" if pixels.dtype.kind in "iu" else f"{bits}-bit floating-point"
