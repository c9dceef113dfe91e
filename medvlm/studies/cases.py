"""Where cases come from: a list, a folder of pictures, a data set, the predictions of an evaluation's run, phantoms."""

import csv
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from medvlm import datasets, scores
from medvlm.errors import DatasetError, UserError
from medvlm.phantoms.truth import Question
from medvlm.phantoms.writer import write
from medvlm.ratings.records import Candidate
from medvlm.studies.design import Given, StudyCase, checked_case
from medvlm.studies.pictures import KINDS, Pictures, domain_of, drawn
from medvlm.types import DOMAINS, Arm, DataSplit, Domain

Item = TypeVar("Item")
# A row as it came from a file.
Row = Mapping[str, Any]
YES = ("true", "yes", "1", "x")
# Kinds of question on a phantom that are worth a reader's time.
ASKED = ("presence", "which", "side", "place", "size", "count", "normal", "comparison")
COLUMNS = ("image", "question", "reference", "domain", "question_type", "id", "slice", "training", "feedback")


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases to add, and answers that came along with them. `left_out`: what is no picture, and why, in sentences."""

    cases: tuple[StudyCase, ...]
    answers: tuple[Given, ...] = ()
    left_out: tuple[str, ...] = ()


def from_list(path: Path, pictures: Pictures) -> Batch:
    """The cases of a CSV or JSON Lines file with the columns of COLUMNS; `image` and `question` are needed.

    `slice` counts from 1, as on the screen. Every picture is opened, so that a study does not end at one that cannot
    be. Raises `UserError` that names the row.
    """
    made = []
    for number, row in enumerate(_rows(path), 1):
        try:
            made.append(_case(row, pictures))
        except UserError as error:
            raise UserError(f"{path}, case {number}: {error}") from error
    return Batch(tuple(made))


def from_folder(pictures: Pictures, questions: Sequence[str]) -> Batch:
    """Each question about each picture in the study's folder; a folder in there is one series. Raises `UserError`."""
    if not pictures.study.pictures:
        raise UserError("The study has no folder of pictures. Make it with 'study new NAME --pictures FOLDER'.")
    made, left_out = [], []
    for path in sorted(Path(pictures.study.pictures).iterdir()):
        try:
            made += [_case({"image": path.name, "question": question}, pictures) for question in questions]
        except UserError as error:
            left_out.append(f"{path.name}: {error}")
    if not made:
        raise DatasetError(f"{pictures.study.pictures} has no picture that can be shown. {' '.join(left_out)}".strip())
    return Batch(tuple(made), left_out=tuple(left_out))


def from_data(address: str, split: DataSplit = "test", limit: int | None = None, seed: int = 0) -> Batch:
    """The questions of a data set's split (named as `datasets.load` has it) about a picture, or `limit` of them."""
    asked = [one for one in datasets.load(address, split).samples if one.image]
    cases = [
        StudyCase(one.id, one.question, f"{datasets.name_of(one)}", "", one.domain, one.kind, one.reference)
        for one in _some(asked, limit, seed)
    ]
    if not cases:
        raise DatasetError(f"The {split} split of {address} has no question about a picture. Name another split.")
    return Batch(tuple(cases))


def from_phantoms(count: int, domains: Sequence[Domain] = DOMAINS, seed: int = 0, training: int = 0) -> Batch:
    """`count` cases on drawn pictures, domain by domain in turn, and `training` more that come first."""
    made = []
    for number in range(count + training):
        domain, place = domains[number % len(domains)], seed + number // len(domains)
        case = _phantom_case(domain, place)
        made.append(replace(case, id=f"{'training-' * (number < training)}{case.id}", training=number < training))
    return Batch(tuple(made))


def from_run(folder: Path, limit: int | None = None, seed: int = 0) -> Batch:
    """Cases and answers of a folder that `python -m eval run` wrote: its questions on pictures that every arm answered.

    Where there are more than `limit`, a seeded choice of them, in the run's order.
    """
    run = scores.read_run(folder)
    said: dict[str, dict[Arm, scores.Prediction]] = {}
    for one in run.predictions:
        if one.image is not None:
            said.setdefault(one.sample_id, {})[one.arm] = one
    whole = [found for found in said.values() if len(found) == len(run.info.arms)]
    if len(run.info.arms) < 2 or not whole:
        raise DatasetError(
            f"{folder} has no question on a picture that two arms have answered; it ran {', '.join(run.info.arms)}. "
            "Run the task with both arms, or add other answers with 'study run --answers'."
        )
    whole = _some(whole, limit, seed)
    answers = [
        Given(one.sample_id, candidate_in(run.info, arm), one.text, run.info.decoding)
        for found in whole
        for arm, one in found.items()
    ]
    return Batch(tuple(_of_prediction(next(iter(found.values()))) for found in whole), tuple(answers))


