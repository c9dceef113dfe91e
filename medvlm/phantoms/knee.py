"""The knee in slices (sagittal, coronal) for MRI.

Page units: 80 mm. Sagittal slices have the patient's front on the left.
"""

from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.canvas import Frame, bow, ellipse, outline, span, stroke
from medvlm.phantoms.layers import Layers

MILLIMETRES = 80.0
# The end of the thigh bone from the side, where cartilage covers it.
_CONDYLE = ((-0.42, -0.35), (-0.4, -0.02), (-0.1, 0.14), (0.25, 0.1), (0.42, -0.15), (0.36, -0.4))


def knee_sagittal(rng: np.random.Generator, page: Frame) -> Layers:
    """Thigh bone above, shin bone below, knee cap in front."""
    layers = Layers(page)
    _leg_from_the_side(layers, float(rng.uniform(0.05, 0.14)))
    _flesh(rng, layers)
    _thigh_bone(layers)
    _shin_bone(layers)
    _knee_cap(layers)
    layers.lay("tendon", stroke(page, bow((-0.05, 0.1), (0.3, -0.12), (0.34, 0.3), 5), 0.055, 2))
    layers.lay("vein", stroke(page, [(0.55, -1.6), (0.5, 0.0), (0.5, 1.6)], 0.05, 2))
    layers.spots = {
        (None, "femur"): (0.0, -0.25),
        (None, "tibia"): (-0.02, 0.55),
        (None, "behind the knee"): (0.55, -0.05),
        (None, "joint"): (-0.5, -0.75),
    }
    return layers


def _leg_from_the_side(layers: Layers, fat: float) -> None:
    """Skin, fat of this thickness, and the mask of what lies inside."""
    page, ys = layers.page, (-2.0, -1.2, -0.6, -0.3, 0.0, 0.4, 1.0, 2.0)
    front = (-0.75, -0.75, -0.76, -0.8, -0.74, -0.6, -0.5, -0.48)
    back = (0.85, 0.82, 0.72, 0.68, 0.66, 0.7, 0.8, 0.75)
    layers.lay("skin", span(page, ys, [x - fat for x in front], [x + fat for x in back], 1.5))
    layers.lay("fat", span(page, ys, [x - fat + 0.015 for x in front], [x + fat - 0.015 for x in back], 1.5))
    layers.masks["inside"] = span(page, ys, [x + 0.03 for x in front], [x - 0.02 for x in back], 2).full(page.shape)


def _bone(
    layers: Layers, ys: Sequence[float], lefts: Sequence[float], rights: Sequence[float], wall: float, lid: float = 0.0
) -> None:
    """Marrow between two edges, in a cortex of this thickness; `lid`: of that on the upper end."""
    page, top = layers.page, [y - lid for y in ys]
    layers.lay("cortex", span(page, top, [x - wall for x in lefts], [x + wall for x in rights], 2))
    layers.lay("marrow", span(page, ys, lefts, rights, 2.5))


def _flesh(rng: np.random.Generator, layers: Layers) -> None:
    """Muscles streaked with fat, and the fat before and behind the joint."""
    page = layers.page
    layers.lay("muscle", span(page, (-2.0, -1.2, -0.5, -0.2), (-0.6, -0.6, -0.4, -0.25), (0.75, 0.72, 0.55, 0.45), 4))
    layers.lay("muscle", span(page, (0.25, 0.5, 1.0, 2.0), (0.1, 0.05, 0.05, 0.05), (0.5, 0.62, 0.72, 0.66), 4))
    for _ in range(5):
        x = float(rng.uniform(0.3, 0.6))
        layers.lay("fat", stroke(page, [(x, -1.6), (x - 0.05, -0.5)], 0.025, 2))
        layers.lay("fat", stroke(page, [(x, 0.5), (x + 0.02, 1.6)], 0.02, 2))
    layers.lay("fat", ellipse(page, -0.42, 0.12, 0.2, 0.26, 0.3, 3), ellipse(page, 0.42, 0.05, 0.15, 0.3, soft=4))


def _thigh_bone(layers: Layers) -> None:
    page = layers.page
    shaft = span(page, (-2, -0.4), (-1, -1), (1, 1))
    layers.lay("cartilage", outline(page, (0.0, -0.2), _CONDYLE, 2, 1.1).minus(shaft))
    ys = (-2.0, -1.0, -0.7, -0.5, -0.25, 0.0, 0.12, 0.17)
    lefts = (-0.24, -0.22, -0.24, -0.36, -0.43, -0.38, -0.22, -0.05)
    rights = (0.14, 0.14, 0.18, 0.32, 0.43, 0.38, 0.25, 0.05)
    _bone(layers, ys, lefts, rights, 0.025)


def _shin_bone(layers: Layers) -> None:
    """With its cartilage and the menisci, dark wedges on both sides of the gap."""
    page, ys = layers.page, (0.27, 0.31, 0.42, 0.6, 0.85, 2.0)
    lefts, rights = (-0.3, -0.4, -0.41, -0.33, -0.26, -0.24), (0.34, 0.42, 0.4, 0.3, 0.17, 0.14)
    layers.lay("cartilage", stroke(page, [(-0.36, 0.265), (0.38, 0.265)], 0.05, 2))
    _bone(layers, ys, lefts, rights, 0.025, 0.02)
    layers.lay("tendon", stroke(page, [(-0.42, 0.2), (-0.14, 0.225)], (0.13, 0.01), 1.5))
    layers.lay("tendon", stroke(page, [(0.42, 0.19), (0.15, 0.225)], (0.15, 0.01), 1.5))


