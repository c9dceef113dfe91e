"""What machines, films and screenshots add to a picture: noise, shading, rings, ghosts, marks, text, borders."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms.canvas import Frame, Grey, Patch, grid, paint, stroke
from medvlm.phantoms.fields import blur, noise
from medvlm.types import Window

# Strokes on a grid 4 wide and 6 high: "xy xy xy|xy xy".
_GLYPHS = {
    "A": "06 20 46|14 34",
    "B": "06 00 30 41 32 03|33 44 45 36 06",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 44 42 20 00",
    "E": "40 00 06 46|03 33",
    "F": "40 00 06|03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06|40 46|03 43",
    "I": "20 26",
    "J": "40 45 36 16 05",
    "K": "00 06|40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "O": "10 30 41 45 36 16 05 01 10",
    "P": "06 00 30 41 42 33 03",
    "Q": "10 30 41 45 36 16 05 01 10|34 46",
    "R": "06 00 30 41 42 33 03|23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40|20 26",
    "U": "00 05 16 36 45 40",
    "V": "00 26 40",
    "W": "00 16 23 36 40",
    "X": "00 46|40 06",
    "Y": "00 23 40|23 26",
    "Z": "00 40 06 46",
    "0": "10 30 41 45 36 16 05 01 10|41 05",
    "1": "11 20 26",
    "2": "01 10 30 41 42 06 46",
    "3": "00 40 22 33 44 45 36 16 05",
    "4": "36 30 04 44",
    "5": "40 00 03 33 44 45 36 06",
    "6": "40 10 01 05 16 36 45 44 33 03",
    "7": "00 40 16",
    "8": "10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33",
    "9": "43 13 02 01 10 30 41 45 36 06",
    ":": "21 22|24 25",
    ".": "25 26",
    "/": "40 06",
    "-": "03 43",
    "=": "02 42|04 44",
    "+": "03 43|21 25",
    "%": "40 06|00 01|45 46",
}


@lru_cache(maxsize=512)
def _glyph(letter: str, size: float, weight: float) -> Grey:
    """Opacity of one letter `size` pixels high, strokes `weight` pixels wide."""
    unit = size / 6
    rows, columns = grid(math.ceil(size + weight) + 2, math.ceil(size * 4 / 6 + weight) + 2)
    page = Frame((columns - 1) / unit, (rows - 1) / unit, unit, 0.0, (1.0, 1.0), 0.0)
    alpha = np.zeros(rows.shape)
    for line in _GLYPHS.get(letter, "").split("|"):
        points = [(float(pair[0]), float(pair[1])) for pair in line.split()]
        if len(points) > 1:
            alpha = np.maximum(alpha, stroke(page, points, weight / unit).full((rows.shape[0], rows.shape[1])))
    return alpha


def text(
    shape: tuple[int, int],
    words: str,
    row: float,
    column: float,
    size: float = 9,
    weight: float = 1.2,
    right: bool = False,
) -> Patch:
    """Letters A-Z, digits and .:/-=+% with their top left (or, if `right`, top right) corner at (row, column)."""
    size, weight = round(size * 2) / 2, round(weight * 5) / 5
    letters = [_glyph(letter, size, weight) for letter in words]
    step = size * 4 / 6 + weight + size / 5
    height, width = letters[0].shape[0], math.ceil(step * len(words) + size)
    line = np.zeros((height, width))
    for i, letter in enumerate(letters):
        at = round(i * step)
        area = line[:, at : at + letter.shape[1]]
        np.maximum(area, letter[:, : area.shape[1]], out=area)
    top, left = round(row), round(column - (step * len(words) if right else 0))
    up, aside = max(0, -top), max(0, -left)
    line = line[up : max(up, shape[0] - top), aside : max(aside, shape[1] - left)]
    top, left = max(top, 0), max(left, 0)
    return Patch(slice(top, top + line.shape[0]), slice(left, left + line.shape[1]), line)


def corner_lines(rng: np.random.Generator, shape: tuple[int, int], lines: tuple[str, ...] = ()) -> list[Patch]:
    """Lines of small text in one to four corners, as on a screenshot: `lines` and numbers that mean nothing."""
    size = float(rng.uniform(6, 10))
    corners = [tuple(corner) for corner in rng.permutation([(0, 0), (0, 1), (1, 0), (1, 1)])][: int(rng.integers(1, 5))]
    patches = []
    for k, (low, right) in enumerate(corners):
        wanted = list(lines[k : k + 1]) + [_gibberish(rng) for _ in range(int(rng.integers(0, 4)))]
        for i, line in enumerate(wanted):
            row = shape[0] - 4 - (i + 1) * (size + 4) if low else 4 + i * (size + 4)
            column = shape[1] - 4 if right else 4
            patches.append(text(shape, line, row, column, size, float(rng.uniform(0.9, 1.4)), bool(right)))
    return patches


def _gibberish(rng: np.random.Generator) -> str:
    kind = int(rng.integers(5))
    a, b = int(rng.integers(1, 30)), int(rng.integers(10, 999))
    return (f"{a}/{b}", f"{b}.{a}", f"IM {a}", f"{a}.0 MM", f"{a}:{b % 60:02d}")[kind]


def ruler(rng: np.random.Generator, shape: tuple[int, int]) -> list[Patch]:
    """A scale of ticks at the right edge."""
    top, bottom = shape[0] * float(rng.uniform(0.2, 0.35)), shape[0] * float(rng.uniform(0.6, 0.8))
    at, ticks = shape[1] - 1 - float(rng.uniform(3, 9)), 10
    marks = np.zeros(shape)
    marks[int(top) : int(bottom), int(at)] = 1
    for i in range(ticks + 1):
        row = int(top + (bottom - top) * i / ticks)
        marks[min(row, shape[0] - 1), int(at) - (8 if i % 5 == 0 else 4) : int(at)] = 1
    return [Patch(slice(0, shape[0]), slice(0, shape[1]), marks)]


def screenshot(
    rng: np.random.Generator, picture: Grey, window: Window, letters: tuple[float, float, float] | None
) -> None:
    """Burn in, white in `window`, what a workstation shows around a slice: lines of text, and at times a scale and R
    and L. `letters`: the left column of R, how far L's is from the right edge, and their size, in pixels; or None."""
    shape, white = (picture.shape[0], picture.shape[1]), window.level + window.width
    for patch in corner_lines(rng, shape, (f"W {window.width:.0f} : L {window.level:.0f}",)):
        paint(picture, patch, white)
    if letters is not None and rng.random() < 0.5:
        left, right, size = letters
        paint(picture, text(shape, "R", shape[0] / 2, left, size), white)
        paint(picture, text(shape, "L", shape[0] / 2, shape[1] - right, size), white)
    if rng.random() < 0.3:
        for patch in ruler(rng, shape):
            paint(picture, patch, white)


