"""A figure's picture: read within limits, kept as it came where it can be, and what its own pixels tell of its kind."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from medvlm.imaging import Limits, read, render

# What a figure shows: something photographed or scanned, or something drawn (chart, plot, table, diagram, text).
FigureKind = Literal["picture", "drawing"]
Classifier = Callable[[Image.Image], FigureKind]
LIMITS = Limits(file_bytes=200_000_000, frame_pixels=50_000_000, frames=1, total_bytes=1 << 29)
SIDE = 384  # pixels of the longest side at which statistics are taken
LIGHT, DARK = 235, 8  # luminance at which paper is white, and a band between two scans black


@dataclass(frozen=True, slots=True)
class Picture:
    """`pixels`: RGB, (H, W, 3) uint8. `data`: the bytes to keep, a JPEG or PNG file as `suffix` says."""

    pixels: NDArray[np.uint8]
    data: bytes
    suffix: Literal["jpg", "png"]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Shares of a picture's pixels, 0 to 1, each with its neighbours in 3 x 3.

    `paper`: light and even. `shaded`: neither even nor an edge, as skin, tissue, noise and soft shadows are.
    `even`: all but equal to their neighbours, light or not.
    """

    paper: float
    shaded: float
    even: float


def opened(data: bytes, name: str) -> Picture:
    """Raises UserError for what is no picture, damaged, or too large."""
    pixels = render(read(data, name, LIMITS))
    with Image.open(io.BytesIO(data)) as image:
        kept = {"JPEG": "jpg", "PNG": "png"}.get(image.format or "")
        as_it_is = kept and image.mode in ("L", "RGB") and image.size == (pixels.shape[1], pixels.shape[0])
    if kept == "jpg" and as_it_is:
        return Picture(pixels, data, "jpg")
    if kept == "png" and as_it_is:
        return Picture(pixels, data, "png")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return Picture(pixels, buffer.getvalue(), "png")


def small(pixels: NDArray[np.uint8]) -> Image.Image:
    """Luminance at about SIDE pixels, by whole steps, so that lines stay lines."""
    image = Image.fromarray(pixels).convert("L")
    return image.reduce(max(1, round(max(image.size) / SIDE)))


def statistics(pixels: NDArray[np.uint8]) -> Statistics:
    grey = small(pixels)
    if min(grey.size) < 3:
        return Statistics(0.0, 0.0, 1.0)
    high, low = (grey.filter(one(3)) for one in (ImageFilter.MaxFilter, ImageFilter.MinFilter))
    spread, middle = (np.asarray(one)[1:-1, 1:-1] for one in (ImageChops.subtract(high, low), grey))
    even = spread <= 6
    return Statistics(
        paper=float((even & (middle >= LIGHT)).mean()),
        shaded=float(((spread > 6) & (spread < 60) & (middle < LIGHT)).mean()),
        even=float(even.mean()),
    )


def kind(image: Image.Image) -> FigureKind:
    """ "drawing" where much is even and light and little is shaded: lines, bars and letters on paper.

    Measured (docs/corpus.md): 0.2 parts charts drawn in ten manners from phantoms, VQA-RAD's scans and micrographs.
    """
    found = statistics(np.asarray(image.convert("RGB")))
    return "drawing" if found.paper - 2 * found.shaded >= 0.2 else "picture"


def panels(pixels: NDArray[np.uint8]) -> int:
    """How many pictures one is made of, as far as even bands between them tell: 1 where there are none.

    A light band counts wherever it is; a black one only at a half, third or quarter: scans have black of their own.
    """
    grey = np.asarray(small(pixels), dtype=np.int16)
    across, down = _bands(grey), _bands(grey.T)
    return (len(across) + 1) * (len(down) + 1)


def _bands(grey: NDArray[np.int16]) -> list[float]:
    """Places, 0 to 1 from left to right, of even columns that part a picture."""
    low, high, middle = grey.min(axis=0), grey.max(axis=0), np.median(grey, axis=0)
    light = _parting(low >= LIGHT, middle < LIGHT - 20)
    black = _parting(high <= DARK, middle > DARK + 20)
    regular = (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4)
    return [*light, *(at for at in black if any(abs(at - part) < 0.02 for part in regular))]


def _parting(band: NDArray[np.bool_], other: NDArray[np.bool_]) -> list[float]:
    """Centres of the runs of `band` that are 0.6 to 10 % wide, with mostly `other` columns at both edges and beyond.

    A panel's edge is straight, so that the column beside a band is not of its shade; what lies on paper or in the dark
    by itself is round, and shows a tip there.
    """
    width = len(band)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], band, [False]]).astype(np.int8)))
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        centre = (start + stop) / 2 / width
        if not 0.15 < centre < 0.85 or not max(2, 0.006 * width) <= stop - start <= 0.1 * width:
            continue
        edged = other[start - 3 : start].any() and other[stop : stop + 3].any()
        if edged and min(other[:start].mean(), other[stop:].mean()) > 0.5:
            found.append(float(centre))
    return found
