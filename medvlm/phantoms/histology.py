"""Histology slides with known truth: five tissues, H&E or immunostain, at three magnifications, as uint8 RGB."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms import changes, tissue
from medvlm.phantoms.canvas import grid
from medvlm.phantoms.cases import Choices, HeldOut, Plan, plan, streams
from medvlm.phantoms.fields import blur
from medvlm.phantoms.tissue import Field
from medvlm.phantoms.truth import Finding, Phantom, Split, Truth
from medvlm.types import Spacing

SIZE = 256
HE, IMMUNO = "haematoxylin and eosin", "immunostain"
# Microns from pixel to pixel; a lymphocyte of 7 microns is then 3.5, 7 and 15 pixels wide.
MICRONS: dict[str, float] = {"low": 2.0, "medium": 1.0, "high": 0.47}

# Centres (row, column) as fractions of the picture.
PLACES: dict[str, tuple[float, float]] = {
    "upper left": (0.27, 0.27),
    "upper right": (0.27, 0.73),
    "lower left": (0.73, 0.27),
    "lower right": (0.73, 0.73),
    "centre": (0.5, 0.5),
}
_AREA = Choices((None,), tuple(PLACES))
# The range of a patch's radius, as a fraction of the picture.
RADII = (0.15, 0.27)
FINDINGS: dict[str, Choices] = {
    "inflammation": _AREA,
    "necrosis": _AREA,
    "fibrosis": _AREA,
    "high cellularity": Choices(),
    "mitoses": Choices(most=5),
}
# What cannot be told apart from the tissue itself, or is too small to be seen.
NEVER: dict[str, tuple[str, ...]] = {
    "lymph node": ("inflammation", "high cellularity"),
    "skeletal muscle": ("fibrosis",),
    "low": ("mitoses",),
    "medium": ("mitoses",),
}
HELD_OUT = HeldOut(
    frozenset(
        {
            ("inflammation", None, "lower right"),
            ("necrosis", None, "upper left"),
            ("fibrosis", None, "upper right"),
            ("necrosis", None, "centre"),
        }
    ),
    {"inflammation": (0.4, 0.6), "necrosis": (0.7, 0.85), "fibrosis": (0.2, 0.35)},
    {"high cellularity": (0.4, 0.6), "mitoses": (0.5, 0.7)},
)
# Optical densities of red, green and blue light for one unit of each dye.
_H, _E, _DAB = (0.72, 0.86, 0.42), (0.09, 0.62, 0.26), (0.42, 0.86, 1.25)
_SEEN = {
    "inflammation": "a crowd of tiny dark dots",
    "necrosis": "a plain smudged patch without dots",
    "fibrosis": "a patch of wavy stripes",
    "high cellularity": "dots packed unusually close together",
    "mitoses": "{n} very dark little bar{s}",
}
_BASE = {
    "colon": "rings of dots around pale holes",
    "liver": "even pink tiles, each with a round dot",
    "lymph node": "a dense carpet of small round dots",
    "brain": "a pale fuzzy ground with a few scattered dots",
    "skeletal muscle": "long parallel pink bands with thin dots along them",
}


@dataclass(frozen=True, slots=True)
class Slide:
    """What was decided before drawing. `look` is the colouring: "usual", "lavender", "pale" or "grey"."""

    organ: str
    stain: str
    power: str
    look: str


def draw(seed: int, split: Split = "train") -> Phantom:
    """Histology slide number `seed`: (256, 256, 3) uint8. Raises ValueError for a negative seed."""
    rngs = streams("histology", seed, split)
    slide = choose(rngs.case)
    choices = possible(slide)
    plans, held = plan(rngs.case, choices, HELD_OUT, split)
    plans = without_overlap(plans)
    microns = MICRONS[slide.power] * float(rngs.case.uniform(0.92, 1.08))
    field, findings = lay_tissue(slide, plans, microns, rngs.anatomy, rngs.finding)
    pixels = photograph(field, slide, rngs.noise)
    stain = None if slide.look == "grey" else slide.stain  # a grey picture does not show its stain
    truth = Truth(
        "histology", "histology", slide.organ, slide.organ, None, stain, findings, tuple(choices),
        layperson(slide, findings), (("magnification", slide.power),), held,
    )  # fmt: skip
    spacing = round(microns / 1000, 6)
    return Phantom(pixels, truth, Spacing(spacing, spacing), None, False, seed)


def choose(rng: np.random.Generator) -> Slide:
    """Draws the tissue, its stain, the magnification and the colouring."""
    organ = str(rng.choice(sorted(_BASE)))
    stain = IMMUNO if rng.random() < 0.3 else HE
    power = str(rng.choice(["low", "medium", "high"], p=[0.3, 0.3, 0.4]))
    look = str(rng.choice(["usual", "lavender", "pale", "grey"], p=[0.66, 0.13, 0.13, 0.08]))
    return Slide(organ, stain, power, look if stain == HE else "usual")


def possible(slide: Slide) -> Mapping[str, Choices]:
    """What this slide may show, with where."""
    never = (*NEVER.get(slide.organ, ()), *NEVER.get(slide.power, ()))
    return {name: choice for name, choice in FINDINGS.items() if name not in never}


def without_overlap(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """Two patches in one place would hide each other: only the first is kept."""
    if len(plans) == 2 and plans[0].place is not None and plans[0].place == plans[1].place:
        return plans[:1]
    return plans


def lay_tissue(
    slide: Slide, plans: tuple[Plan, ...], microns: float, ground: np.random.Generator, lesion: np.random.Generator
) -> tuple[Field, tuple[Finding, ...]]:
    """The tissue with `plans` drawn into it, and the findings as they came out; `microns` from pixel to pixel."""
    crowd = next((1.6 + 0.6 * one.contrast for one in plans if one.name == "high cellularity"), 1.0)
    field = tissue.Field.blank(SIZE, microns)
    tissue.LAY[slide.organ](field, ground, crowd)
    findings = tuple(lay_finding(field, one, lesion) for one in plans)
    if ground.random() < 0.16:
        tissue.cut_edge(field, ground)
    return field, findings


def lay_finding(field: Field, one: Plan, rng: np.random.Generator) -> Finding:
    """Draws one finding into `field`, in place."""
    if one.name == "high cellularity":
        return Finding(one.name)
    if one.name == "mitoses":
        changes.mitoses(field, rng, one.count, one.contrast)
        return Finding(one.name, count=one.count)
    row, column = (round(at + float(rng.uniform(-0.05, 0.05)), 4) for at in PLACES[one.place or "centre"])
    radius = round(RADII[0] + (RADII[1] - RADII[0]) * one.size, 4)
    changes.PATCHES[one.name](field, rng, (row * SIZE, column * SIZE), radius * SIZE, one.contrast)
    size_mm = round(2 * radius * SIZE * field.microns / 1000, 3)
    return Finding(one.name, None, one.place, (row, column), radius, size_mm)


def photograph(field: Field, slide: Slide, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Dyes to light: colours vary by laboratory; then lamp, focus, camera noise and chroma subsampling."""
    densities = absorb(field, slide, rng)
    light = 1.0 + densities / 8
    light *= light
    light *= light
    light *= light
    # (1 + d / 8)^-8 stands for exp(-d): the same on every machine.
    picture = lamp(rng) / light
    if slide.look == "grey":
        grey = 0.3 * picture[..., 0] + 0.55 * picture[..., 1] + 0.15 * picture[..., 2]
        picture = np.repeat(grey[..., None], 3, axis=2)
    if rng.random() < 0.6:
        picture = blur(picture, float(rng.uniform(0.25, 1.0)))
    picture = soften_colour(picture)
    picture += rng.standard_normal((SIZE, SIZE, 1)) * float(rng.uniform(0.003, 0.014))
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def absorb(field: Field, slide: Slide, rng: np.random.Generator) -> NDArray[np.float64]:
    """Optical density (256, 256, 3) of the dyes in the tissue."""
    h, e, dab = (np.array(dye) * rng.uniform(0.88, 1.12, 3) for dye in (_H, _E, _DAB))
    strength = float(rng.uniform(0.85, 1.2))
    ground = field.eosin
    if slide.stain == IMMUNO:
        brown = field.brown * 1.6
        blue = field.nuclei * 0.85 - field.brown * 0.75
        return strength * (np.clip(blue, 0, 9)[..., None] * h + brown[..., None] * dab + (ground * 0.16)[..., None] * h)
    if slide.look == "lavender":
        e = np.array([0.30, 0.42, 0.10]) * rng.uniform(0.9, 1.1, 3)
        h = np.array([1.0, 1.25, 0.25]) * rng.uniform(0.9, 1.1, 3)
        ground = 0.55 + 0.35 * ground
    if slide.look == "pale":
        e = np.array([0.10, 0.13, 0.09])
        h = np.array([0.75, 1.25, 0.65]) * rng.uniform(0.9, 1.1, 3)
    mixed: NDArray[np.float64] = strength * (field.nuclei[..., None] * h + ground[..., None] * e)
    return mixed


