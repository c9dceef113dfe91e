"""Chest X-rays with known truth: PA, AP and lateral, in 12-bit numbers, sometimes MONOCHROME1."""

from dataclasses import replace

import numpy as np

from medvlm.phantoms import artefacts, chest, chest_lateral, shadows
from medvlm.phantoms.canvas import Frame, Grey, frame, paint
from medvlm.phantoms.cases import Choices, HeldOut, plan, streams, where, with_or_without
from medvlm.phantoms.fields import blur
from medvlm.phantoms.truth import Finding, Phantom, Side, Split, Truth
from medvlm.phantoms.wording import number
from medvlm.types import Spacing, Window

TOP = 4095
_SIDES: tuple[Side | None, ...] = ("left", "right")
_ZONES = ("upper zone", "mid zone", "lower zone")

FRONTAL: dict[str, Choices] = {
    "pleural effusion": Choices(_SIDES, ("lower zone",)),
    "consolidation": Choices(_SIDES, _ZONES),
    "pneumothorax": Choices(_SIDES, ("upper zone", "lateral")),
    "nodule": Choices(_SIDES, _ZONES, most=3),
    "cardiomegaly": Choices(),
    "central line": Choices(_SIDES),
    "endotracheal tube": Choices(),
    "elevated diaphragm": Choices(_SIDES),
}
LATERAL: dict[str, Choices] = {
    "pleural effusion": Choices((None,), ("posterior",)),
    "consolidation": Choices((None,), ("anterior", "posterior")),
    "nodule": Choices((None,), ("anterior", "posterior"), most=2),
    "cardiomegaly": Choices(),
    "elevated diaphragm": Choices(),
}
HELD_OUT = HeldOut(
    frozenset(
        {
            ("consolidation", "left", "upper zone"),
            ("consolidation", "right", "lower zone"),
            ("nodule", "right", "upper zone"),
            ("nodule", "left", "mid zone"),
            ("pneumothorax", "left", "lateral"),
            ("nodule", None, "anterior"),
        }
    ),
    {"pleural effusion": (0.4, 0.55), "pneumothorax": (0.5, 0.65), "nodule": (0.5, 0.65), "cardiomegaly": (0.4, 0.6)},
    {"consolidation": (0.45, 0.6), "central line": (0.3, 0.5)},
)


_VIEWS = ("PA", "AP", "lateral")
_EXPOSURES = ("normal exposure", "overexposed", "underexposed")
_SEEN = {
    "PA": "Two tall dark areas side by side in a pale shape, with a white band between them",
    "AP": "Two dark areas side by side in a pale shape, with a wide white band between them",
    "lateral": "One large dark area in a pale shape seen from the side, with a pale column along one edge",
}
_LOOKS = {
    "pleural effusion": "the bottom of the dark area is white in the {where}",
    "consolidation": "a cloudy white patch in the {where}",
    "pneumothorax": "an empty black rim with a thin white line in the {where}",
    "nodule": "{spots} in the {where}",
    "cardiomegaly": "the white shape in the middle is very wide",
    "central line": "a thin white line that runs in from the {where}",
    "endotracheal tube": "a thin white pipe down the middle of the top",
    "elevated diaphragm": "the pale floor of the dark area is pushed up in the {where}",
}


def draw(seed: int, split: Split = "train", *, suppressed: bool = False) -> Phantom:
    """Chest X-ray number `seed`: uint16 0..4095, shown over the full range. `suppressed` leaves the findings out of
    the pixels (not of the truth): the same film of the same person without them."""
    return with_or_without(_draw, seed, split, suppressed)


