"""The store: votes a second, a hundred thousand of them read and counted, copies, and 200 kills on each database."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from medvlm import plots
from medvlm.outcomes.results import Results
from medvlm.plots import ratings as plots_ratings
from medvlm.ratings import upkeep
from medvlm.ratings.records import Verdict
from medvlm.ratings.store import RatingStore
from tests import postgres
from tests.killing import killed_writers
from tests.rating_cases import Rating, rich

VERDICTS: tuple[Verdict, ...] = ("right", "right", "left", "tie", "neither")


def ratings(count: int) -> Iterator[Rating]:
    """`count` votes, five readers to a case."""
    for number in range(count):
        yield rich(number, VERDICTS[number * 7 % 5])


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def counted(store: RatingStore) -> None:
    """All that the Ratings tab shows when it is opened: every figure, every plot, and the cases."""
    results = Results(store)
    found = results.tally("")
    assert found is not None
    assert all(plots.checked(plot.figure()).data for plot in plots_ratings.plots(found))
    assert results.cases("", found.duel)


def single_votes(folder: Path, count: int) -> dict[str, Any]:
    with RatingStore(folder / "single.sqlite3") as store:
        taken = seconds(lambda: [store.add(rating) for rating in ratings(count)])
    return {"name": "vote on the disk (SQLite)", "value": 1000 * taken / count, "unit": "ms"}


def growth(folder: Path, few: int) -> list[dict[str, Any]]:
    """Time until the tab has all it shows, at `few` and at ten times as many ratings."""
    times = {}
    for count in (few, 10 * few):
        with RatingStore(folder / f"{count}.sqlite3") as store:
            filled = seconds(partial(store.add_all, ratings(count)))
            times[count] = min(seconds(partial(counted, store)) for _ in range(3))
            copied = seconds(partial(upkeep.backup, store, folder / f"{count}.copy"))
    ratio = times[10 * few] / times[few]
    return [
        {"name": f"{10 * few} ratings imported", "value": filled, "unit": "s"},
        {"name": f"{10 * few} ratings copied", "value": copied, "unit": "s"},
        {
            "name": f"figures of {10 * few} ratings", "value": times[10 * few], "unit": "s",
            "against": "a tenth of them", "ratio": ratio,
        },
    ]  # fmt: skip


def kills(url: str, name: str, count: int) -> dict[str, Any]:
    found = killed_writers(url, count, seed=7, timeout=3600)
    assert not (found.lost or found.torn or found.doubled or found.faults), found
    return {
        "name": f"kills survived ({name})", "value": count, "unit": "", "against": "of them inside a vote",
        "ratio": found.inside / count,
    }  # fmt: skip


def run(smoke: bool) -> list[dict[str, Any]]:
    """Raises AssertionError where a kill lost or tore an acknowledged rating."""
    count = 4 if smoke else 200
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows = [single_votes(folder, 5 if smoke else 200), *growth(folder, 20 if smoke else 10_000)]
        rows.append(kills(str(folder / "killed.sqlite3"), "SQLite", count))
    if not smoke and postgres.programs() is not None:
        with postgres.server() as server:
            rows.append(kills(server.new_database(), "PostgreSQL", count))
    return rows
