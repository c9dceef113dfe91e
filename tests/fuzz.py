"""Seeded damage: the same bytes and seed give the same mutants, on any machine."""

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.uid import UID, JPEG2000Lossless, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from medvlm.imaging.writing import nifti_bytes
from tests import dicom_cases

_PNG = b"\x89PNG\r\n\x1a\n"
# What damaged length and size fields typically hold.
_EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80")


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged copies of `data`, each by one to four random steps, never the original itself."""
    rng = random.Random(f"{seed}/{len(data)}")
    for _ in range(count):
        mutant = bytearray(data)
        while bytes(mutant) == data:
            for _ in range(rng.randint(1, 4)):
                rng.choice(_STEPS)(mutant, rng)
        # A wrong checksum stops a PNG reader at once: most mutants get right ones, to come further in.
        yield with_checksums(bytes(mutant)) if data.startswith(_PNG) and rng.random() < 0.8 else bytes(mutant)


def _at(mutant: bytearray, rng: random.Random) -> int:
    """A place in the file: in half of the cases near its start, where the headers are."""
    end = max(1, len(mutant))
    return rng.randrange(min(end, 512)) if rng.random() < 0.5 else rng.randrange(end)


def _flip(mutant: bytearray, rng: random.Random) -> None:
    if mutant:
        mutant[_at(mutant, rng)] ^= 1 << rng.randrange(8)


def _replace(mutant: bytearray, rng: random.Random) -> None:
    if mutant:
        mutant[_at(mutant, rng)] = rng.randrange(256)


def _extreme(mutant: bytearray, rng: random.Random) -> None:
    at, width = _at(mutant, rng), rng.choice((1, 2, 4))
    mutant[at : at + width] = rng.choice(_EXTREMES)[:width]


def _cut(mutant: bytearray, rng: random.Random) -> None:
    del mutant[_at(mutant, rng) :]


def _drop(mutant: bytearray, rng: random.Random) -> None:
    at = _at(mutant, rng)
    del mutant[at : at + rng.randint(1, 64)]


def _repeat(mutant: bytearray, rng: random.Random) -> None:
    at = _at(mutant, rng)
    piece = mutant[at : at + rng.randint(1, 64)]
    mutant[at:at] = piece * rng.randint(1, 4)


def _noise(mutant: bytearray, rng: random.Random) -> None:
    at = _at(mutant, rng)
    size = min(rng.randint(1, 32), len(mutant) - at)
    mutant[at : at + size] = rng.randbytes(size)


def _move(mutant: bytearray, rng: random.Random) -> None:
    source, target = _at(mutant, rng), _at(mutant, rng)
    piece = mutant[source : source + rng.randint(4, 64)]
    mutant[target : target + len(piece)] = piece


_STEPS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip, _replace, _replace, _extreme, _extreme, _cut, _drop, _repeat, _noise, _move),
)


def with_checksums(png: bytes) -> bytes:
    """The same PNG with the checksum of every chunk put right, as far as its chunks can be followed."""
    fixed, at = bytearray(png), len(_PNG)
    while at + 12 <= len(fixed):
        end = at + 8 + struct.unpack_from(">I", fixed, at)[0]
        if end + 4 > len(fixed):
            break
        struct.pack_into(">I", fixed, end, zlib.crc32(fixed[at + 4 : end]))
        at = end + 4
    return bytes(fixed)


@cache
def samples() -> dict[str, bytes]:
    """One small sound file for each kind of file that has a reader of its own; not to be changed."""
    rng = np.random.default_rng(7)
    grey = rng.integers(0, 256, (40, 32), dtype=np.uint8)
    rgb = rng.integers(0, 256, (40, 32, 3), dtype=np.uint8)
    deep = rng.integers(0, 4096, (40, 32), dtype=np.uint16)
    stack = rng.integers(0, 4096, (3, 12, 10), dtype=np.uint16)
    return {
        "png": saved(Image.fromarray(rgb), "PNG"),
        # Mostly header: palette, transparency and EXIF, with pixels that compress to almost nothing.
        "png palette": saved(
            Image.fromarray(np.repeat(rgb[:2], 20, 0)).quantize(16), "PNG", transparency=3, exif=orientation(6)
        ),
        "png 16 bit": saved(Image.fromarray(deep), "PNG"),
        "jpeg": saved(Image.fromarray(rgb), "JPEG", exif=orientation(6)),
        "webp": saved(Image.fromarray(rgb), "WEBP", lossless=True),
        "bmp": saved(Image.fromarray(rgb), "BMP"),
        "tiff": tiff(stack, photometric="minisblack"),
        "tiff lzw": saved(Image.fromarray(grey), "TIFF", compression="tiff_lzw"),
        "tiff pyramid": pyramid(),
        "tiff slide": slide(np.repeat(np.repeat(rgb, 4, 0), 4, 1)[:128, :128]),
        "dicom": dicom_cases.named(VOILUTSequence=dicom_cases.lut(np.arange(64) * 1000)),
        "dicom rle": dicom_cases.compressed(stack, RLELossless),
        "dicom jpeg": dicom_cases.jpeg_baseline(rgb),
        "dicom jpeg 2000": dicom_cases.compressed(deep, JPEG2000Lossless),
        "dicom htj2k": dicom_cases.flat_htj2k(),
        "dicom palette": dicom_cases.palette(grey // 64, rgb[0, :4]),
        "dicom jpeg-ls": _encapsulated(imagecodecs.jpegls_encode(deep), deep, JPEGLSLossless),
        "dicom lossless jpeg": _encapsulated(
            imagecodecs.jpeg8_encode(deep, lossless=True, bitspersample=16), deep, JPEGLosslessSV1
        ),
        "dicom 12-bit jpeg": _encapsulated(
            imagecodecs.jpeg8_encode(deep, level=90, bitspersample=12), deep, JPEGExtended12Bit
        ),
        "nifti": gzip.decompress(nifti_bytes(stack, np.diag([0.7, 0.8, 2.0, 1.0]))),
    }


def _encapsulated(stream: bytes, like: np.ndarray, syntax: UID) -> bytes:  # type: ignore[type-arg]
    bits = {} if syntax != JPEGExtended12Bit else {"BitsStored": 12}
    return dicom_cases.encapsulated([bytes(stream)], dicom_cases.dataset(like, "MR", **bits), syntax)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def orientation(value: int) -> bytes:
    """An EXIF block that says how the camera was held."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def tiff(pixels: np.ndarray, **options: object) -> bytes:  # type: ignore[type-arg]
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def pyramid(size: int = 256, levels: int = 3, **options: object) -> bytes:
    """A tiled TIFF whose pages show the same picture ever smaller, as slide scanners write it."""
    import tifffile

    base = np.random.default_rng(3).integers(0, 256, (size, size, 3), dtype=np.uint8)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for level in range(levels):
            small = base[:: 2**level, :: 2**level]
            writer.write(small, tile=(64, 64), photometric="rgb", subfiletype=int(level > 0), metadata=None, **options)
    return out.getvalue()


