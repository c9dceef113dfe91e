"""Changes of a picture by name: mirrored, blank of its own brightness, or seen through another window.

A change is a word ("mirrored", "blank") or "window:WIDTH:LEVEL:FORMULA"; eval names a changed picture "CHANGE|NAME".
"""

import hashlib
from dataclasses import replace
from typing import get_args

import numpy as np

from medvlm.errors import ConfigError
from medvlm.imaging import render
from medvlm.imaging.window import is_valid
from medvlm.probes.inquiry import Shown
from medvlm.types import Scan, VoiFunction, Window

MIRRORED, BLANK, WINDOW = "mirrored", "blank", "window"
FORMULAS: tuple[VoiFunction, ...] = get_args(VoiFunction)


def window_change(window: Window) -> str:
    """The name of seeing the picture through this window."""
    return f"{WINDOW}:{window.width!r}:{window.level!r}:{window.function}"


def changed(scan: Scan, change: str) -> Scan:
    """The first slice, changed, as a scan of its own. Raises ConfigError for a change that is not known."""
    kind, _, numbers = change.partition(":")
    if kind == MIRRORED and not numbers:
        return _of(scan, change, np.ascontiguousarray(render(scan)[:, ::-1]))
    if kind == BLANK and not numbers:
        # One grey of the picture's mean brightness: nothing to see, and nothing that black alone would give away.
        pixels = render(scan)
        return _of(scan, change, np.full_like(pixels, round(float(pixels.mean()))))
    if kind == WINDOW and (window := _window(numbers)) is not None:
        return _of(scan, change, render(scan, 0, window))
    raise ConfigError(f"{change!r} is no change of a picture; use mirrored, blank or window:WIDTH:LEVEL:LINEAR.")


def _window(numbers: str) -> Window | None:
    """ "400.0:40.0:LINEAR" as a window; None where it is none."""
    width, _, rest = numbers.partition(":")
    level, _, named = rest.partition(":")
    formula = next((one for one in FORMULAS if one == named), None)
    try:
        window = Window(float(width), float(level), formula or "LINEAR")
    except ValueError:
        return None
    return window if formula is not None and is_valid(window) else None


def _of(scan: Scan, change: str, pixels: Shown) -> Scan:
    sha = hashlib.sha256(f"{change} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()
    return replace(
        scan, slices=(pixels,), sha256=sha, name=f"{change}|{scan.name}", window=None, inverted=False, geometry=None,
        notes=(*scan.notes, f"changed: {change}"),
    )  # fmt: skip
