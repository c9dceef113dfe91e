"""TIFF -> `Scan`: numbers of any depth, several pages as slices, and a fitting level of a whole-slide picture."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from medvlm.errors import UserError
from medvlm.imaging.limits import Limits
from medvlm.imaging.pictures import ROTATED, numbers_of, on_black, picture_scan, turned
from medvlm.imaging.undefined import finite
from medvlm.types import Pixels, Scan

# Of a whole-slide picture the largest level up to this size is read: more than any model looks at.
SLIDE_PIXELS = 16_000_000
# What tifffile decodes by itself: none, deflate (two numbers for it) and PackBits; Pillow's libtiff does the rest.
_PLAIN = frozenset({1, 8, 32773, 32946})
_MINISWHITE, _MINISBLACK, _RGB = 0, 1, 2
_WIDTH, _HEIGHT, _ORIENTATION, _EXTRA = 256, 257, 274, 338
_PREMULTIPLIED = 1
_SLIDE_FLAGS = ("is_svs", "is_ndpi", "is_scn", "is_bif", "is_philips", "is_qpi", "is_vsi")
_NOT_THE_SLIDE = ("label", "macro", "barcode")


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One decoded page: (H, W) numbers or (H, W, 3) RGB of any depth."""

    pixels: Pixels
    notes: tuple[str, ...]
    inverted: bool = False


def read_tiff(data: bytes, what: str, limits: Limits, sha256: str) -> Scan:
    """Reads all pages that are alike as slices, or one level of a pyramid; `what` names the file in errors."""
    from tifffile import TiffFile

    count = page_count(data, limits.frames, what)
    with TiffFile(io.BytesIO(data)) as file:
        pages = _pages(file, count, limits, what)
        if _is_slide(file, pages):
            return _slide(data, pages, what, limits, sha256)
        alike = [page for page in pages if _form(page) == _form(pages[0])]
        limits.check_frames(len(alike), what)
        limits.check_frame(int(pages[0].imagelength), int(pages[0].imagewidth), what)
        limits.check_total(sum(_memory(page) for page in alike), what)
        decoded = [_decoded(data, page, what, limits) for page in alike]
        left = len(pages) - len(alike)
        skipped = (f"{left} pages of another size or type left out",) if left else ()
        return _scan(decoded, "TIFF", skipped, sha256)


def page_count(data: bytes, most: int, what: str) -> int:
    """How many pages the chain of directories has, counted up to one more than `most`.

    A damaged chain may run in a circle or through pixels for a long time: so it is walked with the least effort, and
    ends where a directory is met twice or states no width and height.
    """
    order, big = ("<" if data[:2] == b"II" else ">"), data[2:4] in (b"+\0", b"\0+")
    start, head, size, offset = (8, "Q", 20, "Q") if big else (4, "H", 12, "I")
    seen: set[int] = set()
    at: int = struct.unpack_from(order + offset, data, start)[0]
    while at and at not in seen and len(seen) <= most:
        if at + struct.calcsize(head) > len(data):
            raise UserError(
                f"{what} is cut short: it has {len(data):,} bytes, and its next page starts at byte {at:,}. "
                "Export or copy it again."
            )
        entries = struct.unpack_from(order + head, data, at)[0]
        first = at + struct.calcsize(head)
        end = first + entries * size
        within = range(first, min(end, first + 20_000, len(data) - 2), size)
        if not {_WIDTH, _HEIGHT} <= {struct.unpack_from(f"{order}H", data, entry)[0] for entry in within}:
            break
        seen.add(at)
        if end + struct.calcsize(offset) > len(data):
            break
        at = struct.unpack_from(order + offset, data, end)[0]
    return len(seen)


def _pages(file: Any, count: int, limits: Limits, what: str) -> list[Any]:
    """The pages of the main chain, those that hang under others left out."""
    limits.check_frames(count, what)
    if not count:
        raise UserError(f"{what} is a TIFF file without a picture, or cut short. Export or copy it again.")
    return [file.pages[index] for index in range(count)]


def _form(page: Any) -> tuple[object, ...]:
    return page.shape, str(page.dtype), int(page.photometric)


