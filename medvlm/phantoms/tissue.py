"""What histology slides are made of: fields of dye, and cells stamped into them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms.canvas import Grey, grid, smoothstep
from medvlm.phantoms.fields import blur, fractal, noise

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Dye per pixel: `nuclei` (haematoxylin), `eosin`, and `brown`, the part of the nuclei that an antibody marks.

    The arrays, (size, size) float64 of about 0..1.5, are drawn into in place. `microns` is the pixel spacing.
    """

    nuclei: Grey
    eosin: Grey
    brown: Grey
    microns: float

    @classmethod
    def blank(cls, size: int, microns: float) -> "Field":
        """An empty slide of (size, size) pixels."""
        return cls(np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size)), microns)

    @property
    def shape(self) -> tuple[int, int]:
        return self.nuclei.shape[0], self.nuclei.shape[1]


@dataclass(frozen=True, slots=True)
class Cells:
    """How a kind of nucleus looks: half length and width in microns, darkness, unevenness, share that turns brown."""

    length: float
    width: float
    dark: float
    spread: float = 0.18
    marked: float = 0.5


EPITHELIUM = Cells(4.6, 3.4, 0.80, marked=0.75)
HEPATOCYTE = Cells(4.2, 4.0, 0.78, 0.12, 0.4)
LYMPHOCYTE = Cells(3.3, 3.1, 1.25, 0.10, 0.35)
SPINDLE = Cells(7.0, 1.6, 0.90, 0.2, 0.3)
GLIA = Cells(3.4, 3.0, 0.85, 0.3, 0.4)


def directions(rng: np.random.Generator, n: int) -> Points:
    """(n, 2) unit vectors, without sines."""
    drawn = rng.standard_normal((n, 2)) + 1e-9
    unit: Points = drawn / np.sqrt((drawn * drawn).sum(axis=1, keepdims=True))
    return unit


def lattice(rng: np.random.Generator, shape: tuple[int, int], step: float, jitter: float = 0.42) -> Points:
    """(n, 2) rows and columns of a shaken hexagonal lattice, `step` pixels apart, a little beyond the picture."""
    rows = np.arange(-step, shape[0] + step, step * 0.87)
    columns = np.arange(-step, shape[1] + step, step)
    at = np.empty((len(rows), len(columns), 2))
    at[..., 0] = rows[:, None]
    at[..., 1] = columns[None, :] + (np.arange(len(rows)) % 2)[:, None] * step / 2
    flat: Points = at.reshape(-1, 2) + rng.uniform(-jitter, jitter, (at.shape[0] * at.shape[1], 2)) * step
    return flat


def stamp(field: Field, rng: np.random.Generator, at: Points, kind: Cells, along: Points | None = None) -> None:
    """Draw nuclei with centres `at` (pixels) and long axes `along` (unit vectors), the darker one on top."""
    if len(at) == 0:
        return
    n = len(at)
    along = directions(rng, n) if along is None else along
    swell = np.clip(1 + kind.spread * rng.standard_normal(n), 0.6, 1.6) / field.microns
    long, wide = kind.length * swell, kind.width * swell * rng.uniform(0.85, 1.15, n)
    reach = int(np.ceil(long.max())) + 2
    offsets = np.arange(-reach, reach + 1)
    base = np.floor(at).astype(np.int64)
    rows, columns = base[:, :1] + offsets, base[:, 1:] + offsets
    down = (rows - at[:, :1])[:, :, None]
    across = (columns - at[:, 1:])[:, None, :]
    u = (down * along[:, 0, None, None] + across * along[:, 1, None, None]) / long[:, None, None]
    v = (down * along[:, 1, None, None] - across * along[:, 0, None, None]) / wide[:, None, None]
    away = np.sqrt(u * u + v * v)
    opaque = np.clip((1 - away) * wide[:, None, None] + 0.5, 0, 1)
    # The membrane is darker than the middle where it is wide enough to be seen.
    rim = 0.78 + 0.3 * smoothstep((away - 0.45) / 0.5) if field.microns < 0.8 else 1.0
    dark = kind.dark * np.clip(1 + 0.16 * rng.standard_normal(n), 0.6, 1.4)
    marked = rng.random(n) < kind.marked
    put(field.nuclei, rows, columns, opaque * rim * dark[:, None, None])
    put(field.brown, rows[marked], columns[marked], (opaque * rim * dark[:, None, None])[marked])


def put(array: Grey, rows: NDArray[np.int64], columns: NDArray[np.int64], values: Grey) -> None:
    """Keep the larger of what is there and `values` (n, k, k) at `rows`, `columns` (n, k), within the picture."""
    height, width = array.shape
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    inside &= values > 0
    index = (rows * width)[:, :, None] + columns[:, None, :]
    np.maximum.at(array.reshape(-1), index[inside], values[inside])


