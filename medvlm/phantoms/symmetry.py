"""Two alike halves: outlines mirrored at the midline, depth inside them, and places with and without a side."""

from collections.abc import Sequence

import numpy as np

from medvlm.phantoms.canvas import Frame, Grey, Point, around, direction, lookup


def mirrored(points: Sequence[Point]) -> list[Point]:
    """Both halves of an outline given for x >= 0."""
    return [*points, *((-x, y) for x, y in points if x > 0)]


def depth(page: Frame, middle: Point, points: Sequence[Point]) -> Grey:
    """How deep each pixel lies inside a star-shaped outline, in page units (negative outside)."""
    across, down = page.x - middle[0], page.y - middle[1]
    knots, lengths = around(middle, points)
    return lookup(knots, lengths, direction(across, down)) - np.sqrt(across * across + down * down)


def over(page: Frame, field: Grey, soft: float = 1.2) -> Grey:
    """Opacity 1 where a field in page units is above 0, with an edge `soft` pixels wide."""
    ramp: Grey = np.clip(field * (page.scale / soft) + 0.5, 0, 1)
    return ramp


def both(spots: dict[str, Point]) -> dict[tuple[str | None, str | None], Point]:
    """Spots given for the patient's left (x > 0), for both sides: (side, place) -> page point."""
    return {
        (side, place): (sign * x, y) for place, (x, y) in spots.items() for side, sign in (("left", 1), ("right", -1))
    }
