"""The lower spine in slices (sagittal, axial) for MRI.

Page units: 100 mm. Sagittal slices have the patient's front on the left; axial ones show the patient's left on the
picture's right, with the front at the top.
"""

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, curve, ellipse, lobed, lookup, smoothstep, stroke
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.symmetry import both, depth, mirrored, over

MILLIMETRES = 100.0
# Where the column runs in a sagittal slice: heights, and how far it lies from the page's middle.
_COLUMN = ((-1.3, -0.8, -0.2, 0.35, 0.7, 1.1, 1.5), (0.1, 0.0, -0.12, -0.14, -0.02, 0.2, 0.32))
_GAP = 0.315  # from one vertebra to the next
# The trunk's outline in an axial slice: its left half.
_RIM = ((0, -1.1), (0.8, -1.1), (1.35, -0.6), (1.45, 0.0), (1.2, 0.5), (0.6, 0.82), (0.15, 0.75), (0, 0.7))


def spine_sagittal(rng: np.random.Generator, page: Frame) -> Layers:
    """Vertebrae and discs in a curved column, the canal behind them, the sacrum below."""
    layers = Layers(page)
    x = page.x - lookup(*_COLUMN, page.y)
    skin = 0.62 + float(rng.uniform(0.1, 0.3)) - x
    layers.lay("skin", over(page, skin))
    layers.lay("fat", over(page, skin - 0.02))
    layers.lay("muscle", over(page, 0.55 - x, 4) * over(page, x - 0.24, 3) * 0.85)
    layers.lay("muscle", over(page, -0.2 - x, 8) * 0.55)
    for _ in range(7):
        at = (float(rng.uniform(-0.95, -0.5)), float(rng.uniform(-1, 1)))
        tissue = ("fluid", "bowel", "fat")[int(rng.integers(3))]
        layers.lay(tissue, ellipse(page, *at, float(rng.uniform(0.08, 0.2)), 0.12, soft=4, lobes=lobed(rng, 0.2)))
    layers.lay("flow", over(page, 0.06 - np.abs(x + 0.3), 2) * over(page, 0.45 - page.y, 3))
    _canal(layers, x)
    dry = float(rng.uniform(0.0, 0.5))
    for number in range(8):
        _vertebra(rng, layers, number, dry)
    for k in range(3):
        low = 1.2 + 0.2 * k
        layers.lay("marrow", ellipse(page, _column_at(low) + 0.05 * k, low, 0.13 - 0.02 * k, 0.085, -0.5, 2, 4))
    layers.spots[None, "spinal canal"] = (_column_at(-0.3) + 0.25, -0.3)
    layers.masks["inside"] = over(page, skin - 0.02)
    return layers


def _column_at(y: float) -> float:
    return float(curve(*_COLUMN, y))


def _canal(layers: Layers, x: Grey) -> None:
    """Fluid behind the column, the cord's end in it and the nerve roots below; `x`: each pixel's distance from it."""
    page, y = layers.page, layers.page.y
    layers.lay("csf", over(page, 0.075 - np.abs(x - 0.25 + 0.03 * y), 1.8) * over(page, 1.0 - y, 4))
    cord = 0.035 * smoothstep((-0.35 - y) * 3)
    layers.lay("cord", over(page, cord - np.abs(x - 0.25), 1.5) * (y < -0.3))
    for k in range(3):
        root = over(page, 0.008 - np.abs(x - 0.24 - 0.025 * k), 1.5)
        layers.lay("cord", root * smoothstep((y + 0.5) * 6) * over(page, 0.95 - y, 4) * 0.6)


def _vertebra(rng: np.random.Generator, layers: Layers, number: int, dry: float) -> None:
    """A vertebra and the disc below it, up to `dry` (0..1) dried out; `number` counts from above."""
    page, level = layers.page, -1.35 + _GAP * number
    middle: Point = (_column_at(level), level)
    disc: Point = (_column_at(level + _GAP / 2), level + _GAP / 2)
    turn = -(_column_at(level + 0.1) - _column_at(level - 0.1)) / 0.2 * 0.9
    wide = 0.155 + 0.004 * number
    layers.lay("cortex", ellipse(page, *middle, wide + 0.015, 0.135, turn, 1.5, 4))
    layers.lay("marrow", ellipse(page, *middle, wide, 0.12, turn, 2, 4))
    layers.lay("annulus", ellipse(page, *disc, wide + 0.02, 0.05, turn, 1.5))
    layers.lay("disc", ellipse(page, *disc, wide * 0.75, 0.033, turn, 2) * (1 - dry * float(rng.random())))
    spur = [(middle[0] + 0.36, level + 0.05), (middle[0] + 0.52, level + 0.12)]
    layers.lay("marrow", stroke(page, spur, [0.1, 0.12], 3) * 0.8)
    if number in (4, 5):
        layers.spots[None, ("upper lumbar spine", "lower lumbar spine")[number - 4]] = disc
        layers.spots[None, ("upper vertebra", "lower vertebra")[number - 4]] = middle


