"""Questions that clinicians rated answers to, from an export of the ratings: what people really ask, asked again."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from medvlm.errors import DatasetError
from medvlm.metrics.text import normalised
from medvlm.ratings import imports
from medvlm.ratings.records import Rating
from medvlm.types import DataSplit, Sample


def rated(address: str, split: DataSplit) -> Iterator[Sample]:
    """One sample a case of an exported JSONL file; training cases and hidden repeats are left out.

    The reference is the case's own; without one, the answer that its reader preferred and did not call wrong; else
    empty. The picture is there only where the study's leader had it kept.
    """
    seen: set[str] = set()
    for rating in ratings(address):
        if rating.training or rating.repeat or rating.case.id in seen:
            continue
        seen.add(rating.case.id)
        case, reference = rating.case, rating.case.reference or preferred(rating)
        yield Sample(
            id=f"rated-{case.id}",
            image=f"{Path(address).expanduser().resolve()}#{case.id}" if case.picture else "",
            question=case.question,
            reference=reference,
            domain=case.domain,
            kind=case.question_type or "question",
            dataset="ratings",
            split=split,
            closed=normalised(reference) in ("yes", "no"),
        )


def preferred(rating: Rating) -> str:
    """The text of the answer that was preferred and not called wrong; empty where there is none."""
    if rating.verdict not in ("left", "right"):
        return ""
    answer = rating.left if rating.verdict == "left" or rating.right is None else rating.right
    return "" if answer.correctness == "wrong" else answer.text


def picture(address: str, case: str) -> bytes:
    """The picture kept with a case. Raises DatasetError."""
    found = next((r.case.picture for r in ratings(address) if r.case.id == case and r.case.picture), None)
    if found is None:
        raise DatasetError(f"{address} has no picture for case {case}. Export the ratings with pictures again.")
    return found


@cache
def ratings(address: str) -> tuple[Rating, ...]:
    return imports.read(Path(address).expanduser()).ratings
