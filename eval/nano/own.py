"""Nano's measured answers as small run folders beside the code: `python -m eval own [--ask] [RUN ...]`.

What `python -m eval nano` has answered is scored by every metric and packed into `assets/scores/runs/`, with chat about
drawings, the probes and the loss curves of the training; run folders that are named are packed as well. The Scores tab
reads the result. With `--ask`, all that is missing is asked of the published adapter first.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from eval.asking import SHORT_ANSWER, fingerprint
from eval.nano import tasks
from eval.nano.tasks import Case, Shown
from eval.picture_hashes import Looks
from eval.pictures import identity
from eval.run_notes import leaks
from medvlm import datasets, paths, scores
from medvlm.errors import DatasetError, UserError
from medvlm.metrics.profiles import METRICS, Item
from medvlm.prompts import SHORT
from medvlm.scoreboard import packed
from medvlm.scoreboard.probe_sheets import CURVES, FIGURES
from medvlm.scoreboard.run_shelf import OWN
from medvlm.scores import Prediction, Record, Run, RunInfo, Score
from medvlm.types import Arm, DataSplit, Decoding

# What is kept of every answer: our own counting, and the published ones that our figures stand beside.
KEPT = (
    "strict_closed", "strict_closed_parsed", "strict_exact", "strict_open", "strict_f1", "rougeL", "length_ratio",
    "compat_closed", "compat_open", "medevalkit_closed", "medevalkit_em", "medevalkit_f1",
    "idefics_em", "idefics_em_cut", "idefics_em_reverse", "idefics_f1", "idefics_bleu1",
)  # fmt: skip
STAGES = ("instruct", "vqa-disjoint", "vqa-official")
LOADED = "vqa-official"  # the stage that the app loads
TRAINING = OWN.parent / "training.json"
POINTS = 200  # of a loss curve; more cannot be seen
ARMS: tuple[Arm, ...] = ("base", "tuned")
# Stage -> what of VQA-RAD it was trained on, for the leakage audit.
TRAINED_ON = {"vqa-official": "vqa_rad-train", "vqa-disjoint": "vqa_rad_disjoint-train"}
NAMES = {"vqa-official": "nano", "vqa-disjoint": "nano-disjoint", "instruct": "nano-instruct"}
# Runs of the published adapter that are kept as well: chat about drawings, and the 200 fixed questions of the probes.
CHAT, PROBES = "nano-phantoms-chat", "nano-probes"
TRAINED = ("shapes", "base", "align", "instruct", LOADED)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that `eval nano` asked: its files begin with `file`. `condition`: what was changed, "" for nothing.

    `measured`: the settings of `eval nano` that ask it; the first one that a stage has says how it was measured.
    """

    file: str
    task: str
    dataset: str
    split: DataSplit
    real: bool
    measured: tuple[str, ...]
    condition: str = ""
    precision: Literal["nf4", "full"] = "nf4"
    shown: Shown = "own"


