"""Ratings as files: one JSON object a line for programs, tables for statisticians, with a data dictionary."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from medvlm.ratings import wire
from medvlm.ratings.records import (
    CORRECTNESS,
    CRITERIA,
    ERROR_KINDS,
    GUESSES,
    HARMS,
    VERDICTS,
    Criterion,
    RatedAnswer,
    Rating,
)
from medvlm.types import Decoding, View, Window

ScoreName = Literal["preference", "correctness", "correct", "complete", "relevant", "clear", "safe"]
SCORE_NAMES: tuple[ScoreName, ...] = get_args(ScoreName)
Cell = str | int | float | bool | None
# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: its name, what it means, what can stand in it, and how it is read off a rating."""

    name: str
    meaning: str
    values: str
    read: Callable[[Rating], Cell]


def jsonl(ratings: Iterable[Rating]) -> Iterator[str]:
    """Whole ratings, one a line; `imports` takes them back."""
    for rating in ratings:
        yield json.dumps(wire.as_record(rating), ensure_ascii=False) + "\n"


def table(ratings: Iterable[Rating]) -> Iterator[str]:
    """One line a rating in the columns of COLUMNS, as CSV (RFC 4180) with a header.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    yield _line(column.name for column in COLUMNS)
    for rating in ratings:
        yield _line(column.read(rating) for column in COLUMNS)


def dictionary() -> Iterator[str]:
    """What each column of `table` means, as CSV."""
    yield _line(("column", "meaning", "values"))
    for column in COLUMNS:
        yield _line((column.name, column.meaning, column.values))


def mrmc(ratings: Iterable[Rating], score: ScoreName) -> Iterator[str]:
    """Reader, case, treatment and score of each answer, as programs for multi-reader multi-case studies take them.

    Preference: 1 for the preferred answer, 0 for the other, 0.5 for both of a tie or where neither will do.
    Correctness: right 1, partly 0.5, wrong 0. A criterion: 1 to 5. Answers without that score are left out, and so
    are training cases, named votes and hidden repeats.
    """
    yield _line(("reader", "case", "treatment", "score", "label"))
    for rating in ratings:
        if rating.training or rating.repeat or not rating.blinded:
            continue
        for place, answer in enumerate(rating.answers):
            value = _score(rating, place, answer, score)
            if value is not None:
                yield _line((rating.reader, rating.case.id, treatment(answer), value, rating.label))


def treatment(answer: RatedAnswer) -> str:
    """A candidate's name that two builds do not share."""
    return f"{answer.candidate.name} ({answer.candidate.id[:8]})"


def _score(rating: Rating, place: int, answer: RatedAnswer, score: ScoreName) -> float | None:
    if score == "preference":
        if rating.verdict is None:
            return None
        return {"left": (1.0, 0.0), "right": (0.0, 1.0), "tie": (0.5, 0.5), "neither": (0.5, 0.5)}[rating.verdict][
            place
        ]
    if score == "correctness":
        return {"right": 1.0, "partly": 0.5, "wrong": 0.0}.get(answer.correctness or "")
    return answer.scores[CRITERIA.index(score)]


def _line(cells: Iterable[Cell]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_safe(cell) for cell in cells])
    return buffer.getvalue()


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _side_columns(side: str, place: int) -> Iterator[Column]:
    """The columns of one answer; empty where there is none on that side."""

    def of(read: Callable[[RatedAnswer], Cell]) -> Callable[[Rating], Cell]:
        return lambda rating: read(rating.answers[place]) if place < len(rating.answers) else None

    facts: Mapping[str, tuple[str, str, Callable[[RatedAnswer], Cell]]] = {
        "candidate": ("who answered: id, a hash of all that follows", "32 hex digits", lambda a: a.candidate.id),
        "name": ("what the candidate is called", "text", lambda a: a.candidate.name),
        "arm": ("which arm of one loaded model it is", "base, tuned, empty", lambda a: a.candidate.arm),
        "model": ("its base model", "text", lambda a: a.candidate.model),
        "model_sha256": (
            "hash of the base model's weights",
            "hex, empty if not known",
            lambda a: a.candidate.model_sha256,
        ),
        "adapter": ("its adapter", "text, empty for none", lambda a: a.candidate.adapter),
        "adapter_sha256": ("hash of the adapter's weights", "hex, empty", lambda a: a.candidate.adapter_sha256),
        "endpoint": ("the server it ran on", "URL, empty for this machine", lambda a: a.candidate.endpoint),
        "quantisation": ("how its weights were stored", "text", lambda a: a.candidate.quantisation),
        "prompt_version": ("version of the prompts", "whole number, empty", lambda a: a.candidate.prompt_version),
        "answer": ("the answer, whole and unmasked", "text", lambda a: a.text),
        "words": ("its length", "words", lambda a: len(a.text.split())),
        "history": ("earlier turns", "JSON", lambda a: _json([[t.role, t.text] for t in a.history])),
        "temperature": ("of decoding; 0 is greedy", "0 and up, empty", lambda a: _part(a.decoding, "temperature")),
        "top_p": ("of decoding", "0 to 1, empty", lambda a: _part(a.decoding, "top_p")),
        "seed": ("of decoding", "whole number, empty", lambda a: _part(a.decoding, "seed")),
        "leaks": ("words masked because they name the candidate", "JSON list", lambda a: _json(a.leaks)),
        "correctness": ("judged by the reader", ", ".join((*CORRECTNESS, "empty")), lambda a: a.correctness),
        "errors": (
            "mistakes marked by the reader: kind, harm, first character and the one after the last",
            f"JSON list; kinds {', '.join(ERROR_KINDS)}; harms {', '.join(HARMS)}",
            lambda a: _json([[e.kind, e.harm, e.start, e.stop] for e in a.errors]),
        ),
    }
    for name, (meaning, values, read) in facts.items():
        yield Column(f"{side}_{name}", f"{side} answer: {meaning}", values, of(read))
    for criterion in CRITERIA:
        yield Column(
            f"{side}_{criterion}", f"{side} answer: how {criterion} it is", "1 to 5, empty", of(_given(criterion))
        )


