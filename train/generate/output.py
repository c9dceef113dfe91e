"""The folder that a job writes: rows and pictures that `own:FOLDER` reads, and beside them what came of the job."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medvlm import scores
from medvlm.claims.statements import Exchange
from medvlm.errors import ConfigError, UserError
from medvlm.plots import generated as plots_generated
from medvlm.scores import Record
from train.generate.counting import Counts
from train.generate.faults import Fault
from train.generate.making import Request
from train.generate.prompts import PROMPT_VERSION
from train.generate.sources import ROWS

JOB, REPORT, STATISTICS, PAGE = "job.json", "report.json", "statistics.json", "statistics.html"
REPLIES = Path("teacher") / "replies.jsonl"
PICTURES = "pictures"


class Output:
    """Rows appear in `data.jsonl` all together, at the end; a killed job leaves the file of the job before it."""

    def __init__(self, folder: Path, job: Record) -> None:
        """`job`: what identifies it. Raises ConfigError where the folder holds another job's data."""
        self.folder, self.job = folder, job
        kept = scores.read(folder / JOB)
        if kept is not None and kept != job:
            apart = sorted(name for name in {*job, *kept} if job.get(name) != kept.get(name))
            raise ConfigError(
                f"{folder} holds data of another job: its {', '.join(apart)} differ. Give --out another folder, or "
                "delete this one."
            )
        scores.write(folder / JOB, job)
        self._part = folder / f".{ROWS}.part"
        self._file = self._part.open("w", encoding="utf-8")
        self.counts = Counts()

    def keep(self, due: Request, said: tuple[Exchange, ...]) -> Fault | None:
        """Write one dialogue, a row for each exchange; its picture goes first."""
        source = due.source
        if source.picture is not None and not self._picture(due):
            return "picture"
        for number, one in enumerate(said, 1):
            self._file.write(json.dumps(self._row(due, number, one), ensure_ascii=False) + "\n")
        self.counts.add(source.domain, due.kind, said)
        return None

    def _picture(self, due: Request) -> bool:
        path = self.folder / PICTURES / due.source.name
        if path.is_file() or due.source.picture is None:
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_bytes(due.source.picture())
        except (UserError, FileNotFoundError):
            return False
        part.replace(path)
        return True

    def _row(self, due: Request, number: int, one: Exchange) -> Record:
        source = due.source
        first = {} if not source.made_by else {"made_by": source.made_by}
        return {
            "id": f"{source.id}-{due.kind.split()[0]}-{number}",
            "image": f"{PICTURES}/{source.name}" if source.name else "",
            "question": one.question,
            "answer": one.answer,
            "domain": source.domain,
            "kind": due.kind,
            "split": "train",
            "source": source.id,
            "article": source.article,
            "licence": source.licence,
            "credit": source.credit,
            "task": self.job["task"],
            "teacher": self.job["teacher"],
            "prompt_version": PROMPT_VERSION,
            **first,
            "caption": source.caption,
            "mentions": list(source.mentions),
        }

    def finish(self, report: Mapping[str, Any]) -> Path:
        """Put everything in its place; without a single dialogue there is no `data.jsonl`."""
        self._file.close()
        data = self.folder / ROWS
        if self.counts.dialogues:
            self._part.replace(data)
        else:
            self._part.unlink()
            data.unlink(missing_ok=True)
        scores.write(self.folder / STATISTICS, self.counts.record())
        plots_generated.write(self.counts.record(), self.folder / PAGE)
        scores.write(self.folder / REPORT, {**self.job, **report})
        return data
