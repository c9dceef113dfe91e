"""What a judge's reply says, read without guessing: a reply that does not say it plainly is unparsed, never a score.

A verdict is a line that holds nothing but the verdict. Lines that quote ("> 10 10", "| 10 10") are none, so that an
answer under judgement cannot put a verdict into the judge's mouth. Lines that contradict each other are no verdict.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from medvlm.ratings.records import ERROR_KINDS, HARMS, ErrorKind, Harm

Choice = Literal["first", "second", "tie", "neither"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
# What a reader may tag in an answer, and how bad it is: a judge uses the readers' words, with or without underscores.
TAGS: dict[str, ErrorKind] = {kind.replace("_", " "): kind for kind in ERROR_KINDS}
HARMS_BY_NAME: dict[str, Harm] = {harm: harm for harm in HARMS}

_NUMBER = r"\d{1,3}(?:\.\d{1,2})?"
_OF = r"(?:\s*(?:/|out of)\s*(\d{1,3}))?"
_TWO = re.compile(
    rf"(?:scores?\s*:?\s*)?({_NUMBER}){_OF}(?:\s*[,;]\s*|\s+and\s+|\s+)({_NUMBER}){_OF}\.?", re.IGNORECASE
)
_LABELLED = re.compile(
    rf"assistant 1\s*[:=]\s*({_NUMBER}){_OF}\s*[,;]?\s+(?:and\s+)?assistant 2\s*[:=]\s*({_NUMBER}){_OF}\.?",
    re.IGNORECASE,
)
_ONE = re.compile(rf"(?:(?:final |overall )?(?:score|rating)\s*[:=]?\s*)?({_NUMBER}){_OF}\.?", re.IGNORECASE)
_CHOICE = re.compile(
    r"(?:(?i:final verdict|verdict|winner|answer)\s*[:=]\s*)?(?:\[\[)?(A|B|(?i:tie|neither))(?:\]\])?\.?"
)
_CHOICES: dict[str, Choice] = {"a": "first", "b": "second", "tie": "tie", "neither": "neither"}
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unparsed:
    """No verdict, and why. It is unscored, and its share is told wherever scores are."""

    reason: str


@dataclass(frozen=True, slots=True)
class TwoScores:
    """Scores of Assistant 1 and Assistant 2, in the rubric's points."""

    first: float
    second: float


@dataclass(frozen=True, slots=True)
class OneScore:
    """The score of one answer, in the rubric's points."""

    value: float


@dataclass(frozen=True, slots=True)
class Preferred:
    """Which of two answers is better, by where it stood."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class FoundError:
    """One error of an answer, as a clinician would tag it; `quote` is the piece of the answer that holds it."""

    tag: ErrorKind
    harm: Harm
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Errors:
    """All errors that were found; none is a verdict too."""

    found: tuple[FoundError, ...]


Verdict = TwoScores | OneScore | Preferred | Errors | Unparsed
T = TypeVar("T")


def two_scores(reply: str, low: float, high: float) -> TwoScores | Unparsed:
    """ "8 6.5" on a line of its own, also "8/10, 6/10" or "Assistant 1: 8, Assistant 2: 6", both within the scale."""

    def read(line: str) -> TwoScores | None:
        found = _LABELLED.fullmatch(line) or _TWO.fullmatch(line)
        if found is None or any(of and float(of) != high for of in (found[2], found[4])):
            return None
        return TwoScores(float(found[1]), float(found[3]))

    verdict = _only(reply, read)
    if isinstance(verdict, TwoScores) and not (low <= verdict.first <= high and low <= verdict.second <= high):
        return Unparsed(f"{verdict.first:g} {verdict.second:g} lies outside the scale of {low:g} to {high:g}")
    return verdict


def one_score(reply: str, low: float, high: float) -> OneScore | Unparsed:
    """ "Score: 7" or "7/10" on a line of its own, within the scale."""

    def read(line: str) -> OneScore | None:
        found = _ONE.fullmatch(line)
        return None if found is None or (found[2] and float(found[2]) != high) else OneScore(float(found[1]))

    verdict = _only(reply, read)
    if isinstance(verdict, OneScore) and not low <= verdict.value <= high:
        return Unparsed(f"{verdict.value:g} lies outside the scale of {low:g} to {high:g}")
    return verdict


def preference(reply: str) -> Preferred | Unparsed:
    """ "A", "B", "tie" or "neither" on a line of its own, also "Verdict: A" and "[[A]]". A lone "a" is none."""

    def read(line: str) -> Preferred | None:
        found = _CHOICE.fullmatch(line)
        return Preferred(_CHOICES[found[1].lower()]) if found else None

    return _only(reply, read)


def errors(reply: str) -> Errors | Unparsed:
    """One JSON object {"errors": [{"tag": ..., "harm": ..., "quote": ...}]}, alone or in one code block.

    A tag or a harm that is not of the list, or a second object, makes the reply unparsed.
    """
    said = without_thinking(reply)
    if said is None:
        return Unparsed("the thinking never ends")
    blocks = _FENCED.findall(said)
    if len(blocks) > 1:
        return Unparsed("several verdicts")
    try:
        record: Any = json.loads(blocks[0] if blocks else said)
    except ValueError:
        return Unparsed("no JSON object" if said.strip() else "an empty reply")
    return _errors(record)


def _errors(record: Any) -> Errors | Unparsed:
    listed = record.get("errors") if isinstance(record, dict) else None
    if not isinstance(listed, list):
        return Unparsed('no list under "errors"')
    found = []
    for one in listed:
        tag, harm = (TAGS.get(_word(one, "tag")), HARMS_BY_NAME.get(_word(one, "harm")))
        if tag is None or harm is None:
            return Unparsed(f"not a known tag and harm: {str(one)[:80]}")
        found.append(FoundError(tag, harm, str(one.get("quote", ""))))
    return Errors(tuple(found))


def _word(record: Any, key: str) -> str:
    value = record.get(key) if isinstance(record, dict) else None
    return value.strip().lower().replace("_", " ") if isinstance(value, str) else ""


def without_thinking(reply: str) -> str | None:
    """The reply without quoted lines and what a reasoning model thought aloud; None where its thinking was cut off.

    Quoted lines go first: a "<think>" in the material must not swallow the verdict behind it.
    """
    own = "\n".join(line for line in reply.splitlines() if not line.lstrip().startswith(("|", ">")))
    rest = _THINKING.sub("", own)
    return None if "<think>" in rest else rest.rpartition("</think>")[2]


def _only(reply: str, read: Callable[[str], T | None]) -> T | Unparsed:
    """The one verdict that the reply's lines hold; the same one twice is one."""
    said = without_thinking(reply)
    if said is None:
        return Unparsed("the thinking never ends")
    if not said.strip():
        return Unparsed("an empty reply")
    found = [verdict for line in said.splitlines() if (verdict := read(_plain(line))) is not None]
    if not found:
        return Unparsed("no verdict on a line of its own")
    return found[0] if _agree(found) else Unparsed("several verdicts that differ")


def _agree(found: Sequence[object]) -> bool:
    return all(one == found[0] for one in found)


def _plain(line: str) -> str:
    """A line without the marks of bold and code."""
    return re.sub(r"[*`]", "", line).strip()
