"""A run: both arms in one pass, the same files after any kill, by one process or two, by weights or by a server."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval import __main__ as command
from eval import run_info, running, task_list
from eval.answering import Said
from eval.items import Put
from eval.nano.tasks import as_case
from medvlm import datasets, scores
from medvlm.datasets import Rows
from medvlm.errors import ConfigError, DatasetError, UserError
from medvlm.paths import ROOT
from medvlm.scores import PREDICTIONS, RUN, SCORES, Prediction, RunInfo, Score
from medvlm.types import DataSplit, Decoding, Sample
from tests import tiny_models
from tests.serving import serving

Folders = tuple[Path, Path]


def sample(number: int) -> Sample:
    return Sample(f"q{number:03}", "ct:0", f"Is it {number}?", "yes", "ct", "presence", "phantom", "test", True)


def info(**changes: object) -> RunInfo:
    made = RunInfo(
        name="trial", task="t", dataset="phantoms", split="test", real=False, samples=150, arms=("base", "tuned"),
        model="nano", model_revision="r", adapter="a", adapter_sha256="s", endpoint=None, quantization="nf4",
        compute_dtype="float32", prompt="short", prompt_version=1, system="Be brief.", decoding=Decoding(),
        limit=None, metrics=("strict_closed", "strict_closed_parsed", "strict_exact"), data_sha256="d", fingerprint="",
        seeds={"decoding": 0}, versions={"torch": "1"}, hardware="2 cores", git_commit="c",
        created="2026-01-01T00:00:00+00:00", state="running",
    )  # fmt: skip
    made = replace(made, **changes)  # type: ignore[arg-type]
    return replace(made, fingerprint=run_info.fingerprint(made))


class Oracle:
    """Answers by the arm and the question's number; is killed before the answer number `dies`."""

    def __init__(self, dies: int | None = None) -> None:
        self.dies, self.answered = dies, 0

    def batches(self, window: Sequence[Put], missing: Collection[Put], decoding: Decoding) -> list[Sequence[Put]]:
        return [window[start : start + 50] for start in range(0, len(window), 50)]

    def answer(self, batch: Sequence[Put], decoding: Decoding) -> list[Said | UserError]:
        self.answered += len(batch)
        if self.dies is not None and self.answered > self.dies:
            raise KeyboardInterrupt
        return [Said("yes" if arm == "tuned" else f"Perhaps {one.id}.", 2, 0.5, 0.25) for one, arm in batch]


def work(folder: Path, count: int = 150, **changes: object) -> running.Work:
    cases = [as_case(replace(sample(n), image=f"ct:{n % 7}"), "Be brief.") for n in range(count)]
    return running.Work(folder, info(**changes), cases)


def whole(job: running.Work, oracle: Oracle | None = None) -> dict[str, bytes]:
    """Begin or go on, to the end: what stands in the folder then, times apart."""
    described = running.begin(job)
    running.answer(job, lambda: oracle or Oracle())
    running.finish(job, described)
    return {name: (job.folder / name).read_bytes() for name in (RUN, PREDICTIONS, SCORES)}


def test_a_run_killed_anywhere_ends_with_the_same_bytes(tmp_path: Path) -> None:
    wanted = whole(work(tmp_path / "whole"))
    for dies in (0, 64, 100, 190, 299):
        job = work(tmp_path / f"killed-{dies}")
        with pytest.raises(KeyboardInterrupt):
            whole(job, Oracle(dies))
        assert scores.read_run(job.folder).info.state == "running"
        torn = job.folder / PREDICTIONS
        if torn.is_file():
            torn.write_bytes(torn.read_bytes()[:-9])
        again = Oracle()
        assert whole(job, again) == wanted
        assert again.answered < 300 or dies < 150, "what was answered before the kill is not asked again"
    finished = scores.read_run(tmp_path / "killed-190")
    assert finished.info.state == "finished" and len(finished.predictions) == 300
    assert all(one.seconds is not None for one in finished.predictions)
    assert not list((tmp_path / "killed-190").glob("*.part-*"))


def test_a_finished_run_asks_nothing_and_stays_as_it_is(tmp_path: Path) -> None:
    wanted, again = whole(work(tmp_path)), Oracle()
    assert whole(work(tmp_path, created="2027-01-01T00:00:00+00:00"), again) == wanted and again.answered == 0


