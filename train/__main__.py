"""Training from the command line: `python -m train check|run CONFIG`, `python -m train nano [--smoke]`."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

from medvlm.errors import UserError
from train.generate import arguments
from train.stages import STAGES


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    nano = commands.add_parser("nano", help="rebuild nano: tower, base projector, nano-med")
    nano.add_argument("--smoke", action="store_true", help="every stage in small, in a folder of its own")
    nano.add_argument("--stage", action="append", choices=STAGES, help="only this stage (may be given again)")
    nano.add_argument("--runs", type=Path, help="where runs are kept (default: the data home)")
    nano.add_argument("--json", action="store_true", help="progress as JSON, one object a line")
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
        if name == "run":
            recipe.add_argument("--json", action="store_true", help="progress as JSON, one object a line")
    generate = commands.add_parser("generate", help="write data with a teacher: align, instruct, reason, filter")
    arguments.add(generate)
    launch = commands.add_parser("launch", help="how a recipe for several GPUs is started: configuration and line")
    launch.add_argument("config", nargs="+", help="a recipe (name or TOML file), then key=value to change it")
    launch.add_argument("--nodes", type=int, default=1, help="how many machines the GPUs are in")
    launch.add_argument("--slurm", action="store_true", help="a batch script as well")
    launch.add_argument("--runs", type=Path, help="where runs are kept (default: the data home)")
    corpus = commands.add_parser("corpus", help="take figures, captions, mentions and licences out of papers")
    corpus.add_argument("source", type=Path, help="folder of papers: JATS XML with pictures, .tar.gz packages, PDF")
    corpus.add_argument("--out", type=Path, required=True, help="folder for the shards")
    corpus.add_argument("--licence", nargs="+", help="allowed licences (default: CC0 CC-PDM CC-BY CC-BY-SA)")
    corpus.add_argument("--language", nargs="+", help="languages of captions (default: en)")
    corpus.add_argument("--any-language", action="store_true", help="keep captions in every language")
    corpus.add_argument("--smallest", type=int, help="fewest pixels of the shorter side (default: 160)")
    corpus.add_argument("--panels", action="store_true", help="keep figures of several panels")
    corpus.add_argument("--classifier", help="MODULE:FUNCTION in place of the rules, or none to keep charts")
    corpus.add_argument("--topic", help="regular expression that title, abstract, keywords or caption must hold")
    corpus.add_argument("--held-out", type=float, help="share of articles kept back for testing (default: 0.05)")
    corpus.add_argument("--each", type=int, help="figures a shard (default: 1000)")
    corpus.add_argument("--batch", type=int, help="papers that a process takes at a time (default: 32)")
    corpus.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    corpus.add_argument("--engine", choices=("processes", "ray"), default="processes")
    corpus.add_argument("--address", default="", help="of the Ray cluster (default: this machine alone)")
    commands.add_parser("recipes", help="list the recipes that ship")
    merge = commands.add_parser("merge", help="put an adapter into its base, as one ordinary model folder")
    merge.add_argument("adapter", metavar="ADAPTER", help="adapter folder or name")
    merge.add_argument("--out", type=Path, help="folder to write (default: merged/NAME in the data home)")
    merge.add_argument("--base", help="the base's folder, where it is not found by its name")
    push = commands.add_parser("push", help="send a checkpoint to the Hugging Face hub, private by default")
    push.add_argument("folder", metavar="FOLDER", type=Path)
    push.add_argument("repo", metavar="OWNER/NAME")
    push.add_argument("--public", action="store_true", help="let everybody see it")
    push.add_argument("--licence", help="of the whole, as the hub spells it, such as apache-2.0")
    push.add_argument("--permission", default="", help="what allows data of unknown or closed terms; on the card")
    push.add_argument("--dry-run", action="store_true", help="check everything, say what would go, send nothing")
    apart = commands.add_parser("compare", help="two checkpoints side by side: weights, origin, curves, answers")
    apart.add_argument("a", metavar="A", help="adapter folder or name, or a whole model's folder")
    apart.add_argument("b", metavar="B")
    apart.add_argument("--base", action="append", help="the base's folder, once for both or once for each")
    apart.add_argument("--no-answers", action="store_true", help="load no model")
    apart.add_argument("--json", action="store_true")
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


def recipes_command(chosen: argparse.Namespace) -> int:
    from train import recipe

    for name in recipe.all_names():
        print(f"{name:<36}{recipe.read(name).source}")
    return 0


def demo_command(chosen: argparse.Namespace) -> int:
    from train import demo

    demo.run(demo.plan(chosen.home, chosen.runs, chosen.base, chosen.smoke))
    return 0


def generate_command(chosen: argparse.Namespace) -> int:
    from train.generate import command

    return command.run(chosen)


def merge_command(chosen: argparse.Namespace) -> int:
    from train import merging

    print(merging.merge(chosen.adapter, chosen.out, chosen.base))
    return 0


def push_command(chosen: argparse.Namespace) -> int:
    from train import pushing

    wanted = pushing.Push(chosen.folder, chosen.repo, chosen.public, chosen.licence, chosen.permission)
    for file in pushing.push(wanted, chosen.dry_run):
        print(f"{file.size:>14,}  {file.name}")
    seen = "public" if chosen.public else "private"
    print(f"{'Would go' if chosen.dry_run else 'Sent'} to https://huggingface.co/{chosen.repo} ({seen}).")
    return 0


def compare_command(chosen: argparse.Namespace) -> int:
    import json

    from train import comparing

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
    "nano": nano_command,
    "publish": publish_command,
    "distil": distil_command,
    "check": check_command,
    "run": run_command,
    "generate": generate_command,
    "launch": launch_command,
    "corpus": corpus_command,
    "recipes": recipes_command,
    "merge": merge_command,
    "push": push_command,
    "compare": compare_command,
    "demo": demo_command,
}


if __name__ == "__main__":
    sys.exit(main())
