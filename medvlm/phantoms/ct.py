"""CT with known truth in Hounsfield units: head, chest, abdomen; three planes; with or without contrast."""

import numpy as np

from medvlm.phantoms import artefacts
from medvlm.phantoms.canvas import Frame, Grey, bow, frame, paint, stroke
from medvlm.phantoms.cases import Plan, plan, streams, where, with_or_without
from medvlm.phantoms.ct_findings import FINDINGS
from medvlm.phantoms.ct_views import HEIGHTS, HELD_OUT, VIEWS, WINDOWS, View
from medvlm.phantoms.fields import blur, fractal
from medvlm.phantoms.truth import Finding, Phantom, Split, Truth
from medvlm.phantoms.wording import number
from medvlm.types import Spacing, Window

LOWEST, HIGHEST = -1024, 3071
# Hounsfield units of each tissue, and of those that contrast medium brightens.
_NO_CONTRAST = {
    "air": -1000,
    "scalp": -60,
    "skin": 20,
    "fat": -100,
    "muscle": 52,
    "mesentery": -95,
    "skull": 1100,
    "marrow": 420,
    "bone": 800,
    "canal": 25,
    "csf": 6,
    "grey": 39,
    "white": 29,
    "deep": 38,
    "falx": 55,
    "eye": 12,
    "sinus": -950,
    "bowel": 38,
    "fluid": 8,
    "stool": -40,
    "gas": -980,
    "swallowed": 320,
    "artery": 42,
    "vein": 40,
    "cortex": 34,
    "kidney": 32,
    "liver": 58,
    "spleen": 48,
    "pancreas": 40,
    "bile": 8,
    "lung": -850,
}
_CONTRAST = {
    "artery": 240,
    "vein": 150,
    "cortex": 190,
    "kidney": 150,
    "liver": 108,
    "spleen": 125,
    "pancreas": 95,
    "muscle": 62,
    "grey": 44,
    "white": 33,
    "deep": 44,
    "falx": 110,
    "bowel": 75,
}


def draw(seed: int, split: Split = "train", *, suppressed: bool = False) -> Phantom:
    """CT number `seed`: int16 HU within -1024..3071. `suppressed` leaves the findings out of the pixels (not of the
    truth): the same slice of the same person without them."""
    return with_or_without(_draw, seed, split, suppressed)


def _draw(seed: int, split: Split, ill: bool) -> Phantom:
    rngs = streams("ct", seed, split)
    region = ("head", "chest", "abdomen")[int(rngs.case.integers(3))]
    plane = ("axial", "coronal", "sagittal")[int(rngs.case.choice(3, p=[0.6, 0.2, 0.2]))]
    contrast = bool(rngs.case.random() < (0.35 if region == "head" else 0.5))
    height = int(rngs.case.choice(3, p=[0.5, 0.25, 0.25]))
    view = HEIGHTS[height] if (region, plane) == ("head", "axial") else VIEWS[region, plane]
    plans, held = plan(rngs.case, view.choices, HELD_OUT, split)
    page = _page(rngs.anatomy, view)
    layers = view.anatomy(rngs.anatomy, page)
    values = _values(rngs.anatomy, contrast)
    picture = layers.painted(values)
    if plane == "axial":
        _table(rngs.anatomy, picture, page, view)
    shown = plans if ill else ()
    findings = tuple(FINDINGS[one.name](rngs.finding, picture, layers, one, contrast) for one in shown)
    pixels, window = _scanned(rngs.noise, picture, page, view, plans)
    technique = "with contrast" if contrast else "without contrast"
    truth = Truth(
        "ct", "CT", region, view.organ, plane, technique, findings, tuple(view.choices), _layperson(view, findings), (),
        held,
    )  # fmt: skip
    mm = round(view.millimetres / page.scale, 4)
    return Phantom(pixels, truth, Spacing(mm, mm), window, False, seed)


def _page(rng: np.random.Generator, view: View) -> Frame:
    height, width = int(rng.integers(240, 284)), int(rng.integers(240, 284))
    if rng.random() < 0.4:
        height = width = int(rng.integers(240, 284))
    down, across = view.reach
    scale = min(height / 2 / down, width / 2 / across) * float(rng.uniform(0.78, 1.05))
    if view.plane != "axial":
        scale = width / 2 / across * float(rng.uniform(0.88, 1.05))
    middle = (view.middle + float(rng.uniform(-0.03, 0.03)), 0.5 + float(rng.uniform(-0.03, 0.03)))
    if view.region == "head" and view.plane == "sagittal":
        middle = (middle[0], middle[1] + 0.03)
    return frame(rng, (height, width), scale, float(rng.uniform(-0.09, 0.09)), middle, 0.018)


