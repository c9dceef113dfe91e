"""Ratings of pairs as columns, without their texts: what the statistics count, a hundred thousand of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from medvlm.ratings.records import CORRECTNESS, CRITERIA, GUESSES, SIDES, VERDICTS

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
# The columns of the database that a vote is made of, in this order.
COLUMNS = (
    "id", "reader", "case_id", "left_candidate", "right_candidate", "verdict", "domain", "question_type", "guess",
    "blinded", "training", "repeat_number", "seconds", "left_words", "right_words",
    *(f"{side}_{criterion}" for side in SIDES for criterion in CRITERIA),
    *(f"{side}_correctness" for side in SIDES),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of words: entry i is `known[codes[i]]`, and nothing where the code is -1."""

    known: tuple[str, ...]
    codes: Codes

    @classmethod
    def of(cls, words: Sequence[str | None], known: Sequence[str] = ()) -> Self:
        """`known`: words that come first, in this order, whether they are there or not."""
        met = tuple(word for word in dict.fromkeys((*known, *words)) if word is not None)
        numbers: dict[str | None, int] = {word: place for place, word in enumerate(met)} | {None: -1}
        return cls(met, np.fromiter(map(numbers.__getitem__, words), np.intp, len(words)))

    def __getitem__(self, chosen: Any) -> "Names":
        return Names(self.known, self.codes[chosen])

    def code(self, word: str) -> int:
        """The word's number; -2, which no entry has, for one that is not known."""
        return self.known.index(word) if word in self.known else -2

    def words(self) -> list[str | None]:
        """The column in words."""
        known = (*self.known, None)
        return [known[code] for code in self.codes.tolist()]

    def numbered(self) -> Codes:
        """Each entry's number from 0, by the order in which words appear here. There must be a word in each."""
        first = np.full(len(self.known), len(self.codes))
        first[self.codes[::-1]] = np.arange(len(self.codes))[::-1]
        there = np.flatnonzero(first < len(self.codes))
        ranks = np.empty(len(self.known), np.intp)
        ranks[there[np.argsort(first[there])]] = np.arange(len(there))
        return np.asarray(ranks[self.codes])

    def parts(self) -> list[tuple[str, Codes]]:
        """Each word that is there, by the alphabet, with the places of its entries."""
        order = np.argsort(self.codes, kind="stable")
        there, begins = np.unique(self.codes[order], return_index=True)
        places = np.split(order, begins[1:])
        return sorted((self.known[code], at) for code, at in zip(there.tolist(), places, strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """One entry a rating of a pair, in the order in which they came.

    `left` and `right` are candidates' ids, numbered alike and by the alphabet. `repeats`: 0 for a case's first showing.
    `seconds`, `scores`: NaN where nothing was said. Shapes are (n,), but `words` and `correctness` (n, 2), left and
    right, and `scores` (n, 2, 5) in the order of CRITERIA; `correctness` is a place in CORRECTNESS, or -1.
    """

    ids: NDArray[np.object_]
    readers: Names
    cases: Names
    left: Names
    right: Names
    verdicts: Names
    domains: Names
    question_types: Names
    guesses: Names
    blinded: Flags
    training: Flags
    repeats: Codes
    seconds: Numbers
    words: Codes
    correctness: Codes
    scores: Numbers

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Self:
        """From rows of COLUMNS."""
        columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
        left, right = columns["left_candidate"], columns["right_candidate"]
        candidates = sorted({*left, *right})
        words = [columns[f"{side}_words"] for side in SIDES]
        judged = [Names.of(columns[f"{side}_correctness"], CORRECTNESS).codes for side in SIDES]
        scores = [[columns[f"{side}_{criterion}"] for criterion in CRITERIA] for side in SIDES]
        return cls(
            ids=np.array(columns["id"], np.object_),
            readers=Names.of(columns["reader"]),
            cases=Names.of(columns["case_id"]),
            left=Names.of(left, candidates),
            right=Names.of(right, candidates),
            verdicts=Names.of(columns["verdict"], VERDICTS),
            domains=Names.of(columns["domain"]),
            question_types=Names.of(columns["question_type"]),
            guesses=Names.of(columns["guess"], GUESSES),
            blinded=np.array(columns["blinded"], np.bool_),
            training=np.array(columns["training"], np.bool_),
            repeats=np.array(columns["repeat_number"], np.intp),
            seconds=np.array(columns["seconds"], np.float64),
            words=np.array(words, np.intp).T,
            correctness=np.array(judged, np.intp).T,
            scores=np.array(scores, np.float64).transpose(2, 0, 1),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, chosen: Flags | Codes) -> "Votes":
        """Those that are chosen, by a mask or by their places."""
        return Votes(*(getattr(self, one.name)[chosen] for one in fields(self)))

    @property
    def counted(self) -> Flags:
        """Blinded first showings outside training: nothing else counts in a figure."""
        return np.asarray(self.blinded & ~self.training & (self.repeats == 0))

    def met(self, first: str, second: str) -> Flags:
        """Where these two were compared, whoever stood left."""
        one, other = self.left.code(first), self.left.code(second)
        left, right = self.left.codes, self.right.codes
        return np.asarray(((left == one) & (right == other)) | ((left == other) & (right == one)))

    def own(self, candidate: str) -> Flags:
        """Where the candidate stood left."""
        return np.asarray(self.left.codes == self.left.code(candidate))
