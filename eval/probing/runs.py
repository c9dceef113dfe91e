"""Probes that read finished runs: a point a run, `RUN=AMOUNT` on the command line, as `eval run` wrote them."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from medvlm import scores
from medvlm.errors import ConfigError, DatasetError
from medvlm.probes.curves import Point
from medvlm.probes.registry import reading
from medvlm.scores import Record, Run
from medvlm.types import Arm

METRIC = "strict_closed"


def written(probe: str, named: Sequence[str], metric: str, root: Path, arm: Arm = "tuned") -> Path:
    """Read the named runs and write the probe's figures and points to one file below `root`; that file."""
    points = [point(text, metric, arm, wants_amount=probe != "repeats") for text in named]
    runs = [scores.read_run(folder_of(text)) for text in named]
    same_task(runs)
    chosen = reading()[probe]
    if len(points) < chosen.fewest:
        raise ConfigError(f"{chosen.title} takes at least {chosen.fewest} runs; {len(points)} was named.")
    record: Record = {
        "probe": probe,
        "title": chosen.title,
        "metric": metric,
        "arm": arm,
        "task": runs[0].info.task,
        "points": [{"run": one.name, "amount": one.amount, **asdict(one.mean)} for one in points],
        "figures": {name: asdict(figure) for name, figure in chosen.figures(points).items()},
    }
    key = hashlib.sha256(f"{probe} {metric} {sorted(named)}".encode()).hexdigest()[:8]
    return scores.write(root / "curves" / f"{probe}-{key}.json", record)


def folder_of(text: str) -> Path:
    return Path(text.rpartition("=")[0] or text)


def point(text: str, metric: str, arm: Arm, wants_amount: bool) -> Point:
    """ "runs/a=600" as a point. Raises ConfigError for an amount that is none, DatasetError without scores."""
    folder, amount = folder_of(text), None
    if wants_amount:
        try:
            amount = float(text.rpartition("=")[2])
        except ValueError:
            raise ConfigError(f"{text!r} gives no amount; write RUN=AMOUNT, such as {folder}=600.") from None
    run = scores.read_run(folder)
    values = {s.sample_id: s.value for s in run.scores if s.metric == metric and s.arm == arm and s.value is not None}
    if not values:
        known = ", ".join(sorted({score.metric for score in run.scores if score.arm == arm})) or "nothing"
        raise DatasetError(f"{folder} has no scores {metric!r} of the {arm} arm; it has {known}. Choose with --metric.")
    clusters = {one.sample_id: one.cluster for one in run.predictions}
    return Point(run.info.name, amount, values, {name: clusters[name] for name in values})


def same_task(runs: Sequence[Run]) -> None:
    """Raises ConfigError where the runs asked different things: their scores cannot stand on one curve."""
    asked = {(run.info.task, run.info.data_sha256): run.info.name for run in runs}
    if len(asked) > 1:
        names = " and ".join(asked.values())
        raise ConfigError(f"{names} were asked different questions. Run one task with every checkpoint.")
