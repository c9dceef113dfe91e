"""The tables as the newest step leaves them, and the way between their rows and ratings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from medvlm.ratings import votes, wire
from medvlm.ratings.records import CRITERIA, SIDES, Candidate, Case, ErrorTag, RatedAnswer, Rating, Side

Row = Mapping[str, Any]
_META = MetaData()


def _side(side: Side) -> list[Column[Any]]:
    texts = ("answer", "history", "decoding", "leaks", "correctness")
    numbers = ("words", *CRITERIA)
    return [Column(f"{side}_{n}", Text) for n in texts] + [Column(f"{side}_{n}", Integer) for n in numbers]


def _texts(*names: str, keys: tuple[str, ...] = ()) -> list[Column[Any]]:
    return [Column(name, Text, primary_key=name in keys) for name in names]


candidates = Table(
    "candidates",
    _META,
    Column("id", Text, primary_key=True),
    *(
        Column(name, Text)
        for name in (
            "name", "arm", "model", "model_sha256", "adapter", "adapter_sha256", "endpoint", "quantisation",
        )
    ),
    Column("prompt_version", Integer),
)  # fmt: skip

ratings = Table(
    "ratings",
    _META,
    Column("sequence", BigInteger, primary_key=True),
    *(
        Column(name, Text)
        for name in (
            "id", "corrects", "study", "reader", "case_id", "question", "domain", "question_type", "scans", "shown",
            "grey_window", "look", "left_candidate", "right_candidate", "verdict", "guess", "comment", "source",
            "created", "software", "label", "digest", "form", "reference",
        )
    ),
    *_side("left"),
    *_side("right"),
    Column("picture", LargeBinary),
    Column("sureness", Integer),
    Column("seconds", Double),
    Column("blinded", Boolean),
    Column("training", Boolean),
    Column("repeat_number", Integer),
    Column("side_seed", BigInteger),
)  # fmt: skip

errors = Table(
    "errors",
    _META,
    Column("rating", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    *(Column(name, Text) for name in ("side", "kind", "harm")),
    Column("start", Integer),
    Column("stop", Integer),
)

studies = Table("studies", _META, Column("name", Text, primary_key=True), *_texts("status", "record"))
study_cases = Table(
    "study_cases", _META, *_texts("study", "id", "record", keys=("study", "id")), Column("position", Integer)
)
study_answers = Table(
    "study_answers",
    _META,
    *_texts("study", "case_id", "candidate", "record", keys=("study", "case_id", "candidate")),
)
study_readers = Table(
    "study_readers",
    _META,
    *_texts("study", "reader", "role", "code_key", "code_secret", keys=("study", "reader")),
)
study_showings = Table(
    "study_showings",
    _META,
    *_texts("study", "reader", "record", keys=("study", "reader")),
    Column("position", Integer, primary_key=True),
)
# In an order in which rows may be copied: what is pointed to comes first.
OF_STUDIES = (studies, study_cases, study_answers, study_readers, study_showings)
ALL = (candidates, ratings, errors, *OF_STUDIES)
# What a vote is made of: without texts, so that a hundred thousand are read in a moment.
VOTE_COLUMNS = tuple(ratings.c[name] for name in votes.COLUMNS)
# The same for a review of one answer.
REVIEW_COLUMNS = tuple(
    ratings.c[name]
    for name in (
        "id", "reader", "case_id", "left_candidate", "left_correctness", "study", "domain", "question_type", "blinded",
        "training", "repeat_number", "seconds",
    )
)  # fmt: skip


def words(text: str) -> int:
    """How long an answer is, in words between white space."""
    return len(text.split())


def candidate_row(candidate: Candidate) -> dict[str, Any]:
    return {"id": candidate.id, **asdict(candidate)}


def candidate_of(row: Row) -> Candidate:
    return Candidate(**{name: value for name, value in row.items() if name != "id"})


def rating_row(rating: Rating) -> dict[str, Any]:
    """The row of a rating, without its sequence number."""
    case = rating.case
    row = {
        "case_id": case.id,
        "scans": _dumped(case.scans),
        "shown": case.view and _dumped(asdict(case.view)),
        "grey_window": case.window and _dumped(asdict(case.window)),
        "repeat_number": rating.repeat,
        "created": wire.stamp(rating.created),
        "digest": wire.digest(rating),
        "form": rating.form,
        "right_candidate": None,
    }
    for name in ("question", "domain", "question_type", "look", "reference", "picture"):
        row[name] = getattr(case, name)
    for name in (
        "id", "corrects", "study", "reader", "verdict", "sureness", "guess", "comment", "seconds", "blinded",
        "training", "side_seed", "source", "software", "label",
    ):  # fmt: skip
        row[name] = getattr(rating, name)
    for side, answer in zip(SIDES, rating.answers, strict=False):
        row |= _answer_row(side, answer)
    return row


def error_rows(rating: Rating) -> list[dict[str, Any]]:
    tags = [(side, tag) for side, a in zip(SIDES, rating.answers, strict=False) for tag in a.errors]
    return [
        {"rating": rating.id, "position": position, "side": side, **asdict(tag)}
        for position, (side, tag) in enumerate(tags)
    ]


def rating_of(row: Row, tags: Sequence[Row], known: Mapping[str, Candidate]) -> Rating:
    """The rating of one row, with its error tags in order and the candidates by id."""
    right = None if row["right_candidate"] is None else _answer_of("right", row, tags, known)
    return Rating(
        id=row["id"],
        reader=row["reader"],
        case=_case_of(row),
        left=_answer_of("left", row, tags, known),
        right=right,
        verdict=row["verdict"],
        study=row["study"],
        corrects=row["corrects"],
        blinded=row["blinded"],
        training=row["training"],
        repeat=row["repeat_number"],
        side_seed=row["side_seed"],
        sureness=row["sureness"],
        guess=row["guess"],
        comment=row["comment"],
        seconds=row["seconds"],
        source=row["source"],
        created=wire.when(row["created"]),
        software=row["software"],
        label=row["label"],
    )


def _answer_row(side: Side, answer: RatedAnswer) -> dict[str, Any]:
    row: dict[str, Any] = {
        "candidate": answer.candidate.id,
        "answer": answer.text,
        "history": _dumped([asdict(turn) for turn in answer.history]),
        "decoding": answer.decoding and _dumped(asdict(answer.decoding)),
        "leaks": _dumped(answer.leaks),
        "words": words(answer.text),
        "correctness": answer.correctness,
        **dict(zip(CRITERIA, answer.scores, strict=True)),
    }
    return {f"{side}_{name}": value for name, value in row.items()}


def _answer_of(side: Side, row: Row, tags: Sequence[Row], known: Mapping[str, Candidate]) -> RatedAnswer:
    scores: Any = tuple(row[f"{side}_{criterion}"] for criterion in CRITERIA)
    decoding = row[f"{side}_decoding"]
    return RatedAnswer(
        candidate=known[row[f"{side}_candidate"]],
        text=row[f"{side}_answer"],
        history=wire.turns_from(json.loads(row[f"{side}_history"])),
        decoding=wire.decoding_from(None if decoding is None else json.loads(decoding)),
        leaks=tuple(json.loads(row[f"{side}_leaks"])),
        scores=scores,
        correctness=row[f"{side}_correctness"],
        errors=tuple(ErrorTag(t["kind"], t["harm"], t["start"], t["stop"]) for t in tags if t["side"] == side),
    )


def _case_of(row: Row) -> Case:
    view, window = row["shown"], row["grey_window"]
    return Case(
        id=row["case_id"],
        question=row["question"],
        domain=row["domain"],
        question_type=row["question_type"],
        scans=tuple(json.loads(row["scans"])),
        view=wire.view_from(None if view is None else json.loads(view)),
        window=wire.window_from(None if window is None else json.loads(window)),
        look=row["look"],
        reference=row["reference"],
        picture=row["picture"],
    )


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
