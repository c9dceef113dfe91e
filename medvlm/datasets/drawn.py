"""Questions about phantoms, by domain, kind, seeds, wordings and what training has drawn before."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from medvlm.errors import DatasetError
from medvlm.phantoms import draw
from medvlm.phantoms.truth import Question, QuestionKind, Split
from medvlm.phantoms.writer import write
from medvlm.types import DOMAINS, DataSplit, Domain, Sample

SEEDS = 60  # phantoms a domain, unless the address says otherwise
# So many closed questions of one kind a picture: the kinds that every picture has would else drown the others.
MOST_OF_A_KIND = {"presence": 4, "side": 6, "place": 6}
MOST_OF_OTHERS = 2
OPEN_KINDS = ("side", "place", "unanswerable")

Combinations = Literal["all", "held_out", "drawn"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which questions about which phantoms. `wordings`: those kept back from training, or training's own."""

    domains: tuple[Domain, ...] = DOMAINS
    kinds: tuple[QuestionKind, ...] = get_args(QuestionKind)
    seeds: range = range(SEEDS)
    wordings: Literal["held_out", "trained"] = "held_out"
    combinations: Combinations = "all"


def phantoms(options: str, split: DataSplit) -> Iterator[Sample]:
    """Closed questions, and some open ones. `options` such as "domain=ct+mri,kind=side,seeds=0-20,wordings=trained".

    `combinations=held_out` keeps pictures of what training never draws, `drawn` the others. "train" phantoms are of
    training's own seeds. Raises DatasetError for an option that is not known.
    """
    wanted = selection(options)
    drawn: Split = "train" if split == "train" else "test"
    for seed in wanted.seeds:
        for domain in wanted.domains:
            yield from _kept(about(domain, seed, drawn, wanted.wordings == "held_out"), wanted)


def _kept(samples: Sequence[Sample], wanted: Selection) -> Iterator[Sample]:
    for sample in samples:
        if sample.kind in wanted.kinds and wanted.combinations in ("all", "held_out" if sample.held_out else "drawn"):
            yield sample


def about(domain: Domain, seed: int, split: Split = "test", held_out_wordings: bool = True) -> list[Sample]:
    """The questions that are asked about one phantom."""
    truth = draw(domain, seed, split).truth
    asked = chosen(write(truth, seed, held_out_wordings=held_out_wordings).questions, random.Random(seed))
    source = "phantom" if split == "test" else "phantom-train"
    return [
        Sample(
            id=f"{source}-{domain}-{seed}-{number}",
            image=f"{domain}:{seed}",
            question=question.text,
            reference=question.short,
            domain=domain,
            kind=question.kind,
            dataset=source,
            split=split,
            closed=question.closed,
            free_form=False,
            choices=question.choices,
            about=question.about,
            held_out=truth.held_out,
        )
        for number, question in asked
    ]


def chosen(questions: Sequence[Question], rng: random.Random) -> list[tuple[int, Question]]:
    """Which questions are asked, with their numbers: by lot within a kind, never by their answers."""
    order = sorted(enumerate(questions), key=lambda _: rng.random())
    taken: dict[tuple[str, bool], int] = {}
    kept = []
    for number, question in order:
        key = (question.kind, question.closed)
        most = MOST_OF_A_KIND.get(question.kind, MOST_OF_OTHERS) if question.closed else int(key[0] in OPEN_KINDS) * 2
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= most:
            kept.append((number, question))
    return sorted(kept, key=lambda pair: pair[0])


def selection(options: str) -> Selection:
    """What the options ask for. Raises DatasetError that names the one that cannot be."""
    made = Selection()
    for part in filter(None, options.split(",")):
        key, _, value = part.partition("=")
        if key.strip() not in _READERS:
            raise DatasetError(f"phantoms know no option {key!r}; there are {', '.join(_READERS)}, as in seeds=0-20.")
        made = _READERS[key.strip()](made, value.strip())
    return made


def _domains(made: Selection, value: str) -> Selection:
    wanted = _all_in("domain", value.split("+"), DOMAINS)
    return replace(made, domains=tuple(domain for domain in DOMAINS if domain in wanted))


def _kinds(made: Selection, value: str) -> Selection:
    wanted = _all_in("kind", value.split("+"), get_args(QuestionKind))
    return replace(made, kinds=tuple(kind for kind in get_args(QuestionKind) if kind in wanted))


def _seeds(made: Selection, value: str) -> Selection:
    first, dash, last = value.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise DatasetError(f"seeds={value!r} is no range; write seeds=0-20 for the first twenty.")
    return replace(made, seeds=range(int(first), int(last)) if dash else range(int(first), int(first) + 1))


def _wordings(made: Selection, value: str) -> Selection:
    (wanted,) = _all_in("wordings", [value], ("held_out", "trained"))
    return replace(made, wordings="held_out" if wanted == "held_out" else "trained")


def _combinations(made: Selection, value: str) -> Selection:
    (wanted,) = _all_in("combinations", [value], get_args(Combinations))
    return replace(made, combinations=next(one for one in get_args(Combinations) if one == wanted))


def _all_in(key: str, given: Sequence[str], allowed: Sequence[str]) -> Sequence[str]:
    if odd := [one for one in given if one not in allowed]:
        raise DatasetError(f"{key}={'+'.join(odd)} is none of {', '.join(allowed)}.")
    return given


_READERS = {
    "domain": _domains,
    "kind": _kinds,
    "seeds": _seeds,
    "wordings": _wordings,
    "combinations": _combinations,
}
