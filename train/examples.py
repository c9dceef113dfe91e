"""Samples of the data sets as dialogues to learn from: grouped by dialogue, instructed, mixed by weight, by seed."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from medvlm import datasets
from medvlm.errors import DatasetError
from medvlm.prompts import SHORT, SYSTEM
from medvlm.types import Sample, Turn
from train.recipe import Data, Instruction

# Captions of up to so many words are asked for briefly, longer ones in detail (LLaVA-Med, section 3).
BRIEF_WORDS = 30
BRIEF = (
    "Say in a few words what the picture shows.",
    "Give a short caption for this picture.",
    "What is in the picture, in brief?",
    "Sum up the picture in one sentence.",
    "Write a brief description of the image.",
    "In short, what do you see here?",
    "Describe the image concisely.",
    "Name what this image presents, briefly.",
)
DETAILED = (
    "Describe the picture in detail.",
    "Go through the image and tell everything you see.",
    "Explain thoroughly what the picture shows.",
    "Give a full account of this image.",
    "What can be seen here? Be as complete as you can.",
    "Write a detailed description of the image.",
    "Examine the picture closely and describe its contents.",
    "Tell in depth what this image presents.",
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is learnt in one go: question and answer turns about one picture, or about none."""

    id: str
    picture: str | None
    system: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Mixture:
    """The dialogues of a recipe and how often each comes in an epoch; `labels` are what a checkpoint records."""

    dialogues: tuple[Dialogue, ...]
    weights: tuple[float, ...]
    labels: tuple[str, ...]
    hashes: tuple[str, ...]

    def epoch(self, number: int, seed: int) -> list[int]:
        """Which dialogues epoch `number` has, shuffled: a weight of 2.3 gives two and, for three in ten, a third."""
        rng = random.Random(f"{seed}:{number}")
        chosen: list[int] = []
        for index, weight in enumerate(self.weights):
            chosen += [index] * (int(weight) + (rng.random() < weight % 1))
        rng.shuffle(chosen)
        return chosen


def mixture(data: Data, seed: int) -> Mixture:
    """All training dialogues. Raises DatasetError for what is missing, empty, or kept for testing."""
    dialogues: list[Dialogue] = []
    weights: list[float] = []
    labels, hashes = [], []
    for number, address in enumerate(data.train):
        rows = datasets.load(address, "train", "train", data.override)
        made = limited(list(made_of(rows.samples, data, seed)), data.limit, seed)
        if not made:
            raise DatasetError(f"{address} has no training rows. Get the data set again, or leave it out.")
        dialogues += made
        weights += [data.weights[number] if data.weights else 1.0] * len(made)
        labels.append(rows.label)
        hashes.append(rows.sha256)
    return Mixture(tuple(dialogues), tuple(weights), tuple(labels), tuple(hashes))


def validation(data: Data, seed: int) -> list[Dialogue]:
    """The dialogues whose loss is watched; nothing is learnt from them."""
    if data.validation is None:
        return []
    rows = datasets.load(data.validation, data.validation_split, "eval")
    return limited(list(made_of(rows.samples, data, seed)), data.validation_limit, seed)


def limited(dialogues: list[Dialogue], most: int | None, seed: int) -> list[Dialogue]:
    """At most so many, drawn by seed; a larger limit draws all that a smaller one draws."""
    if most is None or len(dialogues) <= most:
        return dialogues
    order = list(range(len(dialogues)))
    random.Random(seed).shuffle(order)
    return [dialogues[index] for index in order[:most]]


def made_of(samples: Iterable[Sample], data: Data, seed: int) -> Iterator[Dialogue]:
    """Dialogues of samples: neighbours that belong to one conversation become its turns, others stand alone."""
    system = SHORT if data.system == "short" else SYSTEM
    for name, group in groupby(samples, dialogue_of):
        said = list(group)
        turns = tuple(turn for sample in said for turn in pair(sample, data.instruction, seed))
        yield Dialogue(name, datasets.name_of(said[0]), system, turns)


def dialogue_of(sample: Sample) -> str:
    """What samples of one conversation share: their name without the number of the turn."""
    return re.sub(r"-\d+$", "", sample.id) if sample.kind == "conversation" else sample.id


def pair(sample: Sample, instruction: Instruction, seed: int) -> Sequence[Turn]:
    """Question and answer; a caption is asked for in one of many wordings, or not at all."""
    question = sample.question
    if instruction == "none":
        question = ""
    elif instruction == "describe":
        wordings = BRIEF if len(sample.reference.split()) < BRIEF_WORDS else DETAILED
        question = random.Random(f"{seed}:{sample.id}").choice(wordings)
    return Turn("user", question), Turn("assistant", sample.reference)
