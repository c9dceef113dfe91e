"""Colour pictures of DICOM as 8-bit RGB: palettes looked up, deep colours brought to 8 bits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.greyscale import is_little_endian, table_entries
from medvlm.imaging.header import Header, numbers, value
from medvlm.types import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Stored value -> RGB; values outside take the first or last colour (PS3.3 C.7.6.3.1.5)."""

    first: int
    colours: NDArray[np.uint8]

    def __call__(self, stored: Pixels) -> NDArray[np.uint8]:
        index = np.clip(stored.astype(np.int32) - self.first, 0, len(self.colours) - 1)
        return self.colours[index]


def to_eight_bits(frame: Pixels, bits: int) -> NDArray[np.uint8]:
    """RGB of shape (H, W, 3) with `bits` bits a channel as uint8."""
    return frame.astype(np.uint8) if bits <= 8 else (frame >> (bits - 8)).astype(np.uint8)


def palette_of(header: Header, signed: bool, what: str) -> Palette:
    """The file's palette, plain or segmented; raises `UserError` where it is not complete."""
    descriptor = numbers(header, "RedPaletteColorLookupTableDescriptor")
    if len(descriptor) != 3:
        raise UserError(f"{what} has palette colours but no palette. Export it as RGB.")
    first = int(descriptor[1])
    first = first - 65536 if signed and first > 32767 else first if signed else first & 0xFFFF
    plain = [
        table_entries(value(header, f"{colour}PaletteColorLookupTableData"), descriptor, is_little_endian(header))
        for colour in ("Red", "Green", "Blue")
    ]
    channels = [one for one in plain if one is not None]
    if len(channels) == 3 and len({len(one) for one in channels}) == 1:
        return Palette(first, _eight(np.stack(channels, axis=1)))
    return Palette(first, _eight(_segmented(header, first, int(descriptor[0]) or 65536, what)))


def _segmented(header: Header, first: int, count: int, what: str) -> Pixels:
    """A segmented palette (PS3.3 C.7.9.2), unrolled by asking for the colour of each of its values."""
    from pydicom.pixels import apply_color_lut

    if value(header, "SegmentedRedPaletteColorLookupTableData") is None:
        raise UserError(f"{what} has palette colours but no complete palette. Export it as RGB.")
    colours: Pixels = apply_color_lut(np.arange(first, first + count, dtype=np.int64), header)
    return colours[:, :3].astype(np.uint16)


def _eight(colours: Pixels) -> NDArray[np.uint8]:
    # 16-bit entries use all 16 bits (C.7.6.3.1.6), but some writers put 8-bit values into them.
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)
