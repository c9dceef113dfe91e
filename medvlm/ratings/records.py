"""What a rating is: frozen values, and the closed sets that the page offers and the statistics count."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, get_args

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.errors import UserError
from medvlm.types import DOMAIN_NAMES, Arm, Decoding, Domain, Turn, View, Window

Form = Literal["pair", "single"]
Side = Literal["left", "right"]
Verdict = Literal["left", "right", "tie", "neither"]
Criterion = Literal["correct", "complete", "relevant", "clear", "safe"]
Correctness = Literal["right", "partly", "wrong", "cannot_judge"]
ErrorKind = Literal[
    "false_finding", "missed_finding", "side", "location", "severity", "invented_history", "unsafe_advice", "other"
]
Harm = Literal["none", "mild", "moderate", "severe"]
Guess = Literal["left", "right", "unsure"]

SIDES: tuple[Side, ...] = get_args(Side)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
CORRECTNESS: tuple[Correctness, ...] = get_args(Correctness)
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
HARMS: tuple[Harm, ...] = get_args(Harm)
GUESSES: tuple[Guess, ...] = get_args(Guess)
LOWEST, HIGHEST = 1, 5  # of a criterion and of how sure the reader is
LONGEST_NAME = 200
MOST_SEED = 2**63
# One score a criterion, in the order of CRITERIA; None where the reader gave none.
Scores = tuple[int | None, int | None, int | None, int | None, int | None]
NO_SCORES: Scores = (None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who answered. Its id is a hash of all that stands here, so two builds under one name are two candidates.

    Hashes are empty where nobody can know them (a remote endpoint shows no weights).
    """

    name: str
    arm: Arm | None = None
    model: str = ""
    model_sha256: str = ""
    adapter: str = ""
    adapter_sha256: str = ""
    endpoint: str = ""
    quantisation: str = ""
    prompt_version: int | None = None

    @property
    def id(self) -> str:
        """32 hex digits."""
        return _candidate_id(self)


