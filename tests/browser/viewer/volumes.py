"""Scans with known truth for the viewer: rods of 50 mm, a marker at the patient's left, numbers at known places."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medvlm.types import Domain, Geometry, Pixels, Scan, Spacing, Vector, Window

AIR, TISSUE, BONE = -1000, 40, 1000
ROD = 50.0
ABDOMEN = Window(400, 40)


def scan(
    stack: NDArray[Any],
    domain: Domain = "ct",
    spacing: Spacing | None = None,
    geometry: Geometry | None = None,
    window: Window | None = ABDOMEN,
    **more: object,
) -> Scan:
    """A stack (n, H, W) or (n, H, W, 3) as a scan."""
    slices: tuple[Pixels, ...] = tuple(stack)
    unit = "HU" if domain == "ct" else ""
    return Scan(
        slices, domain, "file", "0" * 64, "phantom", "Phantom", spacing, window, unit=unit, geometry=geometry, **more
    )  # type: ignore[arg-type]


def rods(across: Vector = (1, 0, 0), down: Vector = (0, 1, 0), tilt: float = 0.0) -> Scan:
    """Three rods of 50 mm, from edge to edge, in a block of tissue of 0.625 x 0.625 x 2.5 mm.

    Along columns at row 30 of slice 12; along rows at column 30 of slice 20; straight along the normal from slice 8 on,
    at column 90. `tilt`: mm that each slice is shifted along its rows' index against the one before.
    """
    wide, between = 0.625, 2.5
    stack = np.full((40, 144, 128), TISSUE, np.int16)
    stack[12, 30, 20:100] = BONE
    stack[20, 24:104, 30] = BONE
    for n in range(20):
        row = round(90 - n * tilt / wide)
        stack[8 + n, row - 1 : row + 2, 89:92] = BONE
    way = vector(between * np.cross(across, down) + tilt * np.asarray(down))
    positions = tuple(vector(n * np.asarray(way)) for n in range(len(stack)))
    return scan(stack, spacing=Spacing(wide, wide, between), geometry=Geometry(across, down, positions, way))


def vector(values: NDArray[np.floating[Any]]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def marked(across: Vector = (1, 0, 0), down: Vector = (0, 1, 0), slices: int = 24, upwards: float = 1.0) -> Scan:
    """A block of tissue in air with a bright marker at the patient's left, front and head end, stored in any order.

    `upwards`: 1 for slices from feet to head, -1 for head to feet.
    """
    stack = np.full((slices, 64, 64), AIR, np.int16)
    stack[:, 8:56, 8:56] = TISSUE
    left, front = _toward(across, down, (1, 0, 0)), _toward(across, down, (0, -1, 0))
    column, row = 31.5 + 20 * (left[0] + front[0]), 31.5 + 20 * (left[1] + front[1])
    top = slice(-6, None) if upwards > 0 else slice(0, 6)
    stack[top, int(row) - 3 : int(row) + 4, int(column) - 3 : int(column) + 4] = BONE
    way = (0.0, 0.0, 3.0 * upwards)
    positions = tuple((0.0, 0.0, n * way[2]) for n in range(slices))
    return scan(stack, spacing=Spacing(1, 1, 3), geometry=Geometry(across, down, positions, way))


def _toward(across: Vector, down: Vector, way: Vector) -> tuple[int, int]:
    """A direction of the patient as column and row steps."""
    return int(np.dot(across, way)), int(np.dot(down, way))


def steps(kind: str = "<i2", inverted: bool = False) -> Scan:
    """One picture of 16 x 16 squares of HU from -1024 upwards by 16, or its negative as MONOCHROME1 stores it."""
    values = np.repeat(np.repeat(np.arange(256).reshape(16, 16), 8, 0), 8, 1) * 16 - 1024
    stored = -values if inverted else values
    window = Window(1000, -200 if inverted else 200, "LINEAR_EXACT")
    return scan(stored[np.newaxis].astype(kind), window=window, inverted=inverted)


def body(slices: int = 60, side: int = 256, seed: int = 0) -> Scan:
    """A chest of ellipses with lungs, spine and ribs, noise and all: what screenshots and speed are judged on."""
    z, y, x = np.mgrid[:slices, :side, :side].astype(np.float32)
    u, v, w = (x / side - 0.5) * 2, (y / side - 0.5) * 2, (z / slices - 0.5) * 2
    random = np.random.default_rng(seed)
    stack = np.full(x.shape, AIR, np.float32)
    trunk = (u / 0.86) ** 2 + (v / 0.62) ** 2 < 1
    stack[trunk] = -90
    stack[(u / 0.8) ** 2 + (v / 0.56) ** 2 < 1] = TISSUE
    for side_ in (-1, 1):
        lung = ((u - side_ * 0.38) / 0.3) ** 2 + ((v + 0.03) / 0.42) ** 2 + (w / 1.15) ** 2 < 1
        stack[lung] = -850
        ribs = np.abs(((u - side_ * 0.38) / 0.36) ** 2 + (v / 0.5) ** 2 - 1) < 0.09
        stack[ribs & (((z + 3 * np.abs(v)) % 9) < 3) & trunk] = 450
    stack[((u / 0.09) ** 2 + ((v - 0.4) / 0.09) ** 2 < 1) & ((z % 8) > 1)] = 380
    stack[((u - 0.12) / 0.26) ** 2 + ((v + 0.14) / 0.2) ** 2 + ((w - 0.25) / 0.5) ** 2 < 1] = 55
    stack[((u - 0.5) / 0.05) ** 2 + ((v + 0.1) / 0.05) ** 2 + ((w + 0.2) / 0.12) ** 2 < 1] = 30
    stack += random.normal(0, 14, stack.shape)
    spacing = Spacing(380 / side, 380 / side, 4.0)
    positions = tuple((-190.0, -190.0, -120.0 + 4.0 * n) for n in range(slices))
    geometry = Geometry((1, 0, 0), (0, 1, 0), positions, (0.0, 0.0, 4.0))
    return scan(stack.astype(np.int16), spacing=spacing, geometry=geometry, description="CT chest")


def radiograph(geometry: Geometry | None = None) -> Scan:
    """A large picture of 12 bits without scale, as a chest X-ray comes."""
    y, x = np.mgrid[:2200, :1800].astype(np.float32)
    u, v = x / 900 - 1, y / 1100 - 1
    grey = 2600 - 1500 * np.exp(-((((np.abs(u) - 0.42) / 0.3) ** 2 + (v / 0.7) ** 2) ** 2)) + 300 * (np.abs(u) < 0.12)
    grey += 200 * np.sin(18 * v + 4 * np.abs(u)) + np.random.default_rng(0).normal(0, 40, grey.shape)
    pixels = np.clip(grey, 0, 4095).astype(np.uint16)
    return scan(
        pixels[np.newaxis], "cxr", Spacing(0.16, 0.16), geometry, Window(3000, 1900), description="X-ray chest PA"
    )


def colours() -> Scan:
    """One RGB picture: red to the right, green downwards."""
    y, x = np.mgrid[:200, :256]
    pixels = np.stack([x, y, np.full_like(x, 128)], axis=-1).astype(np.uint8)
    return scan(pixels[np.newaxis], "histology", window=None)
