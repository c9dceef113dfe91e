"""The chest from the side, as X-rays see it. Page units as in `chest`."""

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, add, bow, ellipse, lobed, lookup, outline, smoothstep, span, stroke
from medvlm.phantoms.cases import Plan, Streams
from medvlm.phantoms.findings import found
from medvlm.phantoms.shadows import MILLIMETRES, Shadows, above, cloud, spots_of, vessel
from medvlm.phantoms.truth import Finding

# The inside of the chest.
_CHEST = (
    *((-0.52, -0.75), (-0.64, -0.2), (-0.7, 0.35), (-0.66, 0.8), (0.0, -1.12), (-0.3, -1.02)),
    *((0.4, -0.98), (0.68, -0.55), (0.78, 0.0), (0.76, 0.6), (0.62, 1.12), (0.1, 1.1)),
)


def lateral(
    rngs: Streams, page: Frame, plans: tuple[Plan, ...], left_out: frozenset[str] = frozenset()
) -> tuple[Grey, tuple[Finding, ...]]:
    """Density of a lateral film (the patient looks to the picture's left), and the findings as they came out.

    What replaces a finding in `left_out` takes its numbers from the findings' stream: all else stays as it was."""
    rng, named = rngs.anatomy, {one.name: one for one in plans}
    shadows = Shadows(page, 0.05)
    _trunk(rng, shadows)
    raised = named.get("elevated diaphragm")
    dome = float(rng.uniform(0.5, 0.65))
    step = rngs.finding if "elevated diaphragm" in left_out else rng
    second = dome - (0.3 + 0.25 * raised.size if raised else float(step.uniform(0.03, 0.08)))
    inside = outline(page, (0.05, 0.0), _CHEST, 4).full(page.shape)
    covers = [_floor(page, top) for top in (dome, second)]
    shadows.air = inside * (0.5 * covers[0] + 0.5 * covers[1])
    if raised:
        shadows.findings.append(found(page, raised.name, (0.0, second), 0.25, None))
    usual = rngs.finding if "cardiomegaly" in left_out else rng
    _lateral_inside(rng, usual, shadows, named.get("cardiomegaly"))
    _lateral_skeleton(rng, shadows)
    shadows.density += 0.1 * smoothstep((page.y - dome) * 2.5)
    if rng.random() < 0.5:
        add(shadows.density, ellipse(page, -0.15, dome + 0.22, 0.2, 0.12, soft=4, lobes=lobed(rng, 0.1)), -0.2)
    for one in plans:
        _lateral_finding(rngs.finding, shadows, one, inside, dome)
    return shadows.film(0.42, rng), tuple(shadows.findings)


def _trunk(rng: np.random.Generator, shadows: Shadows) -> None:
    """Neck, trunk and a raised arm."""
    page, bulge = shadows.page, float(rng.uniform(0.0, 0.12))
    ys = (-2.6, -1.6, -1.3, -1.05, -0.5, 0.2, 1.0, 2.6)
    fronts = (-0.25, -0.28, -0.55, -0.7, -0.8 - bulge, -0.86 - bulge, -0.82 - bulge, -0.85 - bulge)
    shadows.density += 0.52 * span(page, ys, fronts, (0.3, 0.42, 0.95, 1.05, 1.05, 0.98, 0.9, 0.95), 4).full(page.shape)
    add(shadows.density, stroke(page, [(-0.1, -1.2), (-0.75, -2.2)], 0.55, 8), 0.12)


def _floor(page: Frame, top: float) -> Grey:
    """1 above one half of the diaphragm, whose dome reaches up to `top`."""
    xs = (-0.75, -0.45, -0.1, 0.25, 0.55, 0.8)
    return above(page, xs, (top + 0.14, top + 0.02, top, top + 0.1, top + 0.34, top + 0.55), 3)


def _lateral_inside(rng: np.random.Generator, usual: np.random.Generator, shadows: Shadows, large: Plan | None) -> None:
    page = shadows.page
    size = 1.35 + 0.3 * large.size if large else float(usual.uniform(0.9, 1.05))
    at = (-0.62 + 0.32 * size, 0.5 - 0.22 * size)
    heart = ellipse(page, *at, 0.3 * size, 0.4 * size, -0.5, 7, lobes=lobed(rng, 0.04)).full(page.shape)
    if large:
        shadows.findings.append(found(page, large.name, at, 0.35 * size, round(0.66 * size * MILLIMETRES)))
    shadows.air *= 1 - 0.75 * heart
    shadows.air *= 1 - 0.45 * stroke(page, bow((-0.2, -0.1), (0.05, -1.05), (0.35, -0.3), 6), 0.2, 8).full(page.shape)
    add(shadows.vessels, ellipse(page, 0.02, -0.15, 0.14, 0.2, soft=10), 0.15)
    add(shadows.density, stroke(page, [(0.0, -2.0), (0.02, -1.1), (0.08, -0.25)], 0.12, 4), -0.12)
    for angle in np.linspace(0, 5.6, 8) + rng.uniform(-0.3, 0.3, 8):
        vessel(rng, shadows, (0.05, -0.1), 1, float(angle), float(rng.uniform(0.4, 0.7)), 0.04)


def _lateral_skeleton(rng: np.random.Generator, shadows: Shadows) -> None:
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


def _lateral_finding(rng: np.random.Generator, shadows: Shadows, one: Plan, inside: Grey, dome: float) -> None:
    page, forward = shadows.page, one.place == "anterior"
    if one.name == "pleural effusion":
        level = dome + 0.35 - 0.65 * one.size
        fluid = inside * (
            1 - above(page, (-0.7, 0.1, 0.5, 0.8), (level + 0.3, level + 0.12, level - 0.03, level - 0.22), 5)
        )
        shadows.air *= 1 - fluid
        shadows.density += 0.05 * fluid
        depth = 1.05 - level
        shadows.findings.append(found(page, one.name, (0.5, level + 0.4 * depth), 0.5 * depth, None, None, one.place))
    elif one.name == "consolidation":
        size = 0.18 + 0.14 * one.size
        at = (-0.3 if forward else 0.42, float(rng.uniform(-0.2, 0.15)) if forward else float(rng.uniform(0.1, 0.4)))
        cloud(rng, shadows, at, size, one)
        shadows.findings.append(found(page, one.name, at, size, round(2 * size * MILLIMETRES), None, one.place))
    elif one.name == "nodule":
        size = 0.065 + 0.085 * one.size
        at = (-0.42, -0.35) if forward else (float(rng.uniform(0.38, 0.5)), float(rng.uniform(-0.4, 0.2)))
        spots_of(rng, shadows, [at, (at[0] + 0.05, at[1] - 0.32)][: one.count], size, one)
