"""The chest as X-rays see it: sums of shadows, from the front, 0 (black) to 1 (white).

Page units: 1 is half the inner width of the chest in a frontal view; x grows to the patient's left.
"""

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, add, bow, ellipse, lobed, lookup, outline, smoothstep, span, stroke
from medvlm.phantoms.cases import Plan, Streams
from medvlm.phantoms.chest_findings import FRONTAL
from medvlm.phantoms.findings import found
from medvlm.phantoms.shadows import LUNG_OUTER, LUNG_Y, MILLIMETRES, Shadows, above, half, sign_of, vessel
from medvlm.phantoms.truth import Finding

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


def frontal(rngs: Streams, page: Frame, plans: tuple[Plan, ...], supine: bool) -> tuple[Grey, tuple[Finding, ...]]:
    """Density of a PA film (AP if `supine`) with `plans` drawn into it, and the findings as they came out."""
    rng, named = rngs.anatomy, {one.name: one for one in plans}
    shadows = Shadows(page, 0.05)
    _trunk(rng, shadows, supine)
    domes = _domes(rng, supine, named.get("elevated diaphragm"))
    heart = float(rng.uniform(0.95, 1.14)) * (1.08 if supine else 1.0)
    if "cardiomegaly" in named:
        heart = 1.38 + 0.42 * named["cardiomegaly"].size
        ratio = heart * 0.83 / 2
        shadows.findings.append(
            found(page, "cardiomegaly", (0.14 * heart, 0.25), ratio, round(ratio * 2 * MILLIMETRES))
        )
    lungs = {side: _lung(page, side, domes[side]) for side in ("left", "right")}
    full = {side: half(page, side) for side in ("left", "right")}
    shadows.air = lungs["left"] + lungs["right"]
    if "elevated diaphragm" in named:
        side = named["elevated diaphragm"].side or "left"
        shadows.findings.append(found(page, "elevated diaphragm", (sign_of(side) * 0.55, domes[side]), 0.2, None, side))
    _bronchial_tree(rng, shadows)
    _heart(rng, shadows, heart)
    _skeleton(rng, shadows, supine)
    _abdomen(rng, shadows, domes)
    for one in plans:
        if one.name in FRONTAL:
            FRONTAL[one.name](rngs.finding, shadows, one, full, domes)
    if supine:
        _leads(rng, shadows)
    return shadows.film(float(rng.uniform(0.36, 0.46)), rng), tuple(shadows.findings)


def _trunk(rng: np.random.Generator, shadows: Shadows, supine: bool) -> None:
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


def _lung(page: Frame, side: str, dome: float) -> Grey:
    sign = sign_of(side)
    xs = [sign * x for x in (0.1, 0.3, 0.5, 0.75, 0.92, 1.02)]
    return half(page, side) * above(page, xs, (dome + 0.08, dome, dome + 0.01, dome + 0.1, dome + 0.24, dome + 0.38))


def _bronchial_tree(rng: np.random.Generator, shadows: Shadows) -> None:
    """Trachea (dark), hila and vessels that branch outwards."""
    page = shadows.page
    add(shadows.density, stroke(page, [(0, -2), (0.0, -1.2), (-0.02, -0.5)], 0.13, 4), -0.1)
    for sign in (-1, 1):
        add(shadows.density, stroke(page, [(-0.02, -0.5), (sign * 0.2, -0.3)], 0.08, 3), -0.06)
        hilum = (sign * 0.27, -0.12 - 0.04 * (sign > 0))
        add(shadows.vessels, ellipse(page, *hilum, 0.1, 0.2, sign * -0.2, 10), 0.13)
        for angle in np.linspace(-1.3, 1.4, 6) + rng.uniform(-0.2, 0.2, 6):
            vessel(rng, shadows, hilum, sign, float(angle), float(rng.uniform(0.5, 0.8)), 0.045)


def _heart(rng: np.random.Generator, shadows: Shadows, size: float) -> None:
    page = shadows.page
    points = [(x * size + float(rng.uniform(-0.02, 0.02)), 0.3 + (y - 0.3) * (0.7 + 0.3 * size)) for x, y in _HEART]
    heart = outline(page, (0.1, 0.3), points, 6).full(page.shape)
    knob = ellipse(page, 0.2, -0.52, float(rng.uniform(0.1, 0.16)), 0.15, soft=5).full(page.shape)
    shadows.air *= 1 - 0.85 * np.maximum(heart, knob)
    pedicle = stroke(page, [(0, -1.2), (-0.02, -0.5), (0.0, 0.1)], (0.4, 0.46, 0.5), 6).full(page.shape)
    shadows.air *= 1 - 0.7 * pedicle
    shadows.density += 0.07 * heart


def _skeleton(rng: np.random.Generator, shadows: Shadows, supine: bool) -> None:
    """Spine, ribs, collar bones and shoulder blades."""
    page, density = shadows.page, shadows.density
    x, y = np.abs(page.x), page.y
    gap, phase = float(rng.uniform(0.175, 0.2)), float(rng.uniform(0, 0.2))
    spine = np.clip((0.13 - x) * page.scale / 4 + 0.5, 0, 1) * smoothstep((y + 1.7) * 4)
    discs = np.abs((y / gap) % 1.0 - 0.5)
    density += spine * (0.10 + 0.05 * smoothstep((discs - 0.08) * 8))
    wide = lookup(LUNG_Y, LUNG_OUTER, y) + 0.04
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


def _abdomen(rng: np.random.Generator, shadows: Shadows, domes: dict[str, float]) -> None:
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


def _leads(rng: np.random.Generator, shadows: Shadows) -> None:
    """Electrodes and their wires, as on films taken in bed."""
    for _ in range(int(rng.integers(1, 4))):
        x, y = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.9, 0.5))
        add(shadows.density, ellipse(shadows.page, x, y, 0.035, 0.035, soft=1), 0.2)
        wire = bow((x, y), (x + float(rng.uniform(-0.5, 0.5)), y + 0.5), (float(rng.uniform(-1.2, 1.2)), 1.6), 6)
        add(shadows.density, stroke(shadows.page, wire, 0.012, 1), 0.16)
