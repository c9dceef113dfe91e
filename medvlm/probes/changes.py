"""Changes of a picture by name: mirrored, blank of its own brightness, or seen through another window.

A change is a word ("mirrored", "blank") or "window:WIDTH:LEVEL"; eval names a changed picture "CHANGE|NAME".
"""

import hashlib
from dataclasses import replace

import numpy as np

from medvlm.errors import ConfigError
from medvlm.imaging import render
from medvlm.types import Scan, Window

MIRRORED, BLANK, WINDOW = "mirrored", "blank", "window"


def window_change(window: Window) -> str:
    """The name of seeing the picture through this window (its formula is the linear one)."""
    return f"{WINDOW}:{window.width:g}:{window.level:g}"


def changed(scan: Scan, change: str) -> Scan:
    """The first slice, changed, as a scan of its own. Raises ConfigError for a change that is not known."""
    kind, _, numbers = change.partition(":")
    if kind == MIRRORED and not numbers:
        return _of(scan, change, np.ascontiguousarray(render(scan)[:, ::-1]))
    if kind == BLANK and not numbers:
        # One grey of the picture's mean brightness: nothing to see, and nothing that black alone would give away.
        pixels = render(scan)
        return _of(scan, change, np.full_like(pixels, round(float(pixels.mean()))))
    if kind == WINDOW:
        try:
            width, level = (float(number) for number in numbers.split(":"))
        except ValueError:
            width = 0.0
        if width >= 1:
            return _of(scan, change, render(scan, 0, Window(width, level)))
    raise ConfigError(f"{change!r} is no change of a picture; use mirrored, blank or window:WIDTH:LEVEL.")


def _of(scan: Scan, change: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Scan:
    sha = hashlib.sha256(f"{change} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()
    return replace(
        scan, slices=(pixels,), sha256=sha, name=f"{change}|{scan.name}", window=None, inverted=False, geometry=None,
        notes=(*scan.notes, f"changed: {change}"),
    )  # fmt: skip
