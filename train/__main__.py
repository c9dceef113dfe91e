"""Training from the command line: `python -m train check|run CONFIG`, `python -m train nano [--smoke]`."""

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
    for name, what in (("check", "what is wrong with a recipe, and what it will cost"), ("run", "train a recipe")):
        recipe = commands.add_parser(name, help=what)
        recipe.add_argument("config", nargs="+", help="recipes (name or TOML file), then key=value to change them")
        recipe.add_argument("--runs", type=Path, help="where runs are kept (default: the data home)")
    commands.add_parser("recipes", help="list the recipes that ship")
    demo = commands.add_parser("demo", help="from drawn papers to scores in small: every step, within 20 minutes")
    demo.add_argument("--smoke", action="store_true", help="hardly anything of each step")
    demo.add_argument("--base", default="nano", help="base model of nano's family: a catalog name or a folder")
    demo.add_argument("--home", type=Path, help="where everything is made (default: demo/ in the data home)")
    demo.add_argument("--runs", type=Path, help="where evaluation's runs are (default: runs/, which the page reads)")
    return top


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    chosen = parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def nano_command(chosen: argparse.Namespace) -> int:
    from train import nano

    nano.run(nano.plan(chosen.smoke, chosen.runs), chosen.stage or STAGES)
    return 0


def publish_command(chosen: argparse.Namespace) -> int:
    from train import nano, publish

    print(publish.publish(nano.plan(False, chosen.runs), chosen.stage))
    return 0


def distil_command(chosen: argparse.Namespace) -> int:
    from train import distil, encoder

    print(distil.measure(encoder.tower(), chosen.minutes, chosen.out))
    return 0


def recipes_and_overrides(given: list[str]) -> tuple[list[str], list[str]]:
    """Names or files first, `key=value` behind them."""
    return [one for one in given if "=" not in one], [one for one in given if "=" in one]


def check_command(chosen: argparse.Namespace) -> int:
    from train import checking

    names, overrides = recipes_and_overrides(chosen.config)
    broken = False
    for name in names:
        wrong, known = checking.check(name, overrides, chosen.runs)
        print(f"{name}: {'fine' if not wrong else f'{len(wrong)} mistakes'}")
        print("".join(f"  wrong: {line}\n" for line in wrong) + "".join(f"  {line}\n" for line in known), end="")
        broken |= bool(wrong)
    return int(broken)


def run_command(chosen: argparse.Namespace) -> int:
    from train import running

    names, overrides = recipes_and_overrides(chosen.config)
    for name in names:
        for made in running.run(name, overrides, chosen.runs):
            print(made)
    return 0


def recipes_command(chosen: argparse.Namespace) -> int:
    from train import recipe

    for name in recipe.all_names():
        print(f"{name:<36}{recipe.read(name).source}")
    return 0


def demo_command(chosen: argparse.Namespace) -> int:
    from train import demo

    demo.run(demo.plan(chosen.home, chosen.runs, chosen.base, chosen.smoke))
    return 0


COMMANDS = {
    "nano": nano_command,
    "publish": publish_command,
    "distil": distil_command,
    "check": check_command,
    "run": run_command,
    "recipes": recipes_command,
    "demo": demo_command,
}


if __name__ == "__main__":
    sys.exit(main())