def _knee_cap(layers: Layers) -> None:
    """The knee cap between its two tendons."""
    page = layers.page
    layers.lay("cartilage", ellipse(page, -0.57, -0.33, 0.115, 0.22, 0.08, 2))
    layers.lay("cortex", ellipse(page, -0.61, -0.34, 0.125, 0.235, 0.08, 1.5))
    layers.lay("marrow", ellipse(page, -0.61, -0.34, 0.1, 0.21, 0.08, 2))
    layers.lay("tendon", stroke(page, [(-0.6, -2.0), (-0.62, -1.0), (-0.66, -0.55)], [0.08, 0.07, 0.07], 2))
    layers.lay("tendon", stroke(page, [(-0.67, -0.14), (-0.56, 0.2), (-0.43, 0.55)], 0.065, 2))


def knee_coronal(rng: np.random.Generator, page: Frame) -> Layers:
    """Two rounded ends of the thigh bone on the flat top of the shin bone."""
    layers = Layers(page)
    fat, flip = float(rng.uniform(0.06, 0.15)), int(rng.choice([-1, 1]))
    _leg_from_the_front(layers, fat)
    _condyles(layers)
    _shin_bones(layers, flip)
    for sign in (-1, 1):
        layers.lay("tendon", stroke(page, [(sign * 0.51, 0.19), (sign * 0.27, 0.2)], (0.13, 0.01), 1.5))
        layers.lay("tendon", stroke(page, bow((sign * 0.55, -0.4), (sign * 0.62, 0.1), (sign * 0.5, 0.6), 5), 0.03, 2))
    layers.spots = {
        (None, "femur"): (flip * -0.22, -0.25),
        (None, "tibia"): (flip * 0.12, 0.5),
        (None, "joint"): (0.0, -0.05),
    }
    return layers


def _leg_from_the_front(layers: Layers, fat: float) -> None:
    """As from the side, and the muscles on both sides."""
    page, ys = layers.page, (-2.0, -1.0, -0.4, 0.2, 0.6, 1.2, 2.0)
    half = (0.72, 0.7, 0.66, 0.62, 0.6, 0.6, 0.55)
    layers.lay("skin", span(page, ys, [-h - fat for h in half], [h + fat for h in half], 1.5))
    layers.lay("fat", span(page, ys, [0.015 - h - fat for h in half], [h + fat - 0.015 for h in half], 1.5))
    layers.masks["inside"] = span(page, ys, [-h for h in half], half, 2).full(page.shape)
    for sign in (-1, 1):
        layers.lay("muscle", stroke(page, [(sign * 0.45, -1.8), (sign * 0.48, -0.55)], [0.4, 0.2], 4))
        layers.lay("muscle", stroke(page, [(sign * 0.42, 0.8), (sign * 0.42, 1.8)], [0.2, 0.34], 4))


def _condyles(layers: Layers) -> None:
    """The lower end of the thigh bone with the notch between its two knobs, and the ligaments in the notch."""
    page = layers.page
    for x in (-0.27, 0.27):
        layers.lay("cartilage", ellipse(page, x, -0.05, 0.25, 0.235, soft=2))
    outer = (0.19, 0.2, 0.36, 0.5, 0.52, 0.46, 0.3)
    _bone(layers, (-2.0, -1.0, -0.6, -0.35, -0.1, 0.05, 0.13), [-x for x in outer], outer, 0.022)
    notch = ((0, -0.2), (0.12, -0.02), (0.1, 0.22), (-0.1, 0.22), (-0.12, -0.02))
    layers.lay("fat", outline(page, (0, 0.05), notch, 2))
    layers.lay("tendon", stroke(page, [(0.08, -0.1), (-0.05, 0.2)], 0.05, 2))
    layers.lay("tendon", stroke(page, [(-0.1, -0.05), (-0.05, 0.1)], 0.05, 2))


def _shin_bones(layers: Layers, side: int) -> None:
    """The shin bone, and the thin bone beside it on one side (-1 or 1)."""
    page, wide = layers.page, (0.42, 0.5, 0.5, 0.36, 0.22, 0.18)
    for start, end in ((-0.46, -0.12), (0.12, 0.46)):
        layers.lay("cartilage", stroke(page, [(start, 0.25), (end, 0.25)], 0.05, 2))
    _bone(layers, (0.25, 0.3, 0.42, 0.6, 0.9, 2.0), [-x for x in wide], wide, 0.022, 0.02)
    layers.lay("cortex", stroke(page, [(side * 0.46, 0.52), (side * 0.43, 1.8)], [0.18, 0.12], 2))
    layers.lay("marrow", stroke(page, [(side * 0.46, 0.53), (side * 0.43, 1.8)], [0.14, 0.07], 2))
