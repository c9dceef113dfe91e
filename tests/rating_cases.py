"""Ratings to test with: small ones, and one that says everything a rating can say."""

from dataclasses import replace
from datetime import UTC, datetime

from medvlm.ratings.records import HARMS, Candidate, Case, ErrorTag, RatedAnswer, Rating, Verdict
from medvlm.types import DOMAINS, Decoding, Turn, View, Window

BASE = Candidate("nano", "base", model="nano", model_sha256="b" * 64, quantisation="nf4", prompt_version=1)
TUNED = replace(BASE, name="nano-med", arm="tuned", adapter="nano-med", adapter_sha256="a" * 64)
FIRST_RELEASE = "MedVLM 0.1.0"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def simple(
    number: int, verdict: Verdict = "right", *, case: str = "", reader: str = "r1", tuned_left: bool = False
) -> Rating:
    """One vote on a pair; the tuned answer stands on the right unless `tuned_left`."""
    sides = (TUNED, BASE) if tuned_left else (BASE, TUNED)
    left, right = (RatedAnswer(c, f"An answer of {c.name} to question {number}.") for c in sides)
    asked = Case(case or f"case-{number}", f"Question {number}?", "ct", "location", ("0" * 64,))
    return Rating(f"vote-{number}-{reader}", reader, asked, left, right, verdict, created=NOON, software=FIRST_RELEASE)


def rich(number: int, verdict: Verdict) -> Rating:
    """One of many votes, five readers to a case, with grades, times, guesses and now and then an error."""
    plain = simple(
        number // 5, verdict, case=f"case-{number // 5}", reader=f"r{number % 5}", tuned_left=number % 3 == 0
    )
    tags = (ErrorTag("side", HARMS[number % 4]),) if number % 6 == 0 else ()
    left, right = (
        replace(answer, scores=tuple(1 + (number * (k + 2) + place) % 5 for k in range(5)), correctness="right")  # type: ignore[arg-type]
        for place, answer in enumerate(plain.answers)
    )
    case = replace(plain.case, domain=DOMAINS[number // 5 % 5], question_type=("side", "count")[number // 5 % 2])
    return replace(
        plain,
        id=f"rich-{number}",
        case=case,
        left=replace(left, errors=tags),
        right=right,
        seconds=float(10 + number % 50),
        guess=("left", "right", "unsure")[number % 3] if number % 5 == 0 else None,
    )


def full(rating_id: str = "full") -> Rating:
    """A rating with every field away from its default, in awkward words."""
    text = "Größe 3 mm \u2013 „links“; 'x'); DROP TABLE ratings; -- \U0001f9e0\nSecond line, \\n no newline."
    history = (Turn("user", "What is it?", (View(0, 12),)), Turn("assistant", "A CT."))
    left = RatedAnswer(
        BASE,
        text,
        history,
        Decoding(0.7, 0.9, 160, 42, 60.0),
        ("nano", "fine-tuned"),
        (1, 2, None, 4, 5),
        "partly",
        (ErrorTag("side", "severe", 0, 5), ErrorTag("other", "none")),
    )
    right = replace(left, candidate=TUNED, errors=(ErrorTag("missed_finding", "mild", 3, 7),), correctness="right")
    case = Case(
        id="case/ü",
        question="Where?\n=1+1",
        domain="cxr",
        question_type="location",
        scans=("1" * 64, "2" * 64),
        view=View(1, 3),
        window=Window(400.0, 40.5, "SIGMOID"),
        look='{"plane": "axial"}',
        reference="left",
        picture=b"\x89PNG\x00\xff",
    )
    return Rating(
        id=rating_id,
        reader="reader, \"B\"",
        case=case,
        left=left,
        right=right,
        verdict="left",
        study="pilot",
        blinded=False,
        training=True,
        repeat=2,
        side_seed=-(2**62),
        sureness=4,
        guess="unsure",
        comment="=cmd|' /C calc'!A0\n,;\"",
        seconds=12.25,
        source="elsewhere",
        created=NOON,
        software="MedVLM 0.0.9",
    )  # fmt: skip


def single(number: int = 1) -> Rating:
    """A review of one answer against its reference."""
    case = Case(f"case-{number}", "What organ is this?", "mri", "organ", reference="brain")
    return Rating(f"review-{number}", "r1", case, RatedAnswer(TUNED, "The brain.", correctness="right"), created=NOON)
