"""A scan and an answer about it, as a page shows them."""

from dataclasses import replace

import numpy as np

from medvlm.session import GREEDY, Made, Session
from medvlm.types import Report, Scan, Window

EVIL = "<img src=x onerror=alert(1)>\"'&${1+1}`"


def a_scan(slices: int = 1, source: str = "file") -> Scan:
    pixels = tuple(np.full((6, 8), n, np.int16) for n in range(slices))
    return Scan(
        pixels, "ct", source, "0" * 64, "CT stack", "DICOM CT", None, Window(400, 40), notes=("header removed",)
    )  # type: ignore[arg-type]


def at_slice(session: Session, slice_: int) -> Session:
    assert session.scan is not None and session.now is not None
    return session.looked(session.scan.slices, replace(session.now.look, slice=slice_))


def answered(text: str = "Yes.", **report: object) -> Session:
    facts = {"tokens": 11, "prompt_tokens": 9, "reused_tokens": 0, "seconds": 3.0, "seconds_to_first_token": 1.0}
    done = Report(**{**facts, "ended": "end", **report})  # type: ignore[arg-type]
    session = at_slice(Session().with_scan(a_scan(40)), 11).asked(EVIL, None)
    return session.answered(text, Made(session.asking, "m", "tuned", GREEDY, done))