def test_every_answer_is_scored_and_none_is_not_zero(tmp_path: Path) -> None:
    whole(work(tmp_path, 3))
    run = scores.read_run(tmp_path)
    by = {(s.sample_id, s.arm, s.metric): s for s in run.scores}
    assert by["q000", "tuned", "strict_closed"].value == 1.0
    assert by["q000", "base", "strict_closed"].value == 0.0
    unparsed = by["q000", "base", "strict_closed_parsed"]
    assert unparsed.value is None and "cannot be read" in unparsed.reason
    assert not [s for s in run.scores if s.metric == "strict_exact"], "that metric is for open questions"
    nothing = replace(run.predictions[0], reference="")
    assert [s.reason for s in running.scored(nothing, ["strict_closed"])] == ["there is no reference"]
    assert running.unscored(replace(nothing, reference="x", text="")) == "the answer is empty"


def test_two_processes_share_the_windows_and_end_as_one_does(tmp_path: Path) -> None:
    wanted = whole(work(tmp_path / "one"))
    both = [replace(work(tmp_path / "two"), crew=running.Crew(n, 2, None, lambda: None)) for n in (0, 1)]
    described = running.begin(both[0])
    running.answer(both[1], Oracle)
    with pytest.raises(ConfigError, match="answers are missing"):
        running.finish(both[0], described)
    running.answer(both[0], Oracle)
    running.finish(both[0], described)
    assert {name: (tmp_path / "two" / name).read_bytes() for name in wanted} == wanted
    alone = work(tmp_path / "left")
    running.begin(alone)
    running.answer(replace(alone, crew=both[1].crew), Oracle)
    assert whole(alone) == wanted, "what two began, one can end"


def test_another_run_in_the_same_place_is_refused_and_changed_conditions_are_noted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        whole(work(tmp_path), Oracle(100))
    with pytest.raises(ConfigError, match="adapter_sha256 was 's', is 'other'"):
        whole(work(tmp_path, adapter_sha256="other"))
    whole(work(tmp_path, hardware="a GPU"))
    assert scores.read_info(tmp_path).notes == ("Went on under other conditions than it began with: hardware.",)


