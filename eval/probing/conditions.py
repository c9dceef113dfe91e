"""The conditions of a probed run as runs of their own, so that they can be looked at and compared like any other.

One folder beside the probed run for the set as asked ("probe-set") and one for each change that every question can be
asked under ("probe-set:swapped"); the questions keep their ids, so that tables can pair them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.running import scored
from medvlm import scores
from medvlm.metrics.profiles import METRICS
from medvlm.probes.asked import OWN
from medvlm.probes.registry import PROBES
from medvlm.scores import PREDICTIONS, SCORES, Prediction, RunInfo

TASK = "probe-set"
CONDITIONS = (OWN, "swapped", "swapped-in-domain", "blank", "mirrored", "expert")


def write(folder: Path, info: RunInfo) -> list[Path]:
    """The folders of all conditions that were asked; `info` describes the probed run in `folder`, which is finished."""
    kept = scores.read_predictions(folder)
    made = []
    for condition in CONDITIONS:
        if found := under(kept, condition):
            made.append(_write(folder.parent, described(info, condition, found), found))
    return made


def under(kept: Sequence[Prediction], condition: str) -> list[Prediction]:
    """The answers under one condition, by the questions' own ids."""
    start = f"{condition}/{condition}/"
    return [replace(p, sample_id=p.sample_id.removeprefix(start)) for p in kept if p.sample_id.startswith(start)]


def described(info: RunInfo, condition: str, found: Sequence[Prediction]) -> RunInfo:
    """The record of one condition's run."""
    as_asked = condition == OWN
    notes = () if as_asked else (PROBES[condition].definition,)
    return replace(
        info,
        name=f"{info.name}-{'as-asked' if as_asked else condition}",
        task=TASK if as_asked else f"{TASK}:{condition}",
        samples=len({p.sample_id for p in found}),
        metrics=tuple(METRICS),
        fingerprint=hashlib.sha256(f"{info.fingerprint} {condition}".encode()).hexdigest(),
        notes=(*info.notes, *notes),
        state="finished",
    )


def _write(root: Path, info: RunInfo, found: Sequence[Prediction]) -> Path:
    folder = root / info.name
    scores.write_rows(folder / PREDICTIONS, [scores.row_of(p) for p in found])
    scores.write_rows(folder / SCORES, [scores.row_of(s) for p in found for s in scored(p, info.metrics)])
    scores.write_info(folder, info)
    return folder
