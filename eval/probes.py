"""All probes of one checkpoint: `python -m eval probes --adapter nano-med`; or of runs: `--training-data RUN=600`."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from eval import environment, probe_asking, probe_conditions, probe_models, probe_runs, probe_set
from eval.pictures import identity
from eval.run_info import Wish
from medvlm import paths, scores
from medvlm.config import Quantization
from medvlm.errors import ConfigError
from medvlm.probes import wordings
from medvlm.probes.asked import GREEDY, SEED, Ask, Material, Probe, Value, own
from medvlm.probes.figures import all_figures, difference_of_arms
from medvlm.probes.registry import asking, reading
from medvlm.prompts import PROMPT_VERSION, SHORT
from medvlm.remote import RemoteModel
from medvlm.scores import SCORES, Record, RunInfo, Score
from medvlm.statistics import RESAMPLES
from medvlm.statistics import SEED as BOOTSTRAP_SEED
from medvlm.types import Arm

FIGURES = "probes.json"
SET = "200 fixed questions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="nano", help="catalog name, folder or hub name of the base (default: nano)")
    parser.add_argument("--adapter", help="a folder that training wrote, or a name in assets/adapters")
    parser.add_argument("--quantization", choices=get_args(Quantization), default="nf4")
    parser.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible server that has --model and --adapter")
    parser.add_argument("--at-once", type=int, default=8, help="questions in flight at the server (default: 8)")
    parser.add_argument("--only", help=f"comma-separated: {', '.join(asking())}")
    parser.add_argument("--limit", type=int, help="a trial: only the first so many questions of the set")
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
    wanted, model = parse(chosen.only), probed(chosen)
    material = probe_set.fixed(model.trained_on, chosen.limit)
    folder = probe(model, material, wanted, chosen.runs, chosen.name, chosen.limit)
    record = scores.read(folder / FIGURES) or {}
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


def probed(chosen: argparse.Namespace) -> probe_models.Probed:
    if chosen.endpoint is None:
        wish = Wish("probes", chosen.model, chosen.adapter, quantization=chosen.quantization)
        return probe_models.local(wish, chosen.runs / "features")
    model = RemoteModel(chosen.endpoint, chosen.model, chosen.adapter)
    return probe_models.served(model, model.arms, chosen.model, chosen.adapter, chosen.endpoint, max(1, chosen.at_once))


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is asked of every arm first: own questions and each probe's."""

    probes: Mapping[str, tuple[Probe, tuple[Ask, ...]]]
    first: tuple[Ask, ...]


def planned(material: Material, wanted: Sequence[Probe]) -> Plan:
    asks = {probe.name: (probe, tuple(probe.plan(material))) for probe in wanted}
    each = [own(subject) for subject in material.subjects]
    first = {ask.id: ask for ask in (*each, *(ask for _, part in asks.values() for ask in part))}
    return Plan(asks, tuple(first.values()))


def probe(
    model: probe_models.Probed,
    probed: probe_set.Probed,
    wanted: Sequence[Probe],
    runs: Path,
    name: str | None = None,
    limit: int | None = None,
) -> Path:
    """Ask all that is not answered yet and write the run; its folder."""
    plan = planned(probed.material, wanted)
    info = described(model, probed, plan, name, limit)
    folder = runs / info.name
    begin(folder, info)
    values = {arm: answered(model, plan, arm, folder) for arm in model.arms}
    rows = [scores.row_of(Score(v.sample, arm, v.measure, v.value, v.reason))
            for arm, parts in values.items() for part in parts.values() for v in part]  # fmt: skip
    scores.write_rows(folder / SCORES, rows)
    scores.write(folder / FIGURES, figures(plan, values, probed, info))
    done = replace(scores.read_info(folder), state="finished")
    scores.write_info(folder, done)
    probe_conditions.write(folder, done)
    return folder


