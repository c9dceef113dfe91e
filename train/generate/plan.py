"""One job of `train generate` as a TOML file says it: how many dialogues, of which domains and kinds, from what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from medvlm import config
from medvlm.errors import ConfigError
from train.generate.arguments import TaskName
from train.generate.making import ANY, Slot
from train.generate.sources import Kind

CONFIGS = Path(__file__).parent.parent / "configs" / "generate"


@dataclass(frozen=True, slots=True)
class Domains:
    """How many dialogues each domain gets, in parts; all at 0: whatever there is, no matter of which domain."""

    cxr: float = 0.0
    ct: float = 0.0
    mri: float = 0.0
    histology: float = 0.0
    gross: float = 0.0
    other: float = 0.0


@dataclass(frozen=True, slots=True)
class Kinds:
    """How many dialogues are conversations and how many one detailed description, in parts."""

    conversation: float = 0.75
    description: float = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    task: TaskName
    source: Annotated[str, "which document it follows"] = ""
    count: Annotated[int | None, "dialogues, each about one picture; all there are where nothing is said"] = None
    mentions: Annotated[bool, "whether the teacher is told what the paper says of the figure"] = True
    turns: Annotated[int, "questions of a conversation"] = 4
    least_score: Annotated[float, "points of ten that a judge must give (filter)"] = 6.0
    seed: int = 0
    domains: Domains = field(default_factory=Domains)
    kinds: Kinds = field(default_factory=Kinds)

    def mistakes(self) -> Iterator[str]:
        if self.count is not None and self.count < 1:
            yield f"count is {self.count}; give 1 or more."
        if not 2 <= self.turns <= 12:
            yield f"turns is {self.turns}; choose 2 to 12."
        if not 0 <= self.least_score <= 10:
            yield f"least_score is {self.least_score}; choose 0 to 10."
        parts = {**_parts("domains", self.domains), **_parts("kinds", self.kinds)}
        yield from (f"{name} is {part}; give 0 or more." for name, part in parts.items() if part < 0)
        if self.task == "instruct" and not self.kinds.conversation + self.kinds.description > 0:
            yield "kinds are all 0; give one of them a part."


def _parts(name: str, table: Domains | Kinds) -> dict[str, float]:
    return {f"{name}.{key}": getattr(table, key) for key in table.__dataclass_fields__}


def read(task: TaskName, name: str | None, overrides: Mapping[str, object]) -> Plan:
    """The plan of a file or of a name in train/configs/generate, changed by the command line. Raises ConfigError."""
    layers = [config.file_layer(_find(name))] if name else []
    plan = config.read(Plan, config.Layer("the command", {"task": task}), *layers, config.Layer("flags", overrides))
    if plan.task != task:
        raise ConfigError(f"{name} is a plan for `generate {plan.task}`, not for `generate {task}`.")
    return plan


def _find(name: str) -> Path:
    shipped = CONFIGS / f"{name}.toml"
    return Path(name) if Path(name).is_file() or not shipped.is_file() else shipped


def wanted(plan: Plan, there: int) -> dict[Slot, int]:
    """How many dialogues each slot is to get; `there` sources stand ready."""
    count = there if plan.count is None else plan.count
    domains = {key.partition(".")[2]: part for key, part in _parts("domains", plan.domains).items() if part}
    kinds: dict[Kind | None, float] = {None: 1.0}
    if plan.task == "instruct":
        kinds = {"conversation": plan.kinds.conversation, "detailed description": plan.kinds.description}
    elif plan.task != "filter":
        kinds = {"caption" if plan.task == "align" else "reasoning": 1.0}
    parts = {(domain, kind): d * k for domain, d in (domains or {ANY: 1.0}).items() for kind, k in kinds.items() if k}
    return shared(count, parts)


def shared(count: int, parts: Mapping[Slot, float]) -> dict[Slot, int]:
    """`count` in whole numbers by parts; the largest remainders get what is left (Hamilton's method)."""
    whole = sum(parts.values())
    exact = {slot: count * part / whole for slot, part in parts.items()}
    given = {slot: int(share) for slot, share in exact.items()}
    order = sorted(exact, key=lambda slot: given[slot] - exact[slot])
    for slot in order[: count - sum(given.values())]:
        given[slot] += 1
    return given
