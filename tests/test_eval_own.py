"""Nano's answers become small runs: the right files, today's questions, every metric that is for them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.asking import SHORT_ANSWER, fingerprint
from eval.nano import own, tasks
from eval.nano import settings as nano
from eval.nano.own import PARTS, part_run
from eval.nano.tasks import Case
from medvlm import scores
from medvlm.datasets.places import data_home
from medvlm.errors import DatasetError
from medvlm.metrics.profiles import METRICS
from medvlm.scoreboard import packed
from tests.score_cases import many, written

RECORD = {
    "adapter_sha256": "a" * 64,
    "base_revision": "r" * 16,
    "prompt_version": 1,
    "settings": {"phantoms": {"hardware": "x"}},
}
PHANTOMS = next(part for part in PARTS if part.file == "phantoms")


def answered(folder: Path, cases: Sequence[Case], arm: str, leave: int = 0) -> Path:
    """A file as `python -m eval nano` leaves it: every reference given back."""
    print_ = fingerprint([case.item for case in cases], SHORT_ANSWER)
    path = folder / f"phantoms.{arm}.nf4.{print_}.jsonl"
    row = {"tokens": 1, "yes": 0.5, "no": 0.1, "seconds": 0.1}
    scores.append(path, [{"id": c.item.id, "text": c.reference, **row} for c in cases[: len(cases) - leave]])
    return path


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return tasks.phantoms(1)


def test_answers_become_a_run_with_every_metric(tmp_path: Path, cases: list[Case]) -> None:
    for arm in ("base", "tuned"):
        answered(tmp_path, cases, arm)
    made = part_run("vqa-official", RECORD, tmp_path, PHANTOMS)
    assert made is not None
    assert (made.info.name, made.info.real, made.info.arms) == ("nano-phantoms", False, ("base", "tuned"))
    assert len(made.predictions) == 2 * len(cases) and made.info.hardware == "x"
    closed = [one for one in made.scores if one.metric == "strict_closed"]
    assert len(closed) == 2 * sum(case.closed for case in cases) and all(one.value == 1 for one in closed)
    back = packed.unpack(own.pack(made, tmp_path / "packed"))
    assert set(back.predictions) == set(made.predictions) and set(own.KEPT) <= METRICS.keys()


def test_a_run_is_said_to_be_measured_as_the_setting_that_asked_it() -> None:
    """The image-disjoint stage asks VQA-RAD's whole test as part of "kept-back"; changed pictures have their own."""
    asked = {part.condition or part.task: part.measured for part in PARTS}
    assert asked["vqa-rad"] == ("vqa-rad", "kept-back") and asked["vqa-rad-disjoint"] == ("kept-back",)
    assert {name for names in asked.values() for name in names} <= set(nano.SETTINGS)


@pytest.mark.skipif(not (data_home() / "vqa_rad").is_dir(), reason=f"VQA-RAD is not in {data_home()}")
def test_what_the_audit_finds_stands_beside_every_kept_run() -> None:
    part = next(part for part in PARTS if part.task == "vqa-rad")
    (pictures, rows) = own.leaked("vqa-official", part)
    assert pictures.startswith("All 203 pictures of this test") and rows.startswith("16 of 451 test questions")
    assert own.leaked("vqa-disjoint", part)[0].startswith("143 of 203 pictures")
    for name in ("nano", "nano-disjoint"):
        info = scores.read_info(own.OWN / f"{name}-vqa-rad")
        assert info.notes == own.leaked("vqa-official" if name == "nano" else "vqa-disjoint", part)
        assert info.git_commit != "unknown"
    assert scores.read_info(own.OWN / "nano-disjoint-vqa-rad-disjoint").notes == ()


def test_what_was_not_asked_is_no_run(tmp_path: Path) -> None:
    assert part_run("vqa-official", RECORD, tmp_path, PHANTOMS) is None


def test_answers_to_other_questions_and_missing_ones_are_told(tmp_path: Path, cases: list[Case]) -> None:
    path = answered(tmp_path / "a", cases, "tuned", leave=1)
    with pytest.raises(DatasetError, match="lacks the answer to phantom-"):
        part_run("vqa-official", RECORD, tmp_path / "a", PHANTOMS)
    path.rename(path.with_name("phantoms.tuned.nf4.00000000.jsonl"))
    with pytest.raises(DatasetError, match="no answers to today's questions"):
        part_run("vqa-official", RECORD, tmp_path / "a", PHANTOMS)


def test_named_runs_curves_and_losses_are_kept_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = written(tmp_path / "mine", many(name="mine"))
    probe = tmp_path / "probe"
    scores.write_info(probe, many(name="probe").info)
    scores.write(probe / "probes.json", {"probes": {}})
    scores.write(tmp_path / "runs" / "curves" / "x.json", {"probe": "x"})
    scores.append(tmp_path / "train" / "align" / "log.jsonl", [{"step": n, "loss": 1 / n} for n in range(1, 900)])
    out = tmp_path / "scores" / "runs"
    given = ["--runs", str(tmp_path / "runs"), "--out", str(out), "--training", str(tmp_path / "train")]
    assert main(["own", str(one), str(probe), *given]) == 0
    assert {path.name for path in out.iterdir()} == {"mine", "probe", "curves"}
    assert sorted(path.name for path in (out / "probe").iterdir()) == ["probes.json", "run.json"]
    curve = json.loads((tmp_path / "scores" / "training.json").read_text())["stages"]["align"]
    assert 150 <= len(curve) <= 250 and curve[0] == [1, 1.0]
    assert str(out / "mine") in capsys.readouterr().out


def test_nothing_to_keep_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = str(tmp_path)
    assert main(["own", "--runs", nothing, "--out", nothing, "--training", nothing]) == 1
    assert "python -m eval nano" in capsys.readouterr().err
