"""Numbers of a picture that are none (NaN, infinity): what is shown in their place."""

import numpy as np

from medvlm.types import Pixels

UNDEFINED = "undefined pixels shown as the lowest value"


def finite(pixels: Pixels) -> tuple[Pixels, tuple[str, ...]]:
    """Numbers without NaN or infinity, float types as float32: undefined pixels take the lowest value. And a note."""
    if pixels.dtype.kind != "f":
        return pixels, ()
    single = pixels.astype(np.float32)
    good = np.isfinite(single)
    if good.all():
        return single, ()
    low, high = (float(single[good].min()), float(single[good].max())) if good.any() else (0.0, 0.0)
    return np.nan_to_num(single, nan=low, posinf=high, neginf=low), (UNDEFINED,)
