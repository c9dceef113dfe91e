"""A chest film in the making: shadows that add up, and the parts that every view shares."""

import math
from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, add, ellipse, lobed, lookup, span, stroke
from medvlm.phantoms.cases import Plan
from medvlm.phantoms.fields import fractal
from medvlm.phantoms.findings import found
from medvlm.phantoms.truth import Finding

MILLIMETRES = 145.0
LUNG_Y = (-1.12, -1.02, -0.75, -0.4, 0.0, 0.4, 0.75, 1.15)
LUNG_OUTER = (0.42, 0.62, 0.8, 0.91, 0.98, 1.0, 1.0, 0.98)
LUNG_INNER = (0.32, 0.19, 0.17, 0.17, 0.2, 0.2, 0.2, 0.2)


class Shadows:
    """A film in the making: density without lungs, how much each lung clears, vessels, and what was put in."""

    def __init__(self, page: Frame, base: float) -> None:
        self.page = page
        self.density = np.full(page.shape, base)
        self.vessels = np.zeros(page.shape)
        self.air = np.zeros(page.shape)
        self.findings: list[Finding] = []

    def film(self, depth: float, rng: np.random.Generator) -> Grey:
        """Density 0 (black) to about 1 (white); `depth` is how much darker air makes it than no air."""
        texture = 1 + 0.10 * fractal(rng, self.page.shape, 14, 2)
        return self.density - self.air * (depth - np.minimum(self.vessels, 0.17) * texture)


def sign_of(side: str | None) -> int:
    """Where x grows to on this side of the patient: -1 for the right, 1 for everything else."""
    return -1 if side == "right" else 1


def half(page: Frame, side: str, shrink: Sequence[float] | None = None, top: float = 0.0) -> Grey:
    """One half of the chest's inside, as far down as it goes; `shrink` moves its outer edge in, `top` its apex down."""
    outer = [out - less for out, less in zip(LUNG_OUTER, shrink or [0.0] * 8, strict=True)]
    ys = [y + top * (1 - (y + 1.12) / 2.27) for y in LUNG_Y]
    if side == "left":
        return span(page, ys, LUNG_INNER, outer, 3).full(page.shape)
    return span(page, ys, [-out for out in outer], [-inn for inn in LUNG_INNER], 3).full(page.shape)


def above(page: Frame, xs: Sequence[float], ys: Sequence[float], soft: float = 3) -> Grey:
    """1 above the line through (x, y), 0 below it."""
    order = np.argsort(xs)
    line = lookup([xs[i] for i in order], [ys[i] for i in order], page.x)
    ramp: Grey = np.clip((line - page.y) * page.scale / soft + 0.5, 0, 1)
    return ramp


def vessel(
    rng: np.random.Generator, shadows: Shadows, start: Point, sign: int, angle: float, length: float, wide: float
) -> None:
    """A vessel from `start` at `angle` (radians), which forks twice and ends after about `length` (page units)."""
    # Of single numbers only: arrays of sines differ in their last bits among processors.
    points, (x, y) = [start], start
    for step in range(3):
        angle += float(rng.uniform(-0.25, 0.25))
        x, y = x + sign * math.cos(angle) * length / 3, y + math.sin(angle) * length / 3 * 1.2
        points.append((x, y))
        if step < 2:
            fork = angle + float(rng.choice([-0.6, 0.6]))
            end = (x + sign * math.cos(fork) * length / 3, y + math.sin(fork) * length / 3)
            add(shadows.vessels, stroke(shadows.page, [(x, y), end], [wide * 0.55, wide * 0.2], 2), 0.11)
    add(shadows.vessels, stroke(shadows.page, points, [wide, wide * 0.75, wide * 0.5, wide * 0.25], 2), 0.14)


def cloud(rng: np.random.Generator, shadows: Shadows, at: Point, size: float, one: Plan) -> None:
    """A patch of lung without air: uneven, with soft edges."""
    page = shadows.page
    patch = ellipse(page, *at, size * 1.1, size, soft=size * page.scale * 0.9, lobes=lobed(rng, 0.3))
    uneven = np.clip(0.85 + 0.3 * fractal(rng, page.shape, size * page.scale * 0.5), 0.25, 1.0)
    shadows.air *= 1 - (0.55 + 0.4 * one.contrast) * (patch * uneven).full(page.shape)


def spots_of(rng: np.random.Generator, shadows: Shadows, spots: list[Point], size: float, one: Plan) -> None:
    """Round shadows of radius `size` (page units), the first one the largest, as one finding."""
    page = shadows.page
    for i, spot in enumerate(spots):
        grown = size * (1 if i == 0 else 0.8)
        add(
            shadows.density,
            ellipse(page, *spot, grown, grown, soft=3, lobes=lobed(rng, 0.12)),
            0.2 + 0.14 * one.contrast,
        )
    shadows.findings.append(
        found(page, one.name, spots[0], size, round(2 * size * MILLIMETRES), one.side, one.place, one.count)
    )
