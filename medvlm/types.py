"""The nouns that every part of MedVLM speaks in: frozen values, no behaviour beyond returning a new value."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

Domain = Literal["cxr", "ct", "mri", "histology", "gross", "other"]
DOMAINS: tuple[Domain, ...] = ("cxr", "ct", "mri", "histology", "gross")
DOMAIN_NAMES: dict[Domain, str] = {
    "cxr": "Chest X-ray",
    "ct": "CT",
    "mri": "MRI",
    "histology": "Histology",
    "gross": "Gross pathology",
    "other": "Other",
}
# Who said so: the file's header, the model's guess, the user's click, or nobody.
DomainSource = Literal["file", "guess", "user", "unknown"]

Arm = Literal["base", "tuned"]
Role = Literal["user", "assistant"]
VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
EndReason = Literal["end", "length", "stopped", "time"]

Pixels = NDArray[Any]
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """What maps stored numbers to grey: width and level in the picture's unit (HU for CT)."""

    width: float
    level: float
    function: VoiFunction = "LINEAR"


# What a file calls a window, where that is one of the words that may be read, and the window.
NamedWindow = tuple[str, Window]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between the centres of neighbouring pixels, in mm; `between` is from slice to slice."""

    row: float
    column: float
    between: float | None = None


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where slices lie in the patient, in mm of DICOM's axes: x to the patient's left, y to the back, z to the head.

    `across` and `down`: unit vectors in which the column and the row index grow, so what stands at the right and at
    the bottom of the screen. `positions`: the centre of the first pixel of each slice; empty where only directions are
    known. `step`: from each slice to the next; None where they are not evenly spaced, so that no other plane can be
    cut. It is not parallel to the normal (across x down) where the gantry was tilted.
    """

    across: Vector
    down: Vector
    positions: tuple[Vector, ...] = ()
    step: Vector | None = None


# How a picture came about, as far as its file says: by a scanner, from a screen or a film, by ultrasound, or unsaid.
Origin = Literal["scanner", "secondary capture", "ultrasound", "unknown"]


@dataclass(frozen=True, slots=True)
class Traces:
    """What in a file could name a person, found while it was read: names of a closed list, never a value of a field.

    `fields`: names of identifying fields that hold something. `private`: how many elements are a vendor's own.
    `burned_in`: whether the file says that text stands in its pixels; None where it says nothing. `removed`: it says
    that it was de-identified.
    """

    fields: tuple[str, ...] = ()
    private: int = 0
    origin: Origin = "unknown"
    burned_in: bool | None = None
    removed: bool = False


NO_TRACES = Traces()


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One picture or one stack of pictures, as numbers.

    `slices`: each (H, W) of the file's numbers after rescale (float32 or an integer type), or (H, W, 3) uint8 RGB;
    those of a series are decoded when they are asked for, which may raise `UserError` for a damaged one.
    `window`: how to show greys (None for RGB); `more_windows`: others that the file offers. `inverted`: MONOCHROME1,
    applied last, when the picture is shown.
    `notes`: every step that was taken, in words a clinician reads. `sha256`: names the bytes that came in: the hash of
    a file's bytes; of a series the hash over its files' headers and over sums of small blocks of their pixels.
    `geometry`: None where the file has no orientation: then no side may be marked. `frame_seconds`: from frame to
    frame of a cine. `description`: what kind of series this is, in words of a closed list. `traces`: what the file
    held that could name a person.
    """

    slices: Sequence[Pixels]
    domain: Domain
    domain_source: DomainSource
    sha256: str
    name: str
    kind: str = "picture"
    spacing: Spacing | None = None
    window: Window | None = None
    more_windows: tuple[NamedWindow, ...] = ()
    inverted: bool = False
    unit: str = ""
    notes: tuple[str, ...] = ()
    geometry: Geometry | None = None
    frame_seconds: float | None = None
    description: str = ""
    traces: Traces = NO_TRACES

    def as_domain(self, domain: Domain, source: DomainSource) -> "Scan":
        return replace(self, domain=domain, domain_source=source)


@dataclass(frozen=True, slots=True)
class View:
    """One picture that a turn shows: which scan of the conversation, which slice of it (both from 0)."""

    scan: int
    slice: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said; `views` are the pictures that come with it for the first time."""

    role: Role
    text: str
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """Scans and turns; every step returns a new value. `id` keys the model's caches and names no person."""

    scans: tuple[Scan, ...] = ()
    turns: tuple[Turn, ...] = ()
    system: str | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def with_scan(self, scan: Scan) -> "Conversation":
        return replace(self, scans=(*self.scans, scan))

    def asked(self, question: str, views: tuple[View, ...] = ()) -> "Conversation":
        return replace(self, turns=(*self.turns, Turn("user", question, views)))

    def answered(self, answer: str) -> "Conversation":
        return replace(self, turns=(*self.turns, Turn("assistant", answer)))

    def up_to(self, turns: int) -> "Conversation":
        return replace(self, turns=self.turns[:turns])


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is drawn. Temperature 0 is greedy; the same seed gives the same answer."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 160
    seed: int = 0
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Report:
    """What one answer cost and how it ended. Times in seconds; `notes` are sentences for the page."""

    tokens: int
    prompt_tokens: int
    reused_tokens: int
    seconds: float
    seconds_to_first_token: float
    ended: EndReason
    notes: tuple[str, ...] = ()


class AnswerStream(Protocol):
    """Pieces of one answer as they come. `close()` stops the work; `report` is there once it has ended."""

    @property
    def report(self) -> Report | None: ...

    def __iter__(self) -> Iterator[str]: ...

    def __next__(self) -> str: ...

    def close(self) -> None: ...


class ChatModel(Protocol):
    """Anything that answers: the local model, a remote one, a judge, the tests' fake."""

    @property
    def name(self) -> str: ...

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> AnswerStream: ...


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """One of two that answer together: a model's arm, and that side's own conversation, its last turn a question."""

    model: ChatModel
    arm: Arm
    conversation: Conversation


class PairStream(Protocol):
    """Pieces of two answers as they come, each with whose it is (0 or 1). `close()` stops both.

    `reports`: None for one that has not ended, or failed. `errors`: what went wrong with one side, a sentence for the
    page; the other side goes on. Reading raises UserError only when both have failed.
    """

    @property
    def reports(self) -> tuple[Report | None, Report | None]: ...

    @property
    def errors(self) -> tuple[str | None, str | None]: ...

    def __iter__(self) -> Iterator[tuple[int, str]]: ...

    def __next__(self) -> tuple[int, str]: ...

    def close(self) -> None: ...


# "held_out": kept back from every stage of training by this project, whatever the published split says.
DataSplit = Literal["train", "validation", "test", "held_out"]
Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question about one picture, with its reference answer.

    `image` names the picture within its data set, empty where there is none; `closed` as the data set itself counts it;
    `free_form` is False for questions made from a template. `choices`: the possible answers, where they are known.
    `about` names the finding asked for; `held_out`: training drew nothing like it (phantoms).
    """

    id: str
    image: str
    question: str
    reference: str
    domain: Domain
    kind: str
    dataset: str
    split: DataSplit
    closed: bool
    free_form: bool = True
    choices: tuple[str, ...] = ()
    about: str | None = None
    held_out: bool = False
    language: Language = "en"
