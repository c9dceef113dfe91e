"""What the viewer is told of a scan, and what it tells of the view: plain data on both ways, checked on the way in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from medvlm.errors import UserError
from medvlm.imaging.window import PRESETS, automatic, full_range, is_valid
from medvlm.types import Geometry, Scan, VoiFunction, Window

PlaneName = Literal["axial", "coronal", "sagittal", "stored"]
MeasureKind = Literal["distance", "angle", "ellipse", "box"]
Axis = Literal[0, 1, 2]
Turn = tuple[int, int, int, int]
Point = tuple[float, float]

# A person measures a handful of things; a page that sends thousands is no person's.
MOST_MEASURES = 200
GARBLED = "What the viewer said of the picture cannot be read; reload the page."
# Air has -1000 HU: numbers without a unit that reach this low, well below fat, are taken for HU.
_AIR = -200.0
_POINTS: dict[MeasureKind, int] = {"distance": 2, "angle": 3, "ellipse": 2, "box": 2}


@dataclass(frozen=True, slots=True)
class Preset:
    """A window with its name and its key on the keyboard."""

    name: str
    key: str
    window: Window


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement, as data. `axis`: which index is fixed (0 column, 1 row, 2 slice), `slice` its value from 0.

    `points`: in the plane's pixels, centres at whole numbers: (column, row) on a stored slice, (column, slice) and
    (row, slice) on the planes cut from it. Of an angle the second is the corner; of a box they are opposite corners,
    of an ellipse those of the box around it. `unit`: of `value`, "mm", "mm²", "px", "px²" or "°"; the others are in the
    scan's unit, over `pixels` pixels, `deviation` of them all and not an estimate.
    """

    id: int
    kind: MeasureKind
    axis: Axis
    slice: int
    points: tuple[Point, ...]
    value: float
    unit: str
    mean: float | None = None
    deviation: float | None = None
    least: float | None = None
    most: float | None = None
    pixels: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is on the screen: which plane and slice (from 0), the window, and the user's turn of the conventional view.

    `turn` (a, b, c, d): screen = [a b; c d] of the plane as radiologists look at it. `channels`: three windows that
    make red, green and blue, in place of the one window; only the model is ever given that.
    """

    plane: PlaneName
    axis: Axis
    slice: int
    window: Window | None
    inverted: bool
    turn: Turn
    measures: tuple[Measure, ...] = ()
    channels: tuple[Window, ...] = ()


def part_words(look: Look, scan: Scan) -> str:
    """Which part of a scan is seen: "slice 12 of 40", "coronal 80 of 512"; nothing of a single picture."""
    depth = sizes(scan)[look.axis]
    return f"{look.plane if look.axis != 2 else 'slice'} {look.slice + 1} of {depth}" if depth > 1 else ""


def shown_words(look: Look, scan: Scan) -> str:
    """How it is shown, as far as that differs from how it was opened: "window 1500/-600", "inverted", "turned"."""
    window = None if look.channels else look.window
    differs = window is not None and window != window_of(scan)
    parts = [f"window {window.width:g}/{window.level:g}" if window is not None and differs else ""]
    parts += ["three windows as colours"] if look.channels else []
    parts += ["inverted" if look.inverted != scan.inverted else "", "turned" if look.turn != (1, 0, 0, 1) else ""]
    return ", ".join(part for part in parts if part)


def presets(scan: Scan) -> tuple[Preset, ...]:
    """Windows to choose from: as the scan was opened (key 0), then those of its kind, then what else the file offers
    (keys 1 to 9, as far as they go)."""
    first = Preset("As opened", "0", window_of(scan))
    if _middle(scan).ndim == 3:
        return (first,)
    named = (PRESETS[scan.domain] if _is_hounsfield(scan) else {}) or _contrasts(scan)
    offered = [
        (f"{name or f'Window {number}'} (file)", window)
        for number, (name, window) in enumerate(scan.more_windows, 2)
        if window not in (first.window, *named.values())
    ]
    rest = enumerate((*named.items(), *offered), 1)
    return (first, *(Preset(name.capitalize(), str(n) if n < 10 else "", window) for n, (name, window) in rest))


def _is_hounsfield(scan: Scan) -> bool:
    """Whether CT's presets mean anything: not for a CT in a photograph or PNG. NIfTI says no unit; its numbers do."""
    return scan.unit == "HU" or (not scan.unit and float(_middle(scan).min()) < _AIR)


def window_of(scan: Scan) -> Window:
    """The scan's own window; for colours, and where it has none, the whole range."""
    if scan.window is not None:
        return scan.window
    middle = _middle(scan)
    return full_range(0.0, 255.0) if middle.ndim == 3 else full_range(float(middle.min()), float(middle.max()))


def _contrasts(scan: Scan) -> dict[str, Window]:
    """Where numbers have no fixed meaning: by percentiles of the middle slice, and its whole range."""
    middle = _middle(scan)
    low, high = float(middle.min()), float(middle.max())
    if not low < high:
        return {}
    made: dict[str, Window] = {"1 to 99 %": automatic(middle)}
    inner = [float(value) for value in np.percentile(middle, (5.0, 95.0))]
    if inner[0] < inner[1]:
        made["5 to 95 %"] = full_range(inner[0], inner[1])
    return made | {"whole range": full_range(low, high)}