def test_a_broken_run_is_told_and_hides_no_other(tmp_path: Path) -> None:
    whole(work(tmp_path / "good", 3))
    for name, text in (("torn", "{"), ("old", '{"schema": 0}'), ("odd", json.dumps({"schema": 1, "name": "x"}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / RUN).write_text(text)
    found = list(scores.runs(tmp_path))
    assert [type(one).__name__ for one in found] == ["Run", "Broken", "Broken", "Broken"]
    assert all(str(tmp_path) in one.reason for one in found if isinstance(one, scores.Broken))
    with pytest.raises(DatasetError, match="is no run"):
        scores.read_run(tmp_path)


def test_scores_of_judges_and_probes_stand_beside_the_runs_own(tmp_path: Path) -> None:
    whole(work(tmp_path, 1))
    judged = Score("q000", "base", "judge", None, "no verdict found")
    scores.append(tmp_path / "scores.judge.jsonl", [scores.row_of(judged)])
    assert scores.read_run(tmp_path).scores[-1] == judged
    assert scores.row_of(judged) == {
        "sample_id": "q000", "arm": "base", "metric": "judge", "value": None, "reason": "no verdict found"
    }  # fmt: skip


def test_a_prediction_comes_back_from_its_line() -> None:
    one = Prediction("a", "base", "left", 1, "Where?", "left", "ct", "side", True, None, "a", ("left", "right"))
    row = json.loads(json.dumps(scores.row_of(one)))
    assert "seconds" not in row and "yes" not in row
    assert Prediction(**{**row, "choices": tuple(row["choices"])}) == one


@pytest.mark.parametrize("name", task_list.TASKS)
def test_every_task_names_rows_and_a_prompt_that_are_there(name: str) -> None:
    task = task_list.find(name)
    entry, _ = datasets.resolve(task.address)
    assert task.split in entry.splits and task.prompt in task_list.PROMPTS and task.tokens > 0
    assert entry.words == (task.prompt == "short") or name == "medhalt-fake"


def test_any_data_set_is_a_task() -> None:
    assert task_list.find("phantoms:domain=ct@train").split == "train"
    assert task_list.find("own:/data/a@b/c").address == "own:/data/a@b/c"
    assert (task_list.find("roco@validation").prompt, task_list.find("slake").prompt) == ("chat", "short")
    with pytest.raises(ConfigError, match="no task 'nowhere'"):
        task_list.find("nowhere")


def test_a_fingerprint_follows_what_decides_the_answers() -> None:
    same = [info(), info(created="2030-01-01T00:00:00+00:00"), info(hardware="a GPU"), info(name="other")]
    assert len({one.fingerprint for one in same}) == 1
    other = [info(system="Be long."), info(data_sha256="e"), info(arms=("base",)), info(decoding=Decoding(0.5))]
    assert len({one.fingerprint for one in [info(), *other]}) == 5


def test_rows_without_their_pictures_are_told() -> None:
    split: DataSplit = "test"
    blind = Rows("llava_med_chat", split, (replace(sample(1), image=""), sample(2)))
    assert run_info.without_pictures(blind) == ["1 of 2 questions were asked without their picture, which is not here."]
    assert run_info.without_pictures(Rows("medhalt_fake", split, (replace(sample(1), image=""),))) == []


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    base = tiny_models.write_model(tmp_path_factory.mktemp("base"))
    return base, tiny_models.write_adapter(tmp_path_factory.mktemp("adapter"), base)


TASK = "phantoms:domain=ct,seeds=0-6,kind=presence"


def arguments(folders: Folders, runs: Path, *more: str) -> list[str]:
    base, adapter = map(str, folders)
    return ["run", TASK, "--model", base, "--adapter", adapter, "--quantization", "none", "--max-tokens", "3",
            "--device", "cpu", "--compute-dtype", "float32", "--runs", str(runs), "--name", "trial", *more]  # fmt: skip


def files(runs: Path) -> list[bytes]:
    return [(runs / "trial" / name).read_bytes() for name in (PREDICTIONS, SCORES)]


def test_the_command_asks_both_arms_and_two_processes_write_the_same(
    folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments(folders, tmp_path / "one")) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(tmp_path / "one" / "trial") and "left" in said.err
    run = scores.read_run(tmp_path / "one" / "trial")
    assert run.info.state == "finished" and run.info.real is False and run.info.adapter_sha256
    texts = {arm: [p.text for p in run.predictions if p.arm == arm] for arm in run.info.arms}
    assert texts["base"] != texts["tuned"] and len(texts["base"]) == run.info.samples
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launched, "-m", "eval", *arguments(folders, tmp_path / "two")],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert files(tmp_path / "two") == files(tmp_path / "one")
    assert command.main(arguments(folders, tmp_path / "one", "--limit", "2")) == 1
    assert "holds another run" in capsys.readouterr().err


def test_a_server_answers_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["run", TASK, "--model", "small", "--adapter", "small-med", "--runs", str(tmp_path), "--name", "far"]
    with serving(faults=["cut", "429"]) as server:
        more = ["--endpoint", server.url, "--limit", "3", "--max-tokens", "40"]
        assert command.main([*given, *more, "--most-requests", "3", "--at-once", "1"]) == 1
        assert "budget of 3 requests" in capsys.readouterr().err
        # Two tries failed, the third one came: what was answered before the budget was spent is kept.
        assert len(scores.rows(tmp_path / "far" / PREDICTIONS)) == 1
        assert command.main([*given, *more]) == 0
        assert command.main([*given, "--endpoint", "nowhere", "--limit", "3"]) == 1
    run = scores.read_run(tmp_path / "far")
    assert run.info.endpoint == server.url and run.info.model_revision is None
    assert [p.arm for p in run.predictions] == ["base"] * 3 + ["tuned"] * 3
    for one in run.predictions:
        name = "small" if one.arm == "base" else "small-med"
        assert one.text == f"{name} hears {one.question}" and one.yes is None


def test_what_cannot_be_asked_is_told_before_anything_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, says in (
        (["nowhere"], "no task 'nowhere'"),
        (["vqa-rad", "--arm", "tuned"], "needs --adapter"),
        (["vqa-rad", "--adapter", "nowhere"], "is not an adapter"),
        ([f"own:{tmp_path}"], "one CSV or JSONL file"),
    ):
        assert command.main(["run", *given, "--runs", str(tmp_path)]) == 1
        assert says in capsys.readouterr().err
