"""Which test rows training may have seen: the same picture, a copy of it, the same question, the same answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.picture_hashes import Look, Looks
from medvlm.datasets import Rows, name_of
from medvlm.imaging.likeness import NEAR
from medvlm.metrics.text import normalised
from medvlm.types import Sample


@dataclass(frozen=True, slots=True)
class Audit:
    """What of a test stands in training. Each list holds test rows by id; `pictures` the test's pictures by name.

    `same_pictures`: pixel for pixel, with the training picture; `like_pictures`: copies, with it and the distance in
    bits of 256; `unseen`: pictures of either side that could not be read and were not compared.
    `same_row`: question and answer about the same picture (or a copy); `same_question_here`: that question about that
    picture, whatever the answer; `same_question` and `same_pair`: anywhere in training.
    """

    train: str
    test: str
    train_rows: int
    test_rows: int
    pictures: tuple[str, ...]
    same_pictures: dict[str, str]
    like_pictures: dict[str, tuple[str, int]]
    unseen: int
    same_row: tuple[str, ...]
    same_question_here: tuple[str, ...]
    same_question: tuple[str, ...]
    same_pair: tuple[str, ...]
    seen_picture: tuple[str, ...]
    clean: tuple[str, ...]

    def sentences(self) -> list[str]:
        """What must stand beside a score on this test, for a model that was trained on that data."""
        count, of = len(self.same_pictures) + len(self.like_pictures), len(self.pictures)
        all_of = f"All {of}" if count == of else f"{count} of {of}"
        made = []
        if count:
            made.append(f"{all_of} pictures of this test ({self.test}) stand in training ({self.train}).")
        if self.same_question_here:
            made.append(
                f"{len(self.same_question_here)} of {self.test_rows} test questions are asked about the same picture "
                f"in training, {len(self.same_row)} of them with the same answer."
            )
        if self.unseen:
            made.append(f"{self.unseen} pictures could not be compared, because they are not here.")
        return made


def audit(train: Rows, test: Rows, looks: Looks) -> Audit:
    """Compare all rows of both. Questions and answers are compared by their normalised words."""
    ours, theirs = (looks.of(filter(None, map(name_of, rows.samples))) for rows in (test, train))
    same = _identical(ours, theirs)
    like = _alike({name: one for name, one in ours.items() if name not in same}, theirs)
    twins = {**same, **{name: other for name, (other, _) in like.items()}}
    known = Known.of(train)
    seen = _ids(test, lambda s: name_of(s) in twins)
    here = _ids(test, lambda s: (_there(s, twins), normalised(s.question)) in known.asked)
    leaked = {*seen, *here}
    named = {name for rows in (train, test) for name in map(name_of, rows.samples) if name}
    return Audit(
        train=train.label,
        test=test.label,
        train_rows=len(train.samples),
        test_rows=len(test.samples),
        pictures=tuple(dict.fromkeys(filter(None, map(name_of, test.samples)))),
        same_pictures=same,
        like_pictures=like,
        unseen=len(named - ours.keys() - theirs.keys()),
        same_row=_ids(test, lambda s: (_there(s, twins), *_pair(s)) in known.rows),
        same_question_here=here,
        same_question=_ids(test, lambda s: normalised(s.question) in known.questions),
        same_pair=_ids(test, lambda s: _pair(s) in known.pairs),
        seen_picture=seen,
        clean=_ids(test, lambda s: s.id not in leaked),
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What training asked: of which picture, in which words, with which answers."""

    asked: frozenset[tuple[str | None, str]]
    rows: frozenset[tuple[str | None, str, str]]
    questions: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, train: Rows) -> "Known":
        rows = frozenset((name_of(sample), *_pair(sample)) for sample in train.samples)
        return cls(
            frozenset(row[:2] for row in rows),
            rows,
            frozenset(row[1] for row in rows),
            frozenset(row[1:] for row in rows),
        )


def _pair(sample: Sample) -> tuple[str, str]:
    return normalised(sample.question), normalised(sample.reference)


def _there(sample: Sample, twins: Mapping[str, str]) -> str | None:
    """The training picture that this test row's picture is, "" where it is none; None for rows without pictures."""
    name = name_of(sample)
    return None if name is None else twins.get(name, "")


def _ids(test: Rows, keep: Callable[[Sample], bool]) -> tuple[str, ...]:
    return tuple(sample.id for sample in test.samples if keep(sample))


def _identical(ours: dict[str, Look], theirs: dict[str, Look]) -> dict[str, str]:
    """Our picture -> theirs with the same pixels; the same name first, where several have them."""
    by_pixels = {one.exact: name for name, one in reversed(theirs.items())}
    return {
        name: name if name in theirs and theirs[name].exact == one.exact else by_pixels[one.exact]
        for name, one in ours.items()
        if one.exact in by_pixels
    }


def _alike(ours: dict[str, Look], theirs: dict[str, Look]) -> dict[str, tuple[str, int]]:
    """Our picture -> the likest of theirs and the distance, where that is at most NEAR."""
    if not ours or not theirs:
        return {}
    names, table = list(theirs), _bits(theirs.values())
    made: dict[str, tuple[str, int]] = {}
    for name, one in ours.items():
        distances = (table != _bits([one])).sum(axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] <= NEAR:
            made[name] = names[nearest], int(distances[nearest])
    return made


def _bits(looks: Iterable[Look]) -> NDArray[np.uint8]:
    """(pictures, 256) of 0 and 1."""
    return np.unpackbits(np.stack([np.frombuffer(bytes.fromhex(one.bits), np.uint8) for one in looks]), axis=1)
