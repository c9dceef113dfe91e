"""Slices in space: their order along the normal, gaps, gantry tilt, planes and the letters on the screen's edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medvlm.types import Geometry, Spacing, Vector

Plane = Literal["axial", "coronal", "sagittal", "oblique"]
# An axis of the patient -> the letter at its positive and its negative end: left/right, posterior/anterior, head/feet.
_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))
_PLANES: tuple[Plane, Plane, Plane] = ("sagittal", "coronal", "axial")
# Distances that differ by less than this share of the usual one are even: scanners write positions as rounded text.
EVEN = 0.05
# Positions nearer than this, in mm, are the same place.
SAME = 0.01
# A plane is named after an axis that its normal is within 30 degrees of; a smaller letter part than 0.2 is left out.
_NEAR = float(np.cos(np.radians(30.0)))
_PART = 0.2
_TILTED = 0.5


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Slices in order: `order` holds indices into what was given; `spacing` (mm, along the normal) and `step` are None
    where the slices are not even; `gaps` counts slices that seem to be missing, `tilt` is in degrees."""

    order: tuple[int, ...]
    spacing: float | None
    step: Vector | None
    gaps: int
    tilt: float


def directions(values: Sequence[float]) -> tuple[Vector, Vector] | None:
    """ImageOrientationPatient as two unit vectors; None where they have no length or are not at right angles."""
    if len(values) != 6:
        return None
    pair = np.asarray(values, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(pair, axis=1)
    if not np.isfinite(lengths).all() or (np.abs(lengths - 1.0) > 0.05).any():
        return None
    pair = pair / lengths[:, np.newaxis]
    if abs(float(pair[0] @ pair[1])) > 0.02:
        return None
    return vector(pair[0]), vector(pair[1])


def vector(values: NDArray[np.floating] | Sequence[float]) -> Vector:
    """Three numbers of any kind as plain floats."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def normal(across: Vector, down: Vector) -> NDArray[np.float64]:
    """The unit vector (3,) at right angles to a slice: from slice to slice where these run along it."""
    return np.cross(across, down)


def plane_of(across: Vector, down: Vector) -> Plane:
    """The plane by the axis that the normal is nearest to, if it is within 30 degrees of it."""
    axis = np.abs(normal(across, down))
    best = int(np.argmax(axis))
    return _PLANES[best] if axis[best] >= _NEAR else "oblique"


def letters(direction: Vector) -> str:
    """What lies in a direction, largest part first: "L", "PH" for oblique ones."""
    order = np.argsort(-np.abs(direction), kind="stable")
    return "".join(_LETTERS[axis][direction[axis] < 0] for axis in order if abs(direction[axis]) > _PART)


def toward(said: Sequence[str]) -> tuple[Vector, Vector] | None:
    """PatientOrientation (PS3.3 C.7.6.1.1.1) of a picture without a position, such as ("L", "F"), as directions."""
    found = [_said(word) for word in said]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return None
    return found[0], found[1]


def _said(word: str) -> Vector | None:
    parts = np.zeros(3)
    for weight, letter in zip((1.0, 0.5, 0.25), word.strip().upper(), strict=False):
        axis = next((number for number, pair in enumerate(_LETTERS) if letter in pair), None)
        if axis is None or parts[axis]:
            return None
        parts[axis] = -weight if letter == _LETTERS[axis][1] else weight
    length = float(np.linalg.norm(parts))
    return vector(parts / length) if length else None


def arranged(positions: Sequence[Vector], across: Vector, down: Vector) -> Arrangement:
    """Sorts slices along their normal and says how even they are. Positions must differ along it; (n, 3) mm."""
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    along = places @ normal(across, down)
    order = np.argsort(along, kind="stable")
    ranks = tuple(int(index) for index in order)
    if len(ranks) < 2:
        return Arrangement(ranks, None, None, 0, 0.0)
    distances = np.diff(along[order])
    usual = float(np.median(distances))
    if usual <= SAME:
        return Arrangement(ranks, None, None, 0, 0.0)
    missing = int(np.clip(np.rint(distances / usual) - 1, 0, 10_000).sum())
    steps = np.diff(places[order], axis=0)
    tilt = _tilt(steps, distances)
    if (np.abs(distances - usual) > EVEN * usual).any() or _wanders(steps, usual):
        return Arrangement(ranks, None, None, missing, tilt)
    step = (places[order[-1]] - places[order[0]]) / (len(ranks) - 1)
    return Arrangement(ranks, float(step @ normal(across, down)), vector(step), 0, tilt)


def _wanders(steps: NDArray[np.float64], usual: float) -> bool:
    """Whether slices shift sideways from one to the next, each in another way."""
    return bool((np.linalg.norm(steps - np.median(steps, axis=0), axis=1) > EVEN * usual).any())


def _tilt(steps: NDArray[np.float64], distances: NDArray[np.float64]) -> float:
    """The angle between the way through the stack and the normal, in degrees; below half a degree it is none."""
    way = float(np.linalg.norm(steps.sum(axis=0)))
    angle = float(np.degrees(np.arccos(np.clip(distances.sum() / way, -1.0, 1.0)))) if way else 0.0
    return angle if angle >= _TILTED else 0.0


def affine(geometry: Geometry, spacing: Spacing) -> NDArray[np.float64]:
    """(4, 4): pixel (column, row, slice, 1) -> mm of the patient (LPS). Raises ValueError where slices are uneven."""
    if not geometry.positions or (geometry.step is None and len(geometry.positions) > 1):
        raise ValueError("slices that are not evenly spaced have no affine")
    matrix = np.eye(4)
    matrix[:3, 0] = np.asarray(geometry.across) * spacing.column
    matrix[:3, 1] = np.asarray(geometry.down) * spacing.row
    matrix[:3, 2] = geometry.step if geometry.step is not None else normal(geometry.across, geometry.down)
    matrix[:3, 3] = geometry.positions[0]
    return matrix
