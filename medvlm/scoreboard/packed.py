"""Runs in little room: a whole run as one line for each question, small enough to be kept beside the code."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.folders import write_whole
from medvlm.scores import Prediction, Record, Run, Score
from medvlm.types import Arm

CASES = "cases.jsonl"
DIGITS = 5
NOT_ASKED = ""  # where a metric is not for that question; null is a score that could not be given
# What belongs to an answer; the rest of a prediction belongs to its question.
OF_ANSWERS = ("arm", "text", "tokens", "yes", "no")


def is_packed(folder: Path) -> bool:
    return (folder / CASES).is_file()


def pack(run: Run, folder: Path, metrics: Sequence[str] | None = None) -> Path:
    """Write a run with these metrics (default: all) to a folder that `unpack` and the Scores tab read.

    Times are left out, numbers rounded to five digits, so that the same answers are the same bytes.
    """
    kept = [one for one in run.scores if metrics is None or one.metric in metrics]
    info = replace(run.info, metrics=tuple(name for name in run.info.metrics if metrics is None or name in metrics))
    names = list(dict.fromkeys(one.metric for one in kept))
    given: dict[str, list[Score]] = {}
    for one in kept:
        given.setdefault(one.sample_id, []).append(one)
    rows = [_row(answers, given.get(name, []), names) for name, answers in _by_sample(run.predictions)]
    _write(folder / CASES, [{"metrics": names}, *rows])
    scores.write_info(folder, info)
    return folder


def unpack(folder: Path) -> Run:
    """The run that was packed, scores in the order of questions. Raises DatasetError where it is damaged."""
    info, path = scores.read_info(folder), folder / CASES
    head, *rows = scores.rows(path) or [{}]
    try:
        names = list(head["metrics"])
        predictions = tuple(one for row in rows for one in _predictions(row))
        made = tuple(one for row in rows for one in _scores(row, names))
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise DatasetError(f"{path} is damaged: {error!r}. Write it again with `python -m eval own`.") from error
    return Run(folder, info, predictions, made)


def read(folder: Path) -> Run:
    """A run folder of either kind. Raises DatasetError."""
    return unpack(folder) if is_packed(folder) else scores.read_run(folder)


def _by_sample(predictions: Sequence[Prediction]) -> Iterator[tuple[str, list[Prediction]]]:
    found: dict[str, list[Prediction]] = {}
    for one in predictions:
        found.setdefault(one.sample_id, []).append(one)
    yield from found.items()


def _row(answers: Sequence[Prediction], given: Sequence[Score], names: Sequence[str]) -> Record:
    """A question with its answers, and for each arm the values of all metrics in the order of the first line."""
    record = scores.row_of(answers[0])
    for name in OF_ANSWERS:
        record.pop(name, None)
    record["answers"] = {one.arm: _answer(one) for one in answers}
    if record["cluster"] == record["image"]:
        del record["cluster"]
    values: dict[Arm, list[float | str | None]] = {one.arm: [NOT_ASKED] * len(names) for one in answers}
    for score in given:
        values[score.arm][names.index(score.metric)] = None if score.value is None else _short(score.value)
    record["scores"] = values
    if reasons := [[names.index(s.metric), s.arm, s.reason] for s in given if s.reason]:
        record["reasons"] = reasons
    return record


def _answer(one: Prediction) -> Record:
    record = {"text": one.text, "tokens": one.tokens, "yes": one.yes, "no": one.no}
    return {name: value for name, value in record.items() if value is not None}


def _short(value: float) -> float:
    short = round(value, DIGITS)
    return int(short) if short == int(short) else short


def _predictions(row: Record) -> Iterator[Prediction]:
    asked = {name: value for name, value in row.items() if name not in ("answers", "scores", "reasons")}
    asked.setdefault("cluster", asked["image"])
    asked["choices"] = tuple(asked.get("choices", ()))
    for arm, answer in row["answers"].items():
        yield Prediction(arm=arm, **asked, **answer)


def _scores(row: Record, names: Sequence[str]) -> Iterator[Score]:
    reasons: dict[tuple[int, Arm], str] = {(number, arm): why for number, arm, why in row.get("reasons", ())}
    for arm, values in row["scores"].items():
        for number, value in enumerate(values):
            if value != NOT_ASKED:
                yield Score(row["sample_id"], arm, names[number], value, reasons.get((number, arm), ""))


def _write(path: Path, rows: Sequence[Record]) -> None:
    """All lines, whole or not at all."""
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    write_whole(path, "".join(lines).encode())