def grain(rng: np.random.Generator, shape: tuple[int, int], size: float = 1.0) -> Grey:
    """Noise of deviation about 1 whose grains are about `size` pixels (1 is white)."""
    white = rng.standard_normal(shape)
    if size <= 1:
        return white
    soft = blur(white, size / 2)
    return soft * (1 / float(soft.std()))


def shading(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> Grey:
    """A smooth factor about 1 that varies by `strength` over the picture (a coil's bias field, a heel effect)."""
    return 1 + np.clip(strength * noise(rng, shape, max(shape) / 1.6), -0.7, 0.7)


def rings(rng: np.random.Generator, shape: tuple[int, int], middle: tuple[float, float], strength: float) -> Grey:
    """Concentric rings about `middle` (row, column in pixels), deviation `strength`, strongest in the middle."""
    rows, columns = grid(*shape)
    radius = np.sqrt((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2)
    profile = rng.standard_normal(int(radius.max()) + 2) * (rng.random(int(radius.max()) + 2) < 0.25)
    found: Grey = strength * profile[radius.astype(np.intp)] / (1 + radius / (0.15 * shape[0]))
    return found


def ghosts(picture: Grey, shift: int, strength: float, axis: int) -> Grey:
    """Copies of the picture moved along `axis` by `shift` pixels both ways, as breathing or pulsation leaves."""
    return picture + strength * 0.5 * (np.roll(picture, shift, axis) + np.roll(picture, -shift, axis))


def clip_rows(picture: Grey, margins: tuple[int, int, int, int], value: float) -> None:
    """Cover the margins (top, bottom, left, right, in pixels) with `value`: collimation or a screenshot's border."""
    top, bottom, left, right = margins
    height, width = picture.shape
    picture[:top] = value
    picture[height - bottom :] = value
    picture[:, :left] = value
    picture[:, width - right :] = value


def whole(picture: Grey, low: int, high: int, kind: type[np.int16] | type[np.uint16]) -> NDArray[np.int16 | np.uint16]:
    """Rounded to integers of `kind` within low..high."""
    return np.clip(np.rint(picture), low, high).astype(kind)
