"""What a frontal chest film may show that is not as it should be."""

import numpy as np

from medvlm.phantoms.canvas import Grey, add, bow, stroke
from medvlm.phantoms.cases import Plan
from medvlm.phantoms.findings import found
from medvlm.phantoms.shadows import MILLIMETRES, Shadows, above, cloud, half, sign_of, spots_of

_ZONE_Y = {"upper zone": -0.62, "mid zone": -0.1, "lower zone": 0.4}


def _effusion(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, side, sign = shadows.page, one.side or "left", sign_of(one.side)
    level = domes[side] + 0.12 - 0.75 * one.size
    xs = [sign * x for x in (0.1, 0.5, 0.8, 1.02)]
    fluid = full[side] * (1 - above(page, xs, (level + 0.05, level, level - 0.1, level - 0.28), 5))
    shadows.air *= 1 - fluid
    shadows.density += 0.06 * fluid
    depth = 1.0 - level
    shadows.findings.append(
        found(page, one.name, (sign * 0.65, level + 0.4 * depth), 0.5 * depth, None, side, one.place)
    )


def _consolidation(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, sign = shadows.page, sign_of(one.side)
    size = 0.2 + 0.18 * one.size
    at = (sign * float(rng.uniform(0.5, 0.68)), min(_ZONE_Y[one.place or ""], domes[one.side or "left"] - 0.12))
    cloud(rng, shadows, at, size, one)
    shadows.findings.append(found(page, one.name, at, size, round(2 * size * MILLIMETRES), one.side, one.place))


def _pneumothorax(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, side, sign = shadows.page, one.side or "left", sign_of(one.side)
    depth = 0.16 + 0.24 * one.size
    upper = one.place == "upper zone"
    shrink = [depth * (f if upper else 0.9) for f in (1.0, 1.0, 0.95, 0.7, 0.4, 0.2, 0.1, 0.1)]
    top = depth * (1.3 if upper else 0.45)
    inner, inner2 = (half(page, side, [less + more for less in shrink], top + more) for more in (0.0, 0.03))
    gap = full[side] * (1 - inner)
    shadows.vessels *= 1 - gap
    shadows.density += shadows.air * (
        0.12 * inner * (0.3 + one.size) - 0.09 * gap + 0.16 * np.clip(inner - inner2, 0, 1)
    )
    at = (sign * (0.55 if upper else 0.95 - depth / 2), -0.92 + depth * 0.4 if upper else -0.1)
    shadows.findings.append(found(page, one.name, at, depth, None, side, one.place))


def _nodule(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    sign = sign_of(one.side)
    size = 0.065 + 0.095 * one.size
    y = min(_ZONE_Y[one.place or ""], domes[one.side or "left"] - 0.2)
    at = (sign * float(rng.uniform(0.5, 0.72)), y + float(rng.uniform(-0.06, 0.06)))
    spots = [
        at,
        (at[0] + sign * 0.12, at[1] + 0.3 * (1 if y < 0 else -1)),
        (at[0] - sign * 0.2, at[1] - 0.24 * (1 if y > 0 else -1)),
    ]
    spots_of(rng, shadows, spots[: one.count], size, one)


def _central_line(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, sign = shadows.page, sign_of(one.side)
    entry = [(sign * 1.25, -0.9), (sign * 0.8, -1.02), (sign * 0.45, -1.0)]
    rest = [(-0.12, -0.75), (-0.17, -0.45), (-0.18, -0.1 + 0.25 * one.size)]
    path = bow(entry[0], (sign * 0.8, -1.2), entry[2], 5) + bow(entry[2], (sign * 0.1, -0.92), rest[0], 4) + rest[1:]
    add(shadows.density, stroke(page, path, 0.03 + 0.012 * one.size, 1.5), 0.26 + 0.16 * one.contrast)
    shadows.findings.append(found(page, one.name, (sign * 0.45, -1.0), 0.4, None, one.side))


def _tube(
    rng: np.random.Generator, shadows: Shadows, one: Plan, full: dict[str, Grey], domes: dict[str, float]
) -> None:
    page, tip = shadows.page, -0.62 + 0.2 * one.size
    add(shadows.density, stroke(page, [(0.03, -2.4), (0.0, -1.2), (-0.02, tip)], 0.09, 1.5), 0.06)
    for shift in (-0.04, 0.04):
        path = [(0.03 + shift, -2.4), (shift, -1.2), (shift - 0.02, tip)]
        add(shadows.density, stroke(page, path, 0.022, 1.2), 0.16 + 0.14 * one.contrast)
    shadows.findings.append(found(page, one.name, (0.0, -1.0), 0.4, None))


FRONTAL = {
    "pleural effusion": _effusion,
    "consolidation": _consolidation,
    "pneumothorax": _pneumothorax,
    "nodule": _nodule,
    "central line": _central_line,
    "endotracheal tube": _tube,
}