def slide(pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    """A whole-slide file as scanners write it: two levels in tiles of JPEG, then the photographed label."""
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for level, text in (
        *((pixels, b"Aperio Image Library v12"), (pixels[::2, ::2], b"Aperio level")),
        (np.full((64, 64, 3), 255, np.uint8), b"label 64x64"),
    ):
        tiles = [
            saved(Image.fromarray(level[row : row + 64, column : column + 64]), "JPEG", quality=95, keep_rgb=True)
            for row in range(0, level.shape[0], 64)
            for column in range(0, level.shape[1], 64)
        ]
        starts = [len(out) + sum(map(len, tiles[:index])) for index in range(len(tiles))]
        out += b"".join(tiles)
        struct.pack_into("<I", out, link, len(out))
        link = _directory(out, level.shape, text, starts, [len(tile) for tile in tiles])
    return bytes(out)


def _directory(out: bytearray, shape: tuple[int, ...], text: bytes, starts: list[int], sizes: list[int]) -> int:
    """Appends one TIFF directory of JPEG tiles to `out`; returns where the place of the next one goes."""
    fields = {
        256: ("<I", [shape[1]]), 257: ("<I", [shape[0]]), 258: ("<H", [8, 8, 8]), 259: ("<H", [7]),
        262: ("<H", [2]), 270: ("<B", [*text, 0]), 277: ("<H", [3]), 322: ("<I", [64]), 323: ("<I", [64]),
        324: ("<I", starts), 325: ("<I", sizes),
    }  # fmt: skip
    kinds = {"<B": 2, "<H": 3, "<I": 4}
    base = len(out) + 2 + 12 * len(fields) + 4
    entries, values = b"", b""
    for tag, (form, numbers) in fields.items():
        raw = b"".join(struct.pack(form, number) for number in numbers)
        entries += struct.pack("<HHI", tag, kinds[form], len(numbers))
        entries += raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", base + len(values))
        values += raw if len(raw) > 4 else b""
    out += struct.pack("<H", len(fields)) + entries + b"\0\0\0\0" + values
    return base - 4
