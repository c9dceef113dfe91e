"""Scans from bytes: reading, windows, and the very pixels that the model and the page see."""

from medvlm.imaging.limits import Limits
from medvlm.imaging.reading import read
from medvlm.imaging.rendering import render

__all__ = ["Limits", "read", "render"]
