"""What a reader study is made of: frozen values that hold no picture and no code of a reader."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from medvlm import NOT_FOR_DIAGNOSIS, __version__
from medvlm.errors import UserError
from medvlm.ratings.records import LONGEST_NAME, Candidate
from medvlm.types import DOMAIN_NAMES, Decoding, Domain

# Before it is opened, cases and readers are gathered; while it is open nobody sees results; then everybody may.
Status = Literal["draft", "open", "closed"]
STATUSES: tuple[Status, ...] = get_args(Status)
Role = Literal["leader", "reader"]
LEADER = "leader"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Design:
    """How cases are handed out. `repeats`: share of the cases that each reader gets a second time, unannounced.

    `readers_per_case`: how many readers shall see each case; None: all of them. `guesses`: share of the cases after
    which readers are asked which answer they take for the tuned one. `break_every`: cases after which a break is
    offered, 0 for never. `keep_pictures`: the rows of the ratings hold the picture as well, not its hash alone.
    """

    seed: int = 0
    repeats: float = 0.1
    readers_per_case: int | None = None
    guesses: float = 0.2
    break_every: int = 20
    keep_pictures: bool = False

    def mistakes(self) -> Iterator[str]:
        """What is wrong with it, each in a sentence."""
        for name, share in (("repeats", self.repeats), ("guesses", self.guesses)):
            if not 0 <= share <= 1:
                yield f"{name} is {share}; give a share from 0 to 1."
        if self.readers_per_case is not None and self.readers_per_case < 1:
            yield f"readers_per_case is {self.readers_per_case}; give 1 or more, or leave it out for all readers."
        if self.break_every < 0:
            yield f"break_every is {self.break_every}; give a number of cases, or 0 for no breaks."


@dataclass(frozen=True, slots=True)
class Study:
    """One study. `pictures`: the folder that its leader chose for the files of its cases; empty where none is."""

    name: str
    design: Design = field(default_factory=Design)
    title: str = ""
    pictures: str = ""
    status: Status = "draft"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    closed: datetime | None = None
    software: str = field(default_factory=lambda: f"MedVLM {__version__}")
    label: str = field(default_factory=lambda: NOT_FOR_DIAGNOSIS)

    @property
    def words(self) -> str:
        """What people call it."""
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class StudyCase:
    """One question about one picture. `source` says where the picture is (see `pictures`), `scan` is its SHA-256.

    `slice`: which one is shown first, from 0; None for the viewer's choice. A `training` case comes first, counts in no
    figure, and shows `feedback` (else the reference) once it has been rated.
    """

    id: str
    question: str
    source: str
    scan: str = ""
    domain: Domain = "other"
    question_type: str = ""
    reference: str = ""
    slice: int | None = None
    training: bool = False
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer, drawn before anybody reads: to which case, by whom, and how."""

    case: str
    candidate: Candidate
    text: str
    decoding: Decoding | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """One case as one reader gets it. `position`: from 0 in the reader's order; `left`, `right`: candidates' ids.

    `side_seed`: what the sides were drawn from; `asked`: whether the reader guesses which answer is the tuned one.
    """

    position: int
    case: str
    left: str
    right: str
    side_seed: int
    repeat: int = 0
    training: bool = False
    asked: bool = False


def rating_id(study: str, reader: str, position: int) -> str:
    """The id that the rating of a showing has: the same on every machine, so that a vote sent twice is one row."""
    said = "\0".join((study, reader, str(position)))
    return f"study-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def checked_study(study: Study) -> Study:
    """The study, if it can be kept. Raises `UserError` that names everything that is wrong with it."""
    wrong = list(study.design.mistakes())
    if not NAME.fullmatch(study.name):
        wrong.append(f"its name is {study.name!r}; use 1 to 64 letters, digits and . _ -")
    if len(study.title) > LONGEST_NAME:
        wrong.append(f"its title is longer than {LONGEST_NAME} characters.")
    if wrong:
        raise UserError(f"The study cannot be made: {' '.join(wrong)}")
    return study


def checked_case(case: StudyCase) -> StudyCase:
    """The case, if it can be read. Raises `UserError` that names everything that is wrong with it."""
    wrong = [name for name in ("id", "question", "source") if not getattr(case, name).strip()]
    said = [f"it has no {name}" for name in wrong]
    if len(case.id) > LONGEST_NAME:
        said.append(f"its id is longer than {LONGEST_NAME} characters")
    if case.domain not in DOMAIN_NAMES:
        said.append(f"its domain is {case.domain!r} and not one of {', '.join(DOMAIN_NAMES)}")
    if case.slice is not None and case.slice < 0:
        said.append(f"its slice is {case.slice}")
    if max(len(case.question), len(case.reference), len(case.feedback)) > MOST_TEXT:
        said.append(f"a text of it is longer than {MOST_TEXT} characters")
    if said:
        raise UserError(f"The case {case.id!r} cannot be read: {'; '.join(said)}. Correct it in the list of cases.")
    return case


def checked_reader(name: str) -> str:
    """A pseudonym that can be kept. Raises `UserError`."""
    if not NAME.fullmatch(name) or name == LEADER:
        raise UserError(
            f"{name!r} is no pseudonym for a reader; use 1 to 64 letters, digits and . _ -, and not {LEADER!r}."
        )
    return name
