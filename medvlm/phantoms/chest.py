"""The chest as X-rays see it: sums of shadows, frontal and lateral, 0 (black) to 1 (white).

Page units: 1 is half the inner width of the chest in a frontal view; x grows to the patient's left.
"""

import math
from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.canvas import (
    Frame,
    Grey,
    Point,
    add,
    bow,
    ellipse,
    fractal,
    lobed,
    lookup,
    outline,
    smoothstep,
    span,
    stroke,
)
from medvlm.phantoms.cases import Plan, Streams
from medvlm.phantoms.truth import Finding

MILLIMETRES = 145.0
_LUNG_Y = (-1.12, -1.02, -0.75, -0.4, 0.0, 0.4, 0.75, 1.15)
_LUNG_OUTER = (0.42, 0.62, 0.8, 0.91, 0.98, 1.0, 1.0, 0.98)
_LUNG_INNER = (0.32, 0.19, 0.17, 0.17, 0.2, 0.2, 0.2, 0.2)
_ZONE_Y = {"upper zone": -0.62, "mid zone": -0.1, "lower zone": 0.4}
_HEART = (
    (-0.27, 0.4),
    (-0.23, 0.05),
    (-0.14, -0.3),
    (0.14, -0.35),
    (0.25, -0.05),
    (0.44, 0.25),
    (0.56, 0.5),
    (0.54, 0.68),
    (0.2, 0.8),
    (-0.2, 0.74),
)


class _Shadows:
    """A film in the making: density without lungs, how much each lung clears, vessels, and what was put in."""

    def __init__(self, page: Frame, base: float) -> None:
        self.page = page
        self.density = np.full(page.shape, base)
        self.vessels = np.zeros(page.shape)
        self.air = np.zeros(page.shape)
        self.findings: list[Finding] = []

    def film(self, depth: float, rng: np.random.Generator) -> Grey:
        texture = 1 + 0.10 * fractal(rng, self.page.shape, 14, 2)
        return self.density - self.air * (depth - np.minimum(self.vessels, 0.17) * texture)


def frontal(rngs: Streams, page: Frame, plans: tuple[Plan, ...], supine: bool) -> tuple[Grey, tuple[Finding, ...]]:
    """Density of a PA film (AP if `supine`) with `plans` drawn into it, and the findings as they came out."""
    rng, named = rngs.anatomy, {one.name: one for one in plans}
    shadows = _Shadows(page, 0.05)
    _trunk(rng, shadows, supine)
    domes = _domes(rng, supine, named.get("elevated diaphragm"))
    heart = float(rng.uniform(0.95, 1.14)) * (1.08 if supine else 1.0)
    if "cardiomegaly" in named:
        heart = 1.38 + 0.42 * named["cardiomegaly"].size
        ratio = heart * 0.83 / 2
        shadows.findings.append(
            _found(page, "cardiomegaly", (0.14 * heart, 0.25), ratio, round(ratio * 2 * MILLIMETRES))
        )
    lungs = {side: _lung(page, side, domes[side]) for side in ("left", "right")}
    full = {side: _half(page, side) for side in ("left", "right")}
    shadows.air = lungs["left"] + lungs["right"]
    if "elevated diaphragm" in named:
        side = named["elevated diaphragm"].side or "left"
        shadows.findings.append(_found(page, "elevated diaphragm", (_sign(side) * 0.55, domes[side]), 0.2, None, side))
    _bronchial_tree(rng, shadows)
    _heart(rng, shadows, heart)
    _skeleton(rng, shadows, supine)
    _abdomen(rng, shadows, domes)
    for one in plans:
        if one.name in _FRONTAL:
            _FRONTAL[one.name](rngs.finding, shadows, one, full, domes)
    if supine:
        _leads(rng, shadows)
    return shadows.film(float(rng.uniform(0.36, 0.46)), rng), tuple(shadows.findings)


def _sign(side: str | None) -> int:
    return -1 if side == "right" else 1


def _found(
    page: Frame,
    name: str,
    at: Point,
    radius: float,
    size: float | None,
    side: str | None = None,
    place: str | None = None,
    count: int = 1,
) -> Finding:
    share = round(radius * page.scale / max(page.shape), 4)
    return Finding(name, side, place, page.fraction(*at), share, size, count)  # type: ignore[arg-type]


