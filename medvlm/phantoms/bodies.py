"""Chest and abdomen in slices (axial, coronal, sagittal) for CT.

Page units: 150 mm. Axial and coronal slices show the patient's left on the picture's right; axial slices have the
patient's front at the top, sagittal ones on the left.
"""

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, bow, curve, ellipse, lobed, outline, smoothstep, stroke
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.symmetry import both, depth, mirrored, over

MILLIMETRES = 150.0
_RIM = ((0, -0.72), (0.5, -0.68), (0.93, -0.4), (1.08, 0.04), (0.97, 0.42), (0.6, 0.66), (0.2, 0.64), (0, 0.6))
_LIVER = (
    *((-0.93, -0.1), (-0.86, 0.25), (-0.6, 0.4), (-0.28, 0.2), (-0.12, 0.0)),
    *((0.05, -0.25), (0.2, -0.42), (-0.2, -0.62), (-0.65, -0.5)),
)
_LOW_LOOPS = ((0.0, -0.45), (0.25, -0.38), (0.5, -0.35), (0.3, -0.15), (0.62, -0.1), (0.78, 0.0), (-0.1, -0.28))
_HEART = ((-0.26, -0.2), (-0.18, 0.08), (0.1, 0.12), (0.5, 0.0), (0.56, -0.25), (0.25, -0.45), (-0.1, -0.42))
_CHEST_RIM = ((0, -0.66), (0.5, -0.63), (0.95, -0.4), (1.12, 0.0), (1.02, 0.38), (0.6, 0.64), (0.2, 0.62), (0, 0.58))


def _wall(rng: np.random.Generator, layers: Layers, rim: tuple[Point, ...], ribs: int) -> Grey:
    """Skin, fat, muscle and ribs of the trunk's wall; returns the depth inside it."""
    page, fat = layers.page, float(rng.uniform(0.04, 0.2))
    inside = depth(page, (0, 0), mirrored(rim)) + fat * 0.7
    layers.lay("skin", over(page, inside))
    layers.lay("fat", over(page, inside - 0.018))
    layers.lay("muscle", over(page, inside - fat - 0.05))
    deep = inside - fat - 0.11
    layers.lay("mesentery", over(page, deep))
    layers.masks["inside"] = over(page, deep)
    shrink = 1 + (fat * 0.7 - fat - 0.085) / 0.95
    for sign in (-1, 1):
        for k in range(ribs):
            t = (k + 0.5 + float(rng.uniform(-0.25, 0.25))) / ribs
            x, y = _along([(px * shrink, py * shrink) for px, py in rim], 0.12 + 0.72 * t)
            layers.lay("bone", ellipse(page, sign * x, y, 0.03, 0.075, sign * (1.2 - 2.6 * t), 1.5))
            layers.lay("marrow", ellipse(page, sign * x, y, 0.014, 0.055, sign * (1.2 - 2.6 * t), 1.5))
    return deep


def _along(rim: list[Point], t: float) -> Point:
    knots = [k / (len(rim) - 1) for k in range(len(rim))]
    return float(curve(knots, [x for x, _ in rim], t)), float(curve(knots, [y for _, y in rim], t))


def _spine(rng: np.random.Generator, layers: Layers, y: float) -> None:
    """A vertebra across, with its canal, arch and the muscles beside it."""
    page = layers.page
    for sign in (-1, 1):
        layers.lay("muscle", ellipse(page, sign * 0.24, y + 0.24, 0.2, 0.14, sign * 0.2, 3, lobes=lobed(rng, 0.1)))
        layers.lay("bone", stroke(page, [(sign * 0.09, y + 0.1), (sign * 0.32, y + 0.14)], [0.07, 0.04], 1.5))
    layers.lay("bone", ellipse(page, 0, y, 0.165, 0.13, soft=1.5), ellipse(page, 0, y + 0.15, 0.12, 0.11, soft=1.5))
    layers.lay("marrow", ellipse(page, 0, y, 0.14, 0.105, soft=2))
    layers.lay("bone", stroke(page, [(0, y + 0.2), (0, y + 0.4)], [0.06, 0.05], 1.5))
    layers.lay("canal", ellipse(page, 0, y + 0.16, 0.07, 0.06, soft=1.5))


