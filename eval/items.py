"""Questions to a model, whom they are put to, and what came; nothing here needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medvlm.types import Arm

# What answers: the adapter, the base, or the base with nothing of the adapter but its projector.
EvalArm = Literal["tuned", "base", "projector"]
QUESTIONS_AT_ONCE = 64  # a window, so that questions of like length can share a batch


@dataclass(frozen=True, slots=True)
class Item:
    """One question to be put. `picture` is a name as `eval.pictures.scan` takes it, or None for words alone.

    `earlier`: questions and answers that came before it; the picture stands in the first of them.
    """

    id: str
    picture: str | None
    question: str
    system: str
    earlier: tuple[tuple[str, str], ...] = ()


# A question, and whom it is put to.
Put = tuple[Item, Arm]
EvalPut = tuple[Item, EvalArm]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. `yes`, `no`: the probability mass on first tokens with which those words begin."""

    id: str
    text: str
    tokens: int
    yes: float
    no: float


def windows(items: Sequence[Item], size: int = QUESTIONS_AT_ONCE) -> list[list[Item]]:
    """The items in the order in which they are answered: one picture's together, about `size` at once.

    It depends on nothing but the items, so that a run that was killed goes on with the same batches.
    """
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.system, item.picture or ""), []).append(item)
    made: list[list[Item]] = []
    for (system, _), group in groups.items():
        for start in range(0, len(group), size):
            part = group[start : start + size]
            if made and made[-1][0].system == system and len(made[-1]) + len(part) <= size:
                made[-1] += part
            else:
                made.append(list(part))
    return made