PARTS = (
    Part("vqa_rad", "vqa-rad", "vqa_rad", "test", True, ("vqa-rad", "kept-back")),
    Part("vqa_rad_blank", "vqa-rad", "vqa_rad", "test", True, ("blank",), "blank-picture", shown="blank"),
    Part("vqa_rad_swapped", "vqa-rad", "vqa_rad", "test", True, ("swapped",), "another-picture", shown="swapped"),
    Part("vqa_rad_no-picture", "vqa-rad", "vqa_rad", "test", True, ("no-picture",), "no-picture", shown="none"),
    Part("vqa_rad", "vqa-rad", "vqa_rad", "test", True, ("precision",), "full-precision", "full"),
    Part("kept_back", "vqa-rad-disjoint", "vqa_rad", "held_out", True, ("kept-back",)),
    Part("phantoms", "phantoms", "phantoms", "test", False, ("phantoms",)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="*", type=Path, help="further run folders to pack, as `python -m eval run` wrote")
    parser.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where answers of nano are kept")
    parser.add_argument("--ask", action="store_true", help="first ask the published adapter all that is missing")
    parser.add_argument("--out", type=Path, default=OWN, help="where the packed runs go (default: %(default)s)")
    parser.add_argument("--training", type=Path, default=paths.home() / "train", help="where training keeps its logs")


def run(chosen: argparse.Namespace) -> int:
    """Pack all that there is. Raises UserError where there is nothing."""
    if chosen.ask:
        ask(chosen.runs)
    beside = [chosen.runs / name for name in (CHAT, PROBES) if (chosen.runs / name / scores.RUN).is_file()]
    made = [pack(one, chosen.out / one.info.name) for one in nano_runs(chosen.runs / "nano")]
    made += [kept(folder, chosen.out / folder.name) for folder in (*beside, *chosen.run)]
    made += [copied(path, chosen.out / CURVES / path.name) for path in sorted((chosen.runs / CURVES).glob("*.json"))]
    if curves := loss_curves(chosen.training):
        made.append(scores.write(chosen.out.parent / TRAINING.name, {"adapter_sha256": loaded(), "stages": curves}))
    for path in made:
        print(path)
    if not made:
        raise UserError(
            f"Nothing to pack: no answers of nano in {chosen.runs / 'nano'}. Run `python -m eval nano` first."
        )
    return 0


def loaded() -> str | None:
    """SHA-256 of the adapter that the app loads, as its score file names it: whose losses are kept."""
    return (scores.read(paths.ASSETS / "scores" / "nano" / f"{LOADED}.json") or {}).get("adapter_sha256")


def ask(runs: Path) -> None:
    """Everything that is kept of the published adapter; each part goes on where it stood. Raises UserError."""
    from eval.__main__ import main

    place, adapter = ("--runs", str(runs)), ("--adapter", "nano-med")
    for given in (
        ("nano", *adapter, "--name", LOADED, *place),
        ("run", "phantoms-chat", *adapter, "--name", CHAT, *place),
        ("truth", str(runs / CHAT)),
        ("probes", *adapter, "--name", PROBES, *place),
    ):
        if main(given) != 0:
            raise UserError(f"`python -m eval {' '.join(given)}` did not end well; what it said stands above.")


def kept(folder: Path, out: Path) -> Path:
    """A run, packed; of a probe run its figures, for its answers are to changed questions. Raises DatasetError."""
    if not (folder / FIGURES).is_file():
        return pack(scores.read_run(folder), out)
    copied(folder / FIGURES, out / FIGURES)
    return copied(folder / scores.RUN, out / scores.RUN)


def copied(path: Path, out: Path) -> Path:
    record = scores.read(path)
    if record is None:
        raise DatasetError(f"{path} is not there. Run the evaluation that writes it again.")
    return scores.write(out, record)


def pack(one: Run, folder: Path) -> Path:
    """Kept metrics, and whatever judges, the truth and probes gave beside them."""
    given = dict.fromkeys(score.metric for score in one.scores)
    return packed.pack(one, folder, [name for name in given if name in KEPT or name not in METRICS])


def nano_runs(root: Path) -> Iterator[Run]:
    """A run for each part that was asked of the stages whose scores stand in `assets/scores/nano/`."""
    for stage in STAGES:
        record = scores.read(paths.ASSETS / "scores" / "nano" / f"{stage}.json")
        if record is None:
            continue
        folder = root / f"{stage}-{record['adapter_sha256'][:8]}-{record['base_revision'][:8]}"
        for part in PARTS:
            if (made := part_run(stage, record, folder, part)) is not None:
                yield made


def part_run(stage: str, record: Record, folder: Path, part: Part) -> Run | None:
    """One part as a run; None where it was not asked. Raises DatasetError for answers to other questions."""
    arms = tuple(arm for arm in ARMS if _file(folder, part.file, part, arm) is not None)
    if not arms:
        return None
    cases = _cases(folder, part, arms[0])
    predictions = [one for arm in arms for one in _predictions(folder, part, cases, arm)]
    given = tuple(score for one in predictions for score in scored(one))
    newest = max(_file(folder, part.file, part, arm).stat().st_mtime for arm in arms)  # type: ignore[union-attr]
    info = _info(stage, record, part, arms, [case for group in cases.values() for case, _ in group], newest)
    return Run(folder, info, tuple(predictions), given)


def _file(folder: Path, file: str, part: Part, arm: Arm) -> Path | None:
    """The newest answers of this arm."""
    found = sorted(folder.glob(f"{file}.{arm}.{part.precision}.*.jsonl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


# A case as it was asked, and the picture whose questions belong together.
Asked = tuple[Case, str]


def _cases(folder: Path, part: Part, arm: Arm) -> dict[str, list[Asked]]:
    """Beginning of the file -> the questions that were put there, in order."""
    if part.file == "phantoms":
        path = _file(folder, part.file, part, arm)
        seeds = {int(row["id"].split("-")[2]) for row in scores.rows(path)} if path else set()
        return {part.file: _clustered(tasks.phantoms(max(seeds, default=0) + 1))}
    own = tasks.vqa_rad_test()
    if part.file == "kept_back":
        return {"vqa_rad": _clustered(own), "kept_back": _clustered(tasks.kept_back("train"))}
    clusters = [case.cluster for case in own]
    return {part.file: list(zip(tasks.shown(own, part.shown), clusters, strict=True))}


def _clustered(cases: Sequence[Case]) -> list[Asked]:
    return [(case, case.cluster) for case in cases]


def _predictions(folder: Path, part: Part, asked: dict[str, list[Asked]], arm: Arm) -> Iterator[Prediction]:
    """The answers of one arm. Raises DatasetError where they are to other questions, or some are missing."""
    for file, cases in asked.items():
        path = _file(folder, file, part, arm)
        if path is None or path.name.split(".")[-2] != fingerprint([case.item for case, _ in cases], SHORT_ANSWER):
            raise DatasetError(f"{folder / file} has no answers to today's questions. Run `python -m eval nano` again.")
        answers = {row["id"]: row for row in scores.rows(path)}
        for case, cluster in cases:
            if part.file != "kept_back" or cluster.partition(":")[2] in datasets.held_out_pictures():
                yield _prediction(case, cluster, arm, answers.get(case.item.id), path)


def _prediction(case: Case, cluster: str, arm: Arm, row: Record | None, path: Path) -> Prediction:
    if row is None:
        raise DatasetError(f"{path} lacks the answer to {case.item.id}. Run `python -m eval nano` again.")
    return Prediction(
        case.item.id, arm, row["text"], row["tokens"], case.item.question, case.reference, case.domain, case.kind,
        case.closed, case.item.picture, cluster, case.choices, case.free_form, case.about, case.held_out,
        row["yes"], row["no"],
    )  # fmt: skip


def scored(one: Prediction) -> Iterator[Score]:
    """Every kept metric that is for this question."""
    item = Item(one.text, one.reference, one.closed, one.choices)
    for name in KEPT:
        if METRICS[name].scores(item):
            value = METRICS[name].score(item)
            yield Score(one.sample_id, one.arm, name, value, "" if value is not None else "could not be read")


def _info(
    stage: str, record: Record, part: Part, arms: tuple[Arm, ...], cases: Sequence[Case], newest: float
) -> RunInfo:
    settings = record["settings"]
    setting: Record = next((settings[name] for name in part.measured if name in settings), {})
    task = f"{part.task}:{part.condition}" if part.condition else part.task
    return RunInfo(
        name=f"{NAMES[stage]}-{task.replace(':', '-')}", task=task, dataset=part.dataset, split=part.split,
        real=part.real, samples=len(cases), arms=arms, model="nano", model_revision=record["base_revision"],
        adapter="nano-med" if stage == LOADED else f"nano-med ({stage.removeprefix('vqa-')})",
        adapter_sha256=record["adapter_sha256"], endpoint=None,
        quantization="nf4" if part.precision == "nf4" else "none", compute_dtype="auto", prompt="short",
        prompt_version=record["prompt_version"], system=SHORT, decoding=Decoding(max_tokens=SHORT_ANSWER),
        limit=record.get("limit"), metrics=KEPT, data_sha256=data_hash(cases),
        fingerprint=fingerprint([case.item for case in cases], SHORT_ANSWER), seeds=setting.get("seeds", {}),
        versions=setting.get("versions", {}), hardware=setting.get("hardware", "unknown"),
        git_commit=setting.get("git_commit", "unknown"),
        created=datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds"), state="finished",
        notes=leaked(stage, part),
    )  # fmt: skip


@cache
def leaked(stage: str, part: Part) -> tuple[str, ...]:
    """What the leakage audit says of this test, for a stage that was trained on VQA-RAD."""
    if stage not in TRAINED_ON or part.dataset != "vqa_rad":
        return ()
    looks = Looks(paths.ROOT / "runs" / "features" / "looks.jsonl")
    return tuple(leaks(TRAINED_ON[stage], datasets.load(part.dataset, part.split), looks))


def data_hash(cases: Sequence[Case]) -> str:
    """Changes with any question, reference or picture."""
    sha = hashlib.sha256()
    for case in cases:
        picture = identity(case.item.picture) if case.item.picture else ""
        sha.update(json.dumps([case.item.id, case.item.question, case.reference, picture]).encode())
    return sha.hexdigest()


def loss_curves(folder: Path) -> dict[str, list[list[float]]]:
    """Stage -> [step, loss] for each stage that made the checkpoint and left its log, in order; thinned evenly."""
    made = {}
    for stage in TRAINED:
        logged = [[row["step"], round(row["loss"], 4)] for row in scores.rows(folder / stage / "log.jsonl")]
        if logged:
            made[stage] = logged[:: max(1, len(logged) // POINTS)]
    return made
