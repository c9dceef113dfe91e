"""What is probed: 200 fixed questions, half about drawn pictures and half VQA-RAD's, with all that probes need.

The set is drawn by a seed, by picture, kind of question and lot, never by an answer; it is the same on every machine
that has VQA-RAD. Without VQA-RAD it is the half about drawn pictures, and the run says so.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eval import pictures
from eval.nano import tasks
from eval.nano.drawn import truth_of
from eval.nano.tasks import Case
from eval.picture_hashes import Looks
from eval.run_notes import leaks
from medvlm import datasets
from medvlm.datasets import Rows, medhalt
from medvlm.errors import DatasetError
from medvlm.imaging import render
from medvlm.page.viewing import presets
from medvlm.phantoms.truth import Truth
from medvlm.probes.asked import SEED, Material, Subject
from medvlm.types import Domain, Sample, Window

HALF = 100  # questions of each half
# Phantoms of the test split: where a domain has sides, five pictures with a finding on one of them and three others,
# so that the mirror has something to turn. A test holds that they are what they are said to be.
SEEDS: dict[Domain, tuple[int, ...]] = {
    "cxr": (0, 6, 8, 10, 14, 1, 2, 3),
    "ct": (2, 12, 13, 17, 18, 0, 1, 3),
    "mri": (7, 12, 14, 15, 29, 0, 1, 2),
    "histology": tuple(range(8)),
    "gross": tuple(range(8)),
}
FIRST_KINDS = ("side", "presence", "normal")  # asked of every picture that has them, so that no probe goes short
MOST_WINDOWS = 4
FAKE = 50  # of Med-HALT's questions


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """The material, and what must be said of it beside every figure."""

    material: Material
    notes: tuple[str, ...]


def fixed(trained_on: Sequence[str] = (), limit: int | None = None, looks: Looks | None = None) -> Probed:
    """The fixed set. `trained_on`: the data sets that the checkpoint lists; `limit`: a trial with the first so many.

    With `looks`, the leakage audit of VQA-RAD's half against what the checkpoint lists stands in the notes.
    """
    subjects, notes = drawn_half(), []
    try:
        subjects += vqa_rad_half()
    except DatasetError as error:
        notes.append(f"VQA-RAD's half of the set is missing: {error}")
    random.Random(SEED).shuffle(subjects)
    chosen = tuple(subjects[:limit])
    foreign, familiar, note = sides(chosen, trained_on)
    fake, missing = fake_questions(limit)
    material = Material(chosen, windows(chosen), truths(chosen), fake, foreign, familiar)
    leaked = leaks_of(chosen, trained_on, looks) if looks is not None else ()
    return Probed(material, (*notes, *note, *missing, *leaked))


def leaks_of(subjects: Sequence[Subject], trained_on: Sequence[str], looks: Looks) -> Iterator[str]:
    """What the leakage audit says of the real pictures of the set."""
    asked = {subject.id for subject in subjects if subject.dataset == "vqa_rad"}
    if asked:
        rows = Rows("vqa_rad", "test", tuple(s for s in datasets.vqa_rad("test") if s.id in asked))
        yield from (sentence for label in trained_on for sentence in leaks(label, rows, looks))


def drawn_half() -> list[Subject]:
    """Questions in held-out wordings about phantoms of the test split, two or three a picture."""
    places = [(domain, seeds[number]) for number in range(8) for domain, seeds in SEEDS.items()]
    made = []
    for number, (domain, seed) in enumerate(places):
        wanted = 2 + number % 2  # 2 and 3 in turn: 100 questions of 40 pictures
        made += [as_subject(case) for case in some(tasks.phantom_cases(domain, seed), wanted, seed)]
    return made[:HALF]


def some(cases: Sequence[Case], wanted: int, seed: int) -> list[Case]:
    """One question of each of the first kinds as far as there are any, then others by lot."""
    order = [case for case in cases if case.kind != "unanswerable"]
    random.Random(SEED + seed).shuffle(order)
    firsts = [next((case for case in order if case.kind == kind), None) for kind in FIRST_KINDS]
    ranked = [case for case in firsts if case is not None] + [case for case in order if case not in firsts]
    return ranked[:wanted]


def as_subject(case: Case) -> Subject:
    assert case.item.picture is not None
    return Subject(
        case.item.id, case.item.picture, case.item.question, case.reference, case.domain, case.kind, case.closed,
        "phantoms", case.choices, case.about, held_out=case.held_out,
    )  # fmt: skip


def vqa_rad_half() -> list[Subject]:
    """All test questions of VQA-RAD pictures that are drawn until there are enough. Raises DatasetError."""
    by_picture: dict[str, list[Sample]] = {}
    for sample in datasets.vqa_rad("test"):
        by_picture.setdefault(sample.image, []).append(sample)
    names = sorted(by_picture)
    random.Random(SEED).shuffle(names)
    made = [subject_of(sample) for name in names for sample in by_picture[name]]
    return made[:HALF]


def subject_of(sample: Sample) -> Subject:
    return Subject(
        sample.id, f"vqa_rad:{sample.image}", sample.question, sample.reference, sample.domain, sample.kind.lower(),
        sample.closed, "vqa_rad", known=sample.domain != "other", free_form=sample.free_form,
    )  # fmt: skip


def sides(
    subjects: Sequence[Subject], trained_on: Sequence[str]
) -> tuple[tuple[Subject, ...], tuple[Subject, ...], tuple[str, ...]]:
    """Foreign and familiar questions of the set for a checkpoint, and a sentence that says which they are."""
    listed = {name.split("-")[0] for name in trained_on}
    strange = tuple(subject for subject in subjects if trained_on and subject.dataset not in listed)
    if strange and len(strange) < len(subjects):
        names = ", ".join(sorted({subject.dataset for subject in strange}))
        note = f"Out of distribution is {names}, which the checkpoint does not list."
        return strange, tuple(s for s in subjects if s not in strange), (note,)
    drawn = [subject for subject in subjects if subject.dataset == "phantoms"]
    note = "Out of distribution are drawn pictures of combinations and sizes that training never draws."
    return tuple(s for s in drawn if s.held_out), tuple(s for s in drawn if not s.held_out), (note,)


def fake_questions(limit: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Some of Med-HALT's fake questions without their options, and what to say where they are not here."""
    try:
        texts = sorted(sample.question.split("\n")[0] for sample in medhalt.fake("test"))
    except DatasetError as error:
        return (), (f"Med-HALT's part is missing: {error}",)
    return tuple(random.Random(SEED).sample(texts, min(FAKE, limit or FAKE))), ()


def truths(subjects: Iterable[Subject]) -> dict[str, Truth]:
    """Drawn picture -> what it shows."""
    names = dict.fromkeys(subject.picture for subject in subjects if subject.dataset == "phantoms")
    return {name: truth_of(name) for name in names}


def windows(subjects: Iterable[Subject]) -> dict[str, tuple[Window, ...]]:
    """Drawn grey picture -> the other windows of its kind that show it differently."""
    greys: tuple[Domain, ...] = ("cxr", "ct", "mri")
    names = dict.fromkeys(s.picture for s in subjects if s.dataset == "phantoms" and s.domain in greys)
    return {name: other_windows(name) for name in names}


def other_windows(name: str) -> tuple[Window, ...]:
    """Up to so many windows by which a picture looks otherwise than as it is opened, each look once."""
    scan = pictures.scan(name)
    looks, kept = [render(scan)], []
    for preset in presets(scan)[1:]:
        look = render(scan, 0, preset.window)
        if not any(np.array_equal(look, seen) for seen in looks):
            looks.append(look)
            kept.append(preset.window)
    return tuple(kept[:MOST_WINDOWS])
