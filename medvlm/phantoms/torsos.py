"""Chest and abdomen in coronal and sagittal slices for CT. Page units as in `bodies`: 150 mm.

Both show the same trunk; `drop`, which all heights here are given before, moves the part that is shown to the middle.
"""

from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.bodies import kidney, loops, stomach
from medvlm.phantoms.canvas import (
    Frame,
    Grey,
    Point,
    bow,
    curve,
    ellipse,
    lobed,
    lookup,
    outline,
    smoothstep,
    span,
    stroke,
)
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.symmetry import both, over

_HEART = ((-0.25, 0.2), (-0.18, -0.12), (0.15, -0.2), (0.42, 0.1), (0.5, 0.35), (0.2, 0.5), (-0.15, 0.45))
_LIVER = ((-0.88, 0.6), (-0.6, 0.38), (-0.1, 0.45), (0.2, 0.6), (-0.1, 0.85), (-0.5, 1.2), (-0.82, 1.35))
_LIVER_FROM_THE_SIDE = ((-0.6, 0.6), (-0.3, 0.44), (0.1, 0.55), (0.15, 0.8), (-0.2, 1.0), (-0.55, 1.15))
_BOWEL = (
    *((-0.66, 1.6), (-0.7, 1.85), (0.7, 1.55), (0.72, 1.8), (0.0, 1.35), (0.2, 1.55)),
    *((-0.2, 1.6), (0.35, 1.8), (0.0, 1.85), (-0.35, 1.9), (0.1, 2.1)),
)
_BOWEL_FROM_THE_SIDE = (
    *((-0.45, 1.3), (-0.2, 1.25), (-0.48, 1.55), (-0.2, 1.5)),
    *((-0.45, 1.85), (-0.1, 1.8), (-0.2, 2.1)),
)
# From the side: heights, and at each the front of the trunk, its back, and the front of the spine's middle.
_SIDE_Y = (-2.2, -1.3, -1.0, -0.5, 0.2, 0.9, 1.5, 2.2, 3.0)
_SIDE_FRONT = (-0.1, -0.15, -0.42, -0.62, -0.7, -0.68, -0.66, -0.68, -0.65)
_SIDE_BACK = (0.35, 0.4, 0.62, 0.74, 0.7, 0.6, 0.52, 0.62, 0.68)
_SIDE_SPINE = (0.1, 0.18, 0.35, 0.46, 0.4, 0.28, 0.2, 0.34, 0.4)


def _drop(chest: bool) -> float:
    return 0.0 if chest else -1.25


def _lowered(points: Sequence[Point], drop: float) -> list[Point]:
    return [(x, y + drop) for x, y in points]


def torso_coronal(rng: np.random.Generator, page: Frame, chest: bool) -> Layers:
    """Front view slice of chest (lungs, heart) or abdomen (liver, spleen, kidneys, bowel); both share the diaphragm."""
    layers, drop = Layers(page), _drop(chest)
    room = _wall(layers, drop, float(rng.uniform(0.04, 0.14)))
    _ribs(layers, drop)
    _column(layers, drop)
    _shoulders_and_hips(layers, drop)
    _under_dome(rng, layers, drop, room)
    _over_dome(rng, layers, drop, room)
    if chest:
        layers.spots = both({"upper lobe": (0.5, -0.55), "lower lobe": (0.6, 0.2), "base": (0.7, 0.4)})
    else:
        layers.spots = {
            ("right", "organ"): (-0.55, 0.7 + drop),
            ("left", "organ"): (0.7, 0.78 + drop),
            ("right", "gallbladder"): (-0.32, 1.12 + drop),
            **both({"kidney": (0.47, 1.22 + drop), "flank": (0.76, 1.3 + drop)}),
        }
    return layers


def _wall(layers: Layers, drop: float, fat: float) -> Grey:
    """Skin, fat of this thickness and muscle; returns the opacity of the room inside."""
    page = layers.page
    ys = [y + drop for y in (-2.2, -1.3, -1.12, -0.95, -0.7, 0.0, 0.6, 1.2, 1.8, 2.4, 3.0)]
    half = [0.3, 0.32, 0.6, 1.15, 1.2, 1.02, 0.98, 0.93, 0.95, 1.1, 1.15]
    layers.lay("skin", span(page, ys, [-h - fat for h in half], [h + fat for h in half], 1.5))
    layers.lay("fat", span(page, ys, [0.02 - h - fat for h in half], [h + fat - 0.02 for h in half], 1.5))
    layers.lay("muscle", span(page, ys, [0.01 - h for h in half], [h - 0.01 for h in half], 1.5))
    inner = [0.05, 0.05, 0.2, 0.5, 0.7, 0.88, 0.88, 0.82, 0.82, 0.75, 0.7]
    room = span(page, ys, [-h for h in inner], inner, 2).full(page.shape)
    layers.lay("mesentery", room * smoothstep((page.y - drop - 0.3) * 8))
    layers.masks["inside"] = room
    return room