def chromatin(field: Field, rng: np.random.Generator) -> None:
    """Clumps inside the nuclei, and a faint blur of dye around them."""
    clumps = 1 + 0.27 * np.clip(noise(rng, field.shape, max(1.5, 1.1 / field.microns)), -2, 2)
    field.nuclei[:] = field.nuclei * clumps
    field.brown[:] = field.brown * clumps


def keep(points: Points, mask: Grey, least: float = 0.5) -> Points:
    """The points where `mask` is above `least` (points beyond the picture look at its edge)."""
    rows = np.clip(points[:, 0].astype(np.int64), 0, mask.shape[0] - 1)
    columns = np.clip(points[:, 1].astype(np.int64), 0, mask.shape[1] - 1)
    return points[mask[rows, columns] > least]


def lay_colon(field: Field, rng: np.random.Generator, crowd: float) -> None:
    """Crypts cut across: a pale lumen, foamy cells, a ring of nuclei; between them a loose stroma."""
    step = 88 / field.microns
    field.eosin[:] = 0.55 + 0.10 * fractal(rng, field.shape, 12 / field.microns)
    centres = lattice(rng, field.shape, step, 0.10)
    glands = np.zeros(field.shape)
    rings, axes = [], []
    rows, columns = grid(*field.shape)
    for row, column in centres:
        radius = step * float(rng.uniform(0.36, 0.44))
        long = directions(rng, 1)[0]
        stretch = float(rng.uniform(1.0, 1.25))
        top, bottom = (int(np.clip(row + sign * radius * 1.4, 0, field.shape[0])) for sign in (-1, 1))
        left, right = (int(np.clip(column + sign * radius * 1.4, 0, field.shape[1])) for sign in (-1, 1))
        ring, axis = crypt_nuclei(rng, (row, column), radius, long, stretch, field.microns, crowd)
        rings.append(ring)
        axes.append(axis)
        if top >= bottom or left >= right:
            continue
        area = (slice(top, bottom), slice(left, right))
        down, across = rows[area] - row, columns[area] - column
        u = (down * long[0] + across * long[1]) / stretch
        v = (down * long[1] - across * long[0]) * stretch
        away = np.sqrt(u * u + v * v) / radius
        foam = smoothstep((1.04 - away) * radius / 3)
        lumen = smoothstep((0.30 - away) * radius / 4)
        field.eosin[area] += (0.34 - field.eosin[area]) * foam
        field.eosin[area] *= 1 - 0.95 * lumen
        np.maximum(glands[area], foam, out=glands[area])
    stamp(field, rng, np.concatenate(rings), EPITHELIUM, np.concatenate(axes))
    stroma = keep(lattice(rng, field.shape, 15 / field.microns / crowd**0.5), 1 - glands)
    stamp(field, rng, stroma, Cells(4.2, 2.0, 0.95, 0.25, 0.15))
    chromatin(field, rng)


def crypt_nuclei(
    rng: np.random.Generator, centre: tuple[float, float], radius: float, long: Points, stretch: float, microns: float,
    crowd: float,
) -> tuple[Points, Points]:  # fmt: skip
    """Places and axes of the nuclei along the base of one crypt; they stand on it like a fence."""
    n = max(8, int(6.283 * radius * microns / 7.2 * crowd))
    # Points of a circle by rotating step by step, so that no sine of the machine enters.
    turn = 6.283185307179586 / n
    cos, sin = 1 - turn**2 / 2 + turn**4 / 24, turn - turn**3 / 6 + turn**5 / 120
    circle = np.empty((n, 2))
    x, y = float(long[0]), float(long[1])
    for i in range(n):
        circle[i] = x, y
        x, y = x * cos - y * sin, x * sin + y * cos
    away = radius * (0.86 + 0.05 * rng.standard_normal((n, 1))) * (0.93 if crowd > 1 else 1.0)
    u, v = circle[:, :1] * away * stretch, circle[:, 1:] * away / stretch
    at = np.concatenate((u * long[0] + v * long[1], u * long[1] - v * long[0]), axis=1)
    length = np.sqrt((at * at).sum(axis=1, keepdims=True)) + 1e-9
    return at + np.array(centre), at / length


def lay_liver(field: Field, rng: np.random.Generator, crowd: float) -> None:
    """Polygonal pink cells in plates, each with a round nucleus; white slits between the plates."""
    step = 21 / field.microns / crowd**0.5
    centres = lattice(rng, field.shape, step, 0.22)
    near, second = two_nearest(field.shape, centres)
    border = smoothstep((second - near) * field.microns / 2.2)
    slits = smoothstep(np.abs(noise(rng, field.shape, 26 / field.microns)) * 4.2 - 0.14)
    grain = 1 + 0.13 * noise(rng, field.shape, max(1.5, 1.6 / field.microns))
    field.eosin[:] = (0.62 + 0.28 * border) * grain * (0.18 + 0.82 * slits)
    stamp(field, rng, keep(centres, slits, 0.75), HEPATOCYTE)
    chromatin(field, rng)


