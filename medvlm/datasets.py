"""Data sets as samples: where they are, which pictures are kept back, and in which domain a picture belongs."""

import csv
import json
import os
import random
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from medvlm.errors import DatasetError
from medvlm.paths import ROOT
from medvlm.types import DataSplit, Domain, Sample

# The image-disjoint split: this many of VQA-RAD's test pictures are absent from every stage of training.
HELD_OUT_PICTURES = 60
HELD_OUT_SEED = 2026

SOURCES = {
    "vqa_rad": "VQA-RAD (CC0 1.0, https://osf.io/89kps)",
    "bccd": "BCCD (MIT, https://github.com/Shenggan/BCCD_Dataset)",
    "dsb2018_histology": "2018 Data Science Bowl, stage 1 (CC0, https://bbbc.broadinstitute.org/BBBC038)",
}


def data_home() -> Path:
    """The folder that holds the data sets: `MEDVLM_DATA`, or `../shared/data` beside the checkout."""
    return Path(os.environ.get("MEDVLM_DATA") or ROOT.parent / "shared" / "data")


def folder(name: str) -> Path:
    """The data set's folder. Raises DatasetError that says what to get and where to put it."""
    path = data_home() / name
    if not path.is_dir():
        raise DatasetError(f"{SOURCES[name]} is not at {path}. Get it, put it there, or set MEDVLM_DATA.")
    return path


def picture(dataset: str, image: str) -> Path:
    inside = {"vqa_rad": "images", "bccd": "JPEGImages", "dsb2018_histology": "images"}[dataset]
    return folder(dataset) / inside / image


@cache
def _vqa_rad_rows() -> tuple[tuple[DataSplit, dict[str, Any]], ...]:
    home = folder("vqa_rad")
    rows: list[tuple[DataSplit, dict[str, Any]]] = []
    splits: tuple[DataSplit, ...] = ("train", "test")
    for split in splits:
        rows += [(split, row) for row in json.loads((home / f"{split}set.json").read_text(encoding="utf-8"))]
    return tuple(rows)


@cache
def held_out_pictures() -> frozenset[str]:
    """The test pictures that the image-disjoint variant never sees: drawn once, by a fixed seed, from sorted names."""
    names = sorted({row["image_name"] for split, row in _vqa_rad_rows() if split == "test"})
    return frozenset(random.Random(HELD_OUT_SEED).sample(names, HELD_OUT_PICTURES))


MODALITY_QUESTION = re.compile(
    r"modality|type of (image|imaging|scan|study)|kind of (image|scan)|imaging (technique|method)"
    r"|is this an? (mri|ct|x-?ray)"
)
MODALITY_WORDS: tuple[tuple[Domain, str], ...] = (
    ("mri", r"\bmri?\b|magnetic resonance|\bflair\b|\bdwi\b|diffusion"),
    ("ct", r"\bct\b|computed tomo|cat scan"),
    ("cxr", r"x-?ray|radiograph|\bxr\b|plain film|\bcxr\b"),
)


def modality_named(question: str, answer: str) -> Domain | None:
    """The modality that a question about the modality settles: by its answer, or by "yes" to one named in it."""
    question, answer = question.lower(), answer.lower().strip(" .")
    if not MODALITY_QUESTION.search(question):
        return None
    named = modalities_in(question if answer == "yes" else answer)
    return next(iter(named)) if len(named) == 1 else None


def modalities_in(text: str) -> frozenset[Domain]:
    """The modalities that a text names; "cxr" stands for X-rays of any part."""
    return frozenset(domain for domain, words in MODALITY_WORDS if re.search(words, text.lower()))


@cache
def modality_labels() -> dict[str, Domain]:
    """Picture -> modality, for the VQA-RAD pictures whose questions say so without contradiction.

    A chest picture said to be an X-ray counts as "cxr", an X-ray of another part as "other".
    """
    votes: dict[str, Counter[Domain]] = {}
    organ: dict[str, str] = {}
    for _, row in _vqa_rad_rows():
        organ[row["image_name"]] = row["image_organ"]
        found = modality_named(row["question"], str(row["answer"]))
        if found:
            votes.setdefault(row["image_name"], Counter())[found] += 1
    labels: dict[str, Domain] = {name: next(iter(c)) for name, c in votes.items() if len(c) == 1}
    return {n: ("other" if d == "cxr" and organ[n] != "CHEST" else d) for n, d in labels.items()}


def vqa_rad(split: DataSplit) -> Iterator[Sample]:
    """VQA-RAD's samples: "train" and "test" as published; "held_out" is every row of the pictures kept back."""
    labels = modality_labels()
    for i, (official, row) in enumerate(_vqa_rad_rows()):
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


def normalised(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


@cache
def _test_questions() -> frozenset[tuple[str, str]]:
    rows = _vqa_rad_rows()
    return frozenset((row["image_name"], normalised(str(row["question"]))) for split, row in rows if split == "test")


def asked_in_test(sample: Sample) -> bool:
    """True for the 24 rows of the published training split whose question about that picture is in the test too."""
    return (sample.image, normalised(sample.question)) in _test_questions()


def without(samples: Iterable[Sample], images: frozenset[str]) -> Iterator[Sample]:
    return (sample for sample in samples if sample.image not in images)


def bccd_counts() -> dict[str, Counter[str]]:
    """Blood-smear picture of the train split -> cells of each kind ("RBC", "WBC", "Platelets") that were boxed."""
    home = folder("bccd")
    counts: dict[str, Counter[str]] = {}
    for name in (home / "ImageSets" / "Main" / "train.txt").read_text().split():
        tree = ElementTree.parse(home / "Annotations" / f"{name}.xml")
        counts[f"{name}.jpg"] = Counter(node.findtext("name", "") for node in tree.iter("object"))
    return counts


def nuclei_counts() -> dict[str, int]:
    """Histology tile -> number of nuclei that its annotators outlined."""
    with (folder("dsb2018_histology") / "nuclei_counts.csv").open(newline="", encoding="utf-8") as file:
        return {row["image"]: int(row["n_nuclei_masks"]) for row in csv.DictReader(file)}