def _ribs(layers: Layers, drop: float) -> None:
    page = layers.page
    for k in range(11):
        y = -0.85 + 0.2 * k + drop
        x = float(np.interp(y - drop, [-1.0, -0.6, 0.0, 1.3], [0.62, 0.82, 0.94, 0.9]))
        for sign in (-1, 1):
            layers.lay("bone", ellipse(page, sign * x, y, 0.03, 0.055, sign * -0.35, 1.5))
            layers.lay("marrow", ellipse(page, sign * x, y, 0.014, 0.035, sign * -0.35, 1.5))


def _column(layers: Layers, drop: float) -> None:
    page = layers.page
    for k in range(17):
        y = -1.6 + 0.235 * k + drop
        wide = 0.1 + 0.004 * k
        layers.lay("bone", ellipse(page, 0, y, wide, 0.1, soft=1.5, power=4))
        layers.lay("marrow", ellipse(page, 0, y, wide - 0.022, 0.08, soft=1.5, power=4))


def _shoulders_and_hips(layers: Layers, drop: float) -> None:
    """And the muscles beside the lower spine."""
    page = layers.page
    for sign in (-1, 1):
        layers.lay("muscle", stroke(page, [(sign * 0.14, 0.9 + drop), (sign * 0.3, 2.0 + drop)], [0.08, 0.2], 2))
        rim = bow((sign * 0.35, 2.3 + drop), (sign * 0.5, 1.95 + drop), (sign * 0.85, 1.85 + drop), 4)
        layers.lay("bone", stroke(page, rim, 0.09, 2))
        layers.lay("bone", ellipse(page, sign * 1.05, -0.98 + drop, 0.11, 0.11, soft=2))
        layers.lay("marrow", ellipse(page, sign * 1.05, -0.98 + drop, 0.09, 0.09, soft=2))


def _over_dome(rng: np.random.Generator, layers: Layers, drop: float, room: Grey) -> None:
    """Lungs down to the diaphragm, heart and airways between them."""
    page = layers.page
    y, x = page.y - drop, page.x
    floor = lookup((-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9), (0.75, 0.42, 0.4, 0.55, 0.5, 0.5, 0.8), x)
    side = np.abs(x) - lookup((-1.1, -0.5, 0.0, 0.5), (0.12, 0.17, 0.2, 0.22), y)
    lung = room * over(page, np.minimum(np.minimum(floor - y, side), y + 0.98), 2)
    layers.lay("lung", lung)
    layers.masks["lung"] = lung
    for sign in (-1, 1):
        for _ in range(9):
            start = (sign * 0.22, -0.12 + drop)
            end = (sign * float(rng.uniform(0.4, 0.8)), float(rng.uniform(-0.8, 0.45)) + drop)
            bend = (sign * 0.35, (start[1] + end[1]) / 2)
            layers.lay("vein", stroke(page, bow(start, bend, end, 3), [0.045, 0.03, 0.018, 0.008], 1.5) * (lung * 0.8))
    _heart_and_airways(layers, drop)


def _heart_and_airways(layers: Layers, drop: float) -> None:
    page = layers.page
    layers.lay("muscle", outline(page, (0.1, 0.2 + drop), _lowered(_HEART, drop), 3))
    layers.lay("muscle", stroke(page, [(0, -1.0 + drop), (0.02, -0.1 + drop)], 0.3, 3))
    layers.lay("artery", ellipse(page, 0.2, 0.2 + drop, 0.15, 0.17, -0.6, 4))
    arch = bow((0.02, 0.0 + drop), (0.05, -0.5 + drop), (0.2, -0.4 + drop), 4)
    layers.lay("artery", stroke(page, arch, 0.12, 2))
    layers.lay("vein", stroke(page, [(-0.14, -0.7 + drop), (-0.13, 0.1 + drop)], 0.1, 2))
    layers.lay("gas", stroke(page, [(0, -1.6 + drop), (0, -0.42 + drop)], 0.08, 1.5))
    for sign in (-1, 1):
        layers.lay("gas", stroke(page, [(0, -0.44 + drop), (sign * 0.2, -0.22 + drop)], 0.055, 1.5))


def _liver(layers: Layers, middle: Point, points: list[Point], room: Grey) -> Grey:
    """Lays the liver where there is room for it; returns its opacity."""
    mask = outline(layers.page, middle, points, 2).full(layers.page.shape) * room
    layers.lay("liver", mask)
    layers.masks["liver"] = mask
    return mask


def _under_dome(rng: np.random.Generator, layers: Layers, drop: float, room: Grey) -> None:
    """Liver, spleen, stomach, kidneys and bowel."""
    page = layers.page
    mask = _liver(layers, (-0.5, 0.75 + drop), _lowered(_LIVER, drop), room)
    for _ in range(4):
        a = (-0.5 + float(rng.uniform(-0.25, 0.2)), 0.75 + float(rng.uniform(-0.2, 0.3)) + drop)
        layers.lay("vein", stroke(page, [a, (-0.2, 0.75 + drop)], [0.015, 0.035], 1.5) * (mask * 0.7))
    spleen = ellipse(page, 0.7, 0.75 + drop, 0.15, 0.26, 0.25, 2, lobes=lobed(rng, 0.08))
    layers.lay("spleen", spleen.full(page.shape) * room)
    stomach(rng, layers, (0.35, 0.72 + drop))
    for sign in (-1, 1):
        kidney(rng, layers, sign, 0.45, 1.2 + drop, 1.15)
    layers.lay("bile", ellipse(page, -0.32, 1.12 + drop, 0.08, 0.13, 0.3, 2))
    loops(rng, layers, _lowered(_BOWEL, drop), 0.13)


