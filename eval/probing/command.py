"""All probes of one checkpoint: `python -m eval probes --adapter nano-med`; or of runs: `--training-data RUN=600`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from eval import serving
from eval.probing import runs as probe_runs
from eval.serving import positive
from medvlm import paths, scores
from medvlm.config import Quantization
from medvlm.errors import ConfigError
from medvlm.probes.asked import Probe
from medvlm.probes.registry import asking, reading
from medvlm.scores import Record

if TYPE_CHECKING:
    from eval.probing.models import Probed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="nano", help="catalog name, folder or hub name of the base (default: nano)")
    parser.add_argument("--adapter", help="a folder that training wrote, or a name in assets/adapters")
    parser.add_argument("--quantization", choices=get_args(Quantization), default="nf4")
    serving.add_arguments(parser, "--model and --adapter")
    parser.add_argument("--only", help=f"comma-separated: {', '.join(asking())}")
    parser.add_argument("--limit", type=positive, help="a trial: only the first so many questions of the set")
    parser.add_argument("--name", help="the run's folder below --runs (default: from model, adapter and questions)")
    parser.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where runs are kept")
    for name, probe in reading().items():
        value = "RUN" if name == "repeats" else "RUN=AMOUNT"
        parser.add_argument(
            f"--{name}", nargs="+", metavar=value, help=f"{probe.title}: reads finished runs, asks nothing"
        )
    parser.add_argument("--metric", default=probe_runs.METRIC, help="of the runs that are read (default: %(default)s)")


def run(chosen: argparse.Namespace) -> int:
    """Ask, or read runs; print every figure, and where they stand."""
    read = {name: vars(chosen)[name.replace("-", "_")] for name in reading()}
    if named := {name: part for name, part in read.items() if part}:
        for name, part in named.items():
            path = probe_runs.written(name, part, chosen.metric, chosen.runs)
            print("\n".join(sentences(name, scores.read(path) or {})))
            print(path)
        return 0
    wanted = parse(chosen.only)
    # Only here: torch takes seconds, and a wrong argument should not wait for it.
    from eval.picture_hashes import Looks
    from eval.probing import probed as probing
    from eval.probing import questions as probe_set

    model = probed(chosen)
    looks = Looks(chosen.runs / "features" / "looks.jsonl")
    material = probe_set.fixed(model.trained_on, chosen.limit, looks)
    folder = probing.probe(model, material, wanted, chosen.runs, chosen.name, chosen.limit)
    record = scores.read(folder / probing.FIGURES) or {}
    for name in record["probes"]:
        print("\n".join(sentences(name, record["probes"][name])))
    print(folder)
    return 0


def parse(text: str | None) -> tuple[Probe, ...]:
    """The probes of a comma-separated list, all of them for None. Raises ConfigError for an unknown one."""
    known = asking()
    names = [part.strip() for part in text.split(",") if part.strip()] if text is not None else list(known)
    if odd := [name for name in names if name not in known]:
        hint = "; give the runs that it reads with its own option" if set(odd) & reading().keys() else ""
        raise ConfigError(f"--only {', '.join(odd)} is no probe that asks; use {', '.join(known)}{hint}.")
    return tuple(known[name] for name in dict.fromkeys(names))


def probed(chosen: argparse.Namespace) -> "Probed":
    """What is probed: weights in this process, or a server's."""
    from eval.probing import models as probe_models
    from eval.run_info import Wish

    if chosen.endpoint is None:
        wish = Wish("probes", chosen.model, chosen.adapter, quantization=chosen.quantization)
        return probe_models.local(wish, chosen.runs / "features")
    model = serving.model(chosen, chosen.model, chosen.adapter)
    return probe_models.served(model, model.arms, chosen.model, chosen.adapter, chosen.endpoint, chosen.at_once)


def sentences(name: str, record: Record) -> list[str]:
    """A probe's figures as lines to read."""
    if "missing" in record:
        return [f"{name}: not asked, {record['missing']}"]
    arms = record.get("arms", {record.get("arm", ""): record.get("figures", {})})
    return [
        f"{name}, {arm}: {measure} {spoken(figure)}" for arm, one in arms.items() for measure, figure in one.items()
    ]


def spoken(figure: Record) -> str:
    """ "0.31 [0.22, 0.40], n = 200 of 87 pictures"."""
    end = f"; {figure['note']}" if figure["note"] else ""
    if figure["value"] is None:
        return f"none ({figure['reason']}){end}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}], n = {figure['n']}{end}"
