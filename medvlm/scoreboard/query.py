"""What the page asks the scores for, read from an untrusted record, and the selection that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from medvlm.scoreboard.board import Board
from medvlm.scoreboard.case_list import WHICH, Which
from medvlm.scoreboard.sides import Selection, Side, default, fitting, of_run
from medvlm.types import DOMAIN_NAMES, Arm, Domain

LONGEST = 300
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Query:
    """As it stands in the page's address; empty means the default. `against`: "RUN|ARM", or "none".

    `at_domain`, `at_kind`: narrow the table of cases alone; `start`: its first row.
    """

    task: str = ""
    run: str = ""
    against: str = ""
    metric: str = ""
    domain: str = ""
    kind: str = ""
    which: str = ""
    words: str = ""
    at_domain: str = ""
    at_kind: str = ""
    start: int = 0


def query(given: Any) -> Query:
    """Whatever is no text of a sane length is left out; nothing is raised."""
    record = given if isinstance(given, dict) else {}
    texts = {one.name for one in fields(Query)} - {"start"}
    kept = {name: str(record[name])[:LONGEST] for name in texts if isinstance(record.get(name), str)}
    start = record.get("start", 0)
    return Query(**kept, start=start if isinstance(start, int) and 0 <= start < 10**7 else 0)


def selection(boards: Mapping[str, Board], asked: Query) -> Selection | None:
    """What is shown; None where no run has scores."""
    inside = {name: one for name, one in boards.items() if not asked.task or one.info.task == asked.task} or boards
    chosen = of_run(inside, asked.run) if asked.run in inside and inside[asked.run].metrics else default(inside)
    if chosen is None:
        return default(boards)
    second = side(asked.against) if asked.against not in ("", NOTHING) else chosen.second
    wanted = replace(
        chosen,
        second=None if asked.against == NOTHING else second,
        metric=asked.metric or chosen.metric,
        domain=domain(asked.domain),
        kind=asked.kind or None,
    )
    return fitting(boards, wanted)


def table_of(chosen: Selection, asked: Query) -> Selection:
    """The same selection, narrowed for the table of cases."""
    return replace(chosen, domain=chosen.domain or domain(asked.at_domain), kind=chosen.kind or asked.at_kind or None)


def which(asked: Query) -> Which:
    return next((one for one in WHICH if one == asked.which), "all")


def domain(name: str) -> Domain | None:
    return next((one for one in DOMAIN_NAMES if one == name), None)


def side(text: str) -> Side | None:
    run, _, name = text.rpartition("|")
    arms: tuple[Arm, ...] = ("base", "tuned")
    return next((Side(run, arm) for arm in arms if arm == name), None) if run else None


def side_text(one: Side | None) -> str:
    return NOTHING if one is None else f"{one.run}|{one.arm}"
