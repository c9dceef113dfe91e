"""A part of a picture, drawn as a box or an ellipse, and how a question about it is put to a model.

Two ways: the part cut out and sent as a second picture, or its place told in words. `tests/bench/bench_region.py`
measures both on phantoms: which one tells a box around a finding from a box of the same size elsewhere.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.types import Conversation, Scan, View

# uint8 RGB of shape (H, W, 3): a picture as it is seen.
Pixels = NDArray[np.uint8]
Shape = Literal["box", "ellipse"]
Way = Literal["crop", "words"]
Point = tuple[float, float]

CROPPED = "The last picture is a part of the one before it, enlarged. About that part: "
# A part smaller than this, in pixels of the picture, is a slip of the mouse.
SMALLEST = 4


@dataclass(frozen=True, slots=True)
class Region:
    """A box, or the ellipse that fills it; edges as fractions (0 to 1) of the picture's width and height as seen."""

    shape: Shape
    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        """(row, column), fractions."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2


def region_of(shape: Shape, one: Point, other: Point, size: tuple[int, int]) -> Region:
    """The region between two opposite corners (x, y) in pixels of the picture as seen, of `size` (width, height).

    What lies outside is cut off. Raises `UserError` for a region that is too small to ask about.
    """
    width, height = size
    (left, right), (top, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    left, right = max(0.0, left), min(float(width), right)
    top, bottom = max(0.0, top), min(float(height), bottom)
    if right - left < SMALLEST or bottom - top < SMALLEST:
        raise UserError(
            f"The region is {max(0.0, right - left):.0f} x {max(0.0, bottom - top):.0f} pixels of the picture, too "
            f"small to ask about. Draw one of at least {SMALLEST} x {SMALLEST}."
        )
    return Region(shape, left / width, top / height, right / width, bottom / height)


def cropped(pixels: Pixels, region: Region) -> Pixels:
    """The part alone, (h, w, 3); around an ellipse stands the grey of its own mean, so that only its inside counts."""
    height, width = pixels.shape[:2]
    rows = slice(int(region.top * height), max(int(np.ceil(region.bottom * height)), int(region.top * height) + 1))
    columns = slice(int(region.left * width), max(int(np.ceil(region.right * width)), int(region.left * width) + 1))
    part = pixels[rows, columns].copy()
    if region.shape == "ellipse":
        inside = _ellipse(*part.shape[:2])
        part[~inside] = np.rint(part[inside].mean(axis=0)).astype(np.uint8)
    return part


def described(region: Region) -> str:
    """Where the region lies, in words: as it is seen, since left and right of the patient are another matter."""
    left, right, top, bottom = (round(100 * edge) for edge in (region.left, region.right, region.top, region.bottom))
    return (
        f"the {_place(*region.centre)} of the picture as it is seen, {left} to {right} % from its left edge and "
        f"{top} to {bottom} % from its upper edge"
    )


def words(region: Region) -> str:
    """For the line under an answer: "box, upper left"."""
    return f"{region.shape}, {_place(*region.centre)}"


def by_crop(conversation: Conversation, view: View, region: Region, question: str) -> Conversation:
    """The part as a picture of its own. What is asked about comes first, the part after it."""
    scan = conversation.scans[view.scan]
    pixels = np.asarray(scan.slices[view.slice], dtype=np.uint8)
    name = hashlib.sha256(f"{scan.sha256} {view.slice} {region}".encode()).hexdigest()
    part = replace(scan, slices=(cropped(pixels, region),), sha256=name, window=None, inverted=False, geometry=None)
    return _with(conversation, part, view, CROPPED + question)


def by_words(conversation: Conversation, view: View, region: Region, question: str) -> Conversation:
    """The place in words before the question."""
    return conversation.asked(f"About {described(region)}: {question}", (view,))


WAYS: dict[Way, Callable[[Conversation, View, Region, str], Conversation]] = {"crop": by_crop, "words": by_words}
# Of 80 phantoms nano-med told 69 % of the boxes apart by the crop and 50 %, a guess, by words: see docs/trust.md.
WAY: Way = "crop"


def asked(conversation: Conversation, view: View, region: Region, question: str, way: Way = WAY) -> Conversation:
    """The conversation with a question about a part of one of its pictures: uint8 RGB, as `screen.shot` makes it.

    Raises `UserError` for an empty question.
    """
    if not question.strip():
        raise UserError("There is no question about the region yet; type one.")
    return WAYS[way](conversation, view, region, question.strip())


def _place(row: float, column: float) -> str:
    """In which ninth of the picture it lies, such as "upper left" or "middle"."""
    down = "upper" if row < 0.4 else "lower" if row > 0.6 else ""
    across = "left" if column < 0.4 else "right" if column > 0.6 else ""
    return f"{down} {across}".strip() or "middle"


def _with(conversation: Conversation, part: Scan, view: View, question: str) -> Conversation:
    """A part that was asked about before is not added again."""
    names = [scan.sha256 for scan in conversation.scans]
    if part.sha256 in names:
        return conversation.asked(question, (view, View(names.index(part.sha256))))
    return conversation.with_scan(part).asked(question, (view, View(len(names))))


def _ellipse(height: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which pixel centres lie in the ellipse that fills (height, width)."""
    y = (np.arange(height)[:, None] + 0.5) / height * 2 - 1
    x = (np.arange(width)[None, :] + 0.5) / width * 2 - 1
    inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = x * x + y * y <= 1
    inside[height // 2, width // 2] = True  # a part one pixel high still has an inside
    return inside