def _trunk(rng: np.random.Generator, shadows: _Shadows, supine: bool) -> None:
    """Neck, shoulders, trunk and arms."""
    page, width = shadows.page, float(rng.uniform(1.12, 1.3))
    ys = (-2.6, -1.62, -1.42, -1.25, -1.0, -0.7, -0.3, 0.4, 1.2, 2.6)
    halves = (0.38, 0.4, 0.55, 1.05, 1.32, 1.3, width, width, width, width)
    shadows.density += 0.55 * span(page, ys, [-h for h in halves], halves, 4).full(page.shape)
    for sign in (-1, 1):
        down = 1.7 if supine else 1.2
        add(
            shadows.density,
            stroke(page, [(sign * 1.45, -0.95), (sign * (1.62 if supine else 1.75), down)], 0.5, 4),
            0.4,
        )
    np.minimum(shadows.density, 0.62, out=shadows.density)
    if rng.random() < 0.45:
        for sign in (-1, 1):
            size = float(rng.uniform(0.35, 0.48))
            add(shadows.density, ellipse(page, sign * 0.58, 0.62, size, size * 0.95, soft=10), 0.06)


def _domes(rng: np.random.Generator, supine: bool, raised: Plan | None) -> dict[str, float]:
    right = float(rng.uniform(0.6, 0.82)) - (0.12 if supine else 0)
    domes = {"right": right, "left": right + float(rng.uniform(0.03, 0.12))}
    if raised is not None:
        domes[raised.side or "left"] -= 0.3 + 0.3 * raised.size
    return domes


def _half(page: Frame, side: str, shrink: Sequence[float] | None = None, top: float = 0.0) -> Grey:
    """One half of the chest's inside, as far down as it goes; `shrink` moves its outer edge in, `top` its apex down."""
    outer = [out - less for out, less in zip(_LUNG_OUTER, shrink or [0.0] * 8, strict=True)]
    ys = [y + top * (1 - (y + 1.12) / 2.27) for y in _LUNG_Y]
    if side == "left":
        return span(page, ys, _LUNG_INNER, outer, 3).full(page.shape)
    return span(page, ys, [-out for out in outer], [-inn for inn in _LUNG_INNER], 3).full(page.shape)


def _above(page: Frame, xs: Sequence[float], ys: Sequence[float], soft: float = 3) -> Grey:
    """1 above the line through (x, y), 0 below it."""
    order = np.argsort(xs)
    line = lookup([xs[i] for i in order], [ys[i] for i in order], page.x)
    ramp: Grey = np.clip((line - page.y) * page.scale / soft + 0.5, 0, 1)
    return ramp


def _lung(page: Frame, side: str, dome: float) -> Grey:
    sign = _sign(side)
    xs = [sign * x for x in (0.1, 0.3, 0.5, 0.75, 0.92, 1.02)]
    return _half(page, side) * _above(page, xs, (dome + 0.08, dome, dome + 0.01, dome + 0.1, dome + 0.24, dome + 0.38))


def _bronchial_tree(rng: np.random.Generator, shadows: _Shadows) -> None:
    """Trachea (dark), hila and vessels that branch outwards."""
    page = shadows.page
    add(shadows.density, stroke(page, [(0, -2), (0.0, -1.2), (-0.02, -0.5)], 0.13, 4), -0.1)
    for sign in (-1, 1):
        add(shadows.density, stroke(page, [(-0.02, -0.5), (sign * 0.2, -0.3)], 0.08, 3), -0.06)
        hilum = (sign * 0.27, -0.12 - 0.04 * (sign > 0))
        add(shadows.vessels, ellipse(page, *hilum, 0.1, 0.2, sign * -0.2, 10), 0.13)
        for angle in np.linspace(-1.3, 1.4, 6) + rng.uniform(-0.2, 0.2, 6):
            _vessel(rng, shadows, hilum, sign, float(angle), float(rng.uniform(0.5, 0.8)), 0.045)


def _vessel(
    rng: np.random.Generator, shadows: _Shadows, start: Point, sign: int, angle: float, length: float, wide: float
) -> None:
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


def _heart(rng: np.random.Generator, shadows: _Shadows, size: float) -> None:
    page = shadows.page
    points = [(x * size + float(rng.uniform(-0.02, 0.02)), 0.3 + (y - 0.3) * (0.7 + 0.3 * size)) for x, y in _HEART]
    heart = outline(page, (0.1, 0.3), points, 6).full(page.shape)
    knob = ellipse(page, 0.2, -0.52, float(rng.uniform(0.1, 0.16)), 0.15, soft=5).full(page.shape)
    shadows.air *= 1 - 0.85 * np.maximum(heart, knob)
    pedicle = stroke(page, [(0, -1.2), (-0.02, -0.5), (0.0, 0.1)], (0.4, 0.46, 0.5), 6).full(page.shape)
    shadows.air *= 1 - 0.7 * pedicle
    shadows.density += 0.07 * heart


