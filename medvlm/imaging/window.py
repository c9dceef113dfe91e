"""From numbers to grey: the three window formulas of DICOM, the CT presets, and a window by percentiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medvlm.types import Domain, Pixels, Window

# Widths and levels in HU as radiology workstations have them; "lung" is wide because nodules vanish at W400.
# MR has none: its numbers have no unit, so a fixed window means nothing there.
PRESETS: dict[Domain, dict[str, Window]] = {
    "cxr": {},
    "ct": {
        "soft tissue": Window(400, 40),
        "lung": Window(1500, -600),
        "liver": Window(150, 90),
        "bone": Window(2500, 480),
        "brain": Window(80, 40),
        "mediastinum": Window(400, 80),
    },
    "mri": {},
    "histology": {},
    "gross": {},
    "other": {},
}
# The window by percentiles leaves this share of the pixels, in %, black at the low end and white at the high end.
LOW, HIGH = 1.0, 99.0
PERCENTILES = f"percentiles {LOW:g} to {HIGH:g}"
# Percentiles of a million pixels differ from those of a hundred million by less than a grey level.
_SAMPLE = 1_000_000
_SAMPLE_OF_SLICE = 65_536


def to_grey(pixels: Pixels, window: Window) -> NDArray[np.uint8]:
    """Numbers of any real type and shape as grey 0..255, before any inversion.

    DICOM PS3.3: LINEAR C.11.2.1.2.1, SIGMOID C.11.2.1.3.1, LINEAR_EXACT C.11.2.1.3.2. With c = level, w = width:
    LINEAR ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, a threshold at c - 0.5 where w is 1;
    LINEAR_EXACT ((x - c) / w + 0.5) * 255; SIGMOID 255 / (1 + exp(-4 (x - c) / w)); rounded to the nearest grey.
    """
    # float32 holds every 16-bit number exactly; larger types need float64 to keep neighbours apart.
    kind = np.float32 if pixels.dtype.itemsize <= 2 else np.float64
    numbers: NDArray[np.floating[Any]] = pixels.astype(kind)
    level, width = window.level, window.width
    if window.function == "SIGMOID":
        exponent = np.clip(-4.0 * (numbers - level) / width, -80.0, 80.0)
        grey: NDArray[np.uint8] = np.rint(255.0 / (1.0 + np.exp(exponent))).astype(np.uint8)
        return grey
    if window.function == "LINEAR":
        level, width = level - 0.5, width - 1.0
    if width <= 0:
        return np.where(numbers > level, np.uint8(255), np.uint8(0))
    numbers -= level
    numbers *= 255.0 / width
    numbers += 127.5
    np.clip(numbers, 0.0, 255.0, out=numbers)
    rounded: NDArray[np.uint8] = np.rint(numbers, out=numbers).astype(np.uint8)
    return rounded


def full_range(low: float, high: float) -> Window:
    """The window that shows `low` as black and `high` as white, everything between in proportion."""
    return Window(width=max(high - low, 1e-12), level=(low + high) / 2, function="LINEAR_EXACT")


def automatic(pixels: Pixels) -> Window:
    """The window from the 1st to the 99th percentile of `pixels` (any shape; finite numbers, padding left out).

    A picture of a single value is shown mid-grey.
    """
    flat = pixels.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    if not sample.size:
        return full_range(0.0, 1.0)
    low, high = (float(value) for value in np.percentile(sample, (LOW, HIGH)))
    if low == high:
        low, high = float(flat.min()), float(flat.max())
    return full_range(low, high) if low < high else full_range(low - 0.5, low + 0.5)


def sample(slices: Sequence[Pixels]) -> Pixels:
    """About 65,000 numbers of each slice, in one row: enough for percentiles."""
    return np.concatenate([one.reshape(-1)[:: max(1, one.size // _SAMPLE_OF_SLICE)] for one in slices])


def is_valid(window: Window) -> bool:
    """Whether the formula is defined: finite, width at least 1 for LINEAR and above 0 for the others (C.11.2.1.2)."""
    least = 1.0 if window.function == "LINEAR" else np.nextafter(0.0, 1.0)
    return bool(np.isfinite(window.width) and np.isfinite(window.level) and window.width >= least)


def words(window: Window) -> str:
    """Width/level as a radiologist says it: "400/40", "1500/-600"."""
    return f"{_short(window.width)}/{_short(window.level)}"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.4g}"