def candidate_in(info: scores.RunInfo, arm: Arm) -> Candidate:
    """Who answered in a run, with the hashes that it noted."""
    tuned = arm == "tuned"
    return Candidate(
        name=(info.adapter or info.model) if tuned else info.model,
        arm=arm,
        model=info.model,
        model_sha256=info.model_revision or "",
        adapter=(info.adapter or "") if tuned else "",
        adapter_sha256=(info.adapter_sha256 or "") if tuned else "",
        endpoint=info.endpoint or "",
        quantisation=info.quantization,
        prompt_version=info.prompt_version,
    )


def answers_from(path: Path, candidate: Candidate) -> tuple[Given, ...]:
    """Answers that somebody else drew: lines with `case` and `text`."""
    made = []
    for number, row in enumerate(_rows(path), 1):
        if not str(row.get("case", "")).strip() or "text" not in row:
            raise DatasetError(f"{path}, line {number}, has no case or no text. Write both.")
        made.append(Given(str(row["case"]), candidate, str(row["text"])))
    return tuple(made)


def with_scans(cases: Iterable[StudyCase], pictures: Pictures) -> Iterator[StudyCase]:
    """The cases with the SHA-256 of their pictures, each opened once. Raises `UserError` for one that cannot be."""
    for case in cases:
        yield checked_case(replace(case, scan=case.scan or pictures.scan(case).sha256))


def _some(these: list[Item], limit: int | None, seed: int) -> list[Item]:
    """All, or so many of them, drawn by seed, in their order."""
    if limit is None or limit >= len(these):
        return these
    return [these[place] for place in sorted(random.Random(seed).sample(range(len(these)), limit))]


def _case(row: Row, pictures: Pictures) -> StudyCase:
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        raise UserError(f"{', '.join(map(str, unknown))} is no column; there are {', '.join(COLUMNS)}.")
    text = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    if not text["image"]:
        raise UserError("it names no image.")
    source = text["image"] if text["image"].split(":")[0] in KINDS else f"file:{text['image']}"
    scan = pictures.found(source)
    case = StudyCase(
        id=text["id"] or f"{text['image']}: {text['question']}"[:120],
        question=text["question"],
        source=source,
        scan=scan.sha256,
        domain=domain_of(scan, text["domain"]),
        question_type=text["question_type"],
        reference=text["reference"],
        slice=_slice(text["slice"]),
        training=text["training"].lower() in YES,
        feedback=text["feedback"],
    )
    return checked_case(case)


def _slice(said: str) -> int | None:
    if not said:
        return None
    if not said.isdigit() or int(said) < 1:
        raise UserError(f"its slice is {said!r}; slices count from 1.")
    return int(said) - 1


def _rows(path: Path) -> list[Row]:
    """The rows of a CSV file with a header, or the objects of a JSON Lines file. Raises `UserError`."""
    if path.suffix.lower() == ".jsonl":
        if not path.is_file():
            raise DatasetError(f"{path} is not there. Name a CSV or JSON Lines file.")
        return list(scores.rows(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Name a CSV or JSON Lines file.") from error
    return [{key: value for key, value in row.items() if key} for row in csv.DictReader(StringIO(text))]


def _phantom_case(domain: Domain, number: int) -> StudyCase:
    texts = write(drawn(domain, number).truth, number, held_out_wordings=True)
    kinds = [one for one in texts.questions if one.kind in ASKED and not one.choices] or list(texts.questions)
    asked: Question = random.Random(number).choice(kinds)
    return StudyCase(
        id=f"phantom-{domain}-{number}",
        question=asked.text,
        source=f"phantom:{domain}:{number}",
        domain=domain,
        question_type=asked.kind,
        reference=asked.sentence,
    )


def _of_prediction(one: scores.Prediction) -> StudyCase:
    return StudyCase(
        id=one.sample_id,
        question=one.question,
        source=str(one.image),
        domain=one.domain,
        question_type=one.kind,
        reference=one.reference,
    )