def _skeleton(rng: np.random.Generator, shadows: _Shadows, supine: bool) -> None:
    """Spine, ribs, collar bones and shoulder blades."""
    page, density = shadows.page, shadows.density
    x, y = np.abs(page.x), page.y
    gap, phase = float(rng.uniform(0.175, 0.2)), float(rng.uniform(0, 0.2))
    spine = np.clip((0.13 - x) * page.scale / 4 + 0.5, 0, 1) * smoothstep((y + 1.7) * 4)
    discs = np.abs((y / gap) % 1.0 - 0.5)
    density += spine * (0.10 + 0.05 * smoothstep((discs - 0.08) * 8))
    wide = lookup(_LUNG_Y, _LUNG_OUTER, y) + 0.04
    inside = np.clip((wide - x) * page.scale / 3 + 0.5, 0, 1) * smoothstep((y + 1.16) * 12)
    inside *= 1 - 0.7 * smoothstep((y - 0.55) * 3)
    u = np.minimum(x / wide, 1.0)
    strong = float(rng.uniform(0.05, 0.1))
    back = (y + phase - lookup((0, 0.3, 0.6, 0.85, 1.0), (0.05, 0.0, 0.08, 0.24, 0.42), u)) / gap
    density += (
        strong * inside * np.clip((0.19 - np.abs(back % 1.0 - 0.5)) * gap * page.scale / 2 + 0.5, 0, 1) * (u > 0.1)
    )
    front = (y + phase + lookup((0, 0.35, 0.7, 1.0), (-0.62, -0.5, -0.22, 0.1), u)) / (gap * 1.15)
    fade = smoothstep((u - 0.3) * 5) * smoothstep((0.95 - y) * 4)
    density += (
        0.6 * strong * inside * fade * np.clip((0.2 - np.abs(front % 1.0 - 0.5)) * gap * page.scale / 2 + 0.5, 0, 1)
    )
    lift = 0.08 if supine else 0.0
    for sign in (-1, 1):
        collar = bow((sign * 0.1, -0.93), (sign * 0.5, -1.12 - lift), (sign * 1.12, -1.22 - lift), 5)
        add(density, stroke(page, collar, (0.1, 0.075, 0.07, 0.07, 0.075, 0.09), 3), 0.12)
        at = 0.98 if supine else 1.15
        blade = [
            (sign * at, -1.1),
            (sign * (at - 0.2), -0.75),
            (sign * (at - 0.12), -0.15),
            (sign * (at + 0.22), -0.85),
        ]
        add(density, outline(page, (sign * at, -0.75), blade, 4), 0.07)
        add(density, ellipse(page, sign * 1.38, -1.12, 0.14, 0.16, soft=4), 0.14)
        add(density, stroke(page, [(sign * 1.42, -1.05), (sign * 1.6, 0.4)], 0.15, 4), 0.16)


def _abdomen(rng: np.random.Generator, shadows: _Shadows, domes: dict[str, float]) -> None:
    page = shadows.page
    below = smoothstep((page.y - min(domes.values()) - 0.1) * 2.5)
    shadows.density += 0.12 * below
    if rng.random() < 0.6:
        size = float(rng.uniform(0.1, 0.22))
        bubble = ellipse(
            page, 0.48, domes["left"] + 0.1 + size * 0.7, size * 1.3, size * 0.75, soft=4, lobes=lobed(rng, 0.1)
        )
        add(shadows.density, bubble, -0.28)
    for _ in range(int(rng.integers(0, 4))):
        at, size = float(rng.uniform(0.2, 0.9)), float(rng.uniform(0.05, 0.12))
        loop = ellipse(
            page, at, domes["left"] + float(rng.uniform(0.45, 0.8)), size * 1.3, size, soft=5, lobes=lobed(rng, 0.2)
        )
        add(shadows.density, loop, -0.15)


