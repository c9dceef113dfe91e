"""Run folders and score files: predictions appended line by line, results written whole, readable after any kill."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from medvlm.errors import DatasetError
from medvlm.statistics import Interval, wilson
from medvlm.types import Arm, Decoding, Domain

# A JSON object.
Record = dict[str, Any]

RUN, PREDICTIONS, SCORES, TIMING = "run.json", "predictions.jsonl", "scores.jsonl", "timing.jsonl"
SCHEMA = 1
# "running": answers are still missing, or the work was killed; the same command goes on. "finished": all is there.
State = Literal["running", "finished"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What one evaluation run was made with: everything that a repeat needs (`run.json`).

    `model`: catalog, hub or folder name of the base (with `endpoint`: what the server calls the base); `adapter` the
    name of the tuned arm, None for the base alone. `model_revision` and `adapter_sha256` are hashes of weights, None
    where a server keeps them to itself. `prompt` names the system prompt whose words are in `system`. `data_sha256`
    changes with any question, reference or picture. `real`: pictures of patients or specimens, not drawings; None
    where the data set has no pictures or does not say. `fingerprint` is equal where the same was asked of the same
    weights. `created`: ISO 8601, UTC. `notes`: sentences that must stand beside any score, such as what the leakage
    audit found.
    """

    name: str
    task: str
    dataset: str
    split: str
    real: bool | None
    samples: int
    arms: tuple[Arm, ...]
    model: str
    model_revision: str | None
    adapter: str | None
    adapter_sha256: str | None
    endpoint: str | None
    quantization: str
    compute_dtype: str
    prompt: str
    prompt_version: int
    system: str
    decoding: Decoding
    limit: int | None
    metrics: tuple[str, ...]
    data_sha256: str
    fingerprint: str
    seeds: dict[str, int]
    versions: dict[str, str]
    hardware: str
    git_commit: str
    created: str
    state: State
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Prediction:
    """One arm's answer to one question, with what is needed to score and show it (a line of `predictions.jsonl`).

    `image`: the picture's name as `eval run` takes it ("vqa_rad:synpic1.jpg", "phantom:ct:7"), None without one.
    `cluster`: answers of one cluster (one picture) are not independent. `yes`, `no`: the probability mass on these as
    the first word, None where a server does not tell. `seconds`: its share of the batch it was answered in; from
    `timing.jsonl`, so that the other files are the same bytes on every run.
    """

    sample_id: str
    arm: Arm
    text: str
    tokens: int
    question: str
    reference: str
    domain: Domain
    kind: str
    closed: bool
    image: str | None
    cluster: str
    choices: tuple[str, ...] = ()
    free_form: bool = True
    about: str | None = None
    held_out: bool = False
    yes: float | None = None
    no: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one answer (a line of `scores.jsonl`). `value` None: not scored, and `reason` says why; never 0.

    `metric` is a name in `medvlm.metrics.METRICS`, or one that a judge or a probe wrote and documents.
    """

    sample_id: str
    arm: Arm
    metric: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder as read: predictions in the order asked, base before tuned where both were."""

    folder: Path
    info: RunInfo
    predictions: tuple[Prediction, ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A run folder that cannot be read, and why, as it is listed beside the others."""

    folder: Path
    reason: str


def read_run(folder: Path) -> Run:
    """One run folder; a running one has the predictions that are there and no scores. Raises DatasetError.

    Scores come from `scores.jsonl` and from every `scores.NAME.jsonl` beside it, which judges and probes write.
    """
    info = read_info(folder)
    files = (folder / SCORES, *sorted(folder.glob("scores.*.jsonl")))
    given = [_built(Score, row, file) for file in files for row in rows(file)]
    return Run(folder, info, tuple(read_predictions(folder)), tuple(given))


def read_finished(folder: Path) -> Run:
    """A run with all its answers, for what is worked out of them. Raises DatasetError where some are still missing."""
    run = read_run(folder)
    if run.info.state != "finished":
        raise DatasetError(f"{folder} is unfinished. Give the `python -m eval run` that began it again, then this.")
    return run


def read_predictions(folder: Path) -> list[Prediction]:
    """The answers of a run folder, with their times where these are known. Raises DatasetError."""
    seconds = {(row.get("sample_id"), row.get("arm")): row.get("seconds") for row in rows(folder / TIMING)}
    found = [_built(Prediction, row, folder / PREDICTIONS) for row in rows(folder / PREDICTIONS)]
    return [replace(one, seconds=seconds.get((one.sample_id, one.arm))) for one in found]


def read_info(folder: Path) -> RunInfo:
    """What `run.json` says. Raises DatasetError where it is missing, damaged or of another schema."""
    record = read(folder / RUN)
    if record is None:
        raise DatasetError(f"{folder} is no run: it has no {RUN}. Give a folder that `python -m eval run` wrote.")
    if record.get("schema") != SCHEMA:
        raise DatasetError(
            f"{folder / RUN} has schema {record.get('schema')!r}; this version reads {SCHEMA}. Run the task again."
        )
    info = _built(RunInfo, record, folder / RUN)
    if info.state not in get_args(State):
        raise DatasetError(f"{folder / RUN} says state {info.state!r}; run the task again.")
    return info


def runs(root: Path) -> Iterator[Run | Broken]:
    """Every run below a folder, by name; one that cannot be read is told, and never hides the others."""
    for path in sorted(root.rglob(RUN)):
        try:
            yield read_run(path.parent)
        except (DatasetError, OSError) as error:
            yield Broken(path.parent, str(error))


def write_info(folder: Path, info: RunInfo) -> Path:
    return write(folder / RUN, asdict(info))


def row_of(value: Prediction | Score) -> Record:
    """A prediction or a score as its line holds it: without time, and without fields that say nothing."""
    defaults = DEFAULTS[type(value).__name__]
    record = {name: one for name, one in asdict(value).items() if name not in defaults or one != defaults[name]}
    record.pop("seconds", None)
    return record


DEFAULTS: dict[str, Mapping[str, Any]] = {
    kind.__name__: {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    for kind in (Prediction, Score)
}
T = TypeVar("T", RunInfo, Prediction, Score)
# Fields that JSON holds as lists or objects.
_CONVERTED: dict[str, Any] = {
    "arms": tuple,
    "metrics": tuple,
    "notes": tuple,
    "choices": tuple,
    "decoding": lambda record: Decoding(**record),
}


def _built(kind: type[T], record: Record, path: Path) -> T:
    """The dataclass of a JSON object. Raises DatasetError that names what is missing or unknown."""
    try:
        return kind(**{n: _CONVERTED[n](v) if n in _CONVERTED else v for n, v in record.items()})
    except TypeError as error:
        raise DatasetError(f"{path} is damaged: {error}. Delete it and run the evaluation again.") from error


def append(path: Path, rows: Iterable[Record]) -> None:
    """Add rows to a JSON Lines file and see to it that they are on the disk. What a kill left torn is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with path.open("a+b") as file:
        file.truncate(_whole(path))
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def write_rows(path: Path, rows: Iterable[Record]) -> Path:
    """A JSON Lines file, whole or not at all; left alone where it holds these very lines."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if not path.is_file() or path.read_bytes() != text:
        _replace(path, text)
    return path


def rows(path: Path) -> list[Record]:
    """The whole lines of a JSON Lines file; none where there is no file. Raises DatasetError if one is no JSON."""
    if not path.is_file():
        return []
    lines = path.read_bytes()[: _whole(path)].decode().splitlines()
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise DatasetError(f"{path} is damaged: {error}. Delete it and run the evaluation again.") from error


def _whole(path: Path) -> int:
    """The length up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1


def write(path: Path, record: Record) -> Path:
    """A JSON file, whole or not at all; keys in the order given, so that equal results are equal bytes."""
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return _replace(path, text.encode())


def write_text(path: Path, text: str) -> Path:
    """A text file, whole or not at all."""
    return _replace(path, text.encode())


def _replace(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    return Path(temporary).replace(path)


def read(path: Path) -> Record | None:
    """The record of a score file, None where there is none. Raises DatasetError when it is damaged."""
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path} is damaged: {error}. Delete it and run the evaluation again.") from error
    if not isinstance(record, dict):
        raise DatasetError(f"{path} holds no record but {type(record).__name__}. Run the evaluation again.")
    return record


def share(hits: int, n: int) -> Record:
    """A count as it is kept: hits, n, and the share with its Wilson interval (null for no trials)."""
    return {"hits": hits, "n": n, **interval(wilson(hits, n))}


def interval(one: Interval | None) -> Record:
    """value, low and high, rounded to 5 digits; all null where there is nothing to estimate."""
    if one is None:
        return {"value": None, "low": None, "high": None}
    return {name: round(value, 5) for name, value in asdict(one).items()}
