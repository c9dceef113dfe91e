"""Gross pathology with known truth: an organ on a board with a ruler in centimetres, photographed, as uint8 RGB."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.phantoms import artefacts, lesions, specimen
from medvlm.phantoms.canvas import Frame, Grey, frame, paint
from medvlm.phantoms.cases import Choices, HeldOut, Plan, plan, streams
from medvlm.phantoms.fields import blur, fractal, noise
from medvlm.phantoms.organs import ORGANS, Organ
from medvlm.phantoms.specimen import Picture
from medvlm.phantoms.truth import Finding, Phantom, Split, Truth
from medvlm.types import Spacing

SHAPE = (256, 288)
PLACES = ("upper left", "upper right", "lower left", "lower right")
FINDINGS: dict[str, Choices] = {
    "mass": Choices((None,), PLACES, most=3),
    "necrosis": Choices((None,), PLACES),
    "haemorrhage": Choices((None,), PLACES),
    "cyst": Choices((None,), PLACES, most=3),
}
HELD_OUT = HeldOut(
    frozenset(
        {
            ("mass", None, "upper right"),
            ("necrosis", None, "lower left"),
            ("haemorrhage", None, "upper left"),
            ("cyst", None, "lower right"),
        }
    ),
    {"mass": (0.4, 0.55), "haemorrhage": (0.65, 0.8), "cyst": (0.2, 0.35), "necrosis": (0.55, 0.7)},
    {"mass": (0.4, 0.55)},
)
# Radius of a finding in units of the organ's half length.
RADII = (0.15, 0.28)
BOARDS: dict[str, tuple[float, float, float]] = {
    "green": (0.16, 0.42, 0.30),
    "blue": (0.20, 0.38, 0.62),
    "white": (0.88, 0.89, 0.88),
    "grey": (0.50, 0.51, 0.53),
    "black": (0.07, 0.07, 0.08),
}
_SEEN = {
    "mass": ("a pale lump", "{n} pale lumps"),
    "necrosis": ("a dull yellow patch", "{n} dull yellow patches"),
    "haemorrhage": ("a dark red patch", "{n} dark red patches"),
    "cyst": ("a smooth shiny bubble", "{n} smooth shiny bubbles"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The board, the page on it (units: half the organ's length), and how many pixels a centimetre takes."""

    board: str
    page: Frame
    pixels_per_cm: float


def draw(seed: int, split: Split = "train") -> Phantom:
    """Gross photograph number `seed`: (256, 288, 3) uint8. Raises ValueError for a negative seed."""
    rngs = streams("gross", seed, split)
    organ = ORGANS[int(rngs.case.integers(len(ORGANS)))]
    plans, held = plan(rngs.case, FINDINGS, HELD_OUT, split)
    plans = apart(plans)
    scene = set_up(organ, rngs.case, rngs.anatomy)
    picture = lay_board(scene, rngs.anatomy)
    body = specimen.lay(organ, scene.page, rngs.anatomy)
    specimen.shadow(picture, body)
    flesh = specimen.flesh(organ, scene.page, body, rngs.anatomy)
    findings = tuple(lay_finding(flesh, scene, organ, one, rngs.finding) for one in plans)
    picture += (specimen.lit(flesh, body, rngs.anatomy) - picture) * body.alpha[..., None]
    lay_ruler(picture, scene, rngs.anatomy)
    truth = Truth(
        "gross", "gross photograph", organ.name, organ.name, None, None, findings, tuple(FINDINGS),
        layperson(organ, scene, findings), (("background", scene.board),), held,
    )  # fmt: skip
    spacing = round(10 / scene.pixels_per_cm, 4)
    return Phantom(photograph(picture, rngs.noise), truth, Spacing(spacing, spacing), None, False, seed)


