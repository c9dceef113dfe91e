"""Evaluation from the command line: `python -m eval nano --adapter DIR --name NAME`, then `python -m eval card`."""

import argparse
import os
import sys
from pathlib import Path

from medvlm import paths
from medvlm.errors import UserError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    nano = commands.add_parser("nano", help="measure an adapter of nano; goes on where a killed run stood")
    nano.add_argument("--adapter", required=True, help="a folder that training wrote, or a name in assets/adapters")
    nano.add_argument("--name", required=True, help="the stage: instruct, vqa-disjoint or vqa-official")
    nano.add_argument("--base", default="nano", help="catalog name or folder of the base (default: nano)")
    nano.add_argument("--settings", help="comma-separated; default: all that say something about the stage")
    nano.add_argument("--limit", type=int, help="a trial: at most so many cases a task, scores beside the predictions")
    nano.add_argument("--phantoms", type=int, default=60, help="phantoms a domain (default: 60)")
    nano.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where predictions are kept")
    nano.add_argument("--out", type=Path, help="where scores are written (default: assets/scores/nano)")
    card = commands.add_parser("card", help="write docs/model-card-nano.md from the scores")
    card.add_argument("--scores", type=Path, default=paths.ASSETS / "scores")
    card.add_argument("--out", type=Path, default=paths.ROOT / "docs" / "model-card-nano.md")
    return top


def measure(chosen: argparse.Namespace) -> Path:
    """Run the settings asked for; the score file."""
    from eval import environment, nano
    from eval.asking import Asker
    from medvlm import catalog

    settings = nano.parse(chosen.settings, chosen.name)
    adapter, base = catalog.resolve_adapter(chosen.adapter), catalog.resolve(chosen.base)
    weights = environment.weights(base, adapter)
    folder = chosen.runs / "nano" / f"{chosen.name}-{weights['adapter_sha256'][:8]}-{weights['base_revision'][:8]}"
    asker = Asker(base, adapter, folder, chosen.runs / "features")
    plan = nano.Plan(chosen.name, asker, chosen.limit, chosen.phantoms)
    out = chosen.out or (nano.SCORES if chosen.limit is None else folder / "trial")
    return nano.run(plan, settings, weights, out)


def write_card(chosen: argparse.Namespace) -> Path:
    from eval import card

    return card.write(chosen.scores, chosen.out)


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    chosen = parser().parse_args(arguments)
    try:
        print((measure if chosen.command == "nano" else write_card)(chosen))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
