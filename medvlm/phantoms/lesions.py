"""What disease leaves on the organs of gross photographs: a mass, necrosis, haemorrhage, a cyst."""

from collections.abc import Callable

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, add, ellipse, lobed, paint, smoothstep
from medvlm.phantoms.fields import blur, fractal, noise
from medvlm.phantoms.organs import Organ
from medvlm.phantoms.specimen import Picture


def mass(
    surface: Picture, page: Frame, at: Point, radius: float, contrast: float, organ: Organ, rng: np.random.Generator
) -> None:
    """A pale firm nodule that bulges, with a thin dark rim."""
    lobes = lobed(rng, 0.16)
    pale = (
        np.array([0.86, 0.75, 0.60]) if organ.name not in ("brain", "colon", "uterus") else np.array([0.80, 0.74, 0.70])
    )
    pale = pale * (0.86 + 0.14 * contrast)
    rim = (0.30, 0.12, 0.10)
    paint(surface, ellipse(page, *at, radius * 1.08, radius * 1.0, 0.0, 3, lobes=lobes) * 0.75, rim)
    grain = 1 + 0.07 * fractal(rng, page.shape, 7.0)
    paint(surface, ellipse(page, *at, radius, radius * 0.92, 0.0, 1.6, lobes=lobes), pale * grain[..., None])
    shade(surface, page, at, radius, 0.17)


def shade(surface: Picture, page: Frame, at: Point, radius: float, strength: float) -> None:
    """Light on a bulge: bright to the upper left, dark to the lower right."""
    x, y = at
    glow = ellipse(page, x - 0.3 * radius, y - 0.3 * radius, radius * 0.5, radius * 0.5, soft=radius * page.scale)
    dark = ellipse(page, x + 0.36 * radius, y + 0.36 * radius, radius * 0.5, radius * 0.5, soft=radius * page.scale)
    for channel in range(3):
        add(surface[..., channel], glow, strength)
        add(surface[..., channel], dark, -strength)


def necrosis(
    surface: Picture, page: Frame, at: Point, radius: float, contrast: float, organ: Organ, rng: np.random.Generator
) -> None:
    """A dull, crumbling yellow-grey patch with a ragged red border."""
    patch = ragged(page, at, radius, rng)
    border = smoothstep((np.clip(blur(patch, 3.0) * 1.8, 0, 1) - patch) * 1.4)
    surface += (np.array([0.45, 0.10, 0.08]) - surface) * (border * 0.6)[..., None]
    crumbs = 1 + 0.13 * fractal(rng, page.shape, 5.0)
    yellow = np.array([0.82, 0.74, 0.34]) + (1 - contrast) * np.array([-0.08, -0.08, 0.10])
    surface += (yellow * crumbs[..., None] - surface) * patch[..., None]


def ragged(page: Frame, at: Point, radius: float, rng: np.random.Generator) -> Grey:
    """Opacity of a patch with an uneven border."""
    down, across = page.y - at[1], page.x - at[0]
    uneven = radius * (1 + 0.2 * np.clip(noise(rng, page.shape, max(4.0, radius * page.scale * 0.5)), -1.5, 1.5))
    inside: Grey = smoothstep((uneven - np.sqrt(down * down + across * across)) * page.scale / 4 + 0.5)
    return inside


def haemorrhage(
    surface: Picture, page: Frame, at: Point, radius: float, contrast: float, organ: Organ, rng: np.random.Generator
) -> None:
    """Blood: nearly black red, brighter red where the organ itself is dark, with splashes around it."""
    patch = ragged(page, at, radius, rng)
    dark = organ.name in ("liver", "spleen", "heart", "kidney")
    blood = np.array([0.62, 0.02, 0.04]) if dark else np.array([0.36, 0.01, 0.03])
    blood = blood * (0.85 + 0.15 * contrast)
    clot = 1 + 0.16 * fractal(rng, page.shape, 8.0)
    surface += (blood * clot[..., None] - surface) * (0.96 * patch)[..., None]
    for _ in range(5):
        x, y = (at[i] + float(rng.uniform(-1.35, 1.35)) * radius for i in (0, 1))
        spot = ellipse(page, x, y, radius * 0.11, radius * 0.09, soft=2)
        paint(surface, spot * 0.85, tuple(blood))


def cyst(
    surface: Picture, page: Frame, at: Point, radius: float, contrast: float, organ: Organ, rng: np.random.Generator
) -> None:
    """A round, thin-walled, watery blister with a bright reflex."""
    x, y = at
    paint(surface, ellipse(page, x, y, radius, radius * 0.95, soft=1.6), (0.90, 0.84, 0.78))
    fluid = np.array([0.46, 0.58, 0.66]) * (0.9 + 0.2 * contrast)
    paint(surface, ellipse(page, x, y, radius * 0.86, radius * 0.81, soft=2.0), fluid)
    paint(
        surface,
        ellipse(
            page, x + radius * 0.12, y + radius * 0.16, radius * 0.5, radius * 0.46, soft=radius * page.scale * 0.7
        ),
        fluid * 0.72,
    )
    paint(
        surface,
        ellipse(page, x - radius * 0.34, y - radius * 0.34, radius * 0.2, radius * 0.13, -0.7, 1.8),
        (1.0, 1.0, 1.0),
    )


LESIONS: dict[str, Callable[[Picture, Frame, Point, float, float, Organ, np.random.Generator], None]] = {
    "mass": mass,
    "necrosis": necrosis,
    "haemorrhage": haemorrhage,
    "cyst": cyst,
}