@lru_cache(maxsize=1024)
def _candidate_id(candidate: Candidate) -> str:
    return hashlib.sha256(json.dumps(asdict(candidate), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Case:
    """What both answers are about. `scans`: sha256 of each scan; `picture`: only where the study's leader opted in.

    `view` and `window`: what was on the screen at the vote; `look`: the viewer's whole state as JSON.
    """

    id: str
    question: str
    domain: Domain = "other"
    question_type: str = ""
    scans: tuple[str, ...] = ()
    view: View | None = None
    window: Window | None = None
    look: str = ""
    reference: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class ErrorTag:
    """One mistake in an answer. `start`, `stop`: the marked characters, as in text[start:stop]; None for the whole."""

    kind: ErrorKind
    harm: Harm
    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """One answer, whole, with how it was drawn and what the reader said of it alone.

    `history`: the turns before the question, of this side's own conversation. `leaks`: words that were masked because
    they name the candidate; `text` is unmasked.
    """

    candidate: Candidate
    text: str
    history: tuple[Turn, ...] = ()
    decoding: Decoding | None = None
    leaks: tuple[str, ...] = ()
    scores: Scores = NO_SCORES
    correctness: Correctness | None = None
    errors: tuple[ErrorTag, ...] = ()


@dataclass(frozen=True, slots=True)
class Rating:
    """One reader's judgement of one pair of answers, or of one answer (then `right` and `verdict` are None).

    `id` is made where the vote is cast, so that a repeated submission is the same row. `corrects`: the id of the row
    that this one replaces. `blinded`: no names were shown before the vote. `repeat`: 0 for the first showing of the
    case to this reader, 1 and up for hidden repeats. `side_seed`: what the sides were drawn from. `seconds`: from the
    end of both answers to the vote. `source`: empty for votes cast here, else where they were imported from.
    """

    id: str
    reader: str
    case: Case
    left: RatedAnswer
    right: RatedAnswer | None = None
    verdict: Verdict | None = None
    study: str = ""
    corrects: str | None = None
    blinded: bool = True
    training: bool = False
    repeat: int = 0
    side_seed: int | None = None
    sureness: int | None = None
    guess: Guess | None = None
    comment: str = ""
    seconds: float | None = None
    source: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    software: str = field(default_factory=lambda: f"MedVLM {__version__}")
    label: str = field(default_factory=lambda: NOT_FOR_DIAGNOSIS)

    @property
    def form(self) -> Form:
        return "single" if self.right is None else "pair"

    @property
    def answers(self) -> tuple[RatedAnswer, ...]:
        """Left, and right where there is one."""
        return (self.left,) if self.right is None else (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Review:
    """One answer's rating without its texts. `candidate`: an id."""

    id: str
    reader: str
    case: str
    candidate: str
    correctness: Correctness
    study: str = ""
    domain: Domain = "other"
    question_type: str = ""
    blinded: bool = True
    training: bool = False
    repeat: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """One error tag without its words. `rating`: an id."""

    rating: str
    side: Side
    kind: ErrorKind
    harm: Harm


@dataclass(frozen=True, slots=True)
class Filter:
    """Which ratings; None takes all. `current`: without rows that a correction has replaced."""

    study: str | None = None
    reader: str | None = None
    case: str | None = None
    form: Form | None = None
    blinded: bool | None = None
    training: bool | None = None
    current: bool = True


EVERYTHING = Filter(current=False)
# What figures are drawn from: blinded pairs outside training, corrections in the place of what they correct.
COUNTED = Filter(form="pair", blinded=True, training=False)


def checked(rating: Rating) -> Rating:
    """The rating, if it can be kept. Raises `UserError` that names everything that is wrong with it."""
    wrong = [*_wrong_names(rating), *_wrong_verdict(rating)]
    for answer in rating.answers:
        wrong += _wrong_answer(answer)
    if rating.created.tzinfo is None:
        wrong.append("its time has no time zone")
    if rating.label != NOT_FOR_DIAGNOSIS:
        wrong.append(f"its label is {rating.label!r} and not {NOT_FOR_DIAGNOSIS!r}")
    if wrong:
        raise UserError(f"The rating {rating.id!r} cannot be kept: {'; '.join(wrong)}. Correct it and submit it again.")
    return rating


def _wrong_names(rating: Rating) -> list[str]:
    named = {"id": rating.id, "reader": rating.reader, "case": rating.case.id}
    wrong = [f"it has no {name}" for name, value in named.items() if not value.strip()]
    named["study"] = rating.study
    wrong += [f"its {name} is longer than {LONGEST_NAME}" for name, v in named.items() if len(v) > LONGEST_NAME]
    if rating.case.domain not in DOMAIN_NAMES:
        wrong.append(f"{rating.case.domain!r} is no kind of picture")
    if rating.corrects == rating.id:
        wrong.append("it corrects itself")
    return wrong


def _wrong_verdict(rating: Rating) -> list[str]:
    wrong = []
    if rating.right is not None and rating.verdict not in VERDICTS:
        wrong.append(f"its verdict is {rating.verdict!r} and not one of {', '.join(VERDICTS)}")
    if rating.right is None and (rating.verdict is not None or rating.left.correctness is None):
        wrong.append("one answer alone takes a correctness and no verdict")
    if rating.sureness is not None and not LOWEST <= rating.sureness <= HIGHEST:
        wrong.append(f"how sure the reader is, {rating.sureness}, lies outside {LOWEST} to {HIGHEST}")
    if rating.guess is not None and rating.guess not in GUESSES:
        wrong.append(f"the guess is {rating.guess!r} and not one of {', '.join(GUESSES)}")
    if rating.side_seed is not None and not -MOST_SEED <= rating.side_seed < MOST_SEED:
        wrong.append(f"the seed {rating.side_seed} needs more than 64 bits")
    if rating.seconds is not None and not 0 <= rating.seconds < float("inf"):
        wrong.append(f"the time taken is {rating.seconds} s")
    return wrong


def _wrong_answer(answer: RatedAnswer) -> list[str]:
    wrong: list[Any] = [f"a score of {s}" for s in answer.scores if s is not None and not LOWEST <= s <= HIGHEST]
    if answer.correctness is not None and answer.correctness not in CORRECTNESS:
        wrong.append(f"correctness {answer.correctness!r}")
    for tag in answer.errors:
        if tag.kind not in ERROR_KINDS or tag.harm not in HARMS:
            wrong.append(f"an error of kind {tag.kind!r} and harm {tag.harm!r}")
        start, stop = (tag.start, tag.stop) if tag.start is not None else (0, 0)
        if (tag.start is None) != (tag.stop is None) or not 0 <= start <= (stop or 0) <= len(answer.text):
            wrong.append(f"an error at characters {tag.start} to {tag.stop} of {len(answer.text)}")
    return [f"{one} is not known here" for one in wrong]