def torso_sagittal(rng: np.random.Generator, page: Frame, chest: bool) -> Layers:
    """Near the midline: spine behind; heart, lung, liver and bowel before it."""
    layers, drop = Layers(page), _drop(chest)
    ys = [y + drop for y in _SIDE_Y]
    room = _wall_from_the_side(layers, ys, drop, float(rng.uniform(0.04, 0.16)))
    line = lookup((-0.7, -0.3, 0.0, 0.3, 0.5), (0.5, 0.4, 0.42, 0.6, 0.85), page.x)
    lung = room * over(page, np.minimum(line - (page.y - drop), page.y - drop + 1.02), 2)
    _sagittal_chest(rng, layers, drop, lung)
    _sagittal_belly(rng, layers, drop, room)
    _column_from_the_side(layers, ys, drop)
    layers.spots |= {
        (None, "anterior"): (-0.3, -0.45 + drop),
        (None, "posterior"): (0.15, 0.1 + drop),
        (None, "liver"): (-0.25, 0.75 + drop),
        (None, "pelvis"): (-0.2, 1.95 + drop),
    }
    return layers


def _wall_from_the_side(layers: Layers, ys: list[float], drop: float, fat: float) -> Grey:
    """Skin, fat of this thickness and muscle; returns the opacity of the room before the spine."""
    page, fronts, backs = layers.page, _SIDE_FRONT, _SIDE_BACK
    layers.lay("skin", span(page, ys, [f - fat for f in fronts], [b + 0.06 for b in backs], 1.5))
    layers.lay("fat", span(page, ys, [f - fat + 0.02 for f in fronts], [b + 0.04 for b in backs], 1.5))
    layers.lay("muscle", span(page, ys, fronts, backs, 1.5))
    middle = lookup(ys, _SIDE_SPINE, page.y)
    room = span(page, ys, [f + 0.06 for f in fronts], backs, 2).full(page.shape) * over(page, middle - 0.12 - page.x, 2)
    layers.lay("mesentery", room * smoothstep((page.y - drop - 0.3) * 8))
    layers.masks["inside"] = room
    return room


def _column_from_the_side(layers: Layers, ys: list[float], drop: float) -> None:
    """Vertebrae with the canal behind them; and where a broken one may be."""
    page = layers.page
    for k in range(17):
        y = -1.6 + 0.235 * k + drop
        x = float(curve(ys, _SIDE_SPINE, y))
        layers.lay("bone", ellipse(page, x, y, 0.115, 0.1, soft=1.5, power=4))
        layers.lay("marrow", ellipse(page, x, y, 0.095, 0.08, soft=1.5, power=4))
        layers.lay("canal", ellipse(page, x + 0.17, y, 0.045, 0.13, soft=2))
        layers.lay("bone", stroke(page, [(x + 0.24, y + 0.02), (x + 0.36, y + 0.1)], 0.06, 1.5))
    for place, y in (("thoracic spine", 0.045 + drop), ("lumbar spine", 1.22 + drop)):
        layers.spots[None, place] = (float(curve(ys, _SIDE_SPINE, y)), y)


def _sagittal_chest(rng: np.random.Generator, layers: Layers, drop: float, lung: Grey) -> None:
    page = layers.page
    layers.lay("lung", lung)
    layers.masks["lung"] = lung
    for _ in range(12):
        end = (float(rng.uniform(-0.5, 0.35)), float(rng.uniform(-0.85, 0.4)) + drop)
        path = bow((0.05, -0.15 + drop), (0.0, (end[1] + drop) / 2), end, 3)
        layers.lay("vein", stroke(page, path, [0.045, 0.03, 0.018, 0.008], 1.5) * (lung * 0.8))
    layers.lay("bone", stroke(page, [(-0.35, -0.88 + drop), (-0.58, -0.2 + drop), (-0.62, 0.15 + drop)], 0.06, 1.5))
    layers.lay("muscle", ellipse(page, -0.3, 0.18 + drop, 0.25, 0.26, -0.3, 3, lobes=lobed(rng, 0.05)))
    layers.lay("artery", ellipse(page, -0.3, 0.2 + drop, 0.14, 0.15, soft=5))


def _sagittal_belly(rng: np.random.Generator, layers: Layers, drop: float, room: Grey) -> None:
    page = layers.page
    _liver(layers, (-0.25, 0.75 + drop), _lowered(_LIVER_FROM_THE_SIDE, drop), room)
    layers.lay("artery", stroke(page, [(0.24, 0.2 + drop), (0.12, 0.9 + drop), (0.04, 1.7 + drop)], 0.12, 2) * room)
    loops(rng, layers, _lowered(_BOWEL_FROM_THE_SIDE, drop), 0.13)
