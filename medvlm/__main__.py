"""MedVLM in the terminal: `python -m medvlm ask SCAN QUESTION`, `... deidentify`, `... ratings`, `... study`."""

import argparse
import sys
from collections.abc import Sequence

from medvlm.errors import UserError


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    from medvlm import ask
    from medvlm.deidentify import command as deidentify
    from medvlm.ratings import commands as ratings
    from medvlm.studies import command as study

    top = argparse.ArgumentParser(prog="python -m medvlm", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    ask.add_arguments(commands.add_parser("ask", help="ask one question about one scan"))
    deidentify.add_arguments(commands.add_parser("deidentify", help="write copies of DICOM files without names"))
    ratings.add_arguments(commands.add_parser("ratings", help="check, copy, export or import clinicians' ratings"))
    study.add_arguments(commands.add_parser("study", help="make, run and close a reader study"))
    commands.add_parser("assemble", help="write nano's model folder, or repair it")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Mistakes of the caller are one sentence on stderr, without a traceback."""
    from medvlm import ask, assemble
    from medvlm.deidentify import command as deidentify
    from medvlm.ratings import commands as ratings
    from medvlm.studies import command as study

    chosen = parser().parse_args(arguments)
    try:
        if chosen.command == "assemble":
            return int(assemble.main() or 0)
        if chosen.command == "deidentify":
            deidentify.run(chosen)
            return 0
        if chosen.command == "ratings":
            return ratings.run(chosen)
        if chosen.command == "study":
            return study.run(chosen)
        ask.run(chosen)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
