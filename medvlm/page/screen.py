"""What the viewer shows, drawn in Python: the same plane, window and turn, for the model and for exports."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medvlm.imaging.window import to_grey
from medvlm.page.viewing import Axis, Look, PlaneName, Point, Turn, sizes, start_of, window_of
from medvlm.types import Pixels, Scan

# Fixed index -> what x and y of the plane are: 0 columns, 1 rows, 2 slices.
_AXES: dict[Axis, tuple[int, int]] = {2: (0, 1), 1: (0, 2), 0: (1, 2)}
# What goes to the right and down on the screen: the patient seen from the feet, from the front, from the left.
_CONVENTION: dict[PlaneName, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}
# By the patient axis that a plane's normal is nearest to.
_BY_NORMAL: tuple[PlaneName, ...] = ("sagittal", "coronal", "axial")
UPRIGHT: Turn = (1, 0, 0, 1)
# Sides that differ by less than this share are taken as equal: a resize would only blur.
_SAME = 0.01
# A picture of at most so many bytes is kept once it is drawn; a larger one is drawn again when it is asked for.
_KEPT = 16 << 20


def at_first(scan: Scan) -> Look:
    """What the viewer shows of a scan before anybody has touched it. Raises `UserError` for a damaged middle slice."""
    window = window_of(scan) if scan.slices[len(scan.slices) // 2].ndim == 2 else None
    return Look(stored_plane(scan), 2, start_of(scan), window, scan.inverted, UPRIGHT)


def stored_plane(scan: Scan) -> PlaneName:
    """The plane that the stored slices lie in, as `planesOf` of the viewer's `geometry.js` names it."""
    moves = _moves(scan)
    if moves is None:
        return "stored"
    normals = [np.cross(moves[x], moves[y]) for x, y in (_AXES[2], _AXES[1], _AXES[0])]
    shares = [np.abs(normal) / np.linalg.norm(normal) for normal in normals]
    best = max(permutations(range(3)), key=lambda order: sum(shares[n][axis] for n, axis in enumerate(order)))
    return _BY_NORMAL[best[0]]


class _Shot(Sequence[Pixels]):
    """One picture, drawn when somebody looks at it."""

    def __init__(self, scan: Scan, look: Look) -> None:
        self._scan = scan
        self._look = look
        self._kept: Pixels | None = None

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> Pixels: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Pixels]: ...

    def __getitem__(self, index: int | slice) -> Pixels | Sequence[Pixels]:
        if isinstance(index, slice):
            return tuple(self[one] for one in range(*index.indices(1)))
        if index not in (0, -1):
            raise IndexError(index)
        pixels = drawn(self._scan, self._look) if self._kept is None else self._kept
        if pixels.nbytes <= _KEPT:
            self._kept = pixels
        return pixels


def shot(scan: Scan, look: Look) -> Scan:
    """What is on the screen as a picture of its own, of one slice in RGB: that is what the model is given.

    Its `sha256` names scan and view together. Drawing it raises `UserError` where a slice is damaged.
    """
    bare = replace(look, measures=())
    name = hashlib.sha256(f"{scan.sha256} {bare}".encode()).hexdigest()
    return replace(scan, slices=_Shot(scan, bare), sha256=name, window=None, inverted=False, geometry=None)


def drawn(scan: Scan, look: Look) -> NDArray[np.uint8]:
    """The whole plane that `look` shows, without zoom and pan, as uint8 RGB of shape (H, W, 3).

    Greys as `medvlm.imaging.render` makes them; pixels made square by their spacing, planes across a tilted gantry
    slanted as they lie in the patient, with black around. Raises `UserError` where a slice is damaged.
    """
    grey = _coloured(_cut(scan, look.axis, look.slice), scan, look)
    metric = _metric(scan, look.axis, len(grey))
    laid = _slanted(grey, metric) if metric.slant else _square(grey, metric.across, metric.down)
    return np.ascontiguousarray(_turned(laid, _turn(scan, look)))


def placed(scan: Scan, look: Look, points: Sequence[Point]) -> tuple[Point, ...]:
    """Points of a measurement, as `Measure` has them, in the picture that `drawn` makes: fractions (0 to 1) of its
    width and height."""
    columns, rows = (sizes(scan)[axis] for axis in _AXES[look.axis])
    metric = _metric(scan, look.axis, rows)
    a, b, c, d = _turn(scan, look)
    found = []
    for column, row in points:
        along = metric.across * (column + 0.5) + metric.slant * (row + 0.5) - metric.left(rows)
        across, down = along / metric.width(columns, rows), (row + 0.5) / rows
        found.append((_along(across if a else down, a + b), _along(across if c else down, c + d)))
    return tuple(found)


def _along(fraction: float, sign: int) -> float:
    return fraction if sign > 0 else 1.0 - fraction


def _turn(scan: Scan, look: Look) -> Turn:
    """From the plane as it is stored to the screen."""
    moves = _moves(scan)
    x, y = _AXES[look.axis]
    return _after(look.turn, (1, 0, 0, 1) if moves is None else conventional(look.plane, moves[x], moves[y]))