def _given(criterion: Criterion) -> Callable[[RatedAnswer], Cell]:
    return lambda answer: answer.scores[CRITERIA.index(criterion)]


def _part(whole: Decoding | View | Window | None, name: str) -> Cell:
    """One field of what may not be there."""
    value: Cell = None if whole is None else getattr(whole, name)
    return value


COLUMNS: tuple[Column, ...] = (
    Column("id", "the rating", "text, made where the vote was cast", lambda r: r.id),
    Column("corrects", "the rating that this one replaces", "an id, empty for none", lambda r: r.corrects),
    Column("form", "two answers compared, or one reviewed", "pair, single", lambda r: r.form),
    Column("study", "the study", "text, empty for none", lambda r: r.study),
    Column("reader", "the reader's pseudonym", "text", lambda r: r.reader),
    Column("case", "the case", "text", lambda r: r.case.id),
    Column("repeat", "0 for the first showing of the case to this reader", "0 and up", lambda r: r.repeat),
    Column("training", "a training case, which no figure counts", "True, False", lambda r: r.training),
    Column("blinded", "names were hidden until the vote", "True, False", lambda r: r.blinded),
    Column("domain", "kind of picture", "cxr, ct, mri, histology, gross, other", lambda r: r.case.domain),
    Column("question_type", "kind of question", "text", lambda r: r.case.question_type),
    Column("question", "the question", "text", lambda r: r.case.question),
    Column("reference", "the reference answer", "text, empty for none", lambda r: r.case.reference),
    Column("scans", "SHA-256 of each scan", "JSON list", lambda r: _json(r.case.scans)),
    Column("scan", "which scan was shown", "0 and up, empty", lambda r: _part(r.case.view, "scan")),
    Column("slice", "which slice was shown", "0 and up, empty", lambda r: _part(r.case.view, "slice")),
    Column("window_width", "grey window at the vote", "scan's unit, empty", lambda r: _part(r.case.window, "width")),
    Column("window_level", "grey window at the vote", "scan's unit, empty", lambda r: _part(r.case.window, "level")),
    Column("look", "the viewer's state at the vote", "JSON, empty", lambda r: r.case.look),
    *_side_columns("left", 0),
    *_side_columns("right", 1),
    Column("verdict", "which is better; neither will do", ", ".join((*VERDICTS, "empty")), lambda r: r.verdict),
    Column("sureness", "how sure the reader is", "1 to 5, empty", lambda r: r.sureness),
    Column("guess", "which one the reader takes for the tuned one", ", ".join((*GUESSES, "empty")), lambda r: r.guess),
    Column("comment", "the reader's words", "text", lambda r: r.comment),
    Column("seconds", "from the end of both answers to the vote", "seconds, empty", lambda r: r.seconds),
    Column("side_seed", "what the sides were drawn from", "whole number, empty", lambda r: r.side_seed),
    Column("source", "where the rating was imported from", "text, empty for here", lambda r: r.source),
    Column("created", "when the vote was cast", "ISO 8601, UTC", lambda r: wire.stamp(r.created)),
    Column("software", "what wrote the rating", "text", lambda r: r.software),
    Column("label", "what the rating is not for", "text", lambda r: r.label),
    Column("digest", "SHA-256 over the rating", "64 hex digits", wire.digest),
)  # fmt: skip
