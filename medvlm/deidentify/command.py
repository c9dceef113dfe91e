"""The command line: `python -m medvlm deidentify IN OUT [--shift-dates] [--clean-pixels] [--key FILE]`."""

import argparse
import sys
from pathlib import Path

from medvlm.deidentify.batch import Options, deidentify
from medvlm.deidentify.report import BEST_EFFORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = f"Writes de-identified copies of DICOM pictures. {BEST_EFFORT}"
    parser.add_argument("source", type=Path, metavar="IN", help="a DICOM file, or a folder with some; it is only read")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder that is empty or not there yet")
    parser.add_argument(
        "--shift-dates",
        action="store_true",
        help="move the dates of each patient by their own number of days, instead of removing them",
    )
    parser.add_argument(
        "--clean-pixels",
        action="store_true",
        help="find text in the pixels and cover it; else captures and ultrasound are left out",
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="makes runs repeatable: the same key gives the same new identifiers; made there if it is not there yet, "
        "and never beside OUT. Who has it can tell whether a known patient is among the files",
    )


def run(chosen: argparse.Namespace) -> None:
    """Do it, with progress on a terminal, and print the report. Raises `UserError`."""
    progress = _show if sys.stderr.isatty() else _hide
    report = deidentify(
        chosen.source, chosen.out, Options(chosen.shift_dates, chosen.clean_pixels, chosen.key), progress
    )
    print(report.as_text(), end="")


def _show(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} files", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _hide(done: int, total: int) -> None:
    """Nobody watches."""
