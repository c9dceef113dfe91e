"""What gross photographs are made of: eight organs, their flesh, their light and shadow, and the lesions in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms.canvas import Frame, Grey, Point, ellipse, lobed, outline, paint, smoothstep, stroke
from medvlm.phantoms.fields import blur, fractal, noise

Colour = tuple[float, float, float]
Picture = NDArray[np.float64]
_QUARTERS = ("upper left", "upper right", "lower left", "lower right")


@dataclass(frozen=True, slots=True)
class Organ:
    """An organ in page units: its half length is 1. `height` is the full height in half lengths, `length_cm` from end
    to end; `spots` (x, y) is where a lesion of each quarter lies, `room` how large lesions may be there."""

    name: str
    length_cm: float
    height: float
    colour: Colour
    points: tuple[Point, ...]
    spots: Mapping[str, Point]
    room: float
    seen: str


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The organ's outline as opacity, and the depth (0 at the edge to 1) that rounds it in the light."""

    alpha: Grey
    round: Grey


def quarters(x: float, y: float, down: float = 0.0) -> dict[str, Point]:
    """The four places at +-x, +-y about the page's middle, moved `down`."""
    return dict(zip(_QUARTERS, ((-x, down - y), (x, down - y), (-x, down + y), (x, down + y)), strict=True))


ORGANS: tuple[Organ, ...] = (
    Organ(
        "liver",
        24.0,
        1.35,
        (0.43, 0.17, 0.11),
        (
            (-0.98, 0.1),
            (-0.9, -0.38),
            (-0.55, -0.62),
            (-0.05, -0.58),
            (0.4, -0.45),
            (0.85, -0.32),
            (1.0, -0.18),
            (0.72, 0.08),
            (0.25, 0.3),
            (-0.1, 0.48),
            (-0.5, 0.66),
            (-0.85, 0.56),
        ),
        {
            "upper left": (-0.55, -0.27),
            "upper right": (0.38, -0.2),
            "lower left": (-0.58, 0.3),
            "lower right": (0.1, 0.14),
        },
        0.95,
        "A large smooth brown wedge",
    ),
    Organ(
        "kidney",
        11.5,
        1.25,
        (0.50, 0.20, 0.15),
        (
            (-1.0, 0.0),
            (-0.88, -0.42),
            (-0.5, -0.6),
            (0.0, -0.58),
            (0.5, -0.6),
            (0.88, -0.42),
            (1.0, 0.02),
            (0.85, 0.42),
            (0.5, 0.56),
            (0.16, 0.42),
            (0.0, 0.3),
            (-0.16, 0.42),
            (-0.5, 0.56),
            (-0.85, 0.42),
        ),
        quarters(0.55, 0.28),
        0.95,
        "A reddish brown bean cut open",
    ),
    Organ(
        "spleen",
        12.0,
        1.05,
        (0.34, 0.10, 0.17),
        (
            (-1.0, 0.05),
            (-0.8, -0.36),
            (-0.35, -0.52),
            (0.2, -0.5),
            (0.72, -0.36),
            (1.0, 0.0),
            (0.82, 0.32),
            (0.4, 0.38),
            (0.24, 0.3),
            (0.08, 0.42),
            (-0.4, 0.5),
            (-0.82, 0.4),
        ),
        quarters(0.5, 0.22),
        0.85,
        "A dark purple smooth oval",
    ),
    Organ(
        "lung",
        21.0,
        1.55,
        (0.66, 0.43, 0.42),
        (
            (-1.0, 0.25),
            (-0.85, -0.15),
            (-0.45, -0.55),
            (0.05, -0.76),
            (0.5, -0.72),
            (0.85, -0.4),
            (1.0, 0.1),
            (0.95, 0.55),
            (0.6, 0.72),
            (0.1, 0.6),
            (-0.4, 0.68),
            (-0.85, 0.62),
        ),
        {
            "upper left": (-0.4, -0.2),
            "upper right": (0.52, -0.33),
            "lower left": (-0.55, 0.33),
            "lower right": (0.55, 0.37),
        },
        1.0,
        "A spongy pink and grey lump with black specks",
    ),
    Organ(
        "colon",
        16.0,
        1.2,
        (0.76, 0.50, 0.42),
        (
            (-1.0, -0.1),
            (-0.97, -0.5),
            (-0.6, -0.55),
            (-0.2, -0.5),
            (0.2, -0.57),
            (0.6, -0.51),
            (0.97, -0.5),
            (1.0, 0.0),
            (0.97, 0.5),
            (0.6, 0.57),
            (0.2, 0.5),
            (-0.2, 0.56),
            (-0.6, 0.5),
            (-0.97, 0.5),
        ),
        quarters(0.55, 0.27),
        0.95,
        "A flat pink sheet with many cross folds",
    ),
    Organ(
        "uterus",
        10.0,
        1.6,
        (0.74, 0.45, 0.41),
        (
            (-0.98, -0.62),
            (-0.9, -0.72),
            (-0.6, -0.72),
            (-0.3, -0.8),
            (0.0, -0.82),
            (0.3, -0.8),
            (0.6, -0.72),
            (0.9, -0.72),
            (0.98, -0.62),
            (0.6, -0.42),
            (0.52, 0.0),
            (0.38, 0.42),
            (0.3, 0.76),
            (0.0, 0.82),
            (-0.3, 0.76),
            (-0.38, 0.42),
            (-0.52, 0.0),
            (-0.6, -0.42),
        ),
        {
            "upper left": (-0.36, -0.46),
            "upper right": (0.36, -0.46),
            "lower left": (-0.24, 0.3),
            "lower right": (0.24, 0.3),
        },
        0.78,
        "A pink pear with two short arms and a slit in the middle",
    ),
    Organ(
        "heart",
        10.5,
        1.75,
        (0.46, 0.15, 0.13),
        (
            (-1.0, 0.05),
            (-0.86, -0.5),
            (-0.45, -0.82),
            (0.05, -0.87),
            (0.55, -0.74),
            (0.9, -0.35),
            (1.0, 0.12),
            (0.8, 0.58),
            (0.35, 0.85),
            (-0.15, 0.87),
            (-0.6, 0.72),
            (-0.9, 0.42),
        ),
        {
            "upper left": (-0.2, -0.53),
            "upper right": (0.63, -0.35),
            "lower left": (-0.2, 0.55),
            "lower right": (0.62, 0.38),
        },
        0.82,
        "A thick dark red ring cut across, with yellow at its rim",
    ),
    Organ(
        "brain",
        14.0,
        1.5,
        (0.74, 0.62, 0.55),
        (
            (-1.0, 0.0),
            (-0.9, -0.42),
            (-0.55, -0.7),
            (-0.1, -0.75),
            (0.0, -0.66),
            (0.1, -0.75),
            (0.55, -0.7),
            (0.9, -0.42),
            (1.0, 0.0),
            (0.86, 0.45),
            (0.45, 0.66),
            (0.12, 0.6),
            (0.0, 0.68),
            (-0.12, 0.6),
            (-0.45, 0.66),
            (-0.86, 0.45),
        ),
        quarters(0.52, 0.33),
        0.9,
        "A cream slice with a wrinkled tan rim and dark gaps in the middle",
    ),
)


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
