"""Evaluation from the command line: `python -m eval COMMAND ...`; each command explains itself with `--help`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from medvlm.errors import UserError


class Command(Protocol):
    """A module with one command. It is imported only when its command is called, so it may import what it likes."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, chosen: argparse.Namespace) -> int:
        """Do it and print what came of it; the exit code. Raises UserError with what to do."""


# Command -> its module, and what it does in one line.
COMMANDS: dict[str, tuple[str, str]] = {
    "nano": ("eval.nano.command", "measure an adapter of nano; goes on where a killed run stood"),
    "run": ("eval.run", "ask a task's questions and score the answers; a killed run goes on"),
    "datasets": ("eval.datasets_command", "which data sets are here, with counts, hash and licence"),
    "audit": ("eval.audit", "what of a test stands in training, and which test rows are clean of it"),
    "card": ("eval.nano.card", "write docs/model-card-nano.md from the scores"),
    "probes": ("eval.probing.command", "change pictures, words and chance, and see what answers rest on"),
    "judge": ("eval.judging.judge", "let a judge on a server score a run's answers, every raw reply kept"),
    "judge-audit": ("eval.judging.audit", "how far the judges of a run can be believed"),
    "truth": ("eval.truth", "hold a run's free text about drawn pictures against what they show"),
    "text": ("eval.text", "how a run's answers are worded, whether they hedge rightly, and what counting changes"),
    "make-chat": ("eval.judging.make_chat", "make a chat test of captioned pictures with a teacher on a server"),
    "report": ("eval.report", "runs as one HTML page and as Markdown, with tables, plots and definitions"),
    "compare": ("eval.compare", "two runs of the same questions as a paired table"),
    "own": ("eval.nano.own", "keep what was measured as small run folders in assets/scores/runs"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        chosen = parser(given[0] if given else None).parse_args(given)
        return command(chosen.command).run(chosen)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def parser(wanted: str | None) -> argparse.ArgumentParser:
    """Knows every command by name, and the arguments of the wanted one."""
    top = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, (_, does) in COMMANDS.items():
        made = commands.add_parser(name, help=does, description=does)
        if name == wanted:
            command(name).add_arguments(made)
    return top


def command(name: str) -> Command:
    return cast(Command, importlib.import_module(COMMANDS[name][0]))


if __name__ == "__main__":
    sys.exit(main())
