"""An organ on a board as a photograph shows it: its outline and flesh, the light on it and its shadow."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms.canvas import Frame, Grey, ellipse, lobed, outline, paint, smoothstep, stroke
from medvlm.phantoms.fields import blur, fractal, noise
from medvlm.phantoms.organs import Organ

# (h, w, 3): red, green and blue, 0..1.
Picture = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The organ's outline as opacity, and the depth (0 at the edge to 1) that rounds it in the light."""

    alpha: Grey
    round: Grey


def lay(organ: Organ, page: Frame, rng: np.random.Generator) -> Body:
    """The organ's outline on the page, no two alike, and how it bulges."""
    uneven = tuple(
        (x * (1 + float(rng.uniform(-0.04, 0.04))), y * (1 + float(rng.uniform(-0.05, 0.05)))) for x, y in organ.points
    )
    alpha = outline(page, (0.0, 0.0), uneven, soft=1.6).full(page.shape)
    flat = organ.name in ("colon", "brain", "heart", "kidney")
    rounded = smoothstep(wide_blur(alpha, page.scale * (0.05 if flat else 0.16)) * 2 - 1)
    return Body(alpha, np.clip(rounded + (0.25 if flat else 0.0), 0, 1))


def wide_blur(array: Grey, sigma: float) -> Grey:
    """Gaussian blur of at least 6 pixels, done at a quarter of the size: smooth anyway, and many times faster."""
    height, width = array.shape
    small = array.reshape(height // 4, 4, width // 4, 4).sum(axis=3).sum(axis=1) / 16
    return stretched(stretched(blur(small, sigma / 4), height).T, width).T


def stretched(array: Grey, size: int) -> Grey:
    """Linear interpolation of the rows to `size` rows."""
    at = np.clip((np.arange(size) + 0.5) * len(array) / size - 0.5, 0, len(array) - 1)
    low = np.minimum(at.astype(np.intp), len(array) - 2)
    part = (at - low)[:, None]
    between: Grey = array[low] * (1 - part) + array[low + 1] * part
    return between


def shadow(picture: Picture, body: Body) -> None:
    """The board is darker to the lower right of the organ."""
    dark = wide_blur(body.alpha, 6.0)
    moved = np.zeros_like(dark)
    moved[5:, 4:] = dark[:-5, :-4]
    picture *= (1 - 0.5 * moved)[..., None]


def flesh(organ: Organ, page: Frame, body: Body, rng: np.random.Generator) -> Picture:
    """The organ's colours over the whole picture, before light falls on it."""
    shape = page.shape
    colour = np.array(organ.colour) * rng.uniform(0.88, 1.12, 3)
    mottle = 0.05 * fractal(rng, shape, page.scale * 0.3) + 0.03 * noise(rng, shape, 3.0)
    surface = np.asarray(colour * (1 + mottle)[..., None], dtype=np.float64)
    DETAILS[organ.name](surface, page, body, rng)
    return surface


def lit(surface: Picture, body: Body, rng: np.random.Generator) -> Picture:
    """Rounded at the edges, brighter to the upper left, with wet highlights."""
    bulge = body.round
    slope = np.zeros_like(bulge)
    slope[2:-2, 2:-2] = (bulge[4:, 2:-2] - bulge[:-4, 2:-2]) + (bulge[2:-2, 4:] - bulge[2:-2, :-4])
    shade = 0.55 + 0.45 * bulge + np.clip(slope, -0.5, 0.5) * 0.9
    ripple = noise(rng, bulge.shape, 3.5) + 0.6 * noise(rng, bulge.shape, 12.0)
    wet = smoothstep((ripple - 2.3 + np.clip(slope, 0, 0.2) * 3) / 0.6) * float(rng.uniform(0.15, 0.6))
    bright: Picture = surface * shade[..., None]
    bright += (0.97 - bright) * (wet * body.alpha)[..., None]
    return bright


def liver_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """The cleft between the lobes."""
    cleft = stroke(page, [(0.12, -0.62), (0.16, -0.3), (0.14, 0.02), (0.2, 0.36)], 0.03, soft=3)
    paint(surface, cleft * 0.55, (0.20, 0.07, 0.05))


def kidney_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """Cut open: dark pyramids around a pale yellow pelvis."""
    paint(surface, ellipse(page, 0.0, 0.06, 0.72, 0.32, soft=8), (0.60, 0.30, 0.22))
    for x, y in ((-0.66, 0.06), (-0.5, -0.2), (-0.18, -0.31), (0.18, -0.31), (0.5, -0.2), (0.66, 0.06)):
        turn = (0.0, 0.9, 1.35, -1.35, -0.9, 0.0)[round((x + 0.66) / 0.264)]
        paint(surface, ellipse(page, x, y, 0.17, 0.105, turn, 2.5, lobes=lobed(rng, 0.08)), (0.33, 0.09, 0.09))
    paint(surface, ellipse(page, 0.0, 0.16, 0.36, 0.15, soft=4, lobes=lobed(rng, 0.2)), (0.87, 0.74, 0.46))
    paint(surface, ellipse(page, 0.0, 0.2, 0.16, 0.06, soft=2), (0.72, 0.52, 0.42))


def spleen_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """A wrinkled, slightly grey capsule."""
    wrinkles = smoothstep(1 - np.abs(noise(rng, page.shape, 16.0)) * 5) * 0.16
    surface += (np.array([0.50, 0.34, 0.42]) - surface) * wrinkles[..., None]


def lung_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """Sponge, black dust in a net, and the fissure between the lobes."""
    sponge = 0.12 * noise(rng, page.shape, 2.0)
    surface *= (1 + sponge)[..., None]
    net = smoothstep(1 - np.abs(noise(rng, page.shape, 13.0)) * 4) * smoothstep(noise(rng, page.shape, 30.0) + 0.5)
    surface += (np.array([0.16, 0.14, 0.16]) - surface) * (0.6 * net)[..., None]
    fissure = stroke(page, [(-0.75, -0.22), (-0.3, 0.02), (0.15, 0.12), (0.62, 0.02), (0.98, 0.05)], 0.035, soft=2.5)
    paint(surface, fissure * 0.75, (0.28, 0.14, 0.15))


def colon_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """Opened flat: folds run across, fat hangs on at both long edges."""
    across = page.x * 7.5 + 0.35 * noise(rng, page.shape, 28.0)
    fold = np.abs(across - np.rint(across)) * 2
    height = smoothstep(1 - np.abs(page.y) / 0.58) * 0.5 + 0.5
    surface *= (1 + (0.30 * smoothstep(fold) - 0.19) * height)[..., None]
    rim = smoothstep((np.abs(page.y) - 0.44) / 0.06 + 0.3 * noise(rng, page.shape, 10.0))
    surface += (np.array([0.90, 0.76, 0.38]) - surface) * (0.9 * rim)[..., None]


def uterus_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """Cut open: a paler wall and a red slit that widens above."""
    slit = outline(
        page,
        (0.0, -0.2),
        (
            (-0.26, -0.5),
            (0.0, -0.44),
            (0.26, -0.5),
            (0.08, -0.1),
            (0.05, 0.3),
            (0.0, 0.62),
            (-0.05, 0.3),
            (-0.08, -0.1),
        ),
        2.5,
    )
    paint(surface, slit, (0.52, 0.13, 0.14))
    whorls = noise(rng, page.shape, 7.0) * 0.035
    surface += whorls[..., None]


def heart_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """Cut across: a round dark cavity in a thick wall, a crescent beside it, fat at the rim."""
    rim = smoothstep((0.8 - wide_blur(body.alpha, 9.0)) * 6 + 0.4 * noise(rng, page.shape, 14.0))
    surface += (np.array([0.88, 0.74, 0.38]) - surface) * (rim * 0.9)[..., None]
    paint(surface, ellipse(page, 0.22, 0.0, 0.30, 0.28, 0.3, 3, lobes=lobed(rng, 0.22)), (0.12, 0.02, 0.03))
    crescent = ellipse(page, -0.55, 0.02, 0.27, 0.52, 0.0, 3, lobes=lobed(rng, 0.1))
    paint(surface, crescent.minus(ellipse(page, 0.16, 0.02, 0.66, 0.62, soft=3)), (0.14, 0.03, 0.04))


def brain_details(surface: Picture, page: Frame, body: Body, rng: np.random.Generator) -> None:
    """A wrinkled ribbon of cortex around cream white matter, two dark ventricles, the cleft between the halves."""
    depth = wide_blur(body.alpha, page.scale * 0.10) + 0.10 * noise(rng, page.shape, page.scale * 0.10)
    white = smoothstep((depth - 0.86) * 9)
    surface += (np.array([0.88, 0.81, 0.70]) - surface) * white[..., None]
    furrow = smoothstep(1 - np.abs(noise(rng, page.shape, page.scale * 0.085)) * 5) * (1 - white)
    surface += (np.array([0.40, 0.22, 0.20]) - surface) * (0.75 * furrow)[..., None]
    for side in (-1.0, 1.0):
        paint(surface, ellipse(page, 0.12 * side, -0.06, 0.05, 0.2, -0.45 * side, 2.5), (0.20, 0.12, 0.11))
        paint(surface, ellipse(page, 0.26 * side, 0.14, 0.13, 0.10, 0.4 * side, 5), (0.72, 0.58, 0.50))
    paint(surface, stroke(page, [(0.0, -0.75), (0.0, -0.3)], 0.035, soft=2), (0.28, 0.16, 0.15))
    paint(surface, stroke(page, [(0.0, 0.12), (0.0, 0.3)], 0.03, soft=2), (0.25, 0.14, 0.13))


DETAILS: dict[str, Callable[[Picture, Frame, Body, np.random.Generator], None]] = {
    "liver": liver_details,
    "kidney": kidney_details,
    "spleen": spleen_details,
    "lung": lung_details,
    "colon": colon_details,
    "uterus": uterus_details,
    "heart": heart_details,
    "brain": brain_details,
}