def loops(rng: np.random.Generator, layers: Layers, spots: list[Point], size: float) -> None:
    """Bowel: a wall and, inside, fluid, stool, gas above fluid, or swallowed contrast."""
    page = layers.page
    for x, y in spots:
        x, y = x + float(rng.uniform(-0.05, 0.05)), y + float(rng.uniform(-0.05, 0.05))
        rx, ry = size * float(rng.uniform(0.8, 1.4)), size * float(rng.uniform(0.7, 1.1))
        turn, lobes = float(rng.uniform(-0.8, 0.8)), lobed(rng, 0.18)
        layers.lay("bowel", ellipse(page, x, y, rx, ry, turn, 1.8, lobes=lobes))
        lumen = ellipse(page, x, y, rx * 0.72, ry * 0.72, turn, 1.8, lobes=lobes)
        kind = ("fluid", "stool", "gas", "swallowed", "bowel")[int(rng.choice(5, p=[0.25, 0.2, 0.2, 0.15, 0.2]))]
        if kind == "gas":
            layers.lay("fluid", lumen)
            lumen = lumen * smoothstep((y + ry * float(rng.uniform(-0.2, 0.5)) - page.y) * page.scale / 2 + 0.5)
        layers.lay(kind, lumen)


def kidney(rng: np.random.Generator, layers: Layers, sign: int, x: float, y: float, size: float) -> None:
    """One kidney, with its vein, at x to the `sign` side (-1: the picture's left)."""
    page, turn = layers.page, sign * -0.35
    layers.lay("cortex", ellipse(page, sign * x, y, 0.14 * size, 0.19 * size, turn, 1.8, lobes=lobed(rng, 0.06)))
    layers.lay("kidney", ellipse(page, sign * (x - 0.01), y, 0.1 * size, 0.145 * size, turn, 3))
    layers.lay(
        "mesentery", ellipse(page, sign * (x - 0.09), y, 0.075 * size, 0.07 * size, turn, 2.5, lobes=lobed(rng, 0.2))
    )
    layers.lay("vein", stroke(page, [(sign * (x - 0.1), y), (sign * 0.12, y - 0.12)], 0.035, 1.5))


def abdomen_axial(rng: np.random.Generator, page: Frame) -> Layers:
    """At the height of liver, spleen, stomach and kidneys, or a little lower with more bowel."""
    layers = Layers(page)
    deep = _wall(rng, layers, _RIM, 5)
    _spine(rng, layers, 0.2)
    low = bool(rng.random() < 0.35)
    _liver_and_spleen(rng, layers, 0.72 if low else 1.0, over(page, deep - 0.015))
    for sign in (-1, 1):
        layers.lay("muscle", ellipse(page, sign * 0.24, 0.27, 0.09, 0.12, sign * 0.3, 2))
        kidney(rng, layers, sign, 0.45, 0.24 if sign > 0 else 0.27, float(rng.uniform(0.9, 1.1)))
    pancreas = [(-0.18, -0.1), (0.1, -0.14), (0.35, -0.05), (0.55, 0.02)]
    layers.lay("pancreas", stroke(page, pancreas, [0.14, 0.09, 0.1, 0.07], 3))
    layers.lay("artery", ellipse(page, 0.08, 0.03, 0.075, 0.075, soft=1.5))
    layers.lay("vein", ellipse(page, -0.13, 0.03, 0.075 * 1.15, 0.075 * 0.85, soft=1.5))
    if low:
        loops(rng, layers, list(_LOW_LOOPS), 0.12)
    else:
        stomach(rng, layers, (0.38, -0.33))
        loops(rng, layers, [(0.72, -0.2), (0.1, -0.5)], 0.11)
    layers.spots = {
        ("right", "organ"): (-0.62, -0.08),
        ("left", "organ"): (0.76, 0.14),
        ("right", "gallbladder"): (-0.36, -0.33),
        **both({"kidney": (0.47, 0.24), "flank": (0.86, 0.05)}),
    }
    return layers


def _liver_and_spleen(rng: np.random.Generator, layers: Layers, size: float, room: Grey) -> None:
    """With the liver's vessels and the gallbladder; `room` is the opacity of what they may fill."""
    page = layers.page
    mask = outline(page, (-0.45, -0.1), _LIVER, 2, size).full(page.shape) * room
    layers.lay("liver", mask)
    layers.masks["liver"] = mask
    for _ in range(5):
        a = (-0.45 + float(rng.uniform(-0.3, 0.2)), -0.1 + float(rng.uniform(-0.3, 0.3)))
        vessel = stroke(page, bow(a, (-0.4, -0.1), (-0.2, -0.05), 4), [0.015, 0.02, 0.025, 0.03, 0.035], 1.5)
        layers.lay("vein", vessel * (mask * 0.7))
    layers.lay("bile", ellipse(page, -0.36, -0.36, 0.085, 0.12, 0.4, 2))
    spleen = ellipse(page, 0.76, 0.16, 0.15, 0.3 * size, -0.35, 2, lobes=lobed(rng, 0.1))
    layers.lay("spleen", spleen.full(page.shape) * room)


