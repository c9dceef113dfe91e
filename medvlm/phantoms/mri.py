"""MRI with known truth: brain, knee and spine; T1, T2, FLAIR, DWI and T1 with contrast, in 12-bit signal numbers."""

import numpy as np

from medvlm.phantoms import artefacts
from medvlm.phantoms.canvas import Frame, Grey, frame
from medvlm.phantoms.cases import plan, streams, where, with_or_without
from medvlm.phantoms.fields import blur, fractal
from medvlm.phantoms.mri_findings import FINDINGS
from medvlm.phantoms.mri_views import HELD_OUT, SEQUENCES, VIEWS, View
from medvlm.phantoms.truth import Finding, Phantom, Split, Truth
from medvlm.phantoms.wording import number
from medvlm.types import Spacing, Window

TOP = 4095
# Signal of each tissue, 0..1, in the order of SEQUENCES.
_SIGNAL = {
    "air": (0.01, 0.01, 0.01, 0.01, 0.01),
    "scalp": (0.95, 0.72, 0.7, 0.12, 0.95),
    "skin": (0.45, 0.35, 0.4, 0.1, 0.5),
    "fat": (0.95, 0.78, 0.7, 0.1, 0.95),
    "muscle": (0.36, 0.2, 0.3, 0.12, 0.42),
    "skull": (0.05, 0.05, 0.05, 0.02, 0.05),
    "marrow": (0.68, 0.45, 0.5, 0.08, 0.68),
    "csf": (0.12, 0.96, 0.07, 0.06, 0.12),
    "grey": (0.42, 0.55, 0.56, 0.5, 0.44),
    "white": (0.6, 0.38, 0.44, 0.42, 0.6),
    "deep": (0.48, 0.46, 0.53, 0.47, 0.5),
    "falx": (0.3, 0.2, 0.3, 0.1, 0.85),
    "eye": (0.14, 0.98, 0.1, 0.08, 0.14),
    "sinus": (0.03, 0.03, 0.03, 0.02, 0.03),
    "cartilage": (0.5, 0.62, 0.6, 0.3, 0.5),
    "cortex": (0.06, 0.05, 0.05, 0.03, 0.06),
    "tendon": (0.09, 0.07, 0.08, 0.04, 0.09),
    "vein": (0.1, 0.12, 0.1, 0.05, 0.6),
    "flow": (0.07, 0.06, 0.06, 0.03, 0.5),
    "fluid": (0.15, 0.92, 0.1, 0.1, 0.15),
    "bowel": (0.4, 0.35, 0.4, 0.2, 0.5),
    "cord": (0.5, 0.35, 0.45, 0.4, 0.5),
    "disc": (0.36, 0.75, 0.5, 0.2, 0.38),
    "annulus": (0.2, 0.12, 0.15, 0.08, 0.2),
    "lesion": (0.24, 0.92, 0.95, 0.98, 0.9),
    "oedema": (0.4, 0.78, 0.82, 0.55, 0.4),
    "tumour": (0.3, 0.72, 0.72, 0.75, 0.95),
    "core": (0.15, 0.95, 0.3, 0.3, 0.15),
    "herniation": (0.3, 0.16, 0.2, 0.1, 0.3),
}


def draw(seed: int, split: Split = "train", *, suppressed: bool = False) -> Phantom:
    """MRI number `seed`: uint16 signal 0..4095. `suppressed` leaves the findings out of the pixels (not of the truth):
    the same slice of the same person without them."""
    return with_or_without(_draw, seed, split, suppressed)


def _draw(seed: int, split: Split, ill: bool) -> Phantom:
    rngs = streams("mri", seed, split)
    weights = np.array([view.weight for view in VIEWS])
    view = VIEWS[int(rngs.case.choice(len(VIEWS), p=weights / weights.sum()))]
    sequence = view.sequences[int(rngs.case.integers(len(view.sequences)))]
    plans, held = plan(rngs.case, view.choices, HELD_OUT, split)
    shown = plans if ill else ()
    page = _page(rngs.anatomy, view)
    usual = 0.25 * float(rngs.anatomy.random()) ** 2
    atrophy = next((0.65 + 0.55 * one.size for one in shown if one.name == "atrophy"), usual)
    layers = view.anatomy(rngs.anatomy, page, atrophy)
    signal = _signals(rngs.anatomy, view, sequence)
    picture = layers.painted(signal)
    findings = tuple(FINDINGS[one.name](rngs.finding, picture, layers, one, view, signal) for one in shown)
    pixels, window = _scanned(rngs.noise, picture, page, view, sequence)
    truth = Truth(
        "mri", "MRI", view.region, view.organ, view.plane, sequence, findings, tuple(view.choices),
        _layperson(view, findings), (), held,
    )  # fmt: skip
    mm = round(view.millimetres / page.scale, 4)
    return Phantom(pixels, truth, Spacing(mm, mm), window, False, seed)