def manifest(scan: Scan, token: str) -> dict[str, Any]:
    """All that the page's script is told of a scan: nothing that names a person, a file or a day."""
    middle = _middle(scan)
    rows, columns = middle.shape[:2]
    return {
        "token": token,
        "kind": scan.description or scan.kind,
        "domain": scan.domain,
        "columns": columns,
        "rows": rows,
        "slices": len(scan.slices),
        "start": start_of(scan),
        "spacing": None if scan.spacing is None else asdict(scan.spacing),
        "placement": _placement(scan.geometry),
        "volume": is_volume(scan),
        "unit": scan.unit,
        "colour": middle.ndim == 3,
        "whole": middle.dtype.kind in "iub",
        "window": asdict(window_of(scan)),
        "inverted": scan.inverted,
        "presets": [{"name": one.name, "key": one.key, **asdict(one.window)} for one in presets(scan)],
        "frame_seconds": scan.frame_seconds,
    }


def start_of(scan: Scan) -> int:
    """The slice that is shown first (from 0): of a volume the middle, of a cine or a document the first."""
    return len(scan.slices) // 2 if scan.domain in ("ct", "mri") or is_volume(scan) else 0


def is_volume(scan: Scan) -> bool:
    """Whether other planes can be cut: slices of one size, evenly spaced, whose place is known."""
    if scan.geometry is None or scan.geometry.step is None or scan.spacing is None or len(scan.slices) < 2:
        return False
    if isinstance(scan.slices, tuple):
        return len({pixels.shape for pixels in scan.slices}) == 1
    return True


def _placement(geometry: Geometry | None) -> dict[str, Any] | None:
    if geometry is None:
        return None
    # A thousandth of a millimetre is far below what a scanner knows.
    positions = [[round(part, 3) for part in position] for position in geometry.positions]
    return {"across": geometry.across, "down": geometry.down, "positions": positions, "step": geometry.step}


def _middle(scan: Scan) -> Any:
    return scan.slices[len(scan.slices) // 2]


def look_of(data: Mapping[str, Any], scan: Scan) -> Look:
    """What the script said of the view, checked against the scan. Raises `UserError` for what makes no sense."""
    try:
        axis = _axis(data["axis"])
        look = Look(
            plane=_one_of(data["plane"], get_args(PlaneName)),
            axis=axis,
            slice=_index(data["slice"], sizes(scan)[axis]),
            window=None if _middle(scan).ndim == 3 else _window(data["window"]),
            inverted=data["inverted"] is True,
            turn=_turn(data["turn"]),
            measures=measures_of(data, scan, str(data["token"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(GARBLED) from None
    return look


def measures_of(data: Mapping[str, Any], scan: Scan, token: str) -> tuple[Measure, ...]:
    """The measurements on the scan with that token. Raises KeyError, TypeError or ValueError for nonsense."""
    said = data["measures"]
    if not isinstance(said, Sequence) or len(said) > MOST_MEASURES:
        raise ValueError("too many measurements")
    return tuple(_measure(one, scan) for one in said if one["token"] == token)


def _measure(data: Mapping[str, Any], scan: Scan) -> Measure:
    kind = _one_of(data["kind"], get_args(MeasureKind))
    axis = _axis(data["axis"])
    points = tuple((_number(x), _number(y)) for x, y in data["points"])
    if len(points) != _POINTS[kind]:
        raise ValueError("a measurement without its points")
    numbers = {
        name: _number(data[name]) for name in ("mean", "deviation", "least", "most") if data.get(name) is not None
    }
    return Measure(
        id=_index(data["id"], 1 << 31),
        kind=kind,
        axis=axis,
        slice=_index(data["slice"], sizes(scan)[axis]),
        points=points,
        value=_number(data["value"]),
        unit=_one_of(data["unit"], ("mm", "px", "mm²", "px²", "°")),
        pixels=None if data.get("pixels") is None else _index(data["pixels"], 1 << 40),
        **numbers,
    )


def sizes(scan: Scan) -> tuple[int, int, int]:
    """How many columns, rows and slices it has."""
    rows, columns = _middle(scan).shape[:2]
    return columns, rows, len(scan.slices)


def _window(data: Mapping[str, Any]) -> Window:
    function = cast(VoiFunction, _one_of(data["function"], get_args(VoiFunction)))
    window = Window(_number(data["width"]), _number(data["level"]), function)
    if not is_valid(window):
        raise ValueError("a window without a width")
    return window


def _turn(data: Sequence[Any]) -> Turn:
    a, b, c, d = (_index(part + 1, 3) - 1 for part in data)
    if abs(a * d - b * c) != 1 or abs(a) + abs(b) != 1:
        raise ValueError("no quarter turn")
    return a, b, c, d


def _axis(value: Any) -> Axis:
    return cast(Axis, _index(value, 3))


def _index(value: Any, size: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not 0 <= value < size:
        raise ValueError("no index")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)


def _one_of(value: Any, allowed: Sequence[Any]) -> Any:
    if value not in allowed:
        raise ValueError("none of these")
    return value
