"""A small finished run to judge: six questions, both arms, on disk as `eval run` leaves it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from eval.judging.judge import Job
from medvlm import scores
from medvlm.judging import records
from medvlm.judging.rubrics import RUBRICS
from medvlm.prompts import SHORT
from medvlm.scores import PREDICTIONS, Prediction, RunInfo
from medvlm.types import Arm, Decoding
from tests.fakes import FakeModel

INFO = RunInfo(
    name="a run", task="chat", dataset="own", split="test", real=None, samples=6, arms=("base", "tuned"), model="nano",
    model_revision="r", adapter="nano-med", adapter_sha256="a", endpoint=None, quantization="nf4",
    compute_dtype="float32", prompt="short", prompt_version=1, system=SHORT, decoding=Decoding(), limit=None,
    metrics=(), data_sha256="d", fingerprint="f", seeds={}, versions={}, hardware="none", git_commit="none",
    created="2026-03-01T12:00:00+00:00", state="finished",
)  # fmt: skip


def answered(number: int, arm: Arm, text: str = "") -> Prediction:
    said = text or f"The {arm} answer to question {number}."
    return Prediction(
        f"q{number}", arm, said, 5, f"Question {number}?", f"Reference {number}.", "ct" if number % 2 else "mri",
        "conversation" if number % 3 else "detailed description", False, None, f"picture-{number}",
    )  # fmt: skip


def predictions(count: int = 6) -> list[Prediction]:
    arms: tuple[Arm, ...] = ("base", "tuned")
    return [answered(number, arm) for number in range(count) for arm in arms]


def write(folder: Path, given: Sequence[Prediction] | None = None, info: RunInfo = INFO) -> Path:
    """The run's folder."""
    kept = predictions() if given is None else given
    scores.append(folder / PREDICTIONS, [scores.row_of(one) for one in kept])
    scores.write_info(folder, replace(info, samples=len({one.sample_id for one in kept})))
    return folder


SAID: dict[str, str] = {
    "llava-med": "8 6\n\nThe second one is shorter.",
    "scores-only": "8 6",
    "ldrt": "It is fair.\nScore: 5",
    "pairwise": "Both are fair.\nVerdict: B",
    "clinical-errors": '{"errors": [{"tag": "side", "harm": "severe"}, {"tag": "other", "harm": "mild"}]}',
}


def job(folder: Path, rubric: str = "llava-med", judge_: str = "first", audit: int = 0) -> Job:
    return Job(scores.read_run(folder), RUBRICS[rubric], records.files(folder, rubric, judge_), audit=audit)


def script(text: str | Callable[[str], str]) -> FakeModel:
    """A judge that says the same, or what its prompt makes it say."""
    say = text if callable(text) else lambda _: text
    return FakeModel(lambda conversation, _: say(conversation.turns[-1].text), arms=("base",))


def given(folder: Path, metric: str) -> dict[tuple[str, str], float | None]:
    return {(s.sample_id, s.arm): s.value for s in scores.read_run(folder).scores if s.metric == metric}
