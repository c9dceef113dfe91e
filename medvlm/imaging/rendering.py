"""One slice of a scan as the model and the page show it: numbers, then the window, then the inversion, then RGB."""

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.window import full_range, is_valid, to_grey
from medvlm.types import Scan, Window


def render(scan: Scan, index: int = 0, window: Window | None = None) -> NDArray[np.uint8]:
    """Slice `index` (from 0) of `scan` as uint8 RGB of shape (H, W, 3), a fresh array.

    `window` takes the place of the scan's own; colour pictures have none and are shown as they are.
    Raises `UserError` for a slice that is not there or a window without a width.
    """
    if not 0 <= index < len(scan.slices):
        raise UserError(
            f"Slice {index + 1} is not there: this scan has {len(scan.slices)}. Choose 1 to {len(scan.slices)}."
        )
    pixels = scan.slices[index]
    if pixels.ndim == 3:
        return np.array(pixels, dtype=np.uint8)
    chosen = window or scan.window or full_range(float(pixels.min()), float(pixels.max()))
    if not is_valid(chosen):
        raise UserError(
            f"A window of width {chosen.width:g} and level {chosen.level:g} shows nothing. "
            "Choose a width of at least 1."
        )
    grey = to_grey(pixels, chosen)
    if scan.inverted:
        np.subtract(255, grey, out=grey)
    shown = np.empty((*grey.shape, 3), np.uint8)
    for channel in range(3):  # three plain copies: twice as fast as repeating along a new axis
        shown[:, :, channel] = grey
    return shown