def _memory(page: Any) -> int:
    depth = 1 if int(page.samplesperpixel) > 1 else page.dtype.itemsize if page.dtype else 1
    return int(np.prod([int(size) for size in page.shape], dtype=object)) * depth


def _is_slide(file: Any, pages: list[Any]) -> bool:
    flagged = any(getattr(file, flag, False) for flag in _SLIDE_FLAGS)
    return flagged or (pages[0].is_tiled and any(_is_level(page, pages[0]) for page in _levels(pages)[1:]))


def _levels(pages: list[Any]) -> list[Any]:
    """The pages that may be levels of the first: those after it, and those hung under it (OME-TIFF)."""
    hung = pages[0].pages
    return [*pages, *(hung[index] for index in range(len(hung)))] if hung else pages


def _is_level(page: Any, base: Any) -> bool:
    """Whether a page shows the same as `base`, smaller: same kind of pixel, same shape within 2 %."""
    if page.samplesperpixel != base.samplesperpixel or page.imagewidth >= base.imagewidth or not page.imagewidth:
        return False
    ratio = (page.imagelength / page.imagewidth) / (base.imagelength / base.imagewidth)
    return abs(ratio - 1.0) < 0.02 and not _is_label(page)


def _is_label(page: Any) -> bool:
    # The photographed label of a slide carries the patient's name.
    return any(word in page.description.lower() for word in _NOT_THE_SLIDE)


def _slide(data: bytes, pages: list[Any], what: str, limits: Limits, sha256: str) -> Scan:
    base = pages[0]
    levels = [base, *(page for page in _levels(pages)[1:] if _is_level(page, base))]
    most = min(SLIDE_PIXELS, limits.frame_pixels)
    fitting = [page for page in levels if 0 < page.imagewidth * page.imagelength <= most]
    if not fitting:
        raise UserError(
            f"{what} is a whole-slide picture of {base.imagewidth:,} x {base.imagelength:,} pixels without a level of "
            f"at most {most / 1e6:g} megapixels. Export a region, or the slide at a lower magnification, as PNG."
        )
    chosen = max(fitting, key=lambda page: page.imagewidth * page.imagelength)
    limits.check_total(_memory(chosen), what)
    try:
        decoded = _decoded(data, chosen, what, limits)
    except (ValueError, OSError, SyntaxError, KeyError, struct.error):
        raise UserError(
            f"{what} is a whole-slide picture compressed in a way that is not read here. "
            "Export a region, or the slide at a lower magnification, as PNG."
        ) from None
    whole, shown = (f"{page.imagewidth} x {page.imagelength}" for page in (base, chosen))
    note = f"whole-slide picture of {whole} pixels shown at {shown}"
    return _scan([decoded], "whole-slide TIFF", (note,), sha256)


def _decoded(data: bytes, page: Any, what: str, limits: Limits) -> Page:
    _check_complete(data, page, what)
    plain = int(page.compression) in _PLAIN and page.predictor in (1, 2) and page.bitspersample in (8, 16, 32, 64)
    if plain and int(page.photometric) in (_MINISWHITE, _MINISBLACK, _RGB):
        return _by_tifffile(page, what)
    return _by_pillow(data, page)


def _check_complete(data: bytes, page: Any, what: str) -> None:
    for start, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if start + count > len(data):
            raise UserError(
                f"{what} is cut short: it has {len(data):,} bytes, and its picture reaches to byte {start + count:,}. "
                "Export or copy it again."
            )


def _by_tifffile(page: Any, what: str) -> Page:
    pixels = page.asarray(maxworkers=1)
    if pixels.dtype.kind not in "iufb":
        raise UserError(
            f"{what} has pixels of type {pixels.dtype}, which is not a grey or a colour. Export its magnitude."
        )
    pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    channels = int(page.samplesperpixel)
    if int(page.planarconfig) == 2 and channels > 1:
        pixels = np.moveaxis(pixels, 0, -1)
    flat, notes = _flattened(pixels, page, channels)
    orientation = page.tags.valueof(_ORIENTATION)
    upright = turned(flat, orientation if isinstance(orientation, int) else 1)
    notes = (*notes, ROTATED) if upright is not flat else notes
    white_is_zero = int(page.photometric) == _MINISWHITE
    return Page(upright, (*notes, "white-is-zero inverted") if white_is_zero else notes, white_is_zero)


