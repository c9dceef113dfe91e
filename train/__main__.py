"""Training from the command line: `python -m train nano [--smoke] [--stage STAGE ...]`."""

import argparse
import os
import sys
from pathlib import Path

from medvlm.errors import UserError
from train.stages import STAGES


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    nano = commands.add_parser("nano", help="rebuild nano: tower, base projector, nano-med")
    nano.add_argument("--smoke", action="store_true", help="every stage in small, in a folder of its own")
    nano.add_argument("--stage", action="append", choices=STAGES, help="only this stage (may be given again)")
    nano.add_argument("--runs", type=Path, help="where runs are kept (default: the data home)")
    publish = commands.add_parser("publish", help="make a finished stage the adapter that the app loads")
    publish.add_argument("--stage", choices=STAGES, default="vqa-official")
    publish.add_argument("--runs", type=Path)
    compare = commands.add_parser("distil", help="teach a stock ViT the tower's features and compare the two")
    compare.add_argument("--minutes", type=float, default=20)
    compare.add_argument("--out", type=Path, default=Path("assets/scores/tower.json"))
    return top


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    chosen = parser().parse_args(arguments)
    from train import distil, encoder, nano, publish

    try:
        if chosen.command == "nano":
            nano.run(nano.plan(chosen.smoke, chosen.runs), chosen.stage or STAGES)
        elif chosen.command == "publish":
            print(publish.publish(nano.plan(False, chosen.runs), chosen.stage))
        else:
            print(distil.measure(encoder.tower(), chosen.minutes, chosen.out))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
