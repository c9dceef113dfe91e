"""CT with known truth in Hounsfield units: head, chest, abdomen; three planes; with or without contrast."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from medvlm.phantoms import artefacts, bodies, heads, torsos
from medvlm.phantoms.canvas import Frame, Grey, bow, frame, paint, stroke
from medvlm.phantoms.cases import Choices, HeldOut, Plan, plan, streams, where
from medvlm.phantoms.ct_findings import FINDINGS
from medvlm.phantoms.fields import blur, fractal
from medvlm.phantoms.layers import Layers
from medvlm.phantoms.truth import Finding, Phantom, Side, Split, Truth
from medvlm.types import Spacing, Window

LOWEST, HIGHEST = -1024, 3071
_SIDES: tuple[Side | None, ...] = ("left", "right")
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

_BRAIN = ("frontal lobe", "temporal lobe", "basal ganglia", "occipital lobe")
_HEAD_AXIAL = {name: Choices(_SIDES, _BRAIN) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_HIGH = {name: Choices(_SIDES, ("frontal lobe", "parietal lobe")) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_LOW = {name: Choices(_SIDES, ("cerebellum", "temporal lobe")) for name in ("bleed", "infarct", "mass")}
_HEAD_CORONAL = {name: Choices(_SIDES, _BRAIN[:3]) for name in ("bleed", "infarct", "mass")} | {
    "fracture": Choices(_SIDES, ("skull",))
}
_HEAD_SAGITTAL = {
    name: Choices((None,), ("frontal lobe", "parietal lobe", "occipital lobe", "cerebellum"))
    for name in ("bleed", "infarct", "mass")
}
_CHEST_AXIAL = {
    "nodule": Choices(_SIDES, ("anterior", "posterior"), most=3),
    "mass": Choices(_SIDES, ("anterior", "posterior")),
    "emphysema": Choices(("both",)),
    "pleural effusion": Choices(_SIDES, ("posterior",)),
}
_CHEST_CORONAL = {
    "nodule": Choices(_SIDES, ("upper lobe", "lower lobe"), most=3),
    "mass": Choices(_SIDES, ("upper lobe", "lower lobe")),
    "emphysema": Choices(("both",)),
    "pleural effusion": Choices(_SIDES, ("base",)),
}
_CHEST_SAGITTAL = {
    "nodule": Choices((None,), ("anterior", "posterior"), most=2),
    "mass": Choices((None,), ("anterior", "posterior")),
    "emphysema": Choices(),
    "fracture": Choices((None,), ("thoracic spine",)),
}
_ABDOMEN = {
    "mass": Choices(_SIDES, ("organ", "kidney")),
    "kidney stone": Choices(_SIDES, ("kidney",), most=2),
    "gallstone": Choices((None,), ("gallbladder",), most=2),
    "free fluid": Choices(_SIDES, ("flank",)),
}
_ABDOMEN_SAGITTAL = {
    "mass": Choices((None,), ("liver",)),
    "free fluid": Choices((None,), ("pelvis",)),
    "fracture": Choices((None,), ("lumbar spine",)),
}
HELD_OUT = HeldOut(
    frozenset(
        {
            ("bleed", "left", "temporal lobe"),
            ("infarct", "right", "frontal lobe"),
            ("mass", "right", "occipital lobe"),
            ("mass", "left", "kidney"),
            ("nodule", "right", "posterior"),
            ("nodule", "left", "lower lobe"),
            ("mass", None, "anterior"),
        }
    ),
    {
        "bleed": (0.45, 0.6),
        "kidney stone": (0.4, 0.6),
        "free fluid": (0.4, 0.55),
        "gallstone": (0.4, 0.6),
        "pleural effusion": (0.4, 0.6),
    },
    {"infarct": (0.4, 0.6), "fracture": (0.3, 0.5), "emphysema": (0.4, 0.6)},
)


@dataclass(frozen=True, slots=True)
class _View:
    region: str
    organ: str
    plane: str
    choices: dict[str, Choices]
    anatomy: Callable[[np.random.Generator, Frame], Layers]
    millimetres: float
    reach: tuple[float, float]  # half the picture's height and width, in page units, when it just holds the anatomy
    middle: float = 0.5


def _head(rng: np.random.Generator, page: Frame) -> Layers:
    return heads.axial_middle(rng, page, 0.6 * float(rng.random()) ** 2)


def _head_high(rng: np.random.Generator, page: Frame) -> Layers:
    return heads.axial_high(rng, page, 0.6 * float(rng.random()) ** 2)


def _head_low(rng: np.random.Generator, page: Frame) -> Layers:
    return heads.axial_low(rng, page, 0.4 * float(rng.random()) ** 2)


def _head_coronal(rng: np.random.Generator, page: Frame) -> Layers:
    return heads.coronal(rng, page, 0.6 * float(rng.random()) ** 2)


def _head_sagittal(rng: np.random.Generator, page: Frame) -> Layers:
    return heads.sagittal(rng, page, 0.5 * float(rng.random()) ** 2)


_VIEWS: dict[tuple[str, str], _View] = {
    ("head", "axial"): _View("head", "brain", "axial", _HEAD_AXIAL, _head, 100, (1.0, 0.8)),
    ("head", "coronal"): _View("head", "brain", "coronal", _HEAD_CORONAL, _head_coronal, 100, (1.02, 0.85), 0.44),
    ("head", "sagittal"): _View("head", "brain", "sagittal", _HEAD_SAGITTAL, _head_sagittal, 100, (1.1, 1.05), 0.44),
    ("chest", "axial"): _View("chest", "lungs", "axial", _CHEST_AXIAL, bodies.chest_axial, 150, (0.95, 1.2)),
    ("chest", "coronal"): _View(
        "chest",
        "lungs",
        "coronal",
        _CHEST_CORONAL,
        lambda rng, page: torsos.torso_coronal(rng, page, True),
        150,
        (1.25, 1.15),
        0.58,
    ),
    ("chest", "sagittal"): _View(
        "chest",
        "lungs",
        "sagittal",
        _CHEST_SAGITTAL,
        lambda rng, page: torsos.torso_sagittal(rng, page, True),
        150,
        (1.2, 0.95),
        0.58,
    ),
    ("abdomen", "axial"): _View("abdomen", "liver", "axial", _ABDOMEN, bodies.abdomen_axial, 150, (0.9, 1.2)),
    ("abdomen", "coronal"): _View(
        "abdomen",
        "liver",
        "coronal",
        _ABDOMEN,
        lambda rng, page: torsos.torso_coronal(rng, page, False),
        150,
        (1.2, 1.12),
        0.56,
    ),
    ("abdomen", "sagittal"): _View(
        "abdomen",
        "liver",
        "sagittal",
        _ABDOMEN_SAGITTAL,
        lambda rng, page: torsos.torso_sagittal(rng, page, False),
        150,
        (1.2, 0.95),
        0.56,
    ),
}
_HEIGHTS = (
    _VIEWS["head", "axial"],
    _View("head", "brain", "axial", _HEAD_HIGH, _head_high, 100, (1.0, 0.8)),
    _View("head", "brain", "axial", _HEAD_LOW, _head_low, 100, (1.02, 0.8)),
)
# Level and width of the windows that a radiologist would choose, by region.
_WINDOWS = {
    "head": ((80, 40), (80, 40), (130, 50), (2500, 480)),
    "chest": ((1500, -600), (1500, -600), (400, 40)),
    "abdomen": ((400, 40), (400, 40), (350, 50), (500, 50)),
}


def draw(seed: int, split: Split = "train", *, suppressed: bool = False) -> Phantom:
    """CT number `seed`: int16 HU within -1024..3071. `suppressed` leaves the findings out of the pixels (not of the
    truth): the same slice of the same person without them."""
    phantom = _draw(seed, split, True)
    return replace(_draw(seed, split, False), truth=phantom.truth) if suppressed else phantom


def _draw(seed: int, split: Split, ill: bool) -> Phantom:
    rngs = streams("ct", seed, split)
    region = ("head", "chest", "abdomen")[int(rngs.case.integers(3))]
    plane = ("axial", "coronal", "sagittal")[int(rngs.case.choice(3, p=[0.6, 0.2, 0.2]))]
    contrast = bool(rngs.case.random() < (0.35 if region == "head" else 0.5))
    height = int(rngs.case.choice(3, p=[0.5, 0.25, 0.25]))
    view = _HEIGHTS[height] if (region, plane) == ("head", "axial") else _VIEWS[region, plane]
    plans, held = plan(rngs.case, view.choices, HELD_OUT, split)
    page = _page(rngs.anatomy, view)
    layers = view.anatomy(rngs.anatomy, page)
    values = _values(rngs.anatomy, contrast)
    picture = layers.painted(values)
    if plane == "axial":
        _table(rngs.anatomy, picture, page, view)
    findings = []
    for one in plans if ill else ():
        findings.append(FINDINGS[one.name](rngs.finding, picture, layers, one, contrast))
    pixels, window = _scanned(rngs.noise, picture, page, view, plans)
    truth = Truth(
        "ct",
        "CT",
        region,
        view.organ,
        plane,
        "with contrast" if contrast else "without contrast",
        tuple(findings),
        tuple(view.choices),
        _layperson(view, findings),
        (),
        held,
    )
    mm = round(view.millimetres / page.scale, 4)
    return Phantom(pixels, truth, Spacing(mm, mm), window, False, seed)


def _page(rng: np.random.Generator, view: _View) -> Frame:
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


def _table(rng: np.random.Generator, picture: Grey, page: Frame, view: _View) -> None:
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
    rng: np.random.Generator, picture: Grey, page: Frame, view: _View, plans: tuple[Plan, ...]
) -> tuple[np.ndarray, Window]:
    """Resolution, texture, noise, rings; then now and then what a screenshot adds."""
    shape = page.shape
    # Nothing in the brain shows in a bone window, nor emphysema in one for soft tissue.
    hidden = {"head": ("bleed", "infarct", "mass"), "chest": ("emphysema",)}.get(view.region, ())
    choices = _WINDOWS[view.region][: 3 if view.region == "head" else 2 if hidden else 4]
    if not any(one.name in hidden for one in plans):
        choices = _WINDOWS[view.region]
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
        _burn(rng, picture, view, window)
    return artefacts.whole(picture, LOWEST, HIGHEST, np.int16), window


def _burn(rng: np.random.Generator, picture: Grey, view: _View, window: Window) -> None:
    shape, white = picture.shape, window.level + window.width
    for patch in artefacts.corner_lines(rng, shape, (f"W {window.width:.0f} : L {window.level:.0f}",)):
        paint(picture, patch, white)
    if view.plane != "sagittal" and rng.random() < 0.5:
        paint(picture, artefacts.text(shape, "R", shape[0] / 2, 4, 10), white)
        paint(picture, artefacts.text(shape, "L", shape[0] / 2, shape[1] - 14, 10), white)
    if rng.random() < 0.3:
        for patch in artefacts.ruler(rng, shape):
            paint(picture, patch, white)


_SEEN = {
    ("head", "axial"): "A grey oval with a thick white rim and dark patches in the middle, on black",
    ("head", "coronal"): "A grey rounded shape with a white rim above and white and black parts below it, on black",
    ("head", "sagittal"): "A shape seen from the side with a grey rounded area inside a white rim",
    ("chest", "axial"): "A wide oval with two large black areas and a white spot between them at the bottom",
    ("chest", "coronal"): "Two tall black areas side by side in a grey shape, with white dots along both edges",
    ("chest", "sagittal"): "A tall black area in a grey shape, with a row of white blocks along the right edge",
    (
        "abdomen",
        "axial",
    ): "A wide grey oval filled with grey and bright shapes, with a white spot at the bottom middle, on black",
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


def _layperson(view: _View, findings: list[Finding]) -> str:
    parts = [_SEEN[view.region, view.plane]]
    for one in findings:
        spots = _LOOKS[one.name]
        if one.count > 1:
            spots = f"{('two', 'three')[one.count - 2]}{spots[1:]}s"
        parts.append(f"{spots} in the {where(one.centre)} of the picture")
    return "; ".join(parts) + "."