def conventional(plane: PlaneName, x: NDArray[Any], y: NDArray[Any]) -> Turn:
    """The turn that lays growing x and y (vectors of the patient) the way radiologists look at that plane."""
    if plane not in _CONVENTION:
        return 1, 0, 0, 1
    right, down = (np.asarray(way) for way in _CONVENTION[plane])
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    if abs(x @ right) + abs(y @ down) >= abs(x @ down) + abs(y @ right):
        return _sign(x @ right), 0, 0, _sign(y @ down)
    return 0, _sign(y @ right), _sign(x @ down), 0


def _sign(value: float) -> int:
    return -1 if value < 0 else 1


def _moves(scan: Scan) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Where columns, rows and slices go in the patient; None where no position is known."""
    if scan.geometry is None or not scan.geometry.positions:
        return None
    across, down = np.asarray(scan.geometry.across), np.asarray(scan.geometry.down)
    step = np.cross(across, down) if scan.geometry.step is None else np.asarray(scan.geometry.step)
    return across, down, step


def _sides(scan: Scan) -> tuple[float, float, float]:
    """mm from pixel to pixel along columns, rows and slices."""
    if scan.spacing is None:
        return 1.0, 1.0, 1.0
    step = None if scan.geometry is None else scan.geometry.step
    between = float(np.linalg.norm(step)) if step is not None else (scan.spacing.between or 1.0)
    return scan.spacing.column, scan.spacing.row, between


def _cut(scan: Scan, axis: Axis, index: int) -> Pixels:
    if axis == 2:
        return scan.slices[index]
    lines = [pixels[index] if axis == 1 else pixels[:, index] for pixels in scan.slices]
    return np.stack(lines)


def _coloured(pixels: Pixels, scan: Scan, look: Look) -> NDArray[np.uint8]:
    if pixels.ndim == 3:
        shown = np.asarray(pixels, dtype=np.uint8)
    else:
        windows = look.channels or (look.window or window_of(scan),) * 3
        greys = {window: to_grey(pixels, window) for window in windows}
        shown = np.stack([greys[window] for window in windows], axis=2)
    return 255 - shown if look.inverted else shown


class _Metric(NamedTuple):
    """A step of (x, y) pixels in a plane is (across * x + slant * y, down * y) mm, as `metricOf` of `geometry.js`."""

    across: float
    slant: float
    down: float

    def left(self, rows: int) -> float:
        """mm from the plane's first pixel to its leftmost corner, not positive."""
        return min(self.slant * rows, 0.0)

    def width(self, columns: int, rows: int) -> float:
        """mm from its leftmost to its rightmost corner."""
        return self.across * columns + abs(self.slant) * rows


def _metric(scan: Scan, axis: Axis, rows: int) -> _Metric:
    """Of the plane at right angles to an axis; a slant of less than half a pixel over all `rows` is rounding."""
    sides, moves = _sides(scan), _moves(scan)
    x, y = _AXES[axis]
    if moves is None:
        return _Metric(sides[x], 0.0, sides[y])
    one, other = (moves[n] / np.linalg.norm(moves[n]) for n in (x, y))
    slant = sides[y] * float(one @ other)
    if abs(slant) * rows < sides[x] / 2:
        return _Metric(sides[x], 0.0, sides[y])
    return _Metric(sides[x], slant, math.sqrt(max(sides[y] ** 2 - slant**2, 1e-12)))


def _slanted(shown: NDArray[np.uint8], metric: _Metric) -> NDArray[np.uint8]:
    """Each row moved sideways by the slant, in pixels as small on both sides as on the smaller one."""
    rows, columns = shown.shape[:2]
    across, slant, down = metric
    small = min(across, down)
    size = (max(1, round(metric.width(columns, rows) / small)), max(1, round(down * rows / small)))
    # From a place in what is made to one in what is shown, edges of pixels at whole numbers.
    back = (small / across, -slant * small / (down * across), metric.left(rows) / across, 0.0, small / down, 0.0)
    made = Image.fromarray(shown).transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    return np.asarray(made)


def _square(shown: NDArray[np.uint8], x: float, y: float) -> NDArray[np.uint8]:
    """Pixels of x by y mm made as small on both sides as on the smaller one."""
    if abs(x / y - 1) <= _SAME:
        return shown
    small = min(x, y)
    rows, columns = shown.shape[:2]
    size = (max(1, round(columns * x / small)), max(1, round(rows * y / small)))
    return np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BILINEAR))


def _after(second: Turn, first: Turn) -> Turn:
    a, b, c, d = second
    e, f, g, h = first
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _turned(shown: NDArray[np.uint8], turn: Turn) -> NDArray[np.uint8]:
    """screen = [a b; c d] of the picture: at most a transposition, then mirrored where a sign is negative."""
    a, b, c, d = turn
    laid = shown.transpose(1, 0, 2) if b else shown
    return laid[:: c + d, :: a + b]