def _leads(rng: np.random.Generator, shadows: _Shadows) -> None:
    """Electrodes and their wires, as on films taken in bed."""
    for _ in range(int(rng.integers(1, 4))):
        x, y = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.9, 0.5))
        add(shadows.density, ellipse(shadows.page, x, y, 0.035, 0.035, soft=1), 0.2)
        wire = bow((x, y), (x + float(rng.uniform(-0.5, 0.5)), y + 0.5), (float(rng.uniform(-1.2, 1.2)), 1.6), 6)
        add(shadows.density, stroke(shadows.page, wire, 0.012, 1), 0.16)


def _effusion(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, side, sign = shadows.page, one.side or "left", _sign(one.side)
    level = domes[side] + 0.12 - 0.75 * one.size
    xs = [sign * x for x in (0.1, 0.5, 0.8, 1.02)]
    fluid = full[side] * (1 - _above(page, xs, (level + 0.05, level, level - 0.1, level - 0.28), 5))
    shadows.air *= 1 - fluid
    shadows.density += 0.06 * fluid
    depth = 1.0 - level
    shadows.findings.append(
        _found(page, one.name, (sign * 0.65, level + 0.4 * depth), 0.5 * depth, None, side, one.place)
    )


def _consolidation(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, sign = shadows.page, _sign(one.side)
    size = 0.2 + 0.18 * one.size
    at = (sign * float(rng.uniform(0.5, 0.68)), min(_ZONE_Y[one.place or ""], domes[one.side or "left"] - 0.12))
    _cloud(rng, shadows, at, size, one)
    shadows.findings.append(_found(page, one.name, at, size, round(2 * size * MILLIMETRES), one.side, one.place))


def _cloud(rng: np.random.Generator, shadows: _Shadows, at: Point, size: float, one: Plan) -> None:
    """A patch of lung without air: uneven, with soft edges."""
    page = shadows.page
    patch = ellipse(page, *at, size * 1.1, size, soft=size * page.scale * 0.9, lobes=lobed(rng, 0.3))
    uneven = np.clip(0.85 + 0.3 * fractal(rng, page.shape, size * page.scale * 0.5), 0.25, 1.0)
    shadows.air *= 1 - (0.55 + 0.4 * one.contrast) * (patch * uneven).full(page.shape)


def _pneumothorax(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, side, sign = shadows.page, one.side or "left", _sign(one.side)
    depth = 0.16 + 0.24 * one.size
    upper = one.place == "upper zone"
    shrink = [depth * (f if upper else 0.9) for f in (1.0, 1.0, 0.95, 0.7, 0.4, 0.2, 0.1, 0.1)]
    top = depth * (1.3 if upper else 0.45)
    inner, inner2 = (_half(page, side, [less + more for less in shrink], top + more) for more in (0.0, 0.03))
    gap = full[side] * (1 - inner)
    shadows.vessels *= 1 - gap
    shadows.density += shadows.air * (
        0.12 * inner * (0.3 + one.size) - 0.09 * gap + 0.16 * np.clip(inner - inner2, 0, 1)
    )
    at = (sign * (0.55 if upper else 0.95 - depth / 2), -0.92 + depth * 0.4 if upper else -0.1)
    shadows.findings.append(_found(page, one.name, at, depth, None, side, one.place))


def _nodule(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    sign = _sign(one.side)
    size = 0.065 + 0.095 * one.size
    y = min(_ZONE_Y[one.place or ""], domes[one.side or "left"] - 0.2)
    at = (sign * float(rng.uniform(0.5, 0.72)), y + float(rng.uniform(-0.06, 0.06)))
    spots = [
        at,
        (at[0] + sign * 0.12, at[1] + 0.3 * (1 if y < 0 else -1)),
        (at[0] - sign * 0.2, at[1] - 0.24 * (1 if y > 0 else -1)),
    ]
    _spots(rng, shadows, spots[: one.count], size, one)


def _spots(rng: np.random.Generator, shadows: _Shadows, spots: list[Point], size: float, one: Plan) -> None:
    page = shadows.page
    for i, spot in enumerate(spots):
        grown = size * (1 if i == 0 else 0.8)
        add(
            shadows.density,
            ellipse(page, *spot, grown, grown, soft=3, lobes=lobed(rng, 0.12)),
            0.2 + 0.14 * one.contrast,
        )
    shadows.findings.append(
        _found(page, one.name, spots[0], size, round(2 * size * MILLIMETRES), one.side, one.place, one.count)
    )


def _central_line(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, sign = shadows.page, _sign(one.side)
    entry = [(sign * 1.25, -0.9), (sign * 0.8, -1.02), (sign * 0.45, -1.0)]
    rest = [(-0.12, -0.75), (-0.17, -0.45), (-0.18, -0.1 + 0.25 * one.size)]
    path = bow(entry[0], (sign * 0.8, -1.2), entry[2], 5) + bow(entry[2], (sign * 0.1, -0.92), rest[0], 4) + rest[1:]
    add(shadows.density, stroke(page, path, 0.03 + 0.012 * one.size, 1.5), 0.26 + 0.16 * one.contrast)
    shadows.findings.append(_found(page, one.name, (sign * 0.45, -1.0), 0.4, None, one.side))


def _tube(
    rng: np.random.Generator, shadows: _Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, tip = shadows.page, -0.62 + 0.2 * one.size
    add(shadows.density, stroke(page, [(0.03, -2.4), (0.0, -1.2), (-0.02, tip)], 0.09, 1.5), 0.06)
    for shift in (-0.04, 0.04):
        path = [(0.03 + shift, -2.4), (shift, -1.2), (shift - 0.02, tip)]
        add(shadows.density, stroke(page, path, 0.022, 1.2), 0.16 + 0.14 * one.contrast)
    shadows.findings.append(_found(page, one.name, (0.0, -1.0), 0.4, None))


_FRONTAL = {
    "pleural effusion": _effusion,
    "consolidation": _consolidation,
    "pneumothorax": _pneumothorax,
    "nodule": _nodule,
    "central line": _central_line,
    "endotracheal tube": _tube,
}


def lateral(
    rngs: Streams, page: Frame, plans: tuple[Plan, ...], left_out: frozenset[str] = frozenset()
) -> tuple[Grey, tuple[Finding, ...]]:
    """Density of a lateral film (the patient looks to the picture's left), and the findings as they came out.

    What replaces a finding in `left_out` takes its numbers from the findings' stream: all else stays as it was."""
    rng, named = rngs.anatomy, {one.name: one for one in plans}
    shadows = _Shadows(page, 0.05)
    ys = (-2.6, -1.6, -1.3, -1.05, -0.5, 0.2, 1.0, 2.6)
    bulge = float(rng.uniform(0.0, 0.12))
    fronts = (-0.25, -0.28, -0.55, -0.7, -0.8 - bulge, -0.86 - bulge, -0.82 - bulge, -0.85 - bulge)
    shadows.density += 0.52 * span(page, ys, fronts, (0.3, 0.42, 0.95, 1.05, 1.05, 0.98, 0.9, 0.95), 4).full(page.shape)
    add(shadows.density, stroke(page, [(-0.1, -1.2), (-0.75, -2.2)], 0.55, 8), 0.12)
    raised = named.get("elevated diaphragm")
    dome = float(rng.uniform(0.5, 0.65))
    step = rngs.finding if "elevated diaphragm" in left_out else rng
    second = dome - (0.3 + 0.25 * raised.size if raised else float(step.uniform(0.03, 0.08)))
    chest = [
        (-0.52, -0.75),
        (-0.64, -0.2),
        (-0.7, 0.35),
        (-0.66, 0.8),
        (0.0, -1.12),
        (-0.3, -1.02),
        (0.4, -0.98),
        (0.68, -0.55),
        (0.78, 0.0),
        (0.76, 0.6),
        (0.62, 1.12),
        (0.1, 1.1),
    ]
    inside = outline(page, (0.05, 0.0), chest, 4).full(page.shape)
    xs = (-0.75, -0.45, -0.1, 0.25, 0.55, 0.8)
    covers = [
        _above(page, xs, (top + 0.14, top + 0.02, top, top + 0.1, top + 0.34, top + 0.55), 3) for top in (dome, second)
    ]
    shadows.air = inside * (0.5 * covers[0] + 0.5 * covers[1])
    if raised:
        shadows.findings.append(_found(page, raised.name, (0.0, second), 0.25, None))
    usual = rngs.finding if "cardiomegaly" in left_out else rng
    _lateral_inside(rng, usual, shadows, named.get("cardiomegaly"))
    _lateral_skeleton(rng, shadows)
    shadows.density += 0.1 * smoothstep((page.y - dome) * 2.5)
    if rng.random() < 0.5:
        add(shadows.density, ellipse(page, -0.15, dome + 0.22, 0.2, 0.12, soft=4, lobes=lobed(rng, 0.1)), -0.2)
    for one in plans:
        _lateral_finding(rngs.finding, shadows, one, inside, dome)
    return shadows.film(0.42, rng), tuple(shadows.findings)


def _lateral_inside(
    rng: np.random.Generator, usual: np.random.Generator, shadows: _Shadows, large: Plan | None
) -> None:
    page = shadows.page
    size = 1.35 + 0.3 * large.size if large else float(usual.uniform(0.9, 1.05))
    at = (-0.62 + 0.32 * size, 0.5 - 0.22 * size)
    heart = ellipse(page, *at, 0.3 * size, 0.4 * size, -0.5, 7, lobes=lobed(rng, 0.04)).full(page.shape)
    if large:
        shadows.findings.append(_found(page, large.name, at, 0.35 * size, round(0.66 * size * MILLIMETRES)))
    shadows.air *= 1 - 0.75 * heart
    shadows.air *= 1 - 0.45 * stroke(page, bow((-0.2, -0.1), (0.05, -1.05), (0.35, -0.3), 6), 0.2, 8).full(page.shape)
    add(shadows.vessels, ellipse(page, 0.02, -0.15, 0.14, 0.2, soft=10), 0.15)
    add(shadows.density, stroke(page, [(0.0, -2.0), (0.02, -1.1), (0.08, -0.25)], 0.12, 4), -0.12)
    for angle in np.linspace(0, 5.6, 8) + rng.uniform(-0.3, 0.3, 8):
        _vessel(rng, shadows, (0.05, -0.1), 1, float(angle), float(rng.uniform(0.4, 0.7)), 0.04)


def _lateral_skeleton(rng: np.random.Generator, shadows: _Shadows) -> None:
    page, density = shadows.page, shadows.density
    middle = lookup((-2.0, -1.2, -0.5, 0.2, 0.9, 1.6), (0.28, 0.48, 0.72, 0.78, 0.68, 0.5), page.y)
    gap = float(rng.uniform(0.18, 0.21))
    away = np.abs(page.x - middle)
    column = np.clip((0.12 - away) * page.scale / 3 + 0.5, 0, 1)
    end = smoothstep((np.abs((page.y / gap + 0.25 * page.x) % 1.0 - 0.5) - 0.06) * 10)
    density += column * (0.05 + 0.08 * end) + 0.06 * np.clip((0.1 - np.abs(away - 0.16)) * page.scale / 4, 0, 1) * end
    add(density, stroke(page, bow((-0.5, -0.95), (-0.75, -0.3), (-0.78, 0.35), 5), 0.07, 3), 0.13)
    ribs = (page.y - 0.55 * page.x * page.x + 0.5 * page.x) / (gap * 1.05)
    lines = np.clip((0.13 - np.abs(ribs % 1.0 - 0.5)) * gap * page.scale / 2 + 0.5, 0, 1)
    density += 0.035 * lines * smoothstep((page.y + 1.0) * 5) * (shadows.density > 0.4)
    blade = [(0.6, -1.15), (0.75, -0.5), (0.9, -0.5), (0.95, -1.1)]
    add(density, outline(page, (0.8, -0.8), blade, 4), 0.06)


def _lateral_finding(rng: np.random.Generator, shadows: _Shadows, one: Plan, inside: Grey, dome: float) -> None:
    page, forward = shadows.page, one.place == "anterior"
    if one.name == "pleural effusion":
        level = dome + 0.35 - 0.65 * one.size
        fluid = inside * (
            1 - _above(page, (-0.7, 0.1, 0.5, 0.8), (level + 0.3, level + 0.12, level - 0.03, level - 0.22), 5)
        )
        shadows.air *= 1 - fluid
        shadows.density += 0.05 * fluid
        depth = 1.05 - level
        shadows.findings.append(_found(page, one.name, (0.5, level + 0.4 * depth), 0.5 * depth, None, None, one.place))
    elif one.name == "consolidation":
        size = 0.18 + 0.14 * one.size
        at = (-0.3 if forward else 0.42, float(rng.uniform(-0.2, 0.15)) if forward else float(rng.uniform(0.1, 0.4)))
        _cloud(rng, shadows, at, size, one)
        shadows.findings.append(_found(page, one.name, at, size, round(2 * size * MILLIMETRES), None, one.place))
    elif one.name == "nodule":
        size = 0.065 + 0.085 * one.size
        at = (-0.42, -0.35) if forward else (float(rng.uniform(0.38, 0.5)), float(rng.uniform(-0.4, 0.2)))
        _spots(rng, shadows, [at, (at[0] + 0.05, at[1] - 0.32)][: one.count], size, one)
