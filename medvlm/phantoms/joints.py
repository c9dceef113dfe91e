"""The knee (sagittal, coronal) and the lower spine (sagittal, axial) in slices for MRI.

Page units: 80 mm (knee), 100 mm (spine). Sagittal slices have the patient's front on the left; the axial slice shows
the patient's left on the picture's right, with the front at the top.
"""

import numpy as np

from medvlm.phantoms.canvas import (
    Frame,
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
from medvlm.phantoms.symmetry import both, depth, mirrored, over

KNEE_MILLIMETRES, SPINE_MILLIMETRES = 80.0, 100.0


def knee_sagittal(rng: np.random.Generator, page: Frame) -> Layers:
    """Thigh bone above, shin bone below, knee cap in front."""
    layers = Layers(page)
    fat = float(rng.uniform(0.05, 0.14))
    ys = (-2.0, -1.2, -0.6, -0.3, 0.0, 0.4, 1.0, 2.0)
    front = (-0.75, -0.75, -0.76, -0.8, -0.74, -0.6, -0.5, -0.48)
    back = (0.85, 0.82, 0.72, 0.68, 0.66, 0.7, 0.8, 0.75)
    layers.lay("skin", span(page, ys, [x - fat for x in front], [x + fat for x in back], 1.5))
    layers.lay("fat", span(page, ys, [x - fat + 0.015 for x in front], [x + fat - 0.015 for x in back], 1.5))
    inner = span(page, ys, [x + 0.03 for x in front], [x - 0.02 for x in back], 2)
    layers.masks["inside"] = inner.full(page.shape)
    layers.lay("muscle", span(page, (-2.0, -1.2, -0.5, -0.2), (-0.6, -0.6, -0.4, -0.25), (0.75, 0.72, 0.55, 0.45), 4))
    layers.lay("muscle", span(page, (0.25, 0.5, 1.0, 2.0), (0.1, 0.05, 0.05, 0.05), (0.5, 0.62, 0.72, 0.66), 4))
    for _ in range(5):
        x = float(rng.uniform(0.3, 0.6))
        layers.lay(
            "fat",
            stroke(page, [(x, -1.6), (x - 0.05, -0.5)], 0.025, 2),
            stroke(page, [(x, 0.5), (x + 0.02, 1.6)], 0.02, 2),
        )
    layers.lay("fat", ellipse(page, -0.42, 0.12, 0.2, 0.26, 0.3, 3), ellipse(page, 0.42, 0.05, 0.15, 0.3, soft=4))
    femur = [
        (-0.24, -1.6),
        (-0.23, -0.7),
        (-0.42, -0.35),
        (-0.4, -0.02),
        (-0.1, 0.14),
        (0.25, 0.1),
        (0.42, -0.15),
        (0.36, -0.4),
        (0.14, -0.7),
        (0.14, -1.6),
    ]
    thigh = (-2.0, -1.0, -0.7, -0.5, -0.25, 0.0, 0.12, 0.17)
    lefts, rights = (
        (-0.24, -0.22, -0.24, -0.36, -0.43, -0.38, -0.22, -0.05),
        (0.14, 0.14, 0.18, 0.32, 0.43, 0.38, 0.25, 0.05),
    )
    layers.lay(
        "cartilage", outline(page, (0.0, -0.2), femur[2:8], 2, 1.1).minus(span(page, (-2, -0.4), (-1, -1), (1, 1)))
    )
    layers.lay("cortex", span(page, thigh, [x - 0.025 for x in lefts], [x + 0.025 for x in rights], 2))
    layers.lay("marrow", span(page, thigh, lefts, rights, 2.5))
    shin = (0.27, 0.31, 0.42, 0.6, 0.85, 2.0)
    tl, tr = (-0.3, -0.4, -0.41, -0.33, -0.26, -0.24), (0.34, 0.42, 0.4, 0.3, 0.17, 0.14)
    layers.lay("cartilage", stroke(page, [(-0.36, 0.265), (0.38, 0.265)], 0.05, 2))
    layers.lay("cortex", span(page, [y - 0.02 for y in shin], [x - 0.025 for x in tl], [x + 0.025 for x in tr], 2))
    layers.lay("marrow", span(page, shin, tl, tr, 2.5))
    layers.lay("tendon", stroke(page, [(-0.42, 0.2), (-0.14, 0.225)], (0.13, 0.01), 1.5))
    layers.lay("tendon", stroke(page, [(0.42, 0.19), (0.15, 0.225)], (0.15, 0.01), 1.5))
    layers.lay("cartilage", ellipse(page, -0.57, -0.33, 0.115, 0.22, 0.08, 2))
    layers.lay("cortex", ellipse(page, -0.61, -0.34, 0.125, 0.235, 0.08, 1.5))
    layers.lay("marrow", ellipse(page, -0.61, -0.34, 0.1, 0.21, 0.08, 2))
    layers.lay("tendon", stroke(page, [(-0.6, -2.0), (-0.62, -1.0), (-0.66, -0.55)], [0.08, 0.07, 0.07], 2))
    layers.lay("tendon", stroke(page, [(-0.67, -0.14), (-0.56, 0.2), (-0.43, 0.55)], 0.065, 2))
    layers.lay("tendon", stroke(page, bow((-0.05, 0.1), (0.3, -0.12), (0.34, 0.3), 5), 0.055, 2))
    layers.lay("vein", stroke(page, [(0.55, -1.6), (0.5, 0.0), (0.5, 1.6)], 0.05, 2))
    layers.spots = {
        (None, "femur"): (0.0, -0.25),
        (None, "tibia"): (-0.02, 0.55),
        (None, "behind the knee"): (0.55, -0.05),
        (None, "joint"): (-0.5, -0.75),
    }
    return layers


def knee_coronal(rng: np.random.Generator, page: Frame) -> Layers:
    """Two rounded ends of the thigh bone on the flat top of the shin bone."""
    layers = Layers(page)
    fat, flip = float(rng.uniform(0.06, 0.15)), int(rng.choice([-1, 1]))
    ys = (-2.0, -1.0, -0.4, 0.2, 0.6, 1.2, 2.0)
    half = (0.72, 0.7, 0.66, 0.62, 0.6, 0.6, 0.55)
    layers.lay("skin", span(page, ys, [-h - fat for h in half], [h + fat for h in half], 1.5))
    layers.lay("fat", span(page, ys, [0.015 - h - fat for h in half], [h + fat - 0.015 for h in half], 1.5))
    inside = span(page, ys, [-h for h in half], half, 2)
    layers.masks["inside"] = inside.full(page.shape)
    for sign in (-1, 1):
        layers.lay("muscle", stroke(page, [(sign * 0.45, -1.8), (sign * 0.48, -0.55)], [0.4, 0.2], 4))
        layers.lay("muscle", stroke(page, [(sign * 0.42, 0.8), (sign * 0.42, 1.8)], [0.2, 0.34], 4))
    thigh = (-2.0, -1.0, -0.6, -0.35, -0.1, 0.05, 0.13)
    outer = (0.19, 0.2, 0.36, 0.5, 0.52, 0.46, 0.3)
    layers.lay(
        "cartilage", ellipse(page, -0.27, -0.05, 0.25, 0.235, soft=2), ellipse(page, 0.27, -0.05, 0.25, 0.235, soft=2)
    )
    layers.lay("cortex", span(page, thigh, [-x - 0.022 for x in outer], [x + 0.022 for x in outer], 2))
    layers.lay("marrow", span(page, thigh, [-x for x in outer], outer, 2.5))
    notch = outline(page, (0, 0.05), [(0, -0.2), (0.12, -0.02), (0.1, 0.22), (-0.1, 0.22), (-0.12, -0.02)], 2)
    layers.lay("fat", notch)
    layers.lay(
        "tendon",
        stroke(page, [(0.08, -0.1), (-0.05, 0.2)], 0.05, 2),
        stroke(page, [(-0.1, -0.05), (-0.05, 0.1)], 0.05, 2),
    )
    shin = (0.25, 0.3, 0.42, 0.6, 0.9, 2.0)
    wide = (0.42, 0.5, 0.5, 0.36, 0.22, 0.18)
    layers.lay(
        "cartilage",
        stroke(page, [(-0.46, 0.25), (-0.12, 0.25)], 0.05, 2),
        stroke(page, [(0.12, 0.25), (0.46, 0.25)], 0.05, 2),
    )
    layers.lay("cortex", span(page, [y - 0.02 for y in shin], [-x - 0.022 for x in wide], [x + 0.022 for x in wide], 2))
    layers.lay("marrow", span(page, shin, [-x for x in wide], wide, 2.5))
    layers.lay("cortex", stroke(page, [(flip * 0.46, 0.52), (flip * 0.43, 1.8)], [0.18, 0.12], 2))
    layers.lay("marrow", stroke(page, [(flip * 0.46, 0.53), (flip * 0.43, 1.8)], [0.14, 0.07], 2))
    for sign in (-1, 1):
        layers.lay("tendon", stroke(page, [(sign * 0.51, 0.19), (sign * 0.27, 0.2)], (0.13, 0.01), 1.5))
        layers.lay("tendon", stroke(page, bow((sign * 0.55, -0.4), (sign * 0.62, 0.1), (sign * 0.5, 0.6), 5), 0.03, 2))
    layers.spots = {
        (None, "femur"): (flip * -0.22, -0.25),
        (None, "tibia"): (flip * 0.12, 0.5),
        (None, "joint"): (0.0, -0.05),
    }
    return layers


def _curve_of_spine(y: object) -> object:
    return curve((-1.3, -0.8, -0.2, 0.35, 0.7, 1.1, 1.5), (0.1, 0.0, -0.12, -0.14, -0.02, 0.2, 0.32), y)


def spine_sagittal(rng: np.random.Generator, page: Frame) -> Layers:
    """Vertebrae and discs in a curved column, the canal behind them, the sacrum below."""
    layers = Layers(page)
    back_fat = float(rng.uniform(0.1, 0.3))
    y, middle = (
        page.y,
        lookup((-1.3, -0.8, -0.2, 0.35, 0.7, 1.1, 1.5), (0.1, 0.0, -0.12, -0.14, -0.02, 0.2, 0.32), page.y),
    )
    x = page.x - middle
    skin = 0.62 + back_fat - x
    layers.lay("skin", over(page, skin))
    layers.lay("fat", over(page, skin - 0.02))
    layers.lay("muscle", over(page, 0.55 - x, 4) * over(page, x - 0.24, 3) * 0.85)
    layers.lay("muscle", over(page, -0.2 - x, 8) * 0.55)
    for _ in range(7):
        at = (float(rng.uniform(-0.95, -0.5)), float(rng.uniform(-1, 1)))
        layers.lay(
            ("fluid", "bowel", "fat")[int(rng.integers(3))],
            ellipse(page, *at, float(rng.uniform(0.08, 0.2)), 0.12, soft=4, lobes=lobed(rng, 0.2)),
        )
    layers.lay("flow", over(page, 0.06 - np.abs(x + 0.3), 2) * over(page, 0.45 - y, 3))
    layers.lay("csf", over(page, 0.075 - np.abs(x - 0.25 + 0.03 * y), 1.8) * over(page, 1.0 - y, 4))
    cord = 0.035 * smoothstep((-0.35 - y) * 3)
    layers.lay("cord", over(page, cord - np.abs(x - 0.25), 1.5) * (y < -0.3))
    for k in range(3):
        layers.lay(
            "cord",
            over(page, 0.008 - np.abs(x - 0.24 - 0.025 * k), 1.5)
            * smoothstep((y + 0.5) * 6)
            * over(page, 0.95 - y, 4)
            * 0.6,
        )
    gap = 0.315
    levels, dry = [-1.35 + gap * k for k in range(8)], float(rng.uniform(0.0, 0.5))
    for k, level in enumerate(levels):
        behind = float(np.asarray(_curve_of_spine(level)))
        slope = float(np.asarray(_curve_of_spine(level + 0.1))) - float(np.asarray(_curve_of_spine(level - 0.1)))
        turn = -slope / 0.2 * 0.9
        wide = 0.155 + 0.004 * k
        layers.lay("cortex", ellipse(page, behind, level, wide + 0.015, 0.135, turn, 1.5, 4))
        layers.lay("marrow", ellipse(page, behind, level, wide, 0.12, turn, 2, 4))
        disc = (float(np.asarray(_curve_of_spine(level + gap / 2))), level + gap / 2)
        layers.lay("annulus", ellipse(page, *disc, wide + 0.02, 0.05, turn, 1.5))
        layers.lay("disc", ellipse(page, *disc, wide * 0.75, 0.033, turn, 2) * (1 - dry * float(rng.random())))
        layers.lay(
            "marrow", stroke(page, [(behind + 0.36, level + 0.05), (behind + 0.52, level + 0.12)], [0.1, 0.12], 3) * 0.8
        )
        if k in (4, 5):
            layers.spots[None, ("upper lumbar spine", "lower lumbar spine")[k - 4]] = disc
            layers.spots[None, ("upper vertebra", "lower vertebra")[k - 4]] = (behind, level)
    for k in range(3):
        low = 1.2 + 0.2 * k
        layers.lay(
            "marrow",
            ellipse(page, float(np.asarray(_curve_of_spine(low))) + 0.05 * k, low, 0.13 - 0.02 * k, 0.085, -0.5, 2, 4),
        )
    layers.spots[None, "spinal canal"] = (float(np.asarray(_curve_of_spine(-0.3))) + 0.25, -0.3)
    layers.masks["inside"] = over(page, skin - 0.02)
    return layers


def spine_axial(rng: np.random.Generator, page: Frame) -> Layers:
    """Through a disc: disc in the middle, the sac of fluid behind it, joints and big back muscles."""
    layers = Layers(page)
    fat = float(rng.uniform(0.05, 0.22))
    rim = ((0, -1.1), (0.8, -1.1), (1.35, -0.6), (1.45, 0.0), (1.2, 0.5), (0.6, 0.82), (0.15, 0.75), (0, 0.7))
    inside = depth(page, (0, -0.1), mirrored(rim)) + fat
    layers.lay("skin", over(page, inside))
    layers.lay("fat", over(page, inside - 0.02))
    deep = over(page, inside - fat - 0.12, 3)
    layers.masks["inside"] = over(page, inside - 0.05)
    layers.lay("muscle", deep * smoothstep((page.y + 0.55) * 5) * 0.4)
    for sign in (-1, 1):
        layers.lay("muscle", ellipse(page, sign * 0.36, 0.5, 0.3, 0.24, sign * 0.25, 3, lobes=lobed(rng, 0.1)))
        layers.lay("muscle", ellipse(page, sign * 0.48, -0.1, 0.19, 0.25, sign * 0.3, 3, lobes=lobed(rng, 0.08)))
        for _ in range(4):
            start = (sign * float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.35, 0.65)))
            layers.lay("fat", stroke(page, [start, (start[0] + 0.1, start[1] + 0.08)], 0.02, 2) * 0.7)
        layers.lay("cortex", stroke(page, [(sign * 0.16, 0.34), (sign * 0.26, 0.16)], [0.09, 0.12], 2))
        layers.lay("marrow", stroke(page, [(sign * 0.16, 0.34), (sign * 0.26, 0.18)], [0.04, 0.06], 2))
        layers.lay("fluid", ellipse(page, sign * 0.8, -0.35, 0.12, 0.18, soft=4) * float(rng.random()))
    layers.lay("flow", ellipse(page, 0.09, -0.48, 0.08, 0.08, soft=2), ellipse(page, -0.14, -0.48, 0.1, 0.07, soft=2))
    layers.lay("fat", ellipse(page, 0, 0.14, 0.2, 0.15, soft=3))
    layers.lay("annulus", ellipse(page, 0, -0.15, 0.29, 0.22, soft=2, lobes=((-0.02, 0.0), (0.0, 0.02))))
    layers.lay("disc", ellipse(page, 0, -0.16, 0.2, 0.14, soft=5))
    layers.lay("csf", ellipse(page, 0, 0.13, 0.13, 0.1, soft=2))
    for _ in range(7):
        at = (float(rng.uniform(-0.08, 0.08)), 0.15 + float(rng.uniform(-0.03, 0.05)))
        layers.lay("cord", ellipse(page, *at, 0.014, 0.014, soft=1.5) * 0.8)
    layers.lay(
        "cortex",
        stroke(page, [(0, 0.36), (0, 0.68)], [0.07, 0.06], 2),
        stroke(page, [(-0.17, 0.32), (0, 0.4), (0.17, 0.32)], 0.05, 2),
    )
    layers.lay("marrow", stroke(page, [(0, 0.4), (0, 0.66)], [0.03, 0.035], 2))
    for _ in range(8):
        at = (float(rng.uniform(-1.0, 1.0)), float(rng.uniform(-1.0, -0.62)))
        layers.lay(
            ("fluid", "bowel", "bowel")[int(rng.integers(3))],
            ellipse(page, *at, 0.15, 0.11, soft=4, lobes=lobed(rng, 0.2)) * deep,
        )
    layers.spots = both({"spinal canal": (0.12, 0.09), "vertebra": (0.2, -0.15), "back muscle": (0.36, 0.48)})
    return layers
