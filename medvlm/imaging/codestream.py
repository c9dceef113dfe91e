"""The size that a compressed frame claims inside a DICOM file, read from its own header before any decoder sees it."""

import struct
from dataclasses import dataclass

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# A progressive JPEG has about ten scans; thousands of them over the whole picture would take hours to decode.
MOST_SCANS = 200


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Rows and columns in pixels, and values a pixel, as the stream states them."""

    rows: int
    columns: int
    samples: int


def frame_size(frame: bytes) -> FrameSize | None:
    """What a JPEG, JPEG-LS or JPEG 2000 stream says of itself; None where it says nothing that can be read."""
    try:
        if frame.startswith(b"\xff\xd8"):
            return _jpeg(frame)
        start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
        return None if start < 0 else _jpeg2000(frame, start)
    except (struct.error, IndexError):
        return None


def is_too_short(frame: bytes, rows: int, columns: int) -> bool:
    """Whether a JPEG stream cannot hold this many pixels: each 8 x 8 takes at least one bit (ISO/IEC 10918-1 F, G).

    Decoders fill what is missing with grey, without a word: a picture that is not there would be shown.
    """
    return frame.startswith(b"\xff\xd8") and b"\xff\xf7" not in frame[:4096] and len(frame) * 512 < rows * columns


def has_too_many_scans(frame: bytes) -> bool:
    """Whether this is a JPEG stream built from more than `MOST_SCANS` scans."""
    return frame.startswith(b"\xff\xd8") and frame.count(b"\xff\xda") > MOST_SCANS


def _jpeg(frame: bytes) -> FrameSize | None:
    """ISO/IEC 10918-1 B.2.2: the frame header (SOF) after any number of other segments."""
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        # 0xF7 is the frame header of JPEG-LS (ISO/IEC 14495-1 C.2.2), laid out alike.
        if marker in _JPEG_SIZES or marker == 0xF7:
            return FrameSize(*struct.unpack_from(">HHB", frame, at + 5))
        at += 2 + struct.unpack_from(">H", frame, at + 2)[0]
    return None


def _jpeg2000(frame: bytes, start: int) -> FrameSize:
    """ISO/IEC 15444-1 A.5.1: the SIZ segment, which always comes first."""
    right, bottom, left, top = struct.unpack_from(">4I", frame, start + 8)
    samples = struct.unpack_from(">H", frame, start + 40)[0]
    return FrameSize(bottom - top, right - left, samples)
