"""A scan and an answer about it, as a page shows them."""

from dataclasses import replace

from medvlm.page.session import GREEDY, Made, Session
from medvlm.types import Report
from tests.fakes import a_scan

EVIL = "<img src=x onerror=alert(1)>\"'&${1+1}`"


def at_slice(session: Session, slice_: int) -> Session:
    assert session.scan is not None and session.now is not None
    return session.looked(session.scan.slices, replace(session.now.look, slice=slice_))


def answered(text: str = "Yes.", **report: object) -> Session:
    facts = {"tokens": 11, "prompt_tokens": 9, "reused_tokens": 0, "seconds": 3.0, "seconds_to_first_token": 1.0}
    done = Report(**{**facts, "ended": "end", **report})  # type: ignore[arg-type]
    session = at_slice(Session().with_scan(a_scan(40)), 11).asked(EVIL, None)
    return session.answered(text, Made(session.asking, "m", "tuned", GREEDY, done))
