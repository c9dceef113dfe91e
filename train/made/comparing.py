"""Two checkpoints side by side: weights, where they come from, curves, answers: `python -m train compare A B`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from medvlm import checkpoints, datasets
from medvlm.chat import whole
from medvlm.errors import CheckpointError, UserError
from medvlm.families import FAMILIES, Family
from medvlm.prompts import PROBE_QUESTION
from medvlm.types import Conversation, Decoding, View
from train.made import cards
from train.made.distances import Part, Tensors, equal, parts, scales
from train.made.merging import Fitting, fitting, named

# What both are asked: about a picture of each kind of radiology and pathology, and about none.
PROBES = (
    ("phantom:cxr:0", "What does the picture show?"),
    ("phantom:ct:0", "What does the picture show?"),
    ("phantom:histology:0", "Is anything abnormal here?"),
    ("", PROBE_QUESTION),
)
ANSWER = Decoding(max_tokens=60)
# Settings of LoRA that change what the same tensors do.
SCALING = ("r", "lora_alpha", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "fan_in_fan_out")
KINDS = {"lora": "LoRA's change of the weights", "whole": "weights"}


@dataclass(frozen=True, slots=True)
class Fact:
    what: str
    a: Any
    b: Any

    @property
    def same(self) -> bool:
        return bool(self.a == self.b)


@dataclass(frozen=True, slots=True)
class Said:
    picture: str
    question: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`only_a`, `only_b`: names of tensors that the other has not; `differ`: of those that both have, unequal."""

    a: str
    b: str
    facts: tuple[Fact, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    differ: tuple[str, ...]
    tensors: int
    parts: tuple[Part, ...]
    curves: tuple[tuple[Mapping[str, float], ...], tuple[Mapping[str, float], ...]] = ((), ())
    answers: tuple[Said, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def same_tensors(self) -> bool:
        return not (self.only_a or self.only_b or self.differ)

    @property
    def verdict(self) -> str:
        """The one sentence that must be true."""
        off = [fact.what for fact in self.facts if fact.what in SCALING and not fact.same]
        based = all(fact.same for fact in self.facts if fact.what in ("base model", "base revision"))
        if not self.same_tensors:
            missing = len(self.only_a) + len(self.only_b)
            lacking = f", and {missing} are in one alone" if missing else ""
            return f"Other weights: {len(self.differ)} of {self.tensors} shared tensors differ{lacking}."
        if off:
            return f"The same tensors, but {', '.join(off)} differ: they do not act alike."
        return "The same weights." if based else "The same weights, trained on different bases: they do not act alike."


def compare(a: str, b: str, bases: tuple[str | None, str | None] = (None, None), ask: bool = True) -> Comparison:
    """Hold two adapters, or two whole models, against each other. Raises CheckpointError."""
    one, other = _folder(a), _folder(b)
    if _adapter(one) != _adapter(other):
        raise CheckpointError(
            f"{one if _adapter(one) else other} is an adapter and the other a whole model: their tensors are not of a "
            "kind. Merge the adapter first (python -m train merge)."
        )
    only_a, only_b, differ, shared, parts = _tensors(one, other)
    made = Comparison(
        str(one), str(other), tuple(_facts(one, other)), only_a, only_b, differ, shared, parts,
        (curve(one), curve(other)),
    )  # fmt: skip
    return _with_answers(made, (one, other), bases) if ask else made


def _folder(name: str) -> Path:
    from medvlm.catalog import resolve_adapter

    path = Path(name).expanduser()
    return path.resolve() if (path / cards.WHOLE).is_file() else resolve_adapter(name)


def _adapter(folder: Path) -> bool:
    return (folder / cards.ADAPTER).is_file()


def _facts(one: Path, other: Path) -> Iterator[Fact]:
    """What both say of themselves, and how their LoRA is scaled."""
    records = [_said_of_itself(folder) for folder in (one, other)]
    for key in dict.fromkeys((*records[0], *records[1])):
        yield Fact(key.replace("_", " "), records[0].get(key), records[1].get(key))
    configs = [_json(folder / cards.ADAPTER) for folder in (one, other)]
    for key in SCALING:
        if any(key in config for config in configs):
            yield Fact(key, configs[0].get(key), configs[1].get(key))


def _said_of_itself(folder: Path) -> dict[str, Any]:
    if not (folder / checkpoints.FILE).is_file():
        return {}
    data = (cards.story(folder).facts or {}).get("data", {})
    return asdict(checkpoints.read(folder)) | ({"data_hashes": sorted(data.values())} if data else {})


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _family(folder: Path) -> Family:
    """By what the checkpoint says; a whole model says it in its configuration."""
    config = _json(folder / cards.WHOLE)
    name = config.get("model_type") or checkpoints.read(folder).family
    if name not in FAMILIES:
        raise CheckpointError(f"{folder} is of the family {name!r}; known are {', '.join(FAMILIES)}.")
    return FAMILIES[name]


def _tensors(one: Path, other: Path) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int, tuple[Part, ...]]:
    """Names in A alone, in B alone, unequal ones, how many both have, and the norms of each part."""
    a, b = Tensors(one), Tensors(other)
    shared = sorted(a.names & b.names)
    differ = tuple(name for name in shared if not equal(a[name], b[name]))
    apart = parts(a, b, differ, _family(one), tuple(scales(folder, t) for folder, t in ((one, a), (other, b))))
    return tuple(sorted(a.names - b.names)), tuple(sorted(b.names - a.names)), differ, len(shared), apart


def curve(folder: Path) -> tuple[Mapping[str, float], ...]:
    """The lines of the training log beside a checkpoint, as far as there is one."""
    log = folder.parent / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return tuple(json.loads(line) for line in lines)


def _with_answers(made: Comparison, folders: tuple[Path, Path], bases: tuple[str | None, str | None]) -> Comparison:
    """Both asked the same; where one cannot be loaded, the reason instead of answers."""
    try:
        first = answers(folders[0], bases[0])
        second = first if made.verdict == "The same weights." else answers(folders[1], bases[1])
    except UserError as error:
        return replace(made, notes=(*made.notes, f"No answers: {error}"))
    said = (Said(*probe, x, y) for probe, x, y in zip(PROBES, first, second, strict=True))
    note = ("Asked once: the same weights answer alike.",) if second is first else ()
    return replace(made, answers=tuple(said), notes=(*made.notes, *note))


def answers(folder: Path, base: str | None) -> list[str]:
    """Greedy answers to the probes. Raises CheckpointError where the weights or their base cannot be loaded."""
    from medvlm.model import LocalModel

    found: Fitting | None = fitting(str(folder), base) if _adapter(folder) else None
    model = LocalModel.load(
        str(folder if found is None else base or found.base),
        None if found is None else str(found.adapter),
        quantization="none",
        self_check=False,
        keep_warm=False,
    )
    return [whole(model, _conversation(*probe), model.arms[-1], ANSWER).text for probe in PROBES]


def _conversation(picture: str, question: str) -> Conversation:
    if not picture:
        return Conversation().asked(question)
    return Conversation((datasets.scan(picture),)).asked(question, (View(0),))


def text(made: Comparison) -> str:
    """The comparison for people."""
    names = [named(Path(folder)) for folder in (made.a, made.b)]
    blocks = [f"{made.verdict}\nA  {made.a}\nB  {made.b}"]
    blocks.append("\n".join(_fact(fact) for fact in made.facts))
    if made.parts:
        rows = [
            f"{p.part:<16}{KINDS[p.kind]:<30}{p.differ:>6} of {p.tensors:<6}"
            f"{p.a:>12.5g}{p.b:>12.5g}{p.difference:>12.5g}"
            for p in made.parts
        ]
        head = f"{'part':<16}{'norm of':<30}{'differ':>6}{'':>10}{'A':>12}{'B':>12}{'A - B':>12}"
        blocks.append("\n".join((head, *rows)))
    if any(made.curves):
        blocks.append(_curves(made, names))
    for said in made.answers:
        where = f" [{said.picture}]" if said.picture else ""
        blocks.append(f"{said.question}{where}\n  A: {said.a}\n  B: {'as A' if said.a == said.b else said.b}")
    return "\n\n".join((*blocks, *made.notes))


def _fact(fact: Fact) -> str:
    return f"{fact.what:<18}{fact.a}" if fact.same else f"{fact.what:<18}A {fact.a}  |  B {fact.b}"


def _curves(made: Comparison, names: Sequence[str], rows: int = 12) -> str:
    """Both losses at some dozen steps, the last among them."""
    losses = [{int(line["step"]): line["loss"] for line in lines if "loss" in line} for lines in made.curves]
    steps = sorted({*losses[0], *losses[1]})
    shown = sorted({steps[round(n * (len(steps) - 1) / max(rows - 1, 1))] for n in range(rows)}) if steps else []
    cells = [[f"{found[step]:.4f}" if step in found else "" for found in losses] for step in shown]
    lines = [f"{step:>8}{first:>12}{second:>12}" for step, (first, second) in zip(shown, cells, strict=True)]
    return "\n".join((f"loss of A ({names[0]}) and B ({names[1]})", f"{'step':>8}{'A':>12}{'B':>12}", *lines))


def record(made: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    facts = [{**asdict(fact), "same": fact.same} for fact in made.facts]
    return {"verdict": made.verdict, "same_tensors": made.same_tensors, **asdict(made), "facts": facts}
