"""What is kept of a judge's work on one run: every raw reply with its verdict, and under which rubric and decoding.

Beside the run's own files stand `judge.RUBRIC.JUDGE.json` (who judged, and how) and `judge.RUBRIC.JUDGE.jsonl` (one
line a judgement, appended as they come).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from medvlm import scores
from medvlm.errors import ConfigError, DatasetError
from medvlm.judging.judgement import BothOrders, Judgement
from medvlm.judging.rubrics import RUBRICS, Rubric
from medvlm.judging.verdicts import Errors, FoundError, OneScore, Preferred, TwoScores, Unparsed, Verdict
from medvlm.scores import Record
from medvlm.types import Arm, Decoding

# "swapped": the two answers (or the reference and the answer) changed places.
Order = Literal["forward", "swapped"]
KINDS: dict[str, type[Any]] = {
    "two scores": TwoScores,
    "one score": OneScore,
    "preference": Preferred,
    "errors": Errors,
    "unparsed": Unparsed,
}
LABEL = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class JudgeInfo:
    """Who judged a run, and how. `judge`: the label by which its files are named; `model`: what its server calls it.

    `prompt_version` is the rubrics'. `system`: the system prompt word for word.
    """

    judge: str
    model: str
    endpoint: str
    rubric: str
    decoding: Decoding
    prompt_version: int
    system: str
    created: str
    software: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement. `arm`: whose answer; of a pair it is the tuned arm's, and "first" in `forward` is the base's.

    `repeat`: 0 for the judgement that counts, 1 and up for the same asked again.
    """

    sample_id: str
    arm: Arm
    order: Order
    repeat: int
    judgement: Judgement

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.sample_id, self.arm, self.order, self.repeat


@dataclass(frozen=True, slots=True)
class JudgeFiles:
    """Where one judge's work on one run stands."""

    run: Path
    rubric: str
    judge: str

    @property
    def stem(self) -> str:
        return f"{self.rubric}.{self.judge}"

    @property
    def info(self) -> Path:
        return self.run / f"judge.{self.stem}.json"

    @property
    def rows(self) -> Path:
        return self.run / f"judge.{self.stem}.jsonl"

    @property
    def scores(self) -> Path:
        """Read by `medvlm.scores.read_run` with the run's own scores."""
        return self.run / f"scores.judge.{self.stem}.jsonl"

    @property
    def summary(self) -> Path:
        return self.run / f"summary.judge.{self.stem}.json"

    @property
    def prefix(self) -> str:
        """What the metrics of this judge begin with."""
        return f"judge_{self.rubric}_{self.judge}".replace("-", "_")


def files(run: Path, rubric: str, judge: str) -> JudgeFiles:
    """Raises ConfigError for a label that cannot stand in a file's name, or an unknown rubric."""
    if not LABEL.fullmatch(judge):
        raise ConfigError(f"--judge {judge!r} cannot name a file; use small letters, digits and hyphens.")
    if rubric not in RUBRICS:
        raise ConfigError(f"--rubric {rubric!r} is not known; use {', '.join(RUBRICS)}.")
    return JudgeFiles(run, rubric, judge)


def found(run: Path) -> Iterator[JudgeFiles]:
    """The work of every judge on a run, by name."""
    for path in sorted(run.glob("judge.*.json")):
        _, rubric, judge, _ = path.name.split(".")
        yield JudgeFiles(run, rubric, judge)


def begin(where: JudgeFiles, info: JudgeInfo) -> None:
    """Write who judges; a second call must be the same judge, asked the same way. Raises ConfigError."""
    record = asdict(info)
    kept = scores.read(where.info)
    if kept is None:
        scores.write(where.info, record)
        return
    apart = [name for name, value in record.items() if name not in ("created", "software") and kept.get(name) != value]
    if apart:
        raise ConfigError(
            f"{where.info.name} was begun with another {', '.join(apart)}. Give this judge a label of its own with "
            "--judge NAME, or delete its files."
        )


def read_info(where: JudgeFiles) -> JudgeInfo:
    """Raises DatasetError where it is missing or damaged."""
    record = scores.read(where.info)
    try:
        assert record is not None
        return JudgeInfo(**{**record, "decoding": Decoding(**record["decoding"])})
    except (AssertionError, TypeError, KeyError) as error:
        raise DatasetError(f"{where.info} is missing or damaged ({error}). Judge the run again.") from error


def read(where: JudgeFiles) -> list[Judged]:
    """Every judgement in the order in which they came. Raises DatasetError where the file is damaged."""
    return [_judged(row, where.rows) for row in scores.rows(where.rows)]


def row(one: Judged) -> Record:
    verdict = one.judgement.verdict
    kind = next(name for name, type_ in KINDS.items() if isinstance(verdict, type_))
    return {
        "sample_id": one.sample_id,
        "arm": one.arm,
        "order": one.order,
        "repeat": one.repeat,
        "verdict": {"kind": kind, **asdict(verdict)},
        "replies": list(one.judgement.replies),
    }


def _judged(record: Record, path: Path) -> Judged:
    try:
        verdict = _verdict(dict(record["verdict"]))
        judgement = Judgement(verdict, tuple(record["replies"]))
        return Judged(record["sample_id"], record["arm"], record["order"], int(record["repeat"]), judgement)
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error!r}). Delete it and judge the run again.") from error


def _verdict(record: dict[str, Any]) -> Verdict:
    kind = KINDS[record.pop("kind")]
    if kind is Errors:
        return Errors(tuple(FoundError(**one) for one in record["found"]))
    made: Verdict = kind(**record)
    return made


def reread(rubric: Rubric, one: Judged) -> Verdict:
    """What the rubric's parser of today makes of the last raw reply: to see whether a verdict still stands."""
    return rubric.parse(one.judgement.replies[-1]) if one.judgement.replies else one.judgement.verdict


def pairs(judged: Mapping[tuple[str, str, str, int], Judged]) -> Iterator[tuple[tuple[str, str], BothOrders]]:
    """(sample id, arm) -> both orders, where both are there; only the judgements that count."""
    for (sample, arm, order, repeat), one in judged.items():
        other = judged.get((sample, arm, "swapped", repeat))
        if order == "forward" and repeat == 0 and other is not None:
            yield (sample, arm), BothOrders(one.judgement, other.judgement)