def begin(folder: Path, info: RunInfo) -> None:
    """Write the run's record, or see that the folder is of this very run. Raises ConfigError."""
    if (folder / scores.RUN).is_file():
        kept = scores.read_info(folder)
        if kept.fingerprint != info.fingerprint:
            raise ConfigError(f"{folder} holds another run ({kept.task} of {kept.model}). Choose another --name.")
        return
    scores.write_info(folder, info)


def answered(model: probe_models.Probed, plan: Plan, arm: Arm, folder: Path) -> dict[str, list[Value]]:
    """Probe -> values, once all is asked, follow-up questions last."""
    texts = probe_asking.put(model.answering, plan.first, arm, folder, f"probes, {arm}")
    later = {
        name: tuple(one.follow(asks, texts)) for name, (one, asks) in plan.probes.items() if one.follow is not None
    }
    following = [ask for part in later.values() for ask in part]
    texts |= probe_asking.put(model.answering, following, arm, folder, f"probes, {arm}, follow-up")
    return {name: one.values([*asks, *later.get(name, ())], texts) for name, (one, asks) in plan.probes.items() if asks}


def described(
    model: probe_models.Probed, probed: probe_set.Probed, plan: Plan, name: str | None, limit: int | None
) -> RunInfo:
    """The run's record before anything is asked."""
    data = hashlib.sha256(json.dumps([asdict(ask) for ask in plan.first], sort_keys=True).encode())
    data.update(" ".join(identity(one.picture) for one in probed.material.pictures).encode())
    weights = json.dumps([model.facts, PROMPT_VERSION, wordings.PROMPT_VERSION], sort_keys=True)
    fingerprint = hashlib.sha256(f"{data.hexdigest()} {weights}".encode()).hexdigest()
    conditions = environment.conditions()
    both = "-".join(str(part) for part in (model.facts["model"], model.facts["adapter"]) if part)
    measures = tuple(measure.name for one, _ in plan.probes.values() for measure in one.measures)
    return RunInfo(
        name=name or f"{both}-probes-{fingerprint[:8]}".replace("/", "-"), task="probes", dataset=SET, split="test",
        real=None, samples=len(probed.material.subjects), arms=model.arms, **model.facts, prompt="short",
        prompt_version=PROMPT_VERSION, system=SHORT, decoding=GREEDY, limit=limit, metrics=measures,
        data_sha256=data.hexdigest(), fingerprint=fingerprint,
        seeds={"probes": SEED, "probe_wordings": wordings.PROMPT_VERSION, "bootstrap": BOOTSTRAP_SEED,
               "resamples": RESAMPLES},
        versions=conditions["versions"], hardware=conditions["hardware"], git_commit=conditions["git_commit"],
        created=datetime.now(UTC).isoformat(timespec="seconds"), state="running", notes=probed.notes,
    )  # fmt: skip


def figures(
    plan: Plan, values: Mapping[Arm, Mapping[str, list[Value]]], probed: probe_set.Probed, info: RunInfo
) -> Record:
    """Every probe's figures for every arm, with tuned minus base where both are there; or why there are none."""
    made: Record = {}
    for name, (one, asks) in plan.probes.items():
        if not asks:
            made[name] = {"title": one.title, "missing": one.missing}
            continue
        arms = {arm: all_figures(one.measures, parts[name]) for arm, parts in values.items()}
        record: Record = {
            "title": one.title,
            "arms": {a: {m: asdict(f) for m, f in fs.items()} for a, fs in arms.items()},
        }
        if set(values) == {"base", "tuned"}:
            found = difference_of_arms(one.measures, values["tuned"][name], values["base"][name])
            record["difference"] = {measure: asdict(figure) for measure, figure in found.items()}
        made[name] = record
    pictures = len(probed.material.pictures)
    return {
        "run": info.name, "set": SET, "questions": info.samples, "pictures": pictures, "limit": info.limit,
        "notes": list(probed.notes), "probes": made,
    }  # fmt: skip


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