def _page(rng: np.random.Generator, view: View) -> Frame:
    height, width = int(rng.integers(244, 284)), int(rng.integers(236, 284))
    down, across = view.reach
    if view.plane == "axial" and view.region == "brain":
        width = int(height * float(rng.uniform(0.78, 1.0)))
    scale = min(height / 2 / down, width / 2 / across) * float(rng.uniform(0.88, 1.08))
    if view.region != "brain" or view.plane == "coronal":
        scale = width / 2 / across * float(rng.uniform(0.9, 1.15))
    middle = (view.middle + float(rng.uniform(-0.03, 0.03)), 0.5 + float(rng.uniform(-0.03, 0.03)))
    if view.region == "brain" and view.plane == "sagittal":
        middle = (middle[0], middle[1] + 0.03)
    return frame(rng, (height, width), scale, float(rng.uniform(-0.09, 0.09)), middle, 0.018)


def _signals(rng: np.random.Generator, view: View, sequence: str) -> dict[str, float | Grey]:
    """Each tissue's signal, a little different in every machine; T2 of joints often has its fat suppressed."""
    column = SEQUENCES.index(sequence)
    jitter = rng.uniform(-0.03, 0.03, len(_SIGNAL))
    signal: dict[str, float | Grey] = {
        name: max(0.0, row[column] * (1 + float(shift)))
        for (name, row), shift in zip(_SIGNAL.items(), jitter, strict=True)
    }
    quenched = rng.random()
    if sequence == "T2" and view.region == "knee" and quenched < 0.6:
        signal |= {"fat": 0.2, "marrow": 0.16, "skin": 0.25, "muscle": 0.3}
    if sequence != "T1" and view.region == "brain" and quenched < 0.3:
        signal |= {"scalp": 0.3, "fat": 0.25}
    return signal


def _scanned(
    rng: np.random.Generator, picture: Grey, page: Frame, view: View, sequence: str
) -> tuple[np.ndarray, Window]:
    """Coil shading, resolution, Rician noise, ghosts; then now and then what a screenshot adds."""
    shape = page.shape
    coarse = sequence == "DWI"
    picture = blur(
        picture * (1 + 0.05 * fractal(rng, shape, 12, 2)),
        float(rng.uniform(1.1, 1.8) if coarse else rng.uniform(0.4, 1.0)),
    )
    picture = picture * artefacts.shading(rng, shape, float(rng.uniform(0.03, 0.14)))
    if rng.random() < 0.2:
        picture = artefacts.ghosts(
            picture, int(rng.integers(20, 90)), float(rng.uniform(0.02, 0.07)), int(rng.integers(2))
        )
    sigma = float(rng.uniform(0.008, 0.03)) * (1.3 if coarse else 1.0)
    size = float(rng.uniform(1, 1.8))
    real, imaginary = picture + sigma * artefacts.grain(rng, shape, size), sigma * artefacts.grain(rng, shape, size)
    picture = np.sqrt(real * real + imaginary * imaginary)
    gain = float(rng.uniform(1500, 3000))
    window = Window(float(round(gain * rng.uniform(0.85, 1.2))), float(round(gain * rng.uniform(0.42, 0.55))))
    picture = picture * gain
    if rng.random() < 0.45:
        sided = view.plane != "sagittal" and view.region != "knee"
        artefacts.screenshot(rng, picture, window, (3, 12, 9) if sided else None)
    return artefacts.whole(picture, 0, TOP, np.uint16), window


_SEEN = {
    ("brain", "axial"): "A grey oval with wavy folds inside a thin rim, on black",
    ("brain", "coronal"): "A rounded grey shape with folds in the upper half and mixed grey parts below it",
    ("brain", "sagittal"): "A shape seen from the side, with a nose on the left and a folded grey area inside",
    ("knee", "sagittal"): (
        "Two thick smooth blocks that meet in the middle, with a small oval in front of them on the left"
    ),
    ("knee", "coronal"): "Two thick smooth blocks, one above the other, with a narrow gap between them",
    ("spine", "sagittal"): "A curved stack of squarish blocks with a long stripe beside it",
    ("spine", "axial"): "A rounded shape in the middle with two dark lumps below it, left and right alike",
}
_LOOKS = {
    "lesion": "a small spot that differs from its surroundings",
    "mass": "a large lump that differs from its surroundings",
    "atrophy": "wide gaps between the folds",
    "effusion": "a smooth pool beside the gap",
    "disc herniation": "something that bulges out of line",
}


def _layperson(view: View, findings: tuple[Finding, ...]) -> str:
    parts = [_SEEN[view.region, view.plane]]
    for one in findings:
        looks = _LOOKS[one.name]
        if one.count > 1:
            looks = f"{number(one.count)} small spots that differ from their surroundings"
        parts.append(looks if one.name == "atrophy" else f"{looks} in the {where(one.centre)} of the picture")
    return "; ".join(parts) + "."