def _values(rng: np.random.Generator, contrast: bool) -> dict[str, float | Grey]:
    values: dict[str, float | Grey] = {name: float(value) for name, value in _NO_CONTRAST.items()}
    if contrast:
        early = float(rng.uniform(0.6, 1.15))
        values |= {name: _NO_CONTRAST[name] + (value - _NO_CONTRAST[name]) * early for name, value in _CONTRAST.items()}
    return values


def _table(rng: np.random.Generator, picture: Grey, page: Frame, view: View) -> None:
    """The couch, a thin bright arc under the patient (or the head holder's cup)."""
    head = view.region == "head"
    y = (1.0 if head else 0.76) + float(rng.uniform(0.0, 0.12))
    bend = float(rng.uniform(0.05, 0.2))
    line = bow((-0.9, y - bend), (0, y + bend), (0.9, y - bend), 8)
    if head and rng.random() < 0.5:
        line = bow((-0.85, -0.2), (0, 2.4), (0.85, -0.2), 12)
    cover = stroke(page, line, float(rng.uniform(0.02, 0.035)), 1.2)
    paint(picture, cover * (picture < -700).astype(np.float64), float(rng.uniform(50, 500)))


def _scanned(
    rng: np.random.Generator, picture: Grey, page: Frame, view: View, plans: tuple[Plan, ...]
) -> tuple[np.ndarray, Window]:
    """Resolution, texture, noise, rings; then now and then what a screenshot adds."""
    shape = page.shape
    # Nothing in the brain shows in a bone window, nor emphysema in one for soft tissue.
    hidden = {"head": ("bleed", "infarct", "mass"), "chest": ("emphysema",)}.get(view.region, ())
    choices = WINDOWS[view.region][: 3 if view.region == "head" else 2 if hidden else 4]
    if not any(one.name in hidden for one in plans):
        choices = WINDOWS[view.region]
    width, level = choices[int(rng.integers(len(choices)))]
    window = Window(
        float(round(width * rng.uniform(0.85, 1.2))), float(round(level + rng.uniform(-0.04, 0.04) * width))
    )
    picture = blur(picture, float(rng.uniform(0.4, 0.9)))
    sigma = float(rng.uniform(2.0, 5.0)) if view.region == "head" else float(rng.uniform(6, 20))
    picture = (
        picture + sigma * artefacts.grain(rng, shape, float(rng.uniform(1, 2.2))) + 2.5 * fractal(rng, shape, 16, 2)
    )
    if rng.random() < 0.15:
        picture = picture + artefacts.rings(rng, shape, page.middle, sigma * 3)
    if rng.random() < 0.45:
        artefacts.screenshot(rng, picture, window, None if view.plane == "sagittal" else (4, 14, 10))
    return artefacts.whole(picture, LOWEST, HIGHEST, np.int16), window


_SEEN = {
    ("head", "axial"): "A grey oval with a thick white rim and dark patches in the middle, on black",
    ("head", "coronal"): "A grey rounded shape with a white rim above and white and black parts below it, on black",
    ("head", "sagittal"): "A shape seen from the side with a grey rounded area inside a white rim",
    ("chest", "axial"): "A wide oval with two large black areas and a white spot between them at the bottom",
    ("chest", "coronal"): "Two tall black areas side by side in a grey shape, with white dots along both edges",
    ("chest", "sagittal"): "A tall black area in a grey shape, with a row of white blocks along the right edge",
    ("abdomen", "axial"): (
        "A wide grey oval filled with grey and bright shapes, with a white spot at the bottom middle, on black"
    ),
    ("abdomen", "coronal"): "A broad grey shape with a large grey area on the left and many small blobs below",
    ("abdomen", "sagittal"): "A tall grey shape with blobs in it and a row of white blocks along the right edge",
}
_LOOKS = {
    "bleed": "a bright white blob",
    "infarct": "a dark grey smudge",
    "mass": "a large round lump",
    "fracture": "a broken piece in the white part",
    "nodule": "a small round spot",
    "emphysema": "many black holes in the dark areas",
    "pleural effusion": "a grey pool along the edge of the black area",
    "kidney stone": "a tiny very white dot",
    "gallstone": "a tiny very white dot",
    "free fluid": "a dark grey pool near the edge",
}


def _layperson(view: View, findings: tuple[Finding, ...]) -> str:
    parts = [_SEEN[view.region, view.plane]]
    for one in findings:
        spots = _LOOKS[one.name]
        if one.count > 1:
            spots = f"{number(one.count)}{spots[1:]}s"
        parts.append(f"{spots} in the {where(one.centre)} of the picture")
    return "; ".join(parts) + "."
