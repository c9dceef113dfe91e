"""A finding as it was drawn: what a picture's truth says of its place and size."""

import numpy as np

from medvlm.phantoms.canvas import Frame, Point
from medvlm.phantoms.truth import Finding


def found(
    page: Frame,
    name: str,
    at: Point,
    radius: float,
    size_mm: float | None,
    side: str | None = None,
    place: str | None = None,
    count: int = 1,
) -> Finding:
    """A finding at the page point `at`, `radius` page units large: both as fractions of the picture."""
    share = round(radius * page.scale / max(page.shape), 4)
    return Finding(name, side, place, page.fraction(*at), share, size_mm, count)  # type: ignore[arg-type]


def near(rng: np.random.Generator, at: Point, reach: float) -> Point:
    """A page point within `reach` of `at` in both directions."""
    return at[0] + float(rng.uniform(-reach, reach)), at[1] + float(rng.uniform(-reach, reach))