def lamp(rng: np.random.Generator) -> NDArray[np.float64]:
    """The light without a slide: (256, 256, 3), about 1, a little darker at the edges."""
    rows, columns = grid(SIZE, SIZE)
    away = ((rows / SIZE - 0.5) ** 2 + (columns / SIZE - 0.5) ** 2) * float(rng.uniform(0.0, 0.22))
    white = np.array([0.96, 0.95, 0.96]) + rng.uniform(-0.025, 0.025, 3)
    shade: NDArray[np.float64] = (1 - away)[..., None] * white
    return shade


def soften_colour(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour at half the resolution of brightness, as JPEG keeps it."""
    bright = ((picture[..., 0] + picture[..., 1] + picture[..., 2]) / 3)[..., None]
    colour = picture - bright
    coarse = (colour[::2, ::2] + colour[1::2, ::2] + colour[::2, 1::2] + colour[1::2, 1::2]) / 4
    return bright + np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)


def layperson(slide: Slide, findings: tuple[Finding, ...]) -> str:
    """What somebody untrained would see, as one sentence."""
    colour = {"usual": "pink and purple", "lavender": "violet", "pale": "whitish and purple", "grey": "grey"}[
        slide.look
    ]
    colour = "bluish picture, brown and blue," if slide.stain == IMMUNO else f"{colour} picture"
    base = f"A {colour} with {_BASE[slide.organ]}"
    if slide.stain == IMMUNO or slide.look != "usual":
        base = base.replace("pink ", "pale ")
    seen = []
    for finding in findings:
        words = _SEEN[finding.name].format(n=finding.count, s="s" if finding.count > 1 else "")
        place = f" in the {finding.place}" if finding.place else ""
        seen.append(words + place)
    return f"{base}, and {' and '.join(seen)}." if seen else f"{base}."
