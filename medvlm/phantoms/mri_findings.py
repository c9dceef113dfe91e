"""What MRI may show that is not as it should be, painted as signal."""

from collections.abc import Callable

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, ellipse, lobed, outline, paint
from medvlm.phantoms.cases import Plan
from medvlm.phantoms.findings import found, near
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.mri_views import View
from medvlm.phantoms.truth import Finding

Signals = dict[str, float | Grey]


def _found(page: Frame, one: Plan, at: tuple[float, float], radius: float, view: View, sized: bool = True) -> Finding:
    place = {"upper vertebra": "upper lumbar spine", "lower vertebra": "lower lumbar spine"}.get(
        one.place or "", one.place
    )
    size = float(round(2 * radius * view.millimetres)) if sized else None
    return found(page, one.name, at, radius, size, one.side, place, one.count)


def _lesion(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, view: View, signal: Signals) -> Finding:
    """One to three spots; bright in all but T1."""
    page = layers.page
    mask = layers.masks["brain" if view.region == "brain" else "inside"]
    at = near(rng, layers.spots[one.side, one.place], 0.03)
    radius = 0.075 + 0.065 * one.size
    if view.region == "spine":
        radius = 0.07 + 0.04 * one.size
    for dx, dy in ((0.0, 0.0), (-0.04, 0.22), (0.05, -0.22))[: one.count]:
        shape = ellipse(
            page, at[0] + dx, at[1] + dy, radius, radius * 0.85, float(rng.uniform(-1, 1)), 3, lobes=lobed(rng, 0.2)
        )
        paint(picture, shape * (mask * (0.7 + 0.3 * one.contrast)), signal["lesion"])
    return _found(page, one, at, radius, view)


def _mass(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, view: View, signal: Signals) -> Finding:
    page, brain = layers.page, view.region == "brain"
    mask = layers.masks["brain" if brain else "inside"]
    at = near(rng, layers.spots[one.side, one.place], 0.04 if brain else 0.015)
    radius = 0.14 + 0.13 * one.size
    if view.region == "spine":
        radius = 0.075 + 0.045 * one.size if one.place == "spinal canal" else 0.13 + 0.08 * one.size
    lobes = lobed(rng, 0.15)
    if brain:
        swollen = ellipse(page, *at, radius * 1.7, radius * 1.5, float(rng.uniform(-1, 1)), 6, lobes=lobed(rng, 0.35))
        paint(picture, swollen * mask, signal["oedema"])
    paint(
        picture,
        ellipse(page, *at, radius, radius * 0.88, float(rng.uniform(-1, 1)), 2, lobes=lobes) * mask,
        signal["tumour"],
    )
    if view.region != "spine" and rng.random() < 0.65:
        paint(
            picture,
            ellipse(page, *at, radius * 0.6, radius * 0.5, soft=4, lobes=lobed(rng, 0.25)) * mask,
            signal["core"],
        )
    return _found(page, one, at, radius, view)


def _atrophy(
    rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, view: View, signal: Signals
) -> Finding:
    return Finding(one.name, one.side, one.place, layers.page.fraction(0.0, -0.1), 0.3)


def _effusion(
    rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, view: View, signal: Signals
) -> Finding:
    """Fluid above and behind the knee cap, or beside the condyles."""
    page, size = layers.page, one.size
    if view.plane == "sagittal":
        pouch = [
            (-0.56, -1.05 - 0.15 * size),
            (-0.36 + 0.12 * size, -0.85),
            (-0.42, -0.5),
            (-0.48, -0.05),
            (-0.54, -0.1),
            (-0.58, -0.6),
        ]
        paint(picture, outline(page, (-0.49, -0.6), pouch, 2, 1 + 0.25 * size), signal["fluid"])
        paint(picture, ellipse(page, 0.48, 0.02, 0.05 + 0.05 * size, 0.16, soft=2), signal["fluid"])
        return _found(page, one, (-0.48, -0.7), 0.25, view, False)
    for sign in (-1, 1):
        pool = ellipse(
            page, sign * 0.6, -0.12, 0.08 + 0.08 * size, 0.26 + 0.1 * size, sign * 0.1, 2, lobes=lobed(rng, 0.12)
        )
        paint(picture, pool, signal["fluid"])
    paint(picture, ellipse(page, 0, -0.08, 0.09 + 0.04 * size, 0.12, soft=2), signal["fluid"])
    return _found(page, one, (0.0, -0.1), 0.5, view, False)


def _herniation(
    rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, view: View, signal: Signals
) -> Finding:
    """Disc pressed back into the canal."""
    page, size = layers.page, one.size
    x, y = layers.spots[one.side, one.place]
    if view.plane == "sagittal":
        at, rx, ry = (x + 0.22, y + 0.01), 0.09 + 0.05 * size, 0.06 + 0.035 * size
        paint(picture, ellipse(page, x, y, 0.13, 0.035, soft=2), signal["herniation"])
    else:
        at, rx, ry = (x * 0.85, y), 0.1 + 0.05 * size, 0.085 + 0.035 * size
    paint(picture, ellipse(page, *at, rx, ry, soft=1.8, lobes=lobed(rng, 0.12)), signal["herniation"])
    return _found(page, one, at, rx, view)


FINDINGS: dict[str, Callable[[np.random.Generator, Grey, Layers, Plan, View, Signals], Finding]] = {
    "lesion": _lesion,
    "mass": _mass,
    "atrophy": _atrophy,
    "effusion": _effusion,
    "disc herniation": _herniation,
}
