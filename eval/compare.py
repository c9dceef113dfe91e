"""Two runs of the same questions, paired: `python -m eval compare A B [--arm tuned] [--out FILE.md]`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from eval.report import Block, Caution, Heading, grouped_table, markdown, metrics_table, read
from medvlm import scores
from medvlm.errors import ConfigError
from medvlm.scoreboard.board import ARMS, Board
from medvlm.scoreboard.sentences import cautions
from medvlm.scoreboard.sides import Selection, Side, compared, preferred
from medvlm.types import Arm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", help="a run folder, or the name of a run: what is judged")
    parser.add_argument("second", help="the run that it is held against; the same one compares its own two arms")
    parser.add_argument("--arm", choices=ARMS, default="tuned", help="whose answers, in both runs (default: tuned)")
    parser.add_argument("--metric", help="for the tables by domain and type (default: the first that fits)")
    parser.add_argument("--out", type=Path, help="a Markdown file (default: the terminal)")


def run(chosen: argparse.Namespace) -> int:
    """Print or write the tables."""
    text = markdown(list(tables(read(chosen.first), read(chosen.second), chosen.arm, chosen.metric)))
    if chosen.out is None:
        print(text)
    else:
        print(scores.write_text(chosen.out, text))
    return 0


def tables(one: Board, other: Board, arm: Arm, metric: str | None = None) -> Iterator[Block]:
    """Every metric, then one by domain and by type. Raises ConfigError where nothing can be paired."""
    selection = paired(one, other, arm, metric)
    boards = {one.name: one, other.name: other}
    assert selection.second is not None, "paired() gives two sides"
    yield Heading(
        f"{selection.first.run} ({selection.first.arm}) against {selection.second.run} ({selection.second.arm})", 1
    )
    for board in boards.values():
        yield Caution(f"{board.name}: {cautions(board)}")
    found = compared(boards, selection)
    shared = len(one.places.keys() & other.places.keys())
    yield f"{shared} questions stand in both runs; only these are paired. Each side's own figure is over its own."
    yield metrics_table(one, selection, other)
    yield grouped_table(found, "domain", boards)
    yield grouped_table(found, "kind", boards)


def paired(one: Board, other: Board, arm: Arm, metric: str | None) -> Selection:
    """The two sides, of runs that share questions and a metric; of one run its two arms. Raises ConfigError."""
    if one.name == other.name:
        if len(one.arms) < 2:
            raise ConfigError(f"{one.name} has only one arm; name another run to compare it with.")
        return Selection(Side(one.name, "tuned"), Side(one.name, "base"), fitting(one, "tuned", one, "base", metric))
    if not one.places.keys() & other.places.keys():
        raise ConfigError(
            f"{one.name} and {other.name} share no question, so nothing can be paired. Run one task twice."
        )
    return Selection(Side(one.name, arm), Side(other.name, arm), fitting(one, arm, other, arm, metric))


def fitting(one: Board, arm: Arm, other: Board, theirs: Arm, metric: str | None) -> str:
    """A metric that both sides have. Raises ConfigError."""
    shared = [m for m in one.metrics if one.column(arm, m) is not None and other.column(theirs, m) is not None]
    if metric is not None and metric in shared:
        return metric
    if metric is not None or not shared:
        known = ", ".join(shared) or "none"
        raise ConfigError(f"Both runs need scores by {metric or 'one metric'} of that arm. They share: {known}.")
    first = preferred(one)
    return first if first in shared else shared[0]