def _draw(seed: int, split: Split, ill: bool) -> Phantom:
    rngs = streams("cxr", seed, split)
    view = _VIEWS[int(rngs.case.choice(3, p=[0.45, 0.2, 0.35]))]
    exposure = _EXPOSURES[int(rngs.case.choice(3, p=[0.5, 0.25, 0.25]))]
    inverted, flipped = bool(rngs.case.random() < 0.25), bool(rngs.case.random() < 0.3) and view == "lateral"
    choices = LATERAL if view == "lateral" else FRONTAL
    plans, held = plan(rngs.case, choices, HELD_OUT, split)
    page = _page(rngs.anatomy, view)
    shown = plans if ill else ()
    left_out = frozenset() if ill else frozenset(one.name for one in plans)
    drawn = (
        chest_lateral.lateral(rngs, page, shown, left_out)
        if view == "lateral"
        else chest.frontal(rngs, page, shown, view == "AP")
    )
    density = drawn[0][:, ::-1] if flipped else drawn[0]
    findings = tuple(_mirrored(one) for one in drawn[1]) if flipped else drawn[1]
    film = _develop(rngs.noise, density, exposure, view)
    pixels = artefacts.whole(TOP - film if inverted else film, 0, TOP, np.uint16)
    truth = Truth(
        "cxr", "X-ray", "chest", "lungs", view, exposure, findings, tuple(choices), _layperson(view, findings), (), held
    )
    mm = round(shadows.MILLIMETRES / page.scale, 4)
    return Phantom(pixels, truth, Spacing(mm, mm), Window(TOP + 1.0, (TOP + 1) / 2), inverted, seed)


def _page(rng: np.random.Generator, view: str) -> Frame:
    width = int(rng.integers(236, 300))
    height = min(310, max(230, int(width * float(rng.uniform(0.85, 1.25)))))
    scale = min(width / float(rng.uniform(2.1, 2.9)), height / float(rng.uniform(2.25, 2.9)))
    if view == "lateral":
        width = max(200, int(width * 0.85))
    middle = (float(rng.uniform(0.46, 0.53)), float(rng.uniform(0.46, 0.54)))
    return frame(rng, (height, width), scale, float(rng.uniform(-0.07, 0.07)), middle, 0.022)


def _mirrored(one: Finding) -> Finding:
    return one if one.centre is None else replace(one, centre=(one.centre[0], round(1 - one.centre[1], 4)))


def _develop(rng: np.random.Generator, density: Grey, exposure: str, view: str) -> Grey:
    """Exposure, contrast, scatter, grain, then what is on top of the film: markers, text, collimation."""
    light = np.clip(blur(density, float(rng.uniform(0.5, 1.3))) * artefacts.shading(rng, density.shape, 0.05), 0, 1.3)
    light = light * float(rng.uniform(0.95, 1.15))
    light = {"overexposed": light * light * 0.75, "underexposed": 0.42 + 0.62 * light}.get(exposure, light)
    light = light + float(rng.uniform(0.004, 0.018)) * artefacts.grain(rng, light.shape, float(rng.uniform(1, 2)))
    _markers(rng, light, view)
    if rng.random() < 0.35:
        margins = [int(edge) if rng.random() < 0.5 else 0 for edge in rng.uniform(2, 22, 4)]
        artefacts.clip_rows(
            light, (margins[0], margins[1], margins[2], margins[3]), 0.0 if rng.random() < 0.75 else 1.0
        )
    return light * TOP


def _markers(rng: np.random.Generator, light: Grey, view: str) -> None:
    """A side marker, always on its own side (none on a lateral film), and now and then small text."""
    shape = light.shape
    size = float(rng.integers(12, 22))
    letter = "L" if rng.random() < 0.5 else "R"
    if view != "lateral" and rng.random() < 0.6:
        column = (
            shape[1] * float(rng.uniform(0.86, 0.93)) if letter == "L" else shape[1] * float(rng.uniform(0.03, 0.09))
        )
        paint(light, artefacts.text(shape, letter, shape[0] * float(rng.uniform(0.03, 0.16)), column, size, 2.2), 1.0)
    if rng.random() < 0.3:
        for patch in artefacts.corner_lines(rng, shape):
            paint(light, patch, 1.0)


def _layperson(view: str, findings: tuple[Finding, ...]) -> str:
    parts = [_SEEN[view]]
    for one in findings:
        spots = "a round white spot" if one.count == 1 else f"{number(one.count)} round white spots"
        parts.append(_LOOKS[one.name].format(where=f"{where(one.centre)} of the picture", spots=spots))
    return "; ".join(parts) + "."
