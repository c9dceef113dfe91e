"""Decodes the pixel data of a DICOM file frame by frame, after its declared sizes have been checked."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medvlm.errors import UserError
from medvlm.imaging.codecs import decoder_of, only_digits
from medvlm.imaging.codestream import MOST_SCANS, frame_size, has_too_many_scans, is_too_short
from medvlm.imaging.elements import Place
from medvlm.imaging.header import Header, code, is_unreadable, value, whole
from medvlm.imaging.limits import Limits
from medvlm.types import Pixels

GREYS = ("MONOCHROME1", "MONOCHROME2")
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"
_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels lie in the file, as the header declares it; `samples` is 1 for grey and palette, 3 for colour.

    `unused`: bits below those of a number, which old scanners left (a High Bit above Bits Stored).
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    keyword: str
    syntax: str
    encapsulated: bool
    unused: int = 0

    @property
    def is_grey(self) -> bool:
        """Whether each pixel is one number to be shown as grey; a palette's numbers are not."""
        return self.photometric in GREYS

    @property
    def bytes(self) -> int:
        """Bytes of all frames, uncompressed; those of single bits follow one another within a byte."""
        samples = 2 if self.photometric == "YBR_FULL_422" and not self.encapsulated else self.samples
        return -(-self.rows * self.columns * samples * self.bits_allocated * self.frames // 8)


def layout_of(header: Header, what: str) -> Layout:
    """Reads and checks the image pixel module (PS3.3 C.7.6.3); raises `UserError` for what cannot be shown."""
    keyword = next((name for name in _KEYWORDS if value(header, name) is not None), "")
    rows, columns = whole(header, "Rows"), whole(header, "Columns")
    if not keyword or rows is None or columns is None:
        raise UserError(f"{what} is cut short: it has no complete pixel data. Export or copy it again.")
    if is_unreadable(header, "NumberOfFrames"):
        raise UserError(f"{what} is damaged: its number of slices cannot be read. Export it again.")
    photometric, samples = _colours(header, what)
    allocated, floating = _bits(header, keyword, what), keyword != "PixelData"
    syntax = str(getattr(header.file_meta, "TransferSyntaxUID", ""))
    encapsulated = _is_encapsulated(header, syntax, what)
    stored = allocated if floating else min(whole(header, "BitsStored") or allocated, allocated)
    high = whole(header, "HighBit") or 0
    return Layout(
        rows=rows,
        columns=columns,
        frames=max(1, whole(header, "NumberOfFrames") or 1),
        samples=samples,
        photometric=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=floating or whole(header, "PixelRepresentation") == 1,
        planar=1 if whole(header, "PlanarConfiguration") == 1 else 0,
        keyword=keyword,
        syntax=syntax,
        encapsulated=encapsulated,
        unused=high + 1 - stored if stored <= high < allocated and not encapsulated and not floating else 0,
    )


def _colours(header: Header, what: str) -> tuple[str, int]:
    """The photometric interpretation and how many values a pixel has, where they fit each other."""
    photometric = code(header, "PhotometricInterpretation", (*GREYS, *COLOURS, PALETTE))
    samples = whole(header, "SamplesPerPixel") or 1
    if not photometric or (photometric in COLOURS) != (samples == 3) or samples not in (1, 3):
        raise UserError(
            f"{what} has {samples} values a pixel in colours that are not read here (grey, RGB, YBR and palette are). "
            "Export it as RGB."
        )
    return photometric, samples


def _bits(header: Header, keyword: str, what: str) -> int:
    """Bits allocated for a value; floating-point pixel data says it by its name."""
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or whole(header, "BitsAllocated") or 0
    if allocated not in (1, 8, 16, 32, 64):
        raise UserError(f"{what} has {allocated} bits a pixel; 1, 8, 16, 32 and 64 are read. Export it again.")
    return allocated


def _is_encapsulated(header: Header, syntax: str, what: str) -> bool:
    try:
        return bool(header.file_meta.TransferSyntaxUID.is_encapsulated)
    except (AttributeError, ValueError):
        raise UserError(
            f"{what} is stored in a way (transfer syntax {only_digits(syntax)}) that is not known here. "
            "Export it as uncompressed DICOM."
        ) from None


def check_limits(layout: Layout, fractions: bool, limits: Limits, what: str) -> None:
    """All declared sizes against the limits, before anything is decoded; `fractions`: a rescale will give float32."""
    limits.check_frame(layout.rows, layout.columns, what)
    limits.check_frames(layout.frames, what)
    width = max(1, layout.bits_allocated // 8, 4 * fractions) if layout.is_grey else 3
    limits.check_total(layout.rows * layout.columns * width * layout.frames, what)


def decoded_frames(header: Header, layout: Layout, limits: Limits, what: str) -> Iterator[Pixels]:
    """Each frame as stored: (rows, columns) numbers, or (rows, columns, 3) RGB, in the machine's byte order."""
    decoder = decoder_of(layout.syntax, layout.bits_stored, what)
    source = bytes(value(header, layout.keyword))
    offsets = _extended_offsets(header) if layout.encapsulated else None
    if layout.encapsulated:
        _check_streams(source, offsets, layout, limits, what)
    else:
        check_length(len(source), layout, what)
    count = 0
    for pixels, _ in decoder.iter_array(source, **_options(layout, _representation(header, layout.keyword), offsets)):
        count += 1
        yield _usable(pixels, layout)
        if count == layout.frames:
            return
    raise UserError(
        f"{what} is cut short: {layout.frames} slices are announced, {count} are there. Export or copy it again."
    )


def decoded_frame(data: bytes, place: Place, index: int, layout: Layout, limits: Limits, what: str) -> Pixels:
    """Frame `index` alone, as `decoded_frames` gives it; the value of the pixel data stands at `place` of the file."""
    decoder = decoder_of(layout.syntax, layout.bits_stored, what)
    source: bytes | memoryview = place.value(data)
    if layout.encapsulated:
        source = _encapsulated_frame(data, place.at, index, layout, limits, what)
        layout, index = replace(layout, frames=1), 0
    pixels, _ = decoder.as_array(source, index=index, **_options(layout, place.kind, None))
    return _usable(pixels, layout)


def _usable(pixels: Pixels, layout: Layout) -> Pixels:
    """In the machine's byte order, without bits that are no part of the numbers."""
    numbers = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    return numbers >> layout.unused if layout.unused else numbers


def _encapsulated_frame(data: bytes, at: int, index: int, layout: Layout, limits: Limits, what: str) -> bytes:
    """One compressed frame of those that start `at`, checked, in an encapsulation of its own."""
    from pydicom.encaps import encapsulate, get_frame

    source = io.BytesIO(data)  # shares the bytes: a copy for each frame would take longer than decoding it
    source.seek(at)
    try:
        frame = get_frame(source, index, number_of_frames=layout.frames)
    except ValueError:
        raise UserError(
            f"{what} is cut short: {layout.frames} slices are announced, fewer are there. Export or copy it again."
        ) from None
    _check_stream(frame, layout, limits, what)
    encapsulated: bytes = encapsulate([frame], has_bot=False)
    return encapsulated


def check_length(size: int, layout: Layout, what: str) -> None:
    """Whether the uncompressed pixel data of `size` bytes holds all frames."""
    if size < layout.bytes:
        raise UserError(
            f"{what} is cut short: {layout.frames} x {layout.columns} x {layout.rows} pixels need "
            f"{layout.bytes:,} bytes, {size:,} are there. Export or copy it again."
        )


def _options(layout: Layout, kind: str, offsets: tuple[bytes, bytes] | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": layout.frames,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "pixel_keyword": layout.keyword,
        "pixel_vr": kind,
    }
    if layout.keyword == "PixelData":
        stored = layout.bits_stored + layout.unused
        options |= {"bits_stored": stored, "pixel_representation": int(layout.signed)}
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar
    if offsets is not None:
        options["extended_offsets"] = offsets
    return options


def _representation(header: Header, keyword: str) -> str:
    return str(header[keyword].VR)


def _extended_offsets(header: Header) -> tuple[bytes, bytes] | None:
    table, lengths = value(header, "ExtendedOffsetTable"), value(header, "ExtendedOffsetTableLengths")
    return (table, lengths) if isinstance(table, bytes) and isinstance(lengths, bytes) else None


def _check_streams(
    source: bytes, offsets: tuple[bytes, bytes] | None, layout: Layout, limits: Limits, what: str
) -> None:
    from pydicom.encaps import generate_frames

    for frame in generate_frames(source, number_of_frames=layout.frames, extended_offsets=offsets):
        _check_stream(frame, layout, limits, what)


def _check_stream(frame: bytes, layout: Layout, limits: Limits, what: str) -> None:
    """A compressed frame must be of the declared size: a decoder allocates what the stream claims."""
    size = frame_size(frame)
    if size is None:
        return
    limits.check_frame(size.rows, size.columns, what)
    if is_too_short(frame, size.rows, size.columns):
        raise UserError(
            f"{what} is cut short: {len(frame):,} bytes cannot hold {size.columns} x {size.rows} pixels. "
            "Export or copy it again."
        )
    if (size.rows, size.columns, size.samples) != (layout.rows, layout.columns, layout.samples):
        raise UserError(
            f"{what} is damaged: its header says {layout.columns} x {layout.rows} pixels with {layout.samples} "
            f"values, its compressed picture {size.columns} x {size.rows} with {size.samples}. Export it again."
        )
    if has_too_many_scans(frame):
        raise UserError(
            f"{what} holds a JPEG built from more than {MOST_SCANS} scans. Export it as uncompressed DICOM."
        )
