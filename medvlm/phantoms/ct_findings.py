"""What CT may show that is not as it should be, painted in Hounsfield units."""

from collections.abc import Callable

import numpy as np

from medvlm.phantoms import bodies, heads
from medvlm.phantoms.canvas import Frame, Grey, ellipse, lobed, paint, stroke
from medvlm.phantoms.cases import Plan
from medvlm.phantoms.fields import noise
from medvlm.phantoms.findings import found, near
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.truth import Finding


def _found(page: Frame, one: Plan, at: tuple[float, float], radius: float, unit: float, sized: bool = True) -> Finding:
    place = one.place
    if place == "organ":
        place = "liver" if one.side == "right" else "spleen"
    size = float(round(2 * radius * unit)) if sized else None
    return found(page, one.name, at, radius, size, one.side, place, one.count)


def _in_brain(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    """A bleed (60 to 80 HU, thin dark rim), an infarct (12 to 22 HU, wedge to the surface) or a mass."""
    page, mask = layers.page, layers.masks["brain"]
    at = near(rng, layers.spots[one.side, one.place], 0.05)
    radius = 0.11 + 0.15 * one.size
    lobes = lobed(rng, 0.25 if one.name != "mass" else 0.12)
    if one.name == "infarct":
        radius *= 1.2
        shape = ellipse(page, *at, radius * 1.15, radius * 0.9, float(rng.uniform(-1, 1)), 5, lobes=lobes)
        paint(picture, shape * (mask * (0.85 + 0.15 * one.contrast)), 16.0 - 8 * one.contrast)
        return _found(page, one, at, radius, heads.MILLIMETRES)
    rim = ellipse(page, *at, radius * 1.45, radius * 1.35, soft=6, lobes=lobes) * mask
    paint(picture, rim * 0.8, 19.0)
    shape = (
        ellipse(page, *at, radius, radius * float(rng.uniform(0.75, 1.0)), float(rng.uniform(-1, 1)), 2, lobes=lobes)
        * mask
    )
    if one.name == "bleed":
        paint(picture, shape, 64.0 + 14 * one.contrast)
    else:
        paint(picture, shape, (88.0 if contrast else 50.0) + 14 * one.contrast)
        core = ellipse(page, *at, radius * 0.5, radius * 0.45, soft=4, lobes=lobes)
        paint(picture, core * mask, 16.0)
    return _found(page, one, at, radius, heads.MILLIMETRES)


def _skull_fracture(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    """A step and a gap in the skull, swollen scalp over it and a thin bleed under it."""
    page, sign = layers.page, 1 if one.side == "left" else -1
    y = float(rng.uniform(-0.3, 0.1))
    row = round(page.pixel(0, y)[0])
    bone = picture[min(max(row, 0), page.shape[0] - 1)] > 500
    line = page.x[min(max(row, 0), page.shape[0] - 1)]
    x = (
        float(np.median(line[bone & (line * sign > 0.35)]))
        if bool((bone & (line * sign > 0.35)).any())
        else sign * 0.65
    )
    depth = 0.03 + 0.03 * one.size
    paint(picture, ellipse(page, x + sign * 0.07, y, 0.05 + depth, 0.24, soft=4), 45.0)
    paint(picture, ellipse(page, x, y, 0.045, 0.22, soft=2) * (picture > 300).astype(np.float64), 900.0)
    for shift, push in ((-0.09, 0.5), (0.1, 1.0)):
        paint(picture, ellipse(page, x - sign * push * depth, y + shift, 0.035, 0.085, sign * 0.2, 1.5), 1000.0)
    for shift in (-0.19, 0.0, 0.2):
        gap = stroke(
            page, [(x + sign * 0.07, y + shift), (x - sign * 0.1, y + shift + 0.05)], 0.03 + 0.02 * one.contrast, 1.2
        )
        paint(picture, gap, 40.0)
    paint(picture, ellipse(page, x - sign * 0.1, y, 0.04, 0.2, soft=2), 68.0)
    return _found(page, one, (x, y), 0.25, heads.MILLIMETRES, False)


def _head_or_body_fracture(
    rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool
) -> Finding:
    if one.place == "skull":
        return _skull_fracture(rng, picture, layers, one, contrast)
    page, (x, y) = layers.page, layers.spots[None, one.place]
    # A wedge: the front of the vertebra has lost its height and moved back into the canal.
    paint(picture, ellipse(page, x - 0.06, y, 0.12, 0.115, soft=2, power=4), 45.0)
    left = 0.05 - 0.025 * one.size
    wedge = stroke(page, [(x - 0.1, y + 0.04), (x + 0.09, y)], [left * 1.6, 0.17], 1.5)
    paint(picture, wedge, 700.0 + 300 * one.contrast)
    paint(picture, stroke(page, [(x - 0.12, y + 0.01), (x + 0.08, y - 0.03)], 0.018, 1.2), 60.0)
    paint(picture, ellipse(page, x + 0.13, y - 0.02, 0.05, 0.05, soft=2), 650.0)
    return _found(page, one, (x, y), 0.16, bodies.MILLIMETRES, False)


def _lung_spots(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    page = layers.page
    mass = one.name == "mass"
    radius = 0.15 + 0.1 * one.size if mass else 0.055 + 0.06 * one.size
    at = near(rng, layers.spots[one.side, one.place], 0.04)
    offsets = ((0.0, 0.0), (-0.06, 0.17), (0.07, -0.18))[: one.count]
    for dx, dy in offsets:
        lobes = lobed(rng, 0.22 if mass else 0.1)
        shape = ellipse(page, at[0] + dx, at[1] + dy, radius, radius * 0.9, float(rng.uniform(-1, 1)), 2, lobes=lobes)
        paint(picture, shape * layers.masks["inside"], 35.0 + 30 * one.contrast + (20 if contrast else 0))
    return _found(page, one, at, radius, bodies.MILLIMETRES)


def _emphysema(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    """Both lungs darker, full of black holes with thin walls."""
    page, lung = layers.page, layers.masks["lung"]
    size = (0.045 + 0.05 * one.size) * page.scale
    holes = np.clip((noise(rng, page.shape, size) - 0.1) * 5, 0, 1)
    walls = np.clip(1 - np.abs(holes - 0.3) * 4, 0, 1)
    picture += (
        lung * (picture < -600) * (-95 * holes * (1 + 0.4 * one.contrast) + 260 * walls * (0.6 + 0.4 * one.contrast))
    )
    rows, columns = np.nonzero(lung > 0.5)
    centre = (round(float(rows.mean()) / page.shape[0], 4), round(float(columns.mean()) / page.shape[1], 4))
    return Finding(one.name, one.side, one.place, centre, 0.35)


def _pleural(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    """Fluid that settles: behind in axial slices, below in coronal ones."""
    page, sign = layers.page, 1 if one.side == "left" else -1
    half = layers.masks["lung"] * (page.x * sign > 0)
    x, y = layers.spots[one.side, one.place]
    level = (0.32 - 0.3 * one.size) if one.place == "posterior" else y + 0.02 - 0.45 * one.size
    curve = level + 0.25 * np.abs(np.abs(page.x) - 0.5) * (-1 if one.place == "posterior" else 1)
    fluid = half * np.clip((page.y - curve) * page.scale / 2 + 0.5, 0, 1)
    picture += (12.0 - picture) * fluid
    return _found(
        page, one, (x, (level + (0.42 if one.place == "posterior" else y + 0.15)) / 2), 0.2, bodies.MILLIMETRES, False
    )


def _belly_mass(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    page = layers.page
    at = near(rng, layers.spots[one.side, one.place], 0.03)
    radius = (0.09 if one.place in ("kidney", "organ") and one.side == "left" else 0.12) + 0.09 * one.size
    shape = ellipse(page, *at, radius, radius * 0.92, float(rng.uniform(-1, 1)), 2, lobes=lobed(rng, 0.14))
    inside = layers.masks["inside"]
    paint(picture, shape * inside, (45.0 if contrast else 24.0) - 12 * one.contrast)
    if rng.random() < 0.5:
        core = ellipse(page, *at, radius * 0.5, radius * 0.4, soft=5, lobes=lobed(rng, 0.3))
        paint(picture, core * inside, 14.0)
    return _found(page, one, at, radius, bodies.MILLIMETRES)


def _stone(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    page, kidney = layers.page, one.name == "kidney stone"
    at = layers.spots[one.side if kidney else "right", one.place]
    radius = 0.03 + 0.03 * one.size
    for k in range(one.count):
        where_ = (at[0] + (-0.01 if kidney else 0.0), at[1] + 0.03 + (0.095 * (-1) ** k if one.count == 2 else 0.0))
        paint(picture, ellipse(page, *where_, radius * 1.1, radius, soft=1.2), 380.0 + 700 * one.contrast)
    return _found(page, one, at, radius, bodies.MILLIMETRES)


def _free_fluid(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    """Fluid between the organs and the wall."""
    page, inside = layers.page, layers.masks["inside"]
    x, y = layers.spots[one.side, one.place]
    sign = -1 if x < 0 else 1
    if one.side is None:
        pool = ellipse(page, x, y, 0.3 + 0.12 * one.size, 0.14 + 0.1 * one.size, soft=4, lobes=lobed(rng, 0.25))
        paint(picture, pool * inside, 8.0 + 10 * one.contrast)
        return _found(page, one, (x, y), 0.25, bodies.MILLIMETRES, False)
    wide = 0.1 + 0.14 * one.size
    pool = ellipse(page, x + sign * 0.02, y, wide, 0.42, sign * 0.15, 4, lobes=lobed(rng, 0.15))
    paint(picture, pool * inside, 8.0 + 10 * one.contrast)
    return _found(page, one, (x, y), 0.3, bodies.MILLIMETRES, False)


def _mass(rng: np.random.Generator, picture: Grey, layers: Layers, one: Plan, contrast: bool) -> Finding:
    if "brain" in layers.masks:
        return _in_brain(rng, picture, layers, one, contrast)
    chest = one.place in ("anterior", "posterior", "upper lobe", "lower lobe")
    return (_lung_spots if chest else _belly_mass)(rng, picture, layers, one, contrast)


FINDINGS: dict[str, Callable[[np.random.Generator, Grey, Layers, Plan, bool], Finding]] = {
    "bleed": _in_brain,
    "infarct": _in_brain,
    "mass": _mass,
    "fracture": _head_or_body_fracture,
    "nodule": _lung_spots,
    "emphysema": _emphysema,
    "pleural effusion": _pleural,
    "kidney stone": _stone,
    "gallstone": _stone,
    "free fluid": _free_fluid,
}
