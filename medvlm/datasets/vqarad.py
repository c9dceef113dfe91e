"""VQA-RAD: its published split, the pictures kept back from training, and in which domain a picture belongs."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from medvlm.datasets.modality import hinted, modality_named
from medvlm.datasets.places import folder
from medvlm.types import DataSplit, Domain, Sample

# The image-disjoint split: this many of VQA-RAD's test pictures are absent from every stage of training.
HELD_OUT_PICTURES = 60
HELD_OUT_SEED = 2026


@cache
def rows() -> tuple[tuple[DataSplit, dict[str, Any]], ...]:
    """(published split, row) in the files' order."""
    home = folder("vqa_rad")
    read: list[tuple[DataSplit, dict[str, Any]]] = []
    splits: tuple[DataSplit, ...] = ("train", "test")
    for split in splits:
        read += [(split, row) for row in json.loads((home / f"{split}set.json").read_text(encoding="utf-8"))]
    return tuple(read)


@cache
def held_out_pictures() -> frozenset[str]:
    """The test pictures that the image-disjoint variant never sees: drawn once, by a fixed seed, from sorted names."""
    names = sorted({row["image_name"] for split, row in rows() if split == "test"})
    return frozenset(random.Random(HELD_OUT_SEED).sample(names, HELD_OUT_PICTURES))


@cache
def modality_labels() -> dict[str, Domain]:
    """Picture -> modality, for the VQA-RAD pictures whose questions about the modality say so without contradiction.

    A chest picture said to be an X-ray counts as "cxr", an X-ray of another part as "other".
    """
    votes: dict[str, Counter[Domain]] = {}
    for _, row in rows():
        found = modality_named(row["question"], str(row["answer"]))
        if found:
            votes.setdefault(row["image_name"], Counter())[found] += 1
    return _unanimous(votes)


@cache
def domains() -> dict[str, Domain]:
    """Picture -> domain, for the pictures whose questions tell it: `modality_labels`, and where these are silent,
    words that are said of one modality only (`modality.HINTS`), when no question of that picture hints at another."""
    votes: dict[str, Counter[Domain]] = {}
    for _, row in rows():
        votes.setdefault(row["image_name"], Counter()).update(hinted(row["question"], str(row["answer"])))
    return _unanimous(votes) | modality_labels()


def _unanimous(votes: dict[str, Counter[Domain]]) -> dict[str, Domain]:
    organ = {row["image_name"]: row["image_organ"] for _, row in rows()}
    labels: dict[str, Domain] = {name: next(iter(c)) for name, c in votes.items() if len(c) == 1}
    return {n: ("other" if d == "cxr" and organ[n] != "CHEST" else d) for n, d in labels.items()}


def vqa_rad(split: DataSplit) -> Iterator[Sample]:
    """VQA-RAD's samples: "train" and "test" as published; "held_out" is every row of the pictures kept back."""
    labels = domains()
    for i, (official, row) in enumerate(rows()):
        held = row["image_name"] in held_out_pictures()
        if not (held if split == "held_out" else official == split):
            continue
        yield Sample(
            id=f"vqa_rad-{official}-{i}",
            image=row["image_name"],
            question=str(row["question"]).strip(),
            reference=str(row["answer"]).strip(),
            domain=labels.get(row["image_name"], "other"),
            kind=str(row["question_type"]).split(",")[0].strip(),
            dataset="vqa_rad",
            split=split,
            closed=row["answer_type"].strip() == "CLOSED",
            free_form=row["phrase_type"] != "frame",
        )


def disjoint(split: DataSplit) -> Iterator[Sample]:
    """The image-disjoint split: "train" without the pictures kept back, "test" every row of these pictures."""
    if split == "test":
        return vqa_rad("held_out")
    return without(vqa_rad("train"), held_out_pictures())


def free_form(split: DataSplit) -> Iterator[Sample]:
    """As LLaVA-Med counts them: the 1,797 free-form and paraphrased training rows, and the whole published test."""
    samples = vqa_rad(split)
    return samples if split == "test" else (sample for sample in samples if sample.free_form)


def normalised(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


@cache
def _test_questions() -> frozenset[tuple[str, str]]:
    return frozenset((r["image_name"], normalised(str(r["question"]))) for split, r in rows() if split == "test")


def asked_in_test(sample: Sample) -> bool:
    """True for the 24 rows of the published training split whose question about that picture is in the test too."""
    return (sample.image, normalised(sample.question)) in _test_questions()


def without(samples: Iterable[Sample], images: frozenset[str]) -> Iterator[Sample]:
    """The samples about other pictures."""
    return (sample for sample in samples if sample.image not in images)
