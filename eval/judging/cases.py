"""What a judge is told of each answer of a run: question, reference, answer, and what is known of the picture."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.nano.drawn import caption_of
from medvlm.datasets.places import file
from medvlm.errors import ConfigError, DatasetError
from medvlm.judging.rubrics import JudgeCase, Rubric
from medvlm.metrics.text import normalised
from medvlm.scores import Prediction, Run
from medvlm.types import Arm

CHAT, CHAT_FILE = "llava_med_chat", "llava_med_eval_qa50_qa.jsonl"


@dataclass(frozen=True, slots=True)
class Context:
    """What stands for the picture: its caption, and the sentences of a paper about it."""

    caption: str = ""
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One case to judge. `arm`: whose answer it is; of a pair, the tuned arm's."""

    sample_id: str
    arm: Arm
    cluster: str
    case: JudgeCase


def contexts(run: Run, path: Path | None) -> dict[str, Context]:
    """Sample id -> context: from a file of one's own, else LLaVA-Med's chat test, else drawn pictures' captions."""
    if path is not None:
        return from_file(path)
    if run.info.dataset == CHAT:
        return chat_contexts()
    drawn = {p.image: p for p in run.predictions if p.image is not None and p.image.startswith("phantom:")}
    told = {name: Context(caption_of(name)) for name in drawn}
    return {p.sample_id: told[p.image] for p in run.predictions if p.image in told and p.image is not None}


def from_file(path: Path) -> dict[str, Context]:
    """JSON Lines of {"id": ..., "caption": ..., "mentions": [...]}, as `make-chat` writes them. Raises DatasetError."""
    made = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            row = json.loads(line)
            made[str(row["id"])] = Context(str(row.get("caption", "")), tuple(map(str, row.get("mentions", ()))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f'{path}, line {number}: {error!r}. Each line is {{"id": ..., "caption": ..., "mentions": [...]}}.'
            ) from error
    return made


def chat_contexts() -> dict[str, Context]:
    """Caption and mentions of each of LLaVA-Med's 193 questions. Raises DatasetError where they are not here."""
    path = file(CHAT, CHAT_FILE)
    rows: list[dict[str, Any]] = [json.loads(line) for line in _lines(path)]
    return {
        f"{CHAT}-{row['question_id']}": Context(
            row.get("fig_caption") or "", tuple(one["tokens"] for one in row.get("in_text_mention") or ())
        )
        for row in rows
    }


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}. Give a file with --context.") from error


def cases(run: Run, rubric: Rubric, told: dict[str, Context], against: Run | None = None) -> list[Asked]:
    """Everything that the rubric judges: each answer, or each pair of base and tuned (or of two runs).

    Raises ConfigError for a pair that is not there.
    """
    if rubric.shape == "preference":
        return paired(run, told, against)
    return [Asked(p.sample_id, p.arm, p.cluster, case(p, told.get(p.sample_id, Context()))) for p in run.predictions]


def paired(run: Run, told: dict[str, Context], against: Run | None) -> list[Asked]:
    """The base's answer first, the tuned one's second; or this run's tuned arm against that of another run."""
    tuned = {p.sample_id: p for p in run.predictions if p.arm == "tuned"}
    base = {p.sample_id: p for p in run.predictions if p.arm == "base"}
    if against is not None:
        base = {p.sample_id: p for p in best_arm(against.predictions)}
        tuned = tuned or {p.sample_id: p for p in best_arm(run.predictions)}
    shared = [p for name, p in tuned.items() if name in base]
    if not shared:
        raise ConfigError(
            f"{run.info.name} has no pairs of answers. Judge a run with both arms, or name another one with --against."
        )
    return [
        Asked(p.sample_id, "tuned", p.cluster, case(base[p.sample_id], told.get(p.sample_id, Context()), p.text))
        for p in shared
    ]


def best_arm(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The tuned arm's where there is one, else the base's."""
    arm = "tuned" if any(p.arm == "tuned" for p in predictions) else "base"
    return [p for p in predictions if p.arm == arm]


def case(prediction: Prediction, context: Context, other: str = "") -> JudgeCase:
    return JudgeCase(
        prediction.question, prediction.text, prediction.reference, other, context.caption, context.mentions
    )


def same_answers(case: JudgeCase) -> bool:
    """Whether a pair is no pair: both say the same words."""
    return normalised(case.answer) == normalised(case.other)
