"""A CT volume with known truth: a chest of simple solids in Hounsfield units, in any position of its grid in space.

What is drawn is a function of the place in the patient (mm, DICOM's axes: x to the left, y to the back, z to the head),
so that a grid may be anisotropic, turned or tilted and still shows the same. Points of a grid are drawn with edges as
soft as its voxels are large, so that lengths can be measured at half height. Only sums, products and square roots are
used on arrays: the same arguments give the same numbers on any machine.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medvlm.types import Geometry, Pixels, Spacing, Vector, Window

AIR, LUNG, TISSUE, LESION, BONE, ROD, LEAD = -1000, -850, 40, 30, 500, 1200, 3000
WINDOW = Window(width=400, level=40)
_Field = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rod:
    """A straight round rod, `length` mm from end to end."""

    start: Vector
    end: Vector
    radius: float = 4.0

    @property
    def length(self) -> float:
        return math.dist(self.start, self.end)


@dataclass(frozen=True, slots=True)
class VolumeTruth:
    """What a volume is known to show, in mm of the patient: rods of 50 mm along x, y and z, a ball of lead outside the
    body at the patient's left, a round lesion in the right lung."""

    rods: tuple[Rod, Rod, Rod] = (
        Rod((-25.0, -52.0, 0.0), (25.0, -52.0, 0.0)),
        Rod((0.0, -34.0, -30.0), (0.0, 16.0, -30.0)),
        Rod((0.0, 0.0, -8.0), (0.0, 0.0, 42.0)),
    )
    marker: Vector = (92.0, 0.0, 0.0)
    marker_radius: float = 5.0
    lesion: Vector = (-42.0, 5.0, 12.0)
    lesion_radius: float = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """`voxels`: (slices, rows, columns) int16 Hounsfield units; slices run along `geometry.step`."""

    voxels: Pixels
    geometry: Geometry
    spacing: Spacing
    truth: VolumeTruth = field(default_factory=VolumeTruth)


def draw_volume(
    shape: tuple[int, int, int] = (44, 112, 128),
    spacing: Spacing = Spacing(row=1.5, column=1.6, between=3.0),  # noqa: B008 - frozen
    tilt: float = 0.0,
    turn: float = 0.0,
    truth: VolumeTruth = VolumeTruth(),
) -> Volume:
    """The chest on a grid of (slices, rows, columns) around the patient's origin, axial.

    `tilt` (degrees) leans the slices as a tilted gantry does: the stack still runs along z. `turn` (degrees) rotates
    the grid about z, so that rows and columns lie oblique in the patient. `spacing.between` is along the normal.
    """
    geometry = _grid(shape, spacing, math.radians(tilt), math.radians(turn))
    voxels = np.stack([_slice(geometry, index, shape, spacing, truth) for index in range(shape[0])])
    return Volume(voxels, geometry, spacing, truth)


def _grid(shape: tuple[int, int, int], spacing: Spacing, tilt: float, turn: float) -> Geometry:
    across = np.array([math.cos(turn), math.sin(turn), 0.0])
    down = np.array([-math.sin(turn) * math.cos(tilt), math.cos(turn) * math.cos(tilt), math.sin(tilt)])
    between = spacing.between or 1.0
    step = np.array([0.0, 0.0, between / math.cos(tilt)])
    count, rows, columns = shape
    corner = -(across * spacing.column * (columns - 1) + down * spacing.row * (rows - 1) + step * (count - 1)) / 2
    places = tuple(_vector(corner + step * index) for index in range(count))
    return Geometry(_vector(across), _vector(down), places, _vector(step) if count > 1 else None)


def _vector(values: _Field) -> Vector:
    # Rounded as a header holds them, so that what is read back is equal.
    x, y, z = (round(float(value), 8) + 0.0 for value in values)
    return x, y, z


def _slice(
    geometry: Geometry, index: int, shape: tuple[int, int, int], spacing: Spacing, truth: VolumeTruth
) -> NDArray[np.int16]:
    rows = np.arange(shape[1], dtype=np.float64)[:, np.newaxis] * spacing.row
    columns = np.arange(shape[2], dtype=np.float64)[np.newaxis, :] * spacing.column
    corner, across, down = geometry.positions[index], geometry.across, geometry.down
    x, y, z = (corner[axis] + across[axis] * columns + down[axis] * rows for axis in range(3))
    soft = (spacing.row + spacing.column + (spacing.between or spacing.row)) / 3
    return _painted(x, y, z, soft, truth)


def _painted(x: _Field, y: _Field, z: _Field, soft: float, truth: VolumeTruth) -> NDArray[np.int16]:
    numbers = np.full(x.shape, float(AIR))
    solids = [
        (_tube(x, y, 0.0, 0.0, 84.0, 64.0), TISSUE),
        (_ball(x, y, z, (-42.0, -4.0, 4.0), (30.0, 42.0, 56.0)), LUNG),
        (_ball(x, y, z, (44.0, -4.0, 4.0), (28.0, 42.0, 56.0)), LUNG),
        (_ball(x, y, z, (16.0, -10.0, -16.0), (30.0, 26.0, 30.0)), TISSUE),
        (_tube(x, y, 0.0, 46.0, 14.0, 12.0), BONE),
        (_ball(x, y, z, truth.lesion, (truth.lesion_radius,) * 3), LESION),
        *((_rod(x, y, z, rod), ROD) for rod in truth.rods),
        (_ball(x, y, z, truth.marker, (truth.marker_radius,) * 3), LEAD),
    ]
    for inside, value in solids:
        share = np.clip(inside / soft + 0.5, 0.0, 1.0)
        numbers += share * (value - numbers)
    whole: NDArray[np.int16] = np.rint(numbers).astype(np.int16)
    return whole


def _ball(x: _Field, y: _Field, z: _Field, centre: Vector, radii: Vector) -> _Field:
    """About how far inside an ellipsoid each point is, in mm; negative outside. Exact for a ball."""
    squares = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 + ((z - centre[2]) / radii[2]) ** 2
    return (1.0 - np.sqrt(squares)) * min(radii)


def _tube(x: _Field, y: _Field, middle_x: float, middle_y: float, wide: float, deep: float) -> _Field:
    squares = ((x - middle_x) / wide) ** 2 + ((y - middle_y) / deep) ** 2
    return (1.0 - np.sqrt(squares)) * min(wide, deep)


def _rod(x: _Field, y: _Field, z: _Field, rod: Rod) -> _Field:
    """How far inside the rod, in mm: the nearer of its mantle and its flat ends."""
    length = rod.length
    way = [(end - start) / length for start, end in zip(rod.start, rod.end, strict=True)]
    from_start = (x - rod.start[0], y - rod.start[1], z - rod.start[2])
    along = from_start[0] * way[0] + from_start[1] * way[1] + from_start[2] * way[2]
    squares = from_start[0] ** 2 + from_start[1] ** 2 + from_start[2] ** 2 - along * along
    mantle = rod.radius - np.sqrt(np.maximum(squares, 0.0))
    ends = np.minimum(along, length - along)
    return np.minimum(mantle, ends)
