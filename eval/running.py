"""One run, from questions to scores: killed anywhere, the next call goes on and ends with the same files.

Answers are appended as they come, a window at a time, both arms; at the end everything is written in the order in which
one process alone would have written it. Times are kept apart, for they are the only thing that differs from run to run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten

from eval.answering import Answerer, Said, answered, to_arms
from eval.asking import Progress
from eval.crew import ALONE, Crew
from eval.items import Item, Put, windows
from eval.nano.tasks import Case
from eval.run_info import CONDITIONS, IDENTITY
from medvlm import scores
from medvlm.errors import ConfigError
from medvlm.metrics.profiles import METRICS
from medvlm.metrics.profiles import Item as Scored
from medvlm.scores import PREDICTIONS, SCORES, TIMING, Prediction, Record, RunInfo, Score
from medvlm.types import Arm

Key = tuple[str, Arm]


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: where, with what, which questions, and by whom."""

    folder: Path
    info: RunInfo
    cases: Sequence[Case]
    crew: Crew = ALONE

    @property
    def windows(self) -> list[list[Item]]:
        return windows([case.item for case in self.cases])


def begin(work: Work) -> RunInfo:
    """Write run.json, or take up the run that stands there; the description that holds from now on.

    Raises ConfigError where another run stands there. Code, libraries or hardware that changed since are noted.
    """
    if not (work.folder / scores.RUN).is_file():
        scores.write_info(work.folder, work.info)
        return work.info
    old = scores.read_info(work.folder)
    if old.fingerprint != work.info.fingerprint:
        named = ", ".join(f"{name} was {was}, is {now}" for name, was, now in _differences(old, work.info))
        raise ConfigError(f"{work.folder} holds another run ({named}). Give another --name, or remove that folder.")
    changed = [name for name in CONDITIONS if getattr(old, name) != getattr(work.info, name)]
    note = f"Went on under other conditions than it began with: {', '.join(changed)}."
    if changed and old.state == "running" and note not in old.notes:
        old = replace(old, notes=(*old.notes, note))
        scores.write_info(work.folder, old)
    return old


def _differences(old: RunInfo, new: RunInfo) -> Iterator[tuple[str, str, str]]:
    """What makes them two runs: the field, and both values, cut to a readable length."""
    for name in IDENTITY:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield name, shorten(repr(was), 80), shorten(repr(now), 80)


def answer(work: Work, ready: Callable[[], Answerer]) -> None:
    """Answer what has no answer yet, this process's share of it. `ready` is called once, if there is anything left."""
    known = set(kept(work.folder))
    mine = [window for number, window in enumerate(work.windows) if work.crew.takes(number)]
    total = sum(len(window) for window in mine) * len(work.info.arms)
    done = sum((item.id, arm) in known for window in mine for item in window for arm in work.info.arms)
    if done == total:
        return
    progress, answerer = Progress(work.info.task, total, done), ready()
    for window in mine:
        asked = to_arms(window, work.info.arms)
        missing = {(item, arm) for item, arm in asked if (item.id, arm) not in known}
        for count in _window(work, answerer, asked, missing) if missing else ():
            progress.tell(count)


def _window(work: Work, answerer: Answerer, asked: Sequence[Put], missing: set[Put]) -> Iterator[int]:
    """Answer what is missing of a window and keep it, a batch at a time; how many were kept."""
    wanted = {item.id for item, _ in missing}
    cases = {case.item.id: case for case in work.cases if case.item.id in wanted}
    for said, seconds in answered(answerer, asked, missing, work.info.decoding):
        rows = [scores.row_of(prediction(cases[item.id], arm, one)) for (item, arm), one in said]
        times: list[Record] = [{"sample_id": item.id, "arm": arm, "seconds": seconds} for (item, arm), _ in said]
        scores.append(work.folder / _part(PREDICTIONS, work.crew), rows)
        scores.append(work.folder / _part(TIMING, work.crew), times)
        yield len(said)


def _part(file: str, crew: Crew) -> str:
    """Where this process appends: the file itself, or a part of its own."""
    stem, dot, kind = file.rpartition(".")
    return file if crew.count == 1 else f"{stem}.part-{crew.index}{dot}{kind}"


def _files(folder: Path, file: str) -> list[Path]:
    return [folder / file, *sorted(folder.glob(f"{file.rpartition('.')[0]}.part-*.jsonl"))]


def kept(folder: Path) -> dict[Key, Record]:
    """(question, arm) -> its row, from every process that ever worked here."""
    found: dict[Key, Record] = {}
    for path in _files(folder, PREDICTIONS):
        found |= {(row["sample_id"], row["arm"]): row for row in scores.rows(path)}
    return found


def prediction(case: Case, arm: Arm, said: Said) -> Prediction:
    return Prediction(
        sample_id=case.item.id,
        arm=arm,
        text=said.text,
        tokens=said.tokens,
        question=case.item.question,
        reference=case.reference,
        domain=case.domain,
        kind=case.kind,
        closed=case.closed,
        image=case.item.picture,
        cluster=case.cluster,
        choices=case.choices,
        free_form=case.free_form,
        about=case.about,
        held_out=case.held_out,
        yes=said.yes,
        no=said.no,
    )


def finish(work: Work, info: RunInfo) -> RunInfo:
    """Put the parts together in one order, score them, and call the run finished; only the first process does.

    Raises ConfigError where answers are missing, as when another process of the crew was killed.
    """
    found = kept(work.folder)
    order = [(item.id, arm) for window in work.windows for arm in info.arms for item in window]
    if gone := [key for key in order if key not in found]:
        raise ConfigError(f"{len(gone)} of {len(order)} answers are missing. Give the same command again to go on.")
    scores.write_rows(work.folder / PREDICTIONS, [found[key] for key in order])
    times = {(r["sample_id"], r["arm"]): r for path in _files(work.folder, TIMING) for r in scores.rows(path)}
    scores.write_rows(work.folder / TIMING, [times[key] for key in order if key in times])
    predictions = scores.read_predictions(work.folder)
    scores.write_rows(work.folder / SCORES, [scores.row_of(s) for p in predictions for s in scored(p, info.metrics)])
    done = replace(info, state="finished")
    scores.write_info(work.folder, done)
    for path in (*_files(work.folder, PREDICTIONS)[1:], *_files(work.folder, TIMING)[1:]):
        path.unlink()
    return done


def scored(one: Prediction, metrics: Sequence[str]) -> Iterator[Score]:
    """Every metric that is for this question; None, with the reason, where it cannot score the answer."""
    item = Scored(one.text, one.reference, one.closed, one.choices)
    for name in metrics:
        if METRICS[name].scores(item):
            value = METRICS[name].score(item) if one.reference else None
            yield Score(one.sample_id, one.arm, name, value, "" if value is not None else unscored(one))


def unscored(one: Prediction) -> str:
    """Why an answer has no score."""
    if not one.reference:
        return "there is no reference"
    if not one.text:
        return "the answer is empty"
    return "the answer cannot be read as a possible one" if one.closed else "the metric cannot read this answer"
