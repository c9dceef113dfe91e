"""Two answers held against each other: what a reader says of them, on a ballot that knows no names."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from medvlm.errors import UserError
from medvlm.ratings.records import (
    CRITERIA,
    ERROR_KINDS,
    GUESSES,
    HARMS,
    HIGHEST,
    LOWEST,
    NO_SCORES,
    Correctness,
    ErrorTag,
    Guess,
    Scores,
    Verdict,
)

GARBLED = "The vote did not arrive whole. Submit it again; if that fails, reload the page."
LONGEST_COMMENT = 4000
# A person marks a handful of mistakes; a page that sends hundreds is no person's.
MOST_TAGS = 100
LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Remarks:
    """What a reader says of one answer alone. `text`: as it was shown; the marks in `errors` count its characters."""

    text: str
    scores: Scores = NO_SCORES
    correctness: Correctness | None = None
    errors: tuple[ErrorTag, ...] = ()


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a reader says of a pair, or of one answer (then `right` and `verdict` are None).

    It knows two texts and no candidate: whoever showed them knows whose they are. `id` was made in the reader's page
    when the form was opened, and again for a correction. `seconds`: from then to the vote.
    """

    id: str
    left: Remarks
    right: Remarks | None = None
    verdict: Verdict | None = None
    sureness: int | None = None
    guess: Guess | None = None
    comment: str = ""
    seconds: float | None = None


def ballot_of(payload: Mapping[str, Any], left: str, right: str | None) -> Ballot:
    """The ballot that the page's form sent for these texts, which were shown (`right` None: one answer alone).

    Raises `UserError` for a vote that is not complete, and for one that makes no sense.
    """
    try:
        made = Ballot(
            id=_id(payload["id"]),
            left=_remarks(payload["left"], left),
            right=None if right is None else _remarks(payload["right"], right),
            verdict=_choice(payload.get("verdict"), get_args(Verdict)),
            sureness=_grade(payload.get("sureness")),
            guess=_choice(payload.get("guess"), GUESSES),
            comment=str(payload.get("comment") or "").strip()[:LONGEST_COMMENT],
            seconds=_seconds(payload.get("seconds")),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(GARBLED) from None
    return _complete(made)


def _complete(ballot: Ballot) -> Ballot:
    if ballot.right is not None and ballot.verdict is None:
        raise UserError("Choose which answer is better first: A better, Tie, Both unacceptable or B better.")
    if ballot.right is None and (ballot.left.correctness is None or ballot.verdict is not None):
        raise UserError("Say first how correct the answer is: Right, Partly, Wrong or Cannot judge.")
    return ballot


def _id(value: Any) -> str:
    if not isinstance(value, str) or not 16 <= len(value) <= LONGEST_ID or not value.isprintable():
        raise ValueError("no id")
    return value


def _remarks(data: Mapping[str, Any], text: str) -> Remarks:
    given: Sequence[Any] = data["scores"]
    tags: Sequence[Any] = data["errors"]
    if len(given) != len(CRITERIA) or len(tags) > MOST_TAGS:
        raise ValueError("too few scores or too many tags")
    scores = cast(Scores, tuple(_grade(one) for one in given))
    correctness = _choice(data.get("correctness"), get_args(Correctness))
    return Remarks(text, scores, correctness, tuple(_tag(one, text) for one in tags))


def _tag(data: Mapping[str, Any], text: str) -> ErrorTag:
    kind, harm = _choice(data["kind"], ERROR_KINDS), _choice(data["harm"], HARMS)
    start, stop = data.get("start"), data.get("stop")
    if kind is None or harm is None or (start is None) != (stop is None):
        raise ValueError("half a tag")
    if start is None:
        return ErrorTag(kind, harm)
    start, stop = _whole(start), _whole(stop)
    if not 0 <= start < stop <= len(text):
        raise ValueError("a tag outside the text")
    return ErrorTag(kind, harm, start, stop)


def _choice(value: Any, allowed: Sequence[Any]) -> Any:
    if value is not None and value not in allowed:
        raise ValueError("none of these")
    return value


def _grade(value: Any) -> int | None:
    if value is None:
        return None
    grade = _whole(value)
    if not LOWEST <= grade <= HIGHEST:
        raise ValueError("no grade")
    return grade


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError("no whole number")
    return int(value)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError("no time")
    return float(value)
