"""Drawing with arrays: smooth noise, blur, and soft-edged shapes on a slightly bent, rotated, scaled page.

Shapes are placed in the picture's own units ("page units": x to the right, y down, (0, 0) in the middle of the
anatomy); a `Frame` maps them to pixels. Each shape is a `Patch`: an opacity in 0..1 on the part of the picture that it
touches, so that small things cost little. All arithmetic is float64, without transcendental functions on arrays:
after rounding to integers, the same seed gives the same bytes on any machine.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medvlm.phantoms.curves import Grey as Grey
from medvlm.phantoms.curves import curve as curve
from medvlm.phantoms.curves import lookup as lookup
from medvlm.phantoms.curves import smoothstep as smoothstep
from medvlm.phantoms.fields import noise

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Opacity `alpha` (rows, columns), 0..1, of a shape on the part `rows` x `columns` of a picture."""

    rows: slice
    columns: slice
    alpha: Grey

    def __mul__(self, other: "float | Grey") -> "Patch":
        """Fade by a number, or by a full-size opacity map."""
        factor = other[self.rows, self.columns] if isinstance(other, np.ndarray) else other
        return replace(self, alpha=self.alpha * factor)

    def full(self, shape: tuple[int, int]) -> Grey:
        """The opacity as a whole picture of `shape`."""
        whole = np.zeros(shape)
        whole[self.rows, self.columns] = self.alpha
        return whole

    def minus(self, other: "Patch | Grey") -> "Patch":
        """This shape without what `other` covers."""
        if isinstance(other, np.ndarray):
            return replace(self, alpha=self.alpha * (1 - other[self.rows, self.columns]))
        shape = (max(self.rows.stop, other.rows.stop), max(self.columns.stop, other.columns.stop))
        return self.minus(other.full(shape))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where page units lie in a picture: `x`, `y` (h, w) are each pixel's page coordinates.

    `scale` is pixels per page unit, `turn` the rotation in radians (clockwise on screen), `middle` the pixel (row,
    column) of the page's origin, `slack` the largest displacement by the bend, in page units.
    """

    x: Grey
    y: Grey
    scale: float
    turn: float
    middle: tuple[float, float]
    slack: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape[0], self.x.shape[1]

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """(row, column) in pixels where the page point (x, y) is drawn; may lie outside the picture."""
        row, column = self._straight(x, y)
        height, width = self.shape
        for _ in range(3):
            i, j = min(max(round(row), 0), height - 1), min(max(round(column), 0), width - 1)
            here = self._straight(float(self.x[i, j]), float(self.y[i, j]))
            target = self._straight(x, y)
            row, column = i + target[0] - here[0], j + target[1] - here[1]
        return row, column

    def fraction(self, x: float, y: float) -> tuple[float, float]:
        """`pixel`, as fractions (row, column) of the picture."""
        row, column = self.pixel(x, y)
        return round((row + 0.5) / self.shape[0], 4), round((column + 0.5) / self.shape[1], 4)

    def box(self, x: float, y: float, rx: float, ry: float) -> tuple[slice, slice]:
        """Rows and columns that hold everything within `rx`, `ry` of the page point (x, y)."""
        row, column = self._straight(x, y)
        cos, sin = abs(math.cos(self.turn)), abs(math.sin(self.turn))
        across = (cos * rx + sin * ry + self.slack) * self.scale + 2
        down = (sin * rx + cos * ry + self.slack) * self.scale + 2
        return _clipped(row - down, row + down, self.shape[0]), _clipped(
            column - across, column + across, self.shape[1]
        )

    def _straight(self, x: float, y: float) -> tuple[float, float]:
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return self.middle[0] + self.scale * (sin * x + cos * y), self.middle[1] + self.scale * (cos * x - sin * y)


def _clipped(low: float, high: float, size: int) -> slice:
    start = min(max(math.floor(low), 0), size)
    return slice(start, min(max(math.ceil(high) + 1, start), size))


def grid(height: int, width: int) -> tuple[Grey, Grey]:
    """Row and column numbers, each (height, width) float64."""
    rows, columns = np.meshgrid(np.arange(height, dtype=np.float64), np.arange(width, dtype=np.float64), indexing="ij")
    return rows, columns


def frame(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale: float,
    turn: float = 0.0,
    middle: tuple[float, float] = (0.5, 0.5),
    bend: float = 0.02,
) -> Frame:
    """A page on a picture of `shape`: `scale` pixels a unit, origin at `middle` (fractions: row, column), `turn` in
    radians; `bend` is the deviation, in page units, of a smooth random displacement (no two bodies are alike)."""
    height, width = shape
    rows, columns = grid(height, width)
    top, left = middle[0] * height, middle[1] * width
    down, across = (rows - top) / scale, (columns - left) / scale
    cos, sin = math.cos(turn), math.sin(turn)
    reach, limit = max(height, width) / 2.6, 2.5 * bend
    dx = np.clip(bend * noise(rng, shape, reach), -limit, limit)
    dy = np.clip(bend * noise(rng, shape, reach), -limit, limit)
    x = cos * across + sin * down + dx
    y = cos * down - sin * across + dy
    return Frame(x, y, scale, turn, (top, left), limit)


def paint(picture: Grey, patch: Patch, value: Any) -> None:
    """Cover `picture` (h, w) or (h, w, channels) with `value` (number, channels, or a full-size array), in place."""
    part = picture[patch.rows, patch.columns]
    alpha = patch.alpha if picture.ndim == 2 else patch.alpha[..., None]
    if isinstance(value, np.ndarray) and value.ndim >= 2:
        value = value[patch.rows, patch.columns]
    part += (np.asarray(value) - part) * alpha


def add(picture: Grey, patch: Patch, amount: Any) -> None:
    """Add `amount` (number or full-size array) where the patch lies, in place."""
    if isinstance(amount, np.ndarray) and amount.ndim >= 2:
        amount = amount[patch.rows, patch.columns]
    picture[patch.rows, patch.columns] += patch.alpha * amount


def ellipse(
    page: Frame,
    x: float,
    y: float,
    rx: float,
    ry: float,
    turn: float = 0.0,
    soft: float = 1.0,
    power: float = 2.0,
    lobes: Sequence[Point] = (),
) -> Patch:
    """An ellipse of half axes `rx`, `ry` turned by `turn` radians; `soft` is the width of its edge in pixels.

    `power` 4 makes a rounded box (2 and 4 are the allowed values). `lobes`: (cosine, sine) amplitudes of the 2nd, 3rd,
    4th ... waves round its outline, as fractions of its radius.
    """
    swell = 1 + sum(abs(a) + abs(b) for a, b in lobes)
    cos, sin = math.cos(turn), math.sin(turn)
    wide = swell * math.sqrt((cos * rx) ** 2 + (sin * ry) ** 2) if power == 2 else abs(cos) * rx + abs(sin) * ry
    tall = swell * math.sqrt((sin * rx) ** 2 + (cos * ry) ** 2) if power == 2 else abs(sin) * rx + abs(cos) * ry
    blunt = soft / page.scale
    rows, columns = page.box(x, y, wide + blunt, tall + blunt)
    across, down = page.x[rows, columns] - x, page.y[rows, columns] - y
    u, v = (cos * across + sin * down) / rx, (cos * down - sin * across) / ry
    distance = np.sqrt(u * u + v * v) if power == 2 else np.sqrt(np.sqrt((u * u) ** 2 + (v * v) ** 2))
    edge = 1.0 + _waves(u, v, lobes) if lobes else 1.0
    return Patch(rows, columns, _edged((edge - distance) * (min(rx, ry) * page.scale), soft))


def _edged(inside: Grey, soft: float) -> Grey:
    """Opacity from the depth inside an outline (pixels) for an edge `soft` pixels wide."""
    ramp = inside * (1 / max(soft, 0.5))
    ramp += 0.5
    np.maximum(ramp, 0.0, out=ramp)
    np.minimum(ramp, 1.0, out=ramp)
    return ramp if soft < 3 else ramp * ramp * (3 - 2 * ramp)


def _waves(u: Grey, v: Grey, lobes: Sequence[Point]) -> Grey:
    length = np.sqrt(u * u + v * v) + 1e-9
    c, s = u / length, v / length
    real, imaginary, total = c, s, np.zeros_like(u)
    for cosine, sine in lobes:
        real, imaginary = real * c - imaginary * s, real * s + imaginary * c
        total += cosine * real + sine * imaginary
    return total


def lobed(rng: np.random.Generator, amount: float, waves: int = 4) -> tuple[Point, ...]:
    """Random `lobes` for `ellipse`: an uneven outline of about `amount` (fraction of the radius)."""
    sizes = amount / np.sqrt(np.arange(1, waves + 1) * 2.0)
    return tuple(
        (float(size * a), float(size * b)) for size, (a, b) in zip(sizes, rng.uniform(-1, 1, (waves, 2)), strict=True)
    )


def span(page: Frame, ys: Sequence[float], lefts: Sequence[float], rights: Sequence[float], soft: float = 1.0) -> Patch:
    """What lies between a left and a right edge, each given at the heights `ys` (ascending, page units)."""
    low, high = float(min(lefts)), float(max(rights))
    rows, columns = page.box((low + high) / 2, (ys[0] + ys[-1]) / 2, (high - low) / 2, (ys[-1] - ys[0]) / 2)
    x, y = page.x[rows, columns], page.y[rows, columns]
    inside = np.minimum(x - lookup(ys, lefts, y), lookup(ys, rights, y) - x)
    inside = np.minimum(inside, np.minimum(y - ys[0], ys[-1] - y))
    return Patch(rows, columns, _edged(inside * page.scale, soft))


def band(page: Frame, xs: Sequence[float], tops: Sequence[float], bottoms: Sequence[float], soft: float = 1.0) -> Patch:
    """What lies between a top and a bottom edge, each given at the places `xs` (ascending, page units)."""
    low, high = float(min(tops)), float(max(bottoms))
    rows, columns = page.box((xs[0] + xs[-1]) / 2, (low + high) / 2, (xs[-1] - xs[0]) / 2, (high - low) / 2)
    x, y = page.x[rows, columns], page.y[rows, columns]
    inside = np.minimum(y - lookup(xs, tops, x), lookup(xs, bottoms, x) - y)
    inside = np.minimum(inside, np.minimum(x - xs[0], xs[-1] - x))
    return Patch(rows, columns, _edged(inside * page.scale, soft))


def outline(page: Frame, middle: Point, points: Sequence[Point], soft: float = 1.0, swell: float = 1.0) -> Patch:
    """A smooth closed shape through `points` in any order, each seen from `middle` in another direction (star-shaped).

    `swell` enlarges it about `middle`.
    """
    x, y = middle
    reach_x = max(abs(px - x) for px, _ in points) * swell * 1.15
    reach_y = max(abs(py - y) for _, py in points) * swell * 1.15
    rows, columns = page.box(x, y, reach_x, reach_y)
    across, down = page.x[rows, columns] - x, page.y[rows, columns] - y
    edge = swell * lookup(*around(middle, points), direction(across, down))
    return Patch(rows, columns, _edged((edge - np.sqrt(across * across + down * down)) * page.scale, soft))


def around(middle: Point, points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """Directions (0..4, one turn and a bit) and distances of `points`, ready for a periodic curve."""
    x, y = middle
    seen = sorted((float(direction(px - x, py - y)), math.hypot(px - x, py - y)) for px, py in points)
    seen = [
        (seen[-2][0] - 4, seen[-2][1]),
        (seen[-1][0] - 4, seen[-1][1]),
        *seen,
        (seen[0][0] + 4, seen[0][1]),
        (seen[1][0] + 4, seen[1][1]),
    ]
    return [direction for direction, _ in seen], [length for _, length in seen]


def direction(across: Any, down: Any) -> Any:
    """A stand-in for the angle, 0..4 in one turn, made of a division only."""
    part = across / (np.abs(across) + np.abs(down) + 1e-12)
    return np.where(down >= 0, 1 - part, 3 + part)


def polyline(page: Frame, points: Sequence[Point], widths: float | Sequence[float], soft: float = 1.0) -> list[Patch]:
    """A line through `points`; `widths` (page units) is one number or one a point. One patch a segment: use
    `paint` or `add` on each, or `stroke` for a single patch."""
    thick = [widths] * len(points) if isinstance(widths, int | float) else list(widths)
    return [
        _segment(page, a, b, wa / 2, wb / 2, soft)
        for a, b, wa, wb in zip(points, points[1:], thick, thick[1:], strict=False)
    ]


def stroke(page: Frame, points: Sequence[Point], widths: float | Sequence[float], soft: float = 1.0) -> Patch:
    """A line through `points` as one patch, evenly opaque where its segments meet."""
    parts = polyline(page, points, widths, soft)
    top, bottom = min(part.rows.start for part in parts), max(part.rows.stop for part in parts)
    left, right = min(part.columns.start for part in parts), max(part.columns.stop for part in parts)
    alpha = np.zeros((bottom - top, right - left))
    for part in parts:
        area = alpha[part.rows.start - top : part.rows.stop - top, part.columns.start - left : part.columns.stop - left]
        np.maximum(area, part.alpha, out=area)
    return Patch(slice(top, bottom), slice(left, right), alpha)


def _segment(page: Frame, a: Point, b: Point, wide_a: float, wide_b: float, soft: float) -> Patch:
    along = (b[0] - a[0], b[1] - a[1])
    length = max(along[0] ** 2 + along[1] ** 2, 1e-12)
    wide = max(wide_a, wide_b) + soft / page.scale
    rows, columns = page.box((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, abs(along[0]) / 2 + wide, abs(along[1]) / 2 + wide)
    across, down = page.x[rows, columns] - a[0], page.y[rows, columns] - a[1]
    t = across * (along[0] / length)
    t += down * (along[1] / length)
    np.maximum(t, 0.0, out=t)
    np.minimum(t, 1.0, out=t)
    across -= t * along[0]
    down -= t * along[1]
    gap = np.sqrt(across * across + down * down)
    return Patch(rows, columns, _edged((wide_a + t * (wide_b - wide_a) - gap) * page.scale, soft))


def bow(start: Point, control: Point, end: Point, steps: int = 8) -> list[Point]:
    """Points on the quadratic curve from `start` to `end`, drawn towards `control`."""
    ts = [step / steps for step in range(steps + 1)]
    return [
        tuple((1 - t) ** 2 * a + 2 * t * (1 - t) * c + t * t * b for a, c, b in zip(start, control, end, strict=True))  # type: ignore[misc]
        for t in ts
    ]
