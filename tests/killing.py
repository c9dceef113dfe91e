"""Kills a process that is adding ratings, again and again, and looks what became of them.

`python -m tests.killing URL KILLS SEED` prints an outcome as JSON. One process loads everything and forks a writer for
each kill, so that the start of an interpreter is paid for once. Every second writer kills itself (SIGKILL) at a stage
drawn at random between the start of a transaction and its acknowledgement; the others are killed from outside at a
random moment. What a writer says before it dies ("B id": a transaction has begun, "A id": `add` has returned) proves
where it was.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from medvlm.paths import ROOT
from medvlm.ratings.records import Rating
from medvlm.ratings.store import RatingStore
from tests.rating_cases import full

STAGES = ("begin", "statement", "statement", "commit", "committed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`inside`: kills between the start of a transaction and its acknowledgement. All lists hold ids of ratings."""

    kills: int
    inside: int
    acknowledged: int
    unacknowledged_kept: int
    lost: list[str]
    torn: list[str]
    doubled: list[str]
    faults: list[str]


def rating(name: str) -> Rating:
    """The rating of this id: with error tags, so that a torn one would show."""
    one = full(name)
    return replace(one, case=replace(one.case, id=f"case-{name}"))


def killed_writers(url: str, kills: int, seed: int = 0, timeout: float = 500) -> Outcome:
    """Run this module in a process of its own."""
    command = [sys.executable, "-m", "tests.killing", url, str(kills), str(seed)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    assert process.returncode == 0, process.stderr[-4000:]
    return Outcome(**json.loads(process.stdout))


def main(url: str, kills: int, seed: int) -> Outcome:
    """Kill, then look, then submit again what was not acknowledged."""
    RatingStore(url).close()
    rng = random.Random(seed)
    begun: list[str] = []
    acknowledged: set[str] = set()
    inside = 0
    spans = [0.005]
    for number in range(kills):
        lines = _one_kill(url, f"k{number}", rng, by_itself=number % 2 == 0, spans=spans)
        begun += [line[2:] for line in lines if line.startswith("B")]
        acknowledged |= {line[2:] for line in lines if line.startswith("A")}
        inside += bool(lines) and lines[-1].startswith("B")
    return _judged(url, kills, inside, begun, acknowledged)


def _judged(url: str, kills: int, inside: int, begun: list[str], acknowledged: set[str]) -> Outcome:
    from medvlm.ratings.upkeep import check

    with RatingStore(url) as store:
        kept = {one.id: one for one in store.ratings()}
        for name in begun:
            store.add(rating(name))
        after = [one.id for one in store.ratings()]
        return Outcome(
            kills=kills,
            inside=inside,
            acknowledged=len(acknowledged),
            unacknowledged_kept=len(kept.keys() - acknowledged),
            lost=sorted(acknowledged - kept.keys()),
            torn=sorted(name for name, one in kept.items() if one != rating(name)),
            doubled=sorted(name for name in set(after) if after.count(name) > 1) + sorted(set(begun) ^ set(after)),
            faults=check(store),
        )


def _one_kill(url: str, prefix: str, rng: random.Random, by_itself: bool, spans: list[float]) -> list[str]:
    """Everything that one writer said before it was killed. `spans`: how long its transactions took, in seconds."""
    stage = rng.choice(STAGES) if by_itself else None
    victim, wait = rng.randrange(1, 4), rng.random() * 5
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _write_until_killed(url, prefix, write, stage, victim)
        finally:
            os._exit(3)  # nothing of the parent's may run here
    os.close(write)
    with os.fdopen(read) as pipe:
        lines, began = [], 0.0
        while line := pipe.readline().strip():
            lines.append(line)
            if line.startswith("B"):
                began = time.monotonic()
            else:
                spans.append(time.monotonic() - began)
            if stage is None and line == f"B {prefix}-{victim}":
                time.sleep(wait * statistics.median(spans[-50:]))
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"the writer ended with {status}"
    return lines


def _write_until_killed(url: str, prefix: str, pipe: int, stage: str | None, victim: int) -> None:
    from sqlalchemy import event

    store = RatingStore(url)
    current = ""
    doomed = False

    def reached(here: str) -> None:
        if doomed and here == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    def begins(_: Any) -> None:
        if current:
            os.write(pipe, f"B {current}\n".encode())
            reached("begin")

    event.listen(store.database.engine, "begin", begins)
    event.listen(store.database.engine, "after_cursor_execute", lambda *_: reached("statement"))
    event.listen(store.database.engine, "commit", lambda _: reached("commit"))
    for number in range(1000):
        current, doomed = f"{prefix}-{number}", number == victim
        store.add(rating(current))
        reached("committed")
        os.write(pipe, f"A {current}\n".encode())


if __name__ == "__main__":
    print(json.dumps(asdict(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
