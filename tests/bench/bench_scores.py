"""The Scores tab with a hundred thousand scores: to read them, to make the tab's first answer, and to filter it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from medvlm import scores
from medvlm.scoreboard.query import Query
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.scores import Prediction, Score
from medvlm.types import DOMAINS, Arm
from medvlm.ui import scores_view
from tests.bench.measuring import Row, fastest, row
from tests.score_cases import INFO

ARMS: tuple[Arm, ...] = ("base", "tuned")
METRICS = ("strict_closed", "compat_closed", "medevalkit_closed", "idefics_em", "strict_f1")
KINDS = ("presence", "side", "place", "modality", "size", "plane", "count")


def run(smoke: bool) -> list[Row]:
    questions = 100 if smoke else 10_000  # of two arms by five metrics: 100,000 scores
    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder) / "large", questions)
        return measured(Path(folder), 1 if smoke else 3, questions * len(ARMS) * len(METRICS))


def measured(root: Path, times: int, count: int) -> list[Row]:
    """By the clock, and of the first two also the processor's time, which a busy machine does not stretch."""
    shelf = RunShelf((root,))
    rows = timed(f"read {count:,} scores from a run's folder", shelf.look)
    rows += timed("the tab's first answer, once they are read", lambda: scores_view.view(shelf.look(), Query()))
    filters = {
        "filter: one domain": lambda: scores_view.view(shelf.look(), Query(domain="ct")),
        "filter: another metric": lambda: scores_view.view(shelf.look(), Query(metric="strict_f1")),
        "search words in the cases": lambda: scores_view.cases(shelf.look(), Query(words="number 77")),
    }
    return rows + [row(name, fastest(work, times), "s") for name, work in filters.items()]


def timed(name: str, work: Callable[[], object]) -> list[Row]:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    spent = time.perf_counter() - clock
    return [row(name, spent, "s"), row(f"{name}: processor", time.process_time() - processor, "s")]


def made(folder: Path, questions: int) -> None:
    """A run as `python -m eval run` writes it; scores by a rule, so that every call measures the same."""
    scores.write_info(folder, INFO)
    predictions, given = [], []
    for i in range(questions):
        image = f"phantom:{DOMAINS[i % 5]}:{i // 20}"
        for arm in ARMS:
            predictions.append(
                Prediction(f"q{i}", arm, f"answer number {i}", 3, f"Is there number {i}?", "yes", DOMAINS[i % 5],
                           KINDS[i % 7], True, image, image)
            )  # fmt: skip
            right = (i * 7 + (3 if arm == "tuned" else 0)) % 10 < (6 if arm == "tuned" else 4)
            given += [Score(f"q{i}", arm, name, _value(name, right, i)) for name in METRICS]
    scores.append(folder / scores.PREDICTIONS, map(scores.row_of, predictions))
    scores.append(folder / scores.SCORES, map(scores.row_of, given))


def _value(name: str, right: bool, i: int) -> float | None:
    if name == "strict_f1":
        return (i % 11) / 10 if right else 0.0
    return None if i % 97 == 0 else float(right)
