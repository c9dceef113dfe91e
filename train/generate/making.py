"""How data is made: sources are taken by quota, put to the teacher, read, tried again, and kept or dropped by name."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import cycle
from typing import Protocol

from medvlm.claims.statements import Exchange
from medvlm.endpoint import BudgetSpent
from medvlm.errors import UserError
from medvlm.teacher import Asked, Said, Teacher
from train.generate import faults
from train.generate.faults import Fault
from train.generate.sources import Kind, Source

TRIES = 3  # a reply that is at fault is asked for again so often in all
FAILURES = 5  # of the server's in a row: then it is gone
# A judge is not asked until it says something else, and no teacher mends a picture.
FINAL: frozenset[Fault] = frozenset(("score", "picture"))
ANY = "any"
Slot = tuple[str, Kind | None]  # a domain or ANY; the kind to write, None for the source's own
Outcome = tuple[Exchange, ...] | Fault


@dataclass(frozen=True, slots=True)
class Request:
    """One source that is due. `attempt` counts from 0."""

    source: Source
    kind: Kind
    slot: Slot
    attempt: int = 0


class Task(Protocol):
    """One kind of data. `refuse` looks at a source before anything is asked; `by_rules` writes without a teacher."""

    @property
    def name(self) -> str: ...

    def refuse(self, due: Request) -> Fault | None: ...

    def asked(self, due: Request) -> Asked: ...

    def read(self, due: Request, reply: str) -> Outcome: ...

    def by_rules(self, due: Request) -> Outcome: ...


@dataclass
class Tally:
    """What came of it. `faults`: of replies, also those that a later try made good; `dropped`: of sources."""

    kept: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    dropped: Counter[Fault] = field(default_factory=Counter)
    stopped: str = ""  # why it ended before its time


class Shelf:
    """Sources in an order drawn by seed, and how many dialogues are still wanted of each domain and kind."""

    def __init__(self, sources: Iterable[Source], wanted: Mapping[Slot, int], seed: int | None) -> None:
        """`wanted`: for each slot; all sources of a domain that several slots want serve whichever is due first.
        `seed` None keeps the order."""
        self._left = dict(wanted)
        self._queues: dict[str, deque[Source]] = {domain: deque() for domain, _ in wanted}
        for one in sources if seed is None else sorted(sources, key=lambda one: _lot(seed, one)):
            key = ANY if ANY in self._queues else one.domain
            if key in self._queues:
                self._queues[key].append(one)

    def take(self, most: int) -> list[Request]:
        """The next sources, the slots in turn."""
        taken: list[Request] = []
        slots = [slot for slot in self._left if self._open(slot)]
        for slot in cycle(slots):
            if len(taken) == most or not any(map(self._open, slots)):
                break
            if self._open(slot):
                source = self._queues[slot[0]].popleft()
                self._left[slot] -= 1
                taken.append(Request(source, slot[1] or source.kind, slot))
        return taken

    def reopen(self, slot: Slot) -> None:
        """What was taken for it came to nothing: the next source may try."""
        self._left[slot] += 1

    def missing(self) -> dict[Slot, int]:
        """How many are still wanted of each slot."""
        return {slot: count for slot, count in self._left.items() if count > 0}

    def _open(self, slot: Slot) -> bool:
        return self._left[slot] > 0 and bool(self._queues[slot[0]])


def _lot(seed: int, one: Source) -> str:
    return sha256(f"{seed} {one.id}".encode()).hexdigest()


def make(
    task: Task,
    shelf: Shelf,
    teacher: Teacher | None,
    keep: Callable[[Request, tuple[Exchange, ...]], Fault | None],
    at_once: int = 1,
    tell: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Ask until nothing more is wanted or there; `keep` gets each dialogue and may still say why it cannot be kept.

    Without a teacher the rules write. A fault is tried again up to `TRIES` times; a spent budget or a server that fails
    again and again ends it, with `stopped` saying so.
    """
    tally, waiting, in_a_row = Tally(), list[Request](), 0
    while not tally.stopped:
        due = [*waiting, *shelf.take(max(0, 4 * at_once - len(waiting)))]
        if not due:
            break
        waiting = []
        for one, outcome in answered(task, due, teacher):
            if isinstance(outcome, BudgetSpent):
                tally.stopped = str(outcome)
                break
            fault = "server" if isinstance(outcome, UserError) else _settled(one, outcome, keep)
            in_a_row = in_a_row + 1 if fault == "server" else 0
            waiting += _noted(tally, one, fault, shelf, teacher is not None)
            if in_a_row == FAILURES:
                tally.stopped = str(outcome)
                break
        tell(tally)
    return tally


def _settled(
    due: Request, outcome: Outcome, keep: Callable[[Request, tuple[Exchange, ...]], Fault | None]
) -> Fault | None:
    return outcome if isinstance(outcome, str) else keep(due, outcome)


def _noted(tally: Tally, due: Request, fault: Fault | None, shelf: Shelf, teacher: bool) -> list[Request]:
    """Count what came of one; itself once more where another try may help."""
    if fault is None:
        tally.kept += 1
        return []
    tally.faults[fault] += 1
    if teacher and due.attempt + 1 < TRIES and fault not in FINAL and due.attempt >= 0:
        return [replace(due, attempt=due.attempt + 1)]
    tally.dropped[fault] += 1
    shelf.reopen(due.slot)
    return []


def answered(
    task: Task, due: Sequence[Request], teacher: Teacher | None
) -> Iterator[tuple[Request, Outcome | UserError]]:
    """Each request with what came of it. One that the task refuses is never asked, and not tried again."""
    refused = {id(one): task.refuse(one) for one in due if not one.attempt}
    asked = [one for one in due if refused.get(id(one)) is None]
    said = iter(teacher.ask_all([task.asked(one) for one in asked]) if teacher else [])
    for one in due:
        fault = refused.get(id(one))
        if fault is not None:
            yield replace(one, attempt=-1), fault
        elif teacher is None:
            yield one, task.by_rules(one)
        else:
            yield one, _read(task, one, next(said))


def _read(task: Task, due: Request, said: Said | UserError) -> Outcome | UserError:
    if isinstance(said, UserError):
        return said
    return faults.of_reply(said) or task.read(due, faults.spoken(said.text))
