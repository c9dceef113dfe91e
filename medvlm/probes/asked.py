"""The nouns of evaluation's probes: what is asked about, what is asked, what is kept of the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from medvlm.metrics import strict
from medvlm.metrics.text import normalised
from medvlm.phantoms.truth import Truth
from medvlm.prompts import SHORT
from medvlm.types import Decoding, Domain, Window

SHORT_ANSWER = 12  # tokens; VQA-RAD's references have 1.6 words on average
SEED = 17
GREEDY = Decoding(max_tokens=SHORT_ANSWER)
OWN = "own"  # the plain question about its own picture, which most probes are held against


@dataclass(frozen=True, slots=True)
class Subject:
    """One question of the set that is probed. `picture`: a name as eval has them; `cluster`: what is not independent.

    `known`: whether the picture's domain is known for sure, so that another picture of its kind can be chosen.
    """

    id: str
    picture: str
    question: str
    reference: str
    domain: Domain
    kind: str
    closed: bool
    dataset: str
    choices: tuple[str, ...] = ()
    about: str | None = None
    known: bool = True
    free_form: bool = True
    held_out: bool = False

    @property
    def cluster(self) -> str:
        return self.picture


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All that probes are made of. `windows`: other windows for a picture whose numbers are finer than greys.

    `truths`: what drawn pictures show. `fake`: absurd exam questions. `foreign`: questions about pictures that
    are unlike what training has seen, and `familiar` ones to hold them against.
    """

    subjects: tuple[Subject, ...]
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    truths: Mapping[str, Truth] = field(default_factory=dict)
    fake: tuple[str, ...] = ()
    foreign: tuple[Subject, ...] = ()
    familiar: tuple[Subject, ...] = ()

    @property
    def pictures(self) -> tuple[Subject, ...]:
        """The first question of each picture, in order."""
        return tuple({subject.picture: subject for subject in reversed(self.subjects)}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to be put. `subject` is what it is about and what its answer is scored against.

    `earlier`: questions and answers before it, the picture in the first. `decoding` with a temperature is a draw.
    """

    probe: str
    condition: str
    subject: Subject
    picture: str
    question: str
    earlier: tuple[tuple[str, str], ...] = ()
    system: str = SHORT
    decoding: Decoding = GREEDY

    @property
    def id(self) -> str:
        """Unlike that of any other ask: "mirrored/mirrored/vqa_rad-test-3"."""
        return f"{self.probe}/{self.condition}/{self.subject.id}"


def own(subject: Subject) -> Ask:
    return Ask(OWN, OWN, subject, subject.picture, subject.question)


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one answer (or of several: then `sample` is the first one's ask), as it enters a figure's mean.

    `sample`: an ask's id; `cluster`: numbers of one cluster are not independent. None: not scored, and why.
    """

    measure: str
    sample: str
    cluster: str
    value: float | None
    reason: str = ""


# "high": more is better; "low": less is; "none": neither, it is told for its own sake.
Better = Literal["high", "low", "none"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a probe. The first of a probe's measures is its score.

    It is the mean of the values that bear its name; with `minus` (two names) the mean of the first minus that of the
    second, whose pictures are not the same ones.
    """

    name: str
    title: str
    definition: str
    better: Better
    minus: tuple[str, str] | None = None


# Ask id -> text.
Texts = Mapping[str, str]
Plan = Callable[[Material], list[Ask]]
Follow = Callable[[Sequence[Ask], Texts], list[Ask]]
Scoring = Callable[[Sequence[Ask], Texts], list[Value]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe. `plan`: what is asked; `follow`: what is asked next, given the first answers; `values`: what came of
    it.

    `missing`: what to say where a set gives it nothing to ask.
    """

    name: str
    title: str
    definition: str
    measures: tuple[Measure, ...]
    plan: Plan
    values: Scoring
    follow: Follow | None = None
    missing: str = ""

    @property
    def score(self) -> Measure:
        """The figure that stands for the probe."""
        return self.measures[0]


def quality(subject: Subject, text: str) -> float | None:
    """How good an answer is, 0 to 1: right or not for a closed question (unparsed is not right), else F1 of words."""
    if subject.closed:
        return float(strict.closed(text, subject.reference, subject.choices) == "right")
    found = strict.overlap(text, subject.reference)
    return None if found is None else found.f1


def agree(first: str, second: str) -> bool:
    """Whether two answers say the same: the same yes or no where both say one, else the same normalised words."""
    said, says = strict.yes_no(first), strict.yes_no(second)
    if said is not None and says is not None:
        return said == says
    return normalised(first) == normalised(second)


def value(measure: str, ask: Ask, number: float | bool | None, reason: str = "") -> Value:
    return Value(measure, ask.id, ask.subject.cluster, None if number is None else float(number), reason)