def apart(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """A second finding stays only where it has a place of its own."""
    if len(plans) == 2 and (plans[0].place == plans[1].place or plans[0].count > 1 or plans[1].count > 1):
        return plans[:1]
    return plans


def set_up(organ: Organ, case: np.random.Generator, ground: np.random.Generator) -> Scene:
    """Chooses the board, and how large, how long and how much turned the organ lies on it."""
    # As large as the board allows in its narrower direction; the ruler takes the lowest rows.
    half = float(case.uniform(0.84, 0.98)) * min(0.45 * SHAPE[1], 0.88 * (SHAPE[0] - 34) / organ.height)
    length_cm = organ.length_cm * float(case.uniform(0.85, 1.15))
    turn, middle = float(case.uniform(-0.16, 0.16)), (float(case.uniform(0.44, 0.47)), float(case.uniform(0.47, 0.53)))
    page = frame(ground, SHAPE, half, turn, middle, bend=0.018)
    return Scene(str(case.choice(sorted(BOARDS))), page, round(2 * half / length_cm, 4))


def lay_board(scene: Scene, rng: np.random.Generator) -> Picture:
    """The empty board, (256, 288, 3) in 0..1."""
    colour = np.clip(np.array(BOARDS[scene.board]) + rng.uniform(-0.04, 0.04, 3), 0.02, 0.97)
    grain = 0.010 * fractal(rng, SHAPE, 30) + 0.008 * rng.standard_normal(SHAPE)
    return colour * (1 + grain)[..., None]


def lay_finding(flesh: Picture, scene: Scene, organ: Organ, one: Plan, rng: np.random.Generator) -> Finding:
    """One finding in its place; several of a kind share the places, are a little smaller, and have no single place."""
    radius = (RADII[0] + (RADII[1] - RADII[0]) * one.size) * organ.room * (0.75 if one.count > 1 else 1.0)
    first = one.place or PLACES[0]
    rest = [place for place in rng.permutation(PLACES) if place != first]
    for place in [first, *rest][: one.count]:
        x, y = spot(scene.page, organ, str(place), rng)
        lesions.LESIONS[one.name](flesh, scene.page, (x, y), radius, one.contrast, organ, rng)
        if place == first:
            centre = scene.page.fraction(x, y)
    if one.count > 1:
        return Finding(one.name, count=one.count)
    size_mm = round(20 * radius * scene.page.scale / scene.pixels_per_cm, 1)
    return Finding(one.name, None, one.place, centre, round(radius * scene.page.scale / SHAPE[1], 4), size_mm)


def spot(page: Frame, organ: Organ, place: str, rng: np.random.Generator) -> tuple[float, float]:
    """Page coordinates of a place, as the organ has room for it."""
    x, y = organ.spots[place]
    return x + float(rng.uniform(-0.05, 0.05)), y + float(rng.uniform(-0.04, 0.04))


def lay_ruler(picture: Picture, scene: Scene, rng: np.random.Generator) -> None:
    """A strip along the lower edge: a tick at each centimetre, a shorter one at each half, numbers below."""
    height, width = SHAPE
    top, deep = height - 30, 24
    left, step = float(rng.uniform(8, 26)), scene.pixels_per_cm
    count = int((width - 10 - left - 6) / step)
    strip = (slice(top, top + deep), slice(int(left) - 5, min(width, int(left + count * step) + 8)))
    tone = np.array([(0.93, 0.93, 0.90), (0.78, 0.80, 0.82), (0.90, 0.83, 0.42)][int(rng.integers(3))])
    picture[strip] = tone * (1 + 0.02 * rng.standard_normal((*picture[strip].shape[:2], 1)))
    for tick in range(2 * count + 1):
        column = round(left + tick * step / 2)
        picture[top : top + (10 if tick % 2 == 0 else 6), column : column + 1] = 0.12
    every = 1 if step >= 22 else 2 if step >= 11 else 5
    for number in range(0, count + 1, every):
        words = str(number)
        paint(picture, artefacts.text(SHAPE, words, top + 13, left + number * step - 2.5 * len(words), 7.5, 1.1), 0.1)


def photograph(picture: Picture, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Lamp from one side, colour of the light, focus, noise."""
    slope: Grey = noise(rng, SHAPE, 300.0) * 0.05
    tint = 1 + rng.uniform(-0.05, 0.05, 3)
    picture = picture * (float(rng.uniform(0.88, 1.1)) + slope)[..., None] * tint
    if rng.random() < 0.6:
        picture = blur(picture, float(rng.uniform(0.25, 0.9)))
    picture = picture + rng.standard_normal((*SHAPE, 1)) * float(rng.uniform(0.003, 0.012))
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def layperson(organ: Organ, scene: Scene, findings: tuple[Finding, ...]) -> str:
    """What somebody untrained would see, as one sentence."""
    seen = []
    for finding in findings:
        words = _SEEN[finding.name][0 if finding.count == 1 else 1].format(n=finding.count)
        seen.append(words + (f" in the {finding.place}" if finding.place else ""))
    base = f"{organ.seen} on a {scene.board} board above a ruler"
    return f"{base}, with {' and '.join(seen)}." if seen else f"{base}."