def _flattened(pixels: Pixels, page: Any, channels: int) -> tuple[Pixels, tuple[str, ...]]:
    """Colours or greys alone; transparency goes onto black (associated alpha already lies there)."""
    colours = 3 if int(page.photometric) == _RGB else 1
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and channels != pixels.shape[-1]):
        raise UserError("A TIFF page that is itself a volume is not read yet. Export its slices as single pages.")
    if pixels.ndim == 2:
        return pixels, ()
    straight, extra = pixels[..., :colours], pixels[..., colours:]
    kinds = [int(kind) for kind in np.atleast_1d(page.tags.valueof(_EXTRA, default=0))]
    if extra.shape[-1] == 1 and kinds[0] in (1, 2) and pixels.dtype.kind == "u":
        if kinds[0] == _PREMULTIPLIED:
            return np.ascontiguousarray(straight if colours == 3 else straight[..., 0]), ()
        return on_black(straight, extra[..., 0], int(np.iinfo(pixels.dtype).max))
    note = (f"first {colours} of {channels} channels shown",) if extra.shape[-1] else ()
    return np.ascontiguousarray(straight if colours == 3 else straight[..., 0]), note


def _by_pillow(data: bytes, page: Any) -> Page:
    from PIL.TiffImagePlugin import TiffImageFile

    image = TiffImageFile(io.BytesIO(_starting_at(data, page.offset)))
    image.load()
    orientation = page.tags.valueof(_ORIENTATION)
    turned_by_pillow = isinstance(orientation, int) and 2 <= orientation <= 8
    pixels, notes = numbers_of(image)
    # Pillow inverts white-is-zero pictures of up to 8 bits, and leaves deeper ones as they are.
    inverted = int(page.photometric) == _MINISWHITE and pixels.dtype != np.uint8
    if inverted:
        notes = (*notes, "white-is-zero inverted")
    return Page(pixels, (*notes, ROTATED) if turned_by_pillow else notes, inverted)


def _starting_at(data: bytes, offset: int) -> bytes:
    """The same file with the page at `offset` as its first: so that any page, hung ones included, can be opened."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        return data[:8] + struct.pack(f"{order}Q", offset) + data[16:]
    return data[:4] + struct.pack(f"{order}I", offset) + data[8:]


def _scan(pages: list[Page], kind: str, extra: tuple[str, ...], sha256: str) -> Scan:
    slices, deep = _alike([page.pixels for page in pages])
    notes = tuple(dict.fromkeys(note for page in pages for note in page.notes))
    return picture_scan(slices, kind, (*notes, *deep, *extra), sha256, inverted=pages[0].inverted)


def _alike(pages: list[Pixels]) -> tuple[tuple[Pixels, ...], tuple[str, ...]]:
    """Greys as they are, without NaN; colours as uint8, all pages by one scale."""
    if pages[0].ndim == 2:
        greys = [finite(_narrow(page)) for page in pages]
        return tuple(page for page, _ in greys), tuple(dict.fromkeys(note for _, notes in greys for note in notes))
    if pages[0].dtype == np.uint8:
        return tuple(pages), ()
    numbers = [finite(page)[0].astype(np.float32) for page in pages]
    top = max(float(page.max()) for page in numbers)
    if pages[0].dtype.kind == "u":
        # A 12-bit camera writes 16-bit files: the scale is that of the bits in use.
        top = float((1 << max(8, int(top).bit_length())) - 1)
    scale = 255.0 / top if top > 0 else 0.0
    eight = tuple(np.rint(np.clip(page * scale, 0.0, 255.0)).astype(np.uint8) for page in numbers)
    return eight, (f"{pages[0].dtype.itemsize * 8}-bit colour brought to 8 bits",)


def _narrow(page: Pixels) -> Pixels:
    """Types that the window cannot tell apart from smaller ones: booleans as black and white, 64 bits as float32."""
    if page.dtype.kind == "b":
        return page.astype(np.uint8) * np.uint8(255)
    if page.dtype.kind in "iu" and page.dtype.itemsize == 8:
        return page.astype(np.float32)
    return page
