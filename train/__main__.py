"""Training from the command line: `python -m train check|run CONFIG`, `python -m train --help` for all commands."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from medvlm.errors import UserError
from train.corpus import arguments as corpus_arguments
from train.generate import arguments as generate_arguments
from train.nano.stages import STAGES


@dataclass(frozen=True, slots=True)
class Command:
    """One word behind `python -m train`: what it does in a line, what it can be told, and what it does."""

    help: str
    words: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, one in COMMANDS.items():
        one.words(commands.add_parser(name, help=one.help))
    return top


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    chosen = parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command].run(chosen)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def runs_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=Path, help="where runs are kept (default: the data home)")


def json_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="progress as JSON, one object a line")


def nano_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--smoke", action="store_true", help="every stage in small, in a folder of its own")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage (may be given again)")
    runs_words(parser)
    json_words(parser)


def nano_command(chosen: argparse.Namespace) -> int:
    from train.nano import pipeline as nano

    with machine_lines(chosen.json) as lines:
        nano.run(nano.plan(chosen.smoke, chosen.runs, lines), chosen.stage or STAGES)
    return 0


@contextmanager
def machine_lines(wanted: bool) -> Iterator[TextIO | None]:
    """Where JSON goes; what is said for people goes to stderr meanwhile."""
    if not wanted:
        yield None
        return
    out = sys.stdout
    with redirect_stdout(sys.stderr):
        yield out


def publish_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", choices=STAGES, default="vqa-official")
    runs_words(parser)


def publish_command(chosen: argparse.Namespace) -> int:
    from train.nano import pipeline as nano
    from train.nano import publish

    print(publish.publish(nano.plan(False, chosen.runs), chosen.stage))
    return 0


def distil_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--out", type=Path, default=Path("assets/scores/tower.json"))


def distil_command(chosen: argparse.Namespace) -> int:
    from train.nano import distil, encoder

    print(distil.measure(encoder.tower(), chosen.minutes, chosen.out))
    return 0


def recipe_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="+", help="recipes (name or TOML file), then key=value to change them")
    runs_words(parser)


def run_words(parser: argparse.ArgumentParser) -> None:
    recipe_words(parser)
    json_words(parser)


def launch_words(parser: argparse.ArgumentParser) -> None:
    recipe_words(parser)
    parser.add_argument("--nodes", type=int, default=1, help="how many machines the GPUs are in")
    parser.add_argument("--slurm", action="store_true", help="a batch script as well")


def recipes_and_overrides(given: list[str]) -> tuple[list[str], list[str]]:
    """Names or files first, `key=value` behind them."""
    return [one for one in given if "=" not in one], [one for one in given if "=" in one]


def check_command(chosen: argparse.Namespace) -> int:
    from train import checking

    names, overrides = recipes_and_overrides(chosen.config)
    broken = False
    for name in names:
        wrong, known = checking.check(name, overrides, chosen.runs)
        print(f"{name}: {'fine' if not wrong else f'{len(wrong)} wrong'}")
        print("".join(f"  wrong: {line}\n" for line in wrong) + "".join(f"  {line}\n" for line in known), end="")
        broken |= bool(wrong)
    return int(broken)


def run_command(chosen: argparse.Namespace) -> int:
    from train import processes, running

    names, overrides = recipes_and_overrides(chosen.config)
    with machine_lines(chosen.json) as lines:
        for name in names:
            for made in running.run(name, overrides, chosen.runs, lines=lines):
                processes.say(str(made))
    processes.leave()
    return 0


def launch_command(chosen: argparse.Namespace) -> int:
    from train import launching, recipe

    names, overrides = recipes_and_overrides(chosen.config)
    for name in names:
        one = recipe.read(name, overrides)
        folder = recipe.home(chosen.runs) / one.name
        runs = ["--runs", str(chosen.runs)] if chosen.runs else []
        made = launching.write(one, [name, *overrides, *runs], folder, chosen.nodes, chosen.slurm)
        print("\n".join([f"sbatch {made.job}"] if made.job else made.lines))
        if lack := launching.missing(one):
            print(lack, file=sys.stderr)
    return 0


def no_words(parser: argparse.ArgumentParser) -> None:
    """Nothing can be told."""


def recipes_command(chosen: argparse.Namespace) -> int:
    from train import recipe

    for name in recipe.all_names():
        print(f"{name:<36}{recipe.read(name).source}")
    return 0


def demo_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--smoke", action="store_true", help="hardly anything of each step")
    parser.add_argument("--base", default="nano", help="base model of nano's family: a catalog name or a folder")
    parser.add_argument("--home", type=Path, help="where everything is made (default: demo/ in the data home)")
    parser.add_argument("--runs", type=Path, help="where evaluation's runs are (default: runs/, which the page reads)")


def demo_command(chosen: argparse.Namespace) -> int:
    from train import demo

    demo.run(demo.plan(chosen.home, chosen.runs, chosen.base, chosen.smoke))
    return 0


def generate_command(chosen: argparse.Namespace) -> int:
    from train.generate import command

    return command.run(chosen)


def merge_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapter", metavar="ADAPTER", help="adapter folder or name")
    parser.add_argument("--out", type=Path, help="folder to write (default: merged/NAME in the data home)")
    parser.add_argument("--base", help="the base's folder, where it is not found by its name")


def merge_command(chosen: argparse.Namespace) -> int:
    from train.made import merging

    print(merging.merge(chosen.adapter, chosen.out, chosen.base))
    return 0


def push_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("repo", metavar="OWNER/NAME")
    parser.add_argument("--public", action="store_true", help="let everybody see it")
    parser.add_argument("--licence", help="of the whole, as the hub spells it, such as apache-2.0")
    parser.add_argument("--permission", default="", help="what allows data of unknown or closed terms; on the card")
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would go, send nothing")


def push_command(chosen: argparse.Namespace) -> int:
    from train.made import pushing

    wanted = pushing.Push(chosen.folder, chosen.repo, chosen.public, chosen.licence, chosen.permission)
    for file in pushing.push(wanted, chosen.dry_run):
        print(f"{file.size:>14,}  {file.name}")
    seen = "public" if chosen.public else "private"
    print(f"{'Would go' if chosen.dry_run else 'Sent'} to https://huggingface.co/{chosen.repo} ({seen}).")
    return 0


def compare_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="adapter folder or name, or a whole model's folder")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--base", action="append", help="the base's folder, once for both or once for each")
    parser.add_argument("--no-answers", action="store_true", help="load no model")
    parser.add_argument("--json", action="store_true")


def compare_command(chosen: argparse.Namespace) -> int:
    import json

    from train.made import comparing

    first, *rest = chosen.base or [None]
    made = comparing.compare(chosen.a, chosen.b, (first, rest[0] if rest else first), not chosen.no_answers)
    print(json.dumps(comparing.record(made), indent=1) if chosen.json else comparing.text(made))
    return 0


def corpus_command(chosen: argparse.Namespace) -> int:
    from train.corpus import building, engines, report

    engine = engines.ray(chosen.address) if chosen.engine == "ray" else engines.processes(chosen.processes)
    print(report.table(building.build(chosen.source, chosen.out, building.wanted(chosen), engine)))
    return 0


COMMANDS = {
    "nano": Command("rebuild nano: tower, base projector, nano-med", nano_words, nano_command),
    "publish": Command("make a finished stage the adapter that the app loads", publish_words, publish_command),
    "distil": Command("teach a stock ViT the tower's features and compare the two", distil_words, distil_command),
    "recipes": Command("list the recipes that ship", no_words, recipes_command),
    "check": Command("what is wrong with a recipe, and what it will cost", recipe_words, check_command),
    "run": Command("train a recipe", run_words, run_command),
    "launch": Command("start a recipe on several GPUs: configuration and line", launch_words, launch_command),
    "corpus": Command(
        "take figures, captions, mentions and licences out of papers", corpus_arguments.add, corpus_command
    ),
    "generate": Command(
        "write data with a teacher: align, instruct, reason, filter", generate_arguments.add, generate_command
    ),
    "merge": Command("put an adapter into its base, as one ordinary model folder", merge_words, merge_command),
    "push": Command("send a checkpoint to the Hugging Face hub, private by default", push_words, push_command),
    "compare": Command(
        "two checkpoints side by side: weights, origin, curves, answers", compare_words, compare_command
    ),
    "demo": Command("from drawn papers to scores in small: every step, within 20 minutes", demo_words, demo_command),
}


if __name__ == "__main__":
    sys.exit(main())
