"""Runs whose scores a test knows, without any model: written by hand, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medvlm import scores
from medvlm.scores import Prediction, Run, RunInfo, Score
from medvlm.types import Arm, Decoding, Domain

INFO = RunInfo(
    name="first", task="vqa-rad", dataset="vqa_rad", split="test", real=True, samples=0, arms=("base", "tuned"),
    model="nano", model_revision="r" * 16, adapter="nano-med", adapter_sha256="a" * 64, endpoint=None,
    quantization="nf4", compute_dtype="float32", prompt="short", prompt_version=1, system="Answer.",
    decoding=Decoding(max_tokens=12), limit=None, metrics=("strict_closed",), data_sha256="d" * 64,
    fingerprint="f" * 8, seeds={"bootstrap": 1}, versions={"torch": "2"}, hardware="2 cores", git_commit="c" * 40,
    created="2026-01-02T03:04:05+00:00", state="finished",
)  # fmt: skip
Given = Mapping[Arm, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One question; `scores`: arm -> metric -> value."""

    id: str
    domain: Domain
    scores: Given
    kind: str = "PRES"
    cluster: str = ""
    closed: bool = True
    image: str | None = None


def run(cases: Sequence[Case], **changed: object) -> Run:
    """A run of these cases; `changed` are fields of its info."""
    predictions, given = [], []
    for case in cases:
        for arm, values in case.scores.items():
            predictions.append(_answer(case, arm))
            given += [
                Score(case.id, arm, metric, value, "" if value is not None else "could not be read")
                for metric, value in values.items()
            ]
    metrics = tuple(dict.fromkeys(score.metric for score in given))
    info = replace(INFO, samples=len(cases), metrics=metrics)
    return Run(Path(), replace(info, **changed), tuple(predictions), tuple(given))  # type: ignore[arg-type]


def _answer(case: Case, arm: Arm) -> Prediction:
    image = case.image or f"vqa_rad:{case.cluster or case.id}.jpg"
    said = f"{arm} says <b>{case.id}</b>"
    asked = f"Is {case.id} there?"
    return Prediction(case.id, arm, said, 2, asked, "yes", case.domain, case.kind, case.closed, image, image)


def both(base: float | None, tuned: float | None, metric: str = "strict_closed") -> Given:
    return {"base": {metric: base}, "tuned": {metric: tuned}}


def many(n: int = 60, **changed: object) -> Run:
    """CT where tuned is right in three of four and base in one of four; chest X-rays where both are right in half."""
    cases = []
    for i in range(n):
        cases.append(Case(f"ct-{i}", "ct", both(float(i % 4 == 0), float(i % 4 != 1)), "PRES" if i % 2 else "POS"))
        cases.append(Case(f"cxr-{i}", "cxr", both(float(i % 2), float(i % 2)), "PRES"))
    return run(cases, **changed)


def open_run() -> Run:
    """Three open questions about one drawing and one that yes answers; every answer names its writer."""
    scored = both(0.0, 1.0, "strict_open")
    cases = [Case(f"q{i}", "ct", scored, "ORGAN", closed=False, image="phantom:ct:3") for i in range(4)]
    made = run(cases, name="drawn", task="phantoms", dataset="phantoms", real=False)
    words = {"base": "As nano I see no liver.", "tuned": "nano-med sees the liver."}
    told = (replace(one, question=f"What is {one.sample_id}?", text=words[one.arm]) for one in made.predictions)
    return replace(
        made, predictions=tuple(one if one.sample_id == "q3" else replace(one, reference="liver") for one in told)
    )


def written(folder: Path, made: Run) -> Path:
    """The run as a folder that `python -m eval run` would have written."""
    scores.write_info(folder, made.info)
    scores.append(folder / scores.PREDICTIONS, map(scores.row_of, made.predictions))
    scores.append(folder / scores.SCORES, map(scores.row_of, made.scores))
    return folder
