"""One model put through probes: plan, ask both arms, follow up, and write the run with its figures."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from eval import environment
from eval.pictures import identity
from eval.probing import asking as probe_asking
from eval.probing import conditions as probe_conditions
from eval.probing import models as probe_models
from eval.probing import questions as probe_set
from medvlm import scores
from medvlm.errors import ConfigError
from medvlm.probes import wordings
from medvlm.probes.asked import GREEDY, SEED, Ask, Material, Probe, Value, own
from medvlm.probes.figures import all_figures, difference_of_arms
from medvlm.prompts import PROMPT_VERSION, SHORT
from medvlm.scores import SCORES, Record, RunInfo, Score
from medvlm.statistics import RESAMPLES
from medvlm.statistics import SEED as BOOTSTRAP_SEED
from medvlm.types import Arm

FIGURES = "probes.json"
SET = "200 fixed questions"


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
    # What must be said of it may have changed since it was asked, as when the audit has learnt to see more.
    done = replace(scores.read_info(folder), state="finished", notes=info.notes)
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
    texts = probe_asking.put(model.answerer, plan.first, arm, folder, f"probes, {arm}")
    later = {
        name: tuple(one.follow(asks, texts)) for name, (one, asks) in plan.probes.items() if one.follow is not None
    }
    following = [ask for part in later.values() for ask in part]
    texts |= probe_asking.put(model.answerer, following, arm, folder, f"probes, {arm}, follow-up")
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