def stomach(rng: np.random.Generator, layers: Layers, at: Point) -> None:
    """Fluid or swallowed contrast, and gas above it."""
    page, lobes = layers.page, lobed(rng, 0.12)
    layers.lay("bowel", ellipse(page, *at, 0.34, 0.2, -0.3, 2, lobes=lobes))
    lumen = ellipse(page, *at, 0.3, 0.165, -0.3, 2, lobes=lobes)
    layers.lay("swallowed" if rng.random() < 0.4 else "fluid", lumen)
    layers.lay("gas", lumen * smoothstep((at[1] - float(rng.uniform(0.0, 0.1)) - page.y) * page.scale / 2 + 0.5))


def chest_axial(rng: np.random.Generator, page: Frame) -> Layers:
    """At the height of the heart, or of the aortic arch."""
    layers = Layers(page)
    deep = _wall(rng, layers, _CHEST_RIM, 7)
    high = bool(rng.random() < 0.4)
    _spine(rng, layers, 0.22)
    for sign in (-1, 1):
        if high:
            layers.lay("bone", stroke(page, [(sign * 0.62, 0.55), (sign * 0.98, 0.3)], [0.035, 0.05], 1.5))
    layers.lay("bone", ellipse(page, 0, -0.55, 0.13, 0.035, soft=1.5))
    middle = _mediastinum(high)
    field = np.minimum(deep - 0.01, depth(page, (0.02, 0.0), middle) * -1)
    lung = over(page, field, 1.5) * (1 - ellipse(page, 0, 0.24, 0.22, 0.17, soft=2).full(page.shape))
    layers.lay("lung", lung)
    layers.masks["lung"] = lung
    layers.masks["edge"] = deep
    _lung_vessels(rng, layers, lung)
    (_arch if high else _heart)(layers)
    x = 0.62 if high else 0.68
    layers.spots = both({"anterior": (x - 0.1, -0.28), "posterior": (x - 0.08, 0.2), "chest wall": (0.9, 0.1)})
    return layers


def _arch(layers: Layers) -> None:
    """The aorta's arch, the great vein and the windpipe."""
    page = layers.page
    layers.lay("artery", stroke(page, bow((-0.1, -0.22), (0.1, -0.25), (0.15, 0.1), 6), 0.15, 2))
    layers.lay("vein", ellipse(page, -0.17, -0.18, 0.06, 0.07, soft=1.5))
    layers.lay("gas", ellipse(page, -0.02, 0.02, 0.07, 0.075, soft=1.5))


def _heart(layers: Layers) -> None:
    """The heart with its chambers, the aorta behind it, a little gas in the gullet."""
    page = layers.page
    layers.lay("muscle", outline(page, (0.1, -0.15), _HEART, 3))
    layers.lay("vein", ellipse(page, -0.1, -0.15, 0.12, 0.14, soft=4))
    layers.lay("artery", ellipse(page, 0.3, -0.15, 0.15, 0.1, 0.6, 4))
    layers.lay("artery", ellipse(page, 0.16, 0.15, 0.07, 0.07, soft=1.5))
    layers.lay("gas", ellipse(page, 0.0, 0.09, 0.02, 0.02, soft=1.5))


def _mediastinum(high: bool) -> list[Point]:
    if high:
        return [(-0.26, -0.25), (-0.22, 0.1), (0, 0.3), (0.26, 0.12), (0.27, -0.2), (0.1, -0.52), (-0.1, -0.52)]
    return [
        (-0.29, -0.2),
        (-0.2, 0.12),
        (0.0, 0.3),
        (0.27, 0.16),
        (0.53, 0.0),
        (0.6, -0.25),
        (0.3, -0.5),
        (-0.12, -0.5),
    ]


def _lung_vessels(rng: np.random.Generator, layers: Layers, lung: Grey) -> None:
    page = layers.page
    for sign in (-1, 1):
        for _ in range(9):
            start = (sign * 0.3, float(rng.uniform(-0.1, 0.1)))
            end = (sign * float(rng.uniform(0.55, 0.85)), float(rng.uniform(-0.4, 0.4)))
            bend = ((start[0] + end[0]) / 2, start[1] + float(rng.uniform(-0.1, 0.1)))
            layers.lay("vein", stroke(page, bow(start, bend, end, 3), [0.035, 0.025, 0.016, 0.008], 1.5) * (lung * 0.8))
        for _ in range(10):
            dot = (sign * float(rng.uniform(0.35, 0.85)), float(rng.uniform(-0.4, 0.4)))
            layers.lay("vein", ellipse(page, *dot, 0.012, 0.012, soft=1.5) * (lung * 0.7))
