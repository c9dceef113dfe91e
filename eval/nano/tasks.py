"""What nano is asked: cases with their references, from VQA-RAD, from the phantoms' test split, and in plain chat."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from eval.items import Item
from eval.pictures import BLANK
from medvlm import datasets
from medvlm.datasets import drawn
from medvlm.prompts import SHORT, SYSTEM
from medvlm.types import DOMAINS, Domain, Sample

# How the picture is given: as it is, a blank in its place, another case's picture, or none at all.
Shown = Literal["own", "blank", "swapped", "none"]
SWAP_SEED = 7
PHANTOMS_A_DOMAIN = drawn.SEEDS
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
    free_form: bool = True

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


def as_case(sample: Sample, system: str = SHORT) -> Case:
    """A sample as it is put to a model, behind this system prompt."""
    return Case(
        Item(sample.id, datasets.name_of(sample), sample.question, system),
        sample.reference,
        sample.domain,
        sample.kind,
        sample.closed,
        sample.choices,
        sample.about,
        sample.held_out,
        sample.free_form,
    )


def phantoms(each: int = PHANTOMS_A_DOMAIN) -> list[Case]:
    """Closed questions, and some open ones, in held-out wordings about `each` phantoms a domain of the test split."""
    return [case for seed in range(each) for domain in DOMAINS for case in phantom_cases(domain, seed)]


def phantom_cases(domain: Domain, seed: int) -> list[Case]:
    return [as_case(sample) for sample in drawn.about(domain, seed)]


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
