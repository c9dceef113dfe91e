"""Scans from bytes: reading, windows, and the very pixels that the model and the page see."""

from medvlm.imaging.drop import STUDY_LIMITS, Drop, unpack
from medvlm.imaging.identity import UNEXAMINED
from medvlm.imaging.limits import Limits
from medvlm.imaging.reading import read
from medvlm.imaging.rendering import render
from medvlm.imaging.study import Series, Study, first_picture, read_study, ready

__all__ = [
    "STUDY_LIMITS",
    "UNEXAMINED",
    "Drop",
    "Limits",
    "Series",
    "Study",
    "first_picture",
    "read",
    "read_study",
    "ready",
    "render",
    "unpack",
]
