"""The eight organs of gross photographs: their outlines, colours and sizes, and where lesions may lie in them."""

from collections.abc import Mapping
from dataclasses import dataclass

from medvlm.phantoms.canvas import Point

Colour = tuple[float, float, float]
_QUARTERS = ("upper left", "upper right", "lower left", "lower right")


@dataclass(frozen=True, slots=True)
class Organ:
    """An organ in page units: its half length is 1. `height` is the full height in half lengths, `length_cm` from end
    to end; `spots` (x, y) is where a lesion of each quarter lies, `room` how large lesions may be there."""

    name: str
    length_cm: float
    height: float
    colour: Colour
    points: tuple[Point, ...]
    spots: Mapping[str, Point]
    room: float
    seen: str


def _quarters(x: float, y: float) -> dict[str, Point]:
    """The four places at +-x, +-y about the page's middle."""
    return dict(zip(_QUARTERS, ((-x, -y), (x, -y), (-x, y), (x, y)), strict=True))


# fmt: off
ORGANS: tuple[Organ, ...] = (
    Organ(
        "liver", 24.0, 1.35, (0.43, 0.17, 0.11),
        (
            (-0.98, 0.1), (-0.9, -0.38), (-0.55, -0.62), (-0.05, -0.58), (0.4, -0.45), (0.85, -0.32), (1.0, -0.18),
            (0.72, 0.08), (0.25, 0.3), (-0.1, 0.48), (-0.5, 0.66), (-0.85, 0.56),
        ),
        {
            "upper left": (-0.55, -0.27), "upper right": (0.38, -0.2),
            "lower left": (-0.58, 0.3), "lower right": (0.1, 0.14),
        },
        0.95, "A large smooth brown wedge",
    ),
    Organ(
        "kidney", 11.5, 1.25, (0.50, 0.20, 0.15),
        (
            (-1.0, 0.0), (-0.88, -0.42), (-0.5, -0.6), (0.0, -0.58), (0.5, -0.6), (0.88, -0.42), (1.0, 0.02),
            (0.85, 0.42), (0.5, 0.56), (0.16, 0.42), (0.0, 0.3), (-0.16, 0.42), (-0.5, 0.56), (-0.85, 0.42),
        ),
        _quarters(0.55, 0.28),
        0.95, "A reddish brown bean cut open",
    ),
    Organ(
        "spleen", 12.0, 1.05, (0.34, 0.10, 0.17),
        (
            (-1.0, 0.05), (-0.8, -0.36), (-0.35, -0.52), (0.2, -0.5), (0.72, -0.36), (1.0, 0.0), (0.82, 0.32),
            (0.4, 0.38), (0.24, 0.3), (0.08, 0.42), (-0.4, 0.5), (-0.82, 0.4),
        ),
        _quarters(0.5, 0.22),
        0.85, "A dark purple smooth oval",
    ),
    Organ(
        "lung", 21.0, 1.55, (0.66, 0.43, 0.42),
        (
            (-1.0, 0.25), (-0.85, -0.15), (-0.45, -0.55), (0.05, -0.76), (0.5, -0.72), (0.85, -0.4), (1.0, 0.1),
            (0.95, 0.55), (0.6, 0.72), (0.1, 0.6), (-0.4, 0.68), (-0.85, 0.62),
        ),
        {
            "upper left": (-0.4, -0.2), "upper right": (0.52, -0.33),
            "lower left": (-0.55, 0.33), "lower right": (0.55, 0.37),
        },
        1.0, "A spongy pink and grey lump with black specks",
    ),
    Organ(
        "colon", 16.0, 1.2, (0.76, 0.50, 0.42),
        (
            (-1.0, -0.1), (-0.97, -0.5), (-0.6, -0.55), (-0.2, -0.5), (0.2, -0.57), (0.6, -0.51), (0.97, -0.5),
            (1.0, 0.0), (0.97, 0.5), (0.6, 0.57), (0.2, 0.5), (-0.2, 0.56), (-0.6, 0.5), (-0.97, 0.5),
        ),
        _quarters(0.55, 0.27),
        0.95, "A flat pink sheet with many cross folds",
    ),
    Organ(
        "uterus", 10.0, 1.6, (0.74, 0.45, 0.41),
        (
            (-0.98, -0.62), (-0.9, -0.72), (-0.6, -0.72), (-0.3, -0.8), (0.0, -0.82), (0.3, -0.8), (0.6, -0.72),
            (0.9, -0.72), (0.98, -0.62), (0.6, -0.42), (0.52, 0.0), (0.38, 0.42), (0.3, 0.76), (0.0, 0.82),
            (-0.3, 0.76), (-0.38, 0.42), (-0.52, 0.0), (-0.6, -0.42),
        ),
        {
            "upper left": (-0.36, -0.46), "upper right": (0.36, -0.46),
            "lower left": (-0.24, 0.3), "lower right": (0.24, 0.3),
        },
        0.78, "A pink pear with two short arms and a slit in the middle",
    ),
    Organ(
        "heart", 10.5, 1.75, (0.46, 0.15, 0.13),
        (
            (-1.0, 0.05), (-0.86, -0.5), (-0.45, -0.82), (0.05, -0.87), (0.55, -0.74), (0.9, -0.35), (1.0, 0.12),
            (0.8, 0.58), (0.35, 0.85), (-0.15, 0.87), (-0.6, 0.72), (-0.9, 0.42),
        ),
        {
            "upper left": (-0.2, -0.53), "upper right": (0.63, -0.35),
            "lower left": (-0.2, 0.55), "lower right": (0.62, 0.38),
        },
        0.82, "A thick dark red ring cut across, with yellow at its rim",
    ),
    Organ(
        "brain", 14.0, 1.5, (0.74, 0.62, 0.55),
        (
            (-1.0, 0.0), (-0.9, -0.42), (-0.55, -0.7), (-0.1, -0.75), (0.0, -0.66), (0.1, -0.75), (0.55, -0.7),
            (0.9, -0.42), (1.0, 0.0), (0.86, 0.45), (0.45, 0.66), (0.12, 0.6), (0.0, 0.68), (-0.12, 0.6),
            (-0.45, 0.66), (-0.86, 0.45),
        ),
        _quarters(0.52, 0.33),
        0.9, "A cream slice with a wrinkled tan rim and dark gaps in the middle",
    ),
)
# fmt: on
