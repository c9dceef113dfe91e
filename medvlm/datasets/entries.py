"""Every data set by name, and the guard: rows for testing are not handed out for training."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal, get_args

from medvlm.datasets import (
    captions,
    corpus,
    drawn,
    drawn_chat,
    llava_med,
    medhalt,
    own,
    pathology,
    rated,
    slake,
    vqarad,
)
from medvlm.errors import DatasetError
from medvlm.types import DataSplit, Sample

Purpose = Literal["train", "eval"]
TEST_ONLY: tuple[DataSplit, ...] = ("test", "held_out")
TRAIN_TEST: tuple[DataSplit, ...] = ("train", "test")
ALL: tuple[DataSplit, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set. `source`: its folder below the data home, None where it needs none.

    `read` takes what stands behind the name's colon, and the split. `takes` says what that is, empty for nothing.
    `real`: pictures of patients or specimens (True), drawings (False), or unknown or none (None). `words`: references
    are a word or a phrase.
    """

    title: str
    source: str | None
    splits: tuple[DataSplit, ...]
    read: Callable[[str, DataSplit], Iterable[Sample]]
    real: bool | None = True
    words: bool = True
    takes: str = ""


def _plain(read: Callable[[DataSplit], Iterable[Sample]]) -> Callable[[str, DataSplit], Iterable[Sample]]:
    """A reader that takes nothing behind the colon."""
    return lambda _, split: read(split)


def _instruct(title: str, which: str) -> Dataset:
    read = _plain(partial(llava_med.instruct, which))
    return Dataset(title, "llava_med_instruct", ("train",), read, words=False)


DATASETS: dict[str, Dataset] = {
    "phantoms": Dataset(
        "Phantoms", None, TRAIN_TEST, drawn.phantoms, real=False,
        takes="options: domain=ct+mri, kind=side, seeds=0-20, wordings=trained, combinations=held_out",
    ),
    "phantoms_chat": Dataset(
        "Phantoms, asked as in a chat", None, ("test",), drawn_chat.chat, real=False, words=False,
        takes="options: domain=ct+mri, seeds=0-20, combinations=held_out",
    ),
    "vqa_rad": Dataset(
        "VQA-RAD, published split", "vqa_rad", ("train", "test", "held_out"), _plain(vqarad.vqa_rad)
    ),
    "vqa_rad_disjoint": Dataset("VQA-RAD, split by picture", "vqa_rad", TRAIN_TEST, _plain(vqarad.disjoint)),
    "vqa_rad_free_form": Dataset(
        "VQA-RAD, free-form as LLaVA-Med counts", "vqa_rad", TRAIN_TEST, _plain(vqarad.free_form)
    ),
    "slake": Dataset("SLAKE, English", "slake", ALL, _plain(partial(slake.slake, language="en"))),
    "slake_zh": Dataset("SLAKE, Chinese", "slake", ALL, _plain(partial(slake.slake, language="zh"))),
    "path_vqa": Dataset("PathVQA", "path_vqa", ALL, _plain(pathology.path_vqa)),
    "roco": Dataset("ROCO, radiology captions", "roco", ALL, _plain(captions.roco), words=False),
    "rocov2": Dataset("ROCOv2, captions", "rocov2", ALL, _plain(captions.rocov2), words=False),
    "llava_med_chat": Dataset(
        "LLaVA-Med's chat test", "llava_med_chat", ("test",), _plain(llava_med.chat), words=False
    ),
    "llava_med_10k": _instruct("LLaVA-Med instructions, 10K", "10k"),
    "llava_med_60k": _instruct("LLaVA-Med instructions, 60K", "60k"),
    "llava_med_60k_im": _instruct("LLaVA-Med instructions, 60K with in-text mentions", "60k_im"),
    "medhalt_fake": Dataset("Med-HALT, fake questions", "medhalt_fake", ("test",), _plain(medhalt.fake), real=None),
    "own": Dataset("A folder of your own", None, ALL, own.own, real=None, takes="the folder, or its CSV or JSONL file"),
    "corpus": Dataset(
        "Figures of papers", None, TRAIN_TEST, corpus.corpus, real=None, words=False, takes="the folder of a corpus"
    ),
    "ratings": Dataset(
        "Rated questions", None, ("test",), rated.rated, real=None, words=False, takes="an exported JSONL file"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one split as they were handed out. `override`: why test rows were given to training, else None."""

    address: str
    split: DataSplit
    samples: tuple[Sample, ...]
    override: str | None = None

    @property
    def label(self) -> str:
        """What a checkpoint records: "vqa_rad-train", or "vqa_rad-test (override: REASON)"."""
        return f"{self.address}-{self.split}" + (f" (override: {self.override})" if self.override else "")

    @property
    def sha256(self) -> str:
        """Changes with any question, reference or label."""
        return rows_sha256(self.samples)


def rows_sha256(samples: Iterable[Sample]) -> str:
    sha = hashlib.sha256()
    for sample in samples:
        sha.update(json.dumps(asdict(sample), ensure_ascii=False).encode() + b"\n")
    return sha.hexdigest()


def load(address: str, split: DataSplit, purpose: Purpose = "eval", override: str | None = None) -> Rows:
    """The rows of a split. `address`: a name in DATASETS, with ":..." behind it where it takes something.

    For `purpose` "train", rows kept for testing are refused unless `override` gives a reason; `Rows.label` carries it
    into the checkpoint. Raises DatasetError for what is missing, unknown or refused.
    """
    entry, rest = resolve(address)
    if split not in entry.splits:
        raise DatasetError(f"{address} has no split {split!r}; it has {', '.join(entry.splits)}.")
    if purpose == "train" and split in TEST_ONLY and not (override or "").strip():
        raise DatasetError(
            f"{address}'s {split} rows are for testing: a model that was trained on them can no longer be tested with "
            "them. Train on 'train', or give override a reason, which is written into the checkpoint."
        )
    samples = tuple(entry.read(rest, split))
    return Rows(address, split, samples, override.strip() if override and purpose == "train" else None)


def resolve(address: str) -> tuple[Dataset, str]:
    """The entry of an address, and what stands behind its colon. Raises DatasetError."""
    name, colon, rest = address.partition(":")
    if name not in DATASETS:
        raise DatasetError(f"There is no data set {name!r}. There are {', '.join(DATASETS)}.")
    entry = DATASETS[name]
    if rest and not entry.takes:
        raise DatasetError(f"{name} takes nothing behind its name, so {colon}{rest} means nothing. Leave it out.")
    if entry.takes and not rest and entry.real is not False:  # drawings take options, and go without
        raise DatasetError(f"{name} needs {entry.takes}: {name}:PATH.")
    return entry, rest


# What checkpoints call rows that have another address here.
CALLED = {"vqa_rad-train-without-held-out-pictures": "vqa_rad_disjoint-train"}


def from_label(label: str) -> tuple[str, DataSplit] | None:
    """Address and split that a checkpoint's label names; None for one that names no data set with questions."""
    plain = label.partition(" (override:")[0]
    plain = CALLED.get(plain, plain)
    name, _, last = plain.rpartition("-")
    address, split = (name, last) if last in get_args(DataSplit) else (plain, "train")
    if address.partition(":")[0] not in DATASETS:
        return None
    return address, next(one for one in get_args(DataSplit) if one == split)