def spine_axial(rng: np.random.Generator, page: Frame) -> Layers:
    """Through a disc: disc in the middle, the sac of fluid behind it, joints and big back muscles."""
    layers = Layers(page)
    fat = float(rng.uniform(0.05, 0.22))
    inside = depth(page, (0, -0.1), mirrored(_RIM)) + fat
    layers.lay("skin", over(page, inside))
    layers.lay("fat", over(page, inside - 0.02))
    deep = over(page, inside - fat - 0.12, 3)
    layers.masks["inside"] = over(page, inside - 0.05)
    layers.lay("muscle", deep * smoothstep((page.y + 0.55) * 5) * 0.4)
    for sign in (-1, 1):
        _beside_the_disc(rng, layers, sign)
    layers.lay("flow", ellipse(page, 0.09, -0.48, 0.08, 0.08, soft=2), ellipse(page, -0.14, -0.48, 0.1, 0.07, soft=2))
    _disc_and_sac(rng, layers)
    layers.lay("cortex", stroke(page, [(0, 0.36), (0, 0.68)], [0.07, 0.06], 2))
    layers.lay("cortex", stroke(page, [(-0.17, 0.32), (0, 0.4), (0.17, 0.32)], 0.05, 2))
    layers.lay("marrow", stroke(page, [(0, 0.4), (0, 0.66)], [0.03, 0.035], 2))
    for _ in range(8):
        at = (float(rng.uniform(-1.0, 1.0)), float(rng.uniform(-1.0, -0.62)))
        tissue = ("fluid", "bowel", "bowel")[int(rng.integers(3))]
        layers.lay(tissue, ellipse(page, *at, 0.15, 0.11, soft=4, lobes=lobed(rng, 0.2)) * deep)
    layers.spots = both({"spinal canal": (0.12, 0.09), "vertebra": (0.2, -0.15), "back muscle": (0.36, 0.48)})
    return layers


def _beside_the_disc(rng: np.random.Generator, layers: Layers, sign: int) -> None:
    """Back muscles streaked with fat, a joint of the spine and some fluid before it, on one side (-1 or 1)."""
    page = layers.page
    layers.lay("muscle", ellipse(page, sign * 0.36, 0.5, 0.3, 0.24, sign * 0.25, 3, lobes=lobed(rng, 0.1)))
    layers.lay("muscle", ellipse(page, sign * 0.48, -0.1, 0.19, 0.25, sign * 0.3, 3, lobes=lobed(rng, 0.08)))
    for _ in range(4):
        start = (sign * float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.35, 0.65)))
        layers.lay("fat", stroke(page, [start, (start[0] + 0.1, start[1] + 0.08)], 0.02, 2) * 0.7)
    layers.lay("cortex", stroke(page, [(sign * 0.16, 0.34), (sign * 0.26, 0.16)], [0.09, 0.12], 2))
    layers.lay("marrow", stroke(page, [(sign * 0.16, 0.34), (sign * 0.26, 0.18)], [0.04, 0.06], 2))
    layers.lay("fluid", ellipse(page, sign * 0.8, -0.35, 0.12, 0.18, soft=4) * float(rng.random()))


def _disc_and_sac(rng: np.random.Generator, layers: Layers) -> None:
    """The disc, and behind it the sac of fluid with the nerve roots in it."""
    page = layers.page
    layers.lay("fat", ellipse(page, 0, 0.14, 0.2, 0.15, soft=3))
    layers.lay("annulus", ellipse(page, 0, -0.15, 0.29, 0.22, soft=2, lobes=((-0.02, 0.0), (0.0, 0.02))))
    layers.lay("disc", ellipse(page, 0, -0.16, 0.2, 0.14, soft=5))
    layers.lay("csf", ellipse(page, 0, 0.13, 0.13, 0.1, soft=2))
    for _ in range(7):
        at = (float(rng.uniform(-0.08, 0.08)), 0.15 + float(rng.uniform(-0.03, 0.05)))
        layers.lay("cord", ellipse(page, *at, 0.014, 0.014, soft=1.5) * 0.8)