def two_nearest(shape: tuple[int, int], centres: Points) -> tuple[Grey, Grey]:
    """Distance in pixels to the nearest and the second nearest centre, at half resolution."""
    height, width = shape[0] // 2, shape[1] // 2
    near, second = np.full((height, width), 1e9), np.full((height, width), 1e9)
    rows, columns = grid(height, width)
    step = max(6.0, (shape[0] * shape[1] / max(1, len(centres))) ** 0.5)
    reach = int(step) + 2
    for row, column in centres / 2:
        top, left = max(0, int(row) - reach), max(0, int(column) - reach)
        bottom, right = min(height, int(row) + reach + 1), min(width, int(column) + reach + 1)
        if top >= bottom or left >= right:
            continue
        area = (slice(top, bottom), slice(left, right))
        down, across = rows[area] - row, columns[area] - column
        away = np.sqrt(down * down + across * across) * 2
        second[area] = np.minimum(second[area], np.maximum(near[area], away))
        near[area] = np.minimum(near[area], away)
    return double(np.minimum(near, 99)), double(np.minimum(second, 99))


def double(array: Grey) -> Grey:
    """Twice as many rows and columns, a little blurred."""
    return blur(np.repeat(np.repeat(array, 2, axis=0), 2, axis=1), 0.7)


def lay_lymph_node(field: Field, rng: np.random.Generator, crowd: float) -> None:
    """A carpet of lymphocytes, paler where follicles lie."""
    follicles = smoothstep(noise(rng, field.shape, 70 / field.microns) - 0.4)
    field.eosin[:] = 0.40 + 0.08 * fractal(rng, field.shape, 8 / field.microns)
    points = lattice(rng, field.shape, 8.6 / field.microns)
    stamp(field, rng, keep(points, 1 - follicles), LYMPHOCYTE)
    pale = keep(lattice(rng, field.shape, 12.5 / field.microns), follicles)
    stamp(field, rng, pale, Cells(4.3, 3.9, 0.75, 0.15, 0.8))
    chromatin(field, rng)


def lay_brain(field: Field, rng: np.random.Generator, crowd: float) -> None:
    """A pale felt of fibres with a few round nuclei, each in a clear halo."""
    felt = 0.44 + 0.07 * fractal(rng, field.shape, 5 / field.microns) + 0.05 * noise(rng, field.shape, 1.5)
    points = lattice(rng, field.shape, 27 / field.microns / crowd, 0.48)
    halo = Field.blank(field.shape[0], field.microns)
    stamp(halo, rng, points, Cells(6.0, 5.6, 0.8, 0.1, 0.0))
    field.eosin[:] = felt * (1 - 0.85 * np.clip(halo.nuclei, 0, 1))
    stamp(field, rng, points, GLIA)
    chromatin(field, rng)


def lay_muscle(field: Field, rng: np.random.Generator, crowd: float) -> None:
    """Long parallel fibres with bright clefts between them and thin nuclei at their edges."""
    slope = float(rng.uniform(-0.5, 0.5))
    rows, columns = grid(*field.shape)
    across = rows + slope * columns + (4 / field.microns) * noise(rng, field.shape, 60 / field.microns)
    if rng.random() < 0.5:
        across = across.T
    width = 30 / field.microns
    place = across / width
    gap = np.abs(place - np.rint(place))
    cleft = smoothstep((gap - 0.02) * width * field.microns / 2.0)
    fine = noise(rng, field.shape, max(1.5, 2.0 / field.microns))
    field.eosin[:] = (0.98 + 0.06 * fine) * (0.12 + 0.88 * cleft)
    near = smoothstep((0.17 - gap) * 8)
    points = keep(lattice(rng, field.shape, 19 / field.microns / crowd), near)
    axis = np.array([-slope, 1.0]) / (1 + slope * slope) ** 0.5
    flipped = across.flags["F_CONTIGUOUS"] and not across.flags["C_CONTIGUOUS"]
    along = np.tile(axis[::-1] if flipped else axis, (len(points), 1))
    stamp(field, rng, points, SPINDLE, along)
    chromatin(field, rng)


LAY: dict[str, Callable[[Field, np.random.Generator, float], None]] = {
    "colon": lay_colon,
    "liver": lay_liver,
    "lymph node": lay_lymph_node,
    "brain": lay_brain,
    "skeletal muscle": lay_muscle,
}


def cut_edge(field: Field, rng: np.random.Generator) -> None:
    """Bare glass beyond the border of the tissue, at one side of the picture."""
    rows, columns = grid(*field.shape)
    depth = (rows, columns, rows[::-1], columns[:, ::-1])[int(rng.integers(4))]
    border = depth - field.shape[0] * float(rng.uniform(0.05, 0.11)) + 5 * fractal(rng, field.shape, 40)
    tissue = smoothstep(border / 3 + 0.5)
    for dye in (field.nuclei, field.eosin, field.brown):
        dye *= tissue
