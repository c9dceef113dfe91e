"""What judges wrote about one answer, word for word, from the files beside its run."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from medvlm.errors import UserError
from medvlm.judging import records
from medvlm.judging.records import Judged
from medvlm.types import Arm


@dataclass(frozen=True, slots=True)
class Reply:
    """One judgement: by which rubric and judge, in which order and repeat, and every raw reply; the last one counts."""

    judge: str
    how: str
    replies: tuple[str, ...]


def replies(folder: Path, sample: str, arm: Arm) -> list[Reply]:
    """All of this answer; none where no judge was asked, or its file cannot be read."""
    try:
        found = list(records.found(folder))
        return [_reply(one, where.stem) for where in found for one in _of(where, sample, arm)]
    except (UserError, OSError, ValueError):
        return []


def _of(where: records.JudgeFiles, sample: str, arm: Arm) -> list[Judged]:
    changed = where.rows.stat().st_mtime_ns if where.rows.is_file() else 0
    return [one for one in _read(where, changed) if one.sample_id == sample and one.arm == arm]


@lru_cache(maxsize=16)
def _read(where: records.JudgeFiles, changed: int) -> tuple[Judged, ...]:
    """`changed` is when the file was: another time is another reading."""
    return tuple(records.read(where))


def _reply(one: Judged, judge: str) -> Reply:
    again = f", asked again ({one.repeat})" if one.repeat else ""
    return Reply(judge, f"{one.order} order{again}", one.judgement.replies)
