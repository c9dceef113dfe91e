"""What a phantom is known to show, and the texts that follow from it."""

from dataclasses import dataclass
from typing import Literal

from medvlm.types import Domain, Pixels, Spacing, Turn, Window

Side = Literal["left", "right", "both"]
# "train" never draws the held-out combinations and ranges; "test" draws only seeds, combinations and ranges kept back.
Split = Literal["train", "test"]
QuestionKind = Literal[
    "modality", "plane", "region", "organ", "presence", "which", "side", "place", "size", "count",
    "technique", "normal", "comparison", "unanswerable",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as drawn. `side` is the patient's; `centre` (row, column) and `radius` are fractions of it."""

    name: str
    side: Side | None = None
    place: str | None = None
    centre: tuple[float, float] | None = None
    radius: float | None = None
    size_mm: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything known of a phantom. `possible` lists the findings this kind of picture may show (for absent ones).

    `technique` is the sequence (MRI), "with contrast" / "without contrast" (CT), the stain (histology), or the
    projection's exposure (chest X-ray); None where nothing of the kind applies. `countable` names what `count` counts
    when no finding is counted (such as "nuclei", "stones"). `layperson` says what somebody untrained would see.
    """

    domain: Domain
    modality: str
    region: str
    organ: str
    plane: str | None
    technique: str | None
    findings: tuple[Finding, ...]
    possible: tuple[str, ...]
    layperson: str
    extras: tuple[tuple[str, str], ...] = ()
    held_out: bool = False

    @property
    def normal(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """Pixels with physical meaning: int16 HU for CT, uint16 for CXR and MRI, uint8 RGB for histology and gross."""

    pixels: Pixels
    truth: Truth
    spacing: Spacing
    window: Window | None
    inverted: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer, short ("left") and as a sentence ("The effusion is on the left.").

    `closed` questions have `choices` (the short answer is one of them); `about` names the finding asked for, if any.
    """

    kind: QuestionKind
    text: str
    short: str
    sentence: str
    closed: bool
    choices: tuple[str, ...] = ()
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """All that is said of one phantom. `brief` has fewer than 30 words, `detailed` at least 30."""

    brief: str
    detailed: str
    questions: tuple[Question, ...]
    dialogues: tuple[tuple[Turn, ...], ...]
