"""`python -m eval nano --adapter DIR --name NAME`: every score of nano's model card, for one stage's adapter."""

import argparse
from pathlib import Path

from medvlm import catalog, paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adapter", required=True, help="a folder that training wrote, or a name in assets/adapters")
    parser.add_argument("--name", required=True, help="the stage: instruct, vqa-disjoint or vqa-official")
    parser.add_argument("--base", default="nano", help="catalog name or folder of the base (default: nano)")
    parser.add_argument("--settings", help="comma-separated; default: all that say something about the stage")
    parser.add_argument("--limit", type=int, help="a trial: at most so many cases a task, scores beside predictions")
    parser.add_argument("--phantoms", type=int, default=60, help="phantoms a domain (default: 60)")
    parser.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where predictions are kept")
    parser.add_argument("--out", type=Path, help="where scores are written (default: assets/scores/nano)")


def run(chosen: argparse.Namespace) -> int:
    """Measure the settings asked for and print the score file's path."""
    # Only here: torch takes seconds, and a wrong argument should not wait for it.
    from eval import environment
    from eval.asking import Asker
    from eval.nano import settings as nano

    settings = nano.parse(chosen.settings, chosen.name)
    adapter, base = catalog.resolve_adapter(chosen.adapter), catalog.resolve(chosen.base)
    weights = environment.weights(base, adapter)
    folder = chosen.runs / "nano" / f"{chosen.name}-{weights['adapter_sha256'][:8]}-{weights['base_revision'][:8]}"
    asker = Asker(base, adapter, folder, chosen.runs / "features")
    plan = nano.Plan(chosen.name, asker, chosen.limit, chosen.phantoms)
    out = chosen.out or (nano.SCORES if chosen.limit is None else folder / "trial")
    print(nano.run(plan, settings, weights, out))
    return 0
