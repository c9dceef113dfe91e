"""`python -m train generate TASK SOURCE --out FOLDER --teacher TEACHER`: from the command line to a finished folder."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from medvlm.endpoint import Budget, Patience
from medvlm.errors import UserError
from medvlm.remote import RemoteModel
from medvlm.teacher import Teacher
from medvlm.types import ChatModel
from train.generate import counting, faults, plan, rules, sources
from train.generate.align import Align
from train.generate.filtering import Filter
from train.generate.instruct import Instruct
from train.generate.making import Shelf, Tally, Task, make
from train.generate.output import REPLIES, Output
from train.generate.plan import Plan
from train.generate.prompts import PROMPT_VERSION
from train.generate.reason import Reason, each
from train.generate.sources import Source

EVERY = 5.0  # seconds from one line of progress to the next


def run(chosen: argparse.Namespace) -> int:
    """Make the data, and print what came of it; 1 where nothing could be kept or the work ended before its time."""
    given = {"count": chosen.count, "seed": chosen.seed, "mentions": chosen.mentions}
    wanted = plan.read(chosen.task, chosen.config, {key: one for key, one in given.items() if one is not None})
    ready = list(prepared(chosen.source, wanted))
    if not ready:
        raise UserError(f"{chosen.source} holds nothing to make data from.")
    shelf = Shelf(ready, plan.wanted(wanted, len(ready)), None if wanted.task == "filter" else wanted.seed)
    with opened(chosen) as teacher:
        name = teacher.name if teacher else rules.NAME
        output = Output(chosen.out, job(chosen.source, name, wanted))
        task = task_of(wanted)
        tally = make(task, shelf, teacher, output.keep, max(1, chosen.at_once), Telling(chosen.task))
        fresh = teacher.fresh if teacher else 0
    report = told(tally, shelf, len(ready), fresh, task)
    output.finish(report)
    print("\n".join([*lines(report), *counting.table(output.counts.record()), str(chosen.out)]))
    return verdict(tally, chosen.out)


def prepared(address: str, wanted: Plan) -> Iterator[Source]:
    """The sources as the task takes them."""
    found = sources.read(address)
    for one in each(found) if wanted.task == "reason" else found:
        yield one if wanted.mentions else replace(one, mentions=())


def task_of(wanted: Plan) -> Task:
    if wanted.task == "align":
        return Align(wanted.seed)
    if wanted.task == "instruct":
        return Instruct(wanted.turns, wanted.seed)
    return Reason() if wanted.task == "reason" else Filter(wanted.least_score)


def job(source: str, teacher: str, wanted: Plan) -> dict[str, object]:
    """What makes two calls the same work: anything else belongs into another folder. Another count goes on."""
    own = asdict(wanted)
    del own["count"]
    return {"task": wanted.task, "from": source, "teacher": teacher, "prompt_version": PROMPT_VERSION, "plan": own}


@contextmanager
def opened(chosen: argparse.Namespace) -> Iterator[Teacher | None]:
    """The teacher with its file of replies; None for the rules. Raises UserError for one that is not there."""
    if chosen.teacher == rules.NAME and not chosen.endpoint:
        yield None
        return
    budget = Budget(chosen.requests, chosen.tokens)
    model: ChatModel
    if chosen.endpoint:
        model = RemoteModel(chosen.endpoint, chosen.teacher, budget=budget, patience=Patience())
    else:
        from train.generate.local import TextModel  # only here: it brings torch and the weights

        model = TextModel.load(chosen.teacher)
    own = Budget() if chosen.endpoint else budget  # a server's model keeps the budget itself, with every repeat
    with Teacher(model, chosen.out / REPLIES, PROMPT_VERSION, at_once=chosen.at_once, budget=own) as teacher:
        yield teacher


class Telling:
    """How far it is, on the terminal: a line every few seconds."""

    def __init__(self, name: str) -> None:
        self._name, self._last = name, time.monotonic()

    def __call__(self, tally: Tally) -> None:
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        dropped = tally.dropped.total()
        print(f"generate {self._name}: {tally.kept} kept, {dropped} dropped", file=sys.stderr, flush=True)


def told(tally: Tally, shelf: Shelf, there: int, fresh: int, task: Task) -> dict[str, object]:
    """What came of the job, for `report.json`."""
    cut = task.cut["phrases"] if isinstance(task, Instruct) else 0
    return {
        "sources": there,
        "kept": tally.kept,
        "dropped": dict(tally.dropped.most_common()),
        "faulty_replies": dict(tally.faults.most_common()),
        "phrases_cut_off": cut,
        "missing": {" ".join(filter(None, slot)): count for slot, count in shelf.missing().items()},
        "asked_in_this_call": fresh,
        "stopped": tally.stopped,
    }


def lines(report: dict[str, object]) -> list[str]:
    said = [
        f"kept {report['kept']} of {report['sources']} sources; {report['asked_in_this_call']} replies were asked for"
    ]
    for title in ("faulty_replies", "dropped"):
        counts = report[title]
        assert isinstance(counts, dict)
        said += [
            f"  {title.replace('_', ' ')}: {count} {fault} ({faults.MEANINGS[fault]})"
            for fault, count in counts.items()
        ]
    missing = report["missing"]
    assert isinstance(missing, dict)
    return said + [f"  {count} more were wanted of: {slot}" for slot, count in missing.items()]


def verdict(tally: Tally, folder: Path) -> int:
    if tally.stopped:
        raise UserError(f"{tally.stopped} What was made stands in {folder}; the same command goes on.")
    if not tally.kept:
        raise UserError(
            f"Everything was dropped, so {folder} has no data. Look at {folder / REPLIES} for what the teacher said; "
            "take another teacher, or other captions."
        )
    return 0
