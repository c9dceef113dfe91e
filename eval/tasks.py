"""What is asked: cases with their references, from VQA-RAD, from the phantoms' test split, and in plain chat."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from eval.pictures import BLANK
from eval.predict import Item
from medvlm import datasets
from medvlm.phantoms import draw
from medvlm.phantoms.truth import Question
from medvlm.phantoms.writer import write
from medvlm.prompts import SHORT, SYSTEM
from medvlm.types import DOMAINS, Domain, Sample

# How the picture is given: as it is, a blank in its place, another case's picture, or none at all.
Shown = Literal["own", "blank", "swapped", "none"]
SWAP_SEED = 7
PHANTOMS_A_DOMAIN = 60
# So many closed questions of one kind a picture: the kinds that every picture has would else drown the others.
MOST_OF_A_KIND = {"presence": 4, "side": 6, "place": 6}
MOST_OF_OTHERS = 2
OPEN_KINDS = ("side", "place", "unanswerable")
MODALITY_QUESTIONS = (
    "What kind of imaging is this?",
    "What imaging modality was used?",
    "Is this an X-ray, a CT or an MRI?",
)
GENERAL_QUESTIONS = (
    "What is a pleural effusion?",
    "Why is contrast given before a CT scan?",
    "What does a pathologist do?",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One item with what is needed to score it. `about` names a finding; `held_out`: training drew nothing like it."""

    item: Item
    reference: str
    domain: Domain
    kind: str
    closed: bool
    choices: tuple[str, ...] = ()
    about: str | None = None
    held_out: bool = False

    @property
    def cluster(self) -> str:
        """Questions of one picture are not independent of each other."""
        return self.item.picture or self.item.id


def vqa_rad_test() -> list[Case]:
    """The official test split: 451 questions."""
    return [as_case(sample) for sample in datasets.vqa_rad("test")]


def kept_back(official: Literal["train", "test"]) -> list[Case]:
    """Rows of the 60 kept-back pictures that the official split has in "train" or in "test"."""
    return [as_case(s) for s in datasets.vqa_rad("held_out") if s.id.split("-")[1] == official]


def as_case(sample: Sample) -> Case:
    item = Item(sample.id, f"vqa_rad:{sample.image}", sample.question, SHORT)
    return Case(item, sample.reference, sample.domain, sample.kind, sample.closed)


def phantoms(each: int = PHANTOMS_A_DOMAIN) -> list[Case]:
    """Closed questions, and some open ones, in held-out wordings about `each` phantoms a domain of the test split."""
    return [case for seed in range(each) for domain in DOMAINS for case in phantom_cases(domain, seed)]


def phantom_cases(domain: Domain, seed: int) -> list[Case]:
    truth = draw(domain, seed, "test").truth
    asked = chosen(write(truth, seed, held_out_wordings=True).questions, random.Random(seed))
    return [
        Case(
            Item(f"phantom-{domain}-{seed}-{number}", f"phantom:{domain}:{seed}", question.text, SHORT),
            question.short,
            domain,
            question.kind,
            question.closed,
            question.choices,
            question.about,
            truth.held_out,
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


def modality(pictures: frozenset[str] | None = None) -> list[Case]:
    """The modality of real pictures, in three wordings each; of VQA-RAD's labelled pictures, or of some of them."""
    cases = []
    for name, domain in sorted(datasets.modality_labels().items()):
        if pictures is not None and name not in pictures:
            continue
        label = "X-ray" if domain in ("cxr", "other") else domain.upper()
        for number, question in enumerate(MODALITY_QUESTIONS):
            item = Item(f"modality-{name}-{number}", f"vqa_rad:{name}", question, SHORT)
            cases.append(Case(item, label, domain, f"wording {number + 1}", False))
    return cases


def general() -> list[Case]:
    """Questions in the chat's manner, without a picture; quoted, not scored."""
    return [
        Case(Item(f"general-{number}", None, question, SYSTEM), "", "other", "general", False)
        for number, question in enumerate(GENERAL_QUESTIONS)
    ]


def shown(cases: Sequence[Case], how: Shown) -> list[Case]:
    """The same cases with another picture, or none, in the picture's place. Clusters stay those of the own picture."""
    if how == "own":
        return list(cases)
    others = swaps([case.item.picture for case in cases if case.item.picture])
    if how != "swapped":
        others = dict.fromkeys(others, BLANK if how == "blank" else None)
    return [replace(c, item=replace(c.item, picture=others[c.item.picture])) for c in cases if c.item.picture]


def swaps(pictures: Sequence[str]) -> dict[str, str | None]:
    """Each picture -> another one of them: the next in an order drawn by a fixed seed."""
    names = sorted(set(pictures))
    random.Random(SWAP_SEED).shuffle(names)
    return dict(zip(names, [*names[1:], *names[:1]], strict=True))
