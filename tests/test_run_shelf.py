"""Runs on the shelf: packed and plain ones are the same, changes are seen, a broken one never hides the others."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.scoreboard import packed, probe_sheets
from medvlm.scoreboard.board import board
from medvlm.scoreboard.run_shelf import OWN, RunShelf
from tests.score_cases import INFO, Case, both, many, run, written


def test_what_was_packed_comes_back(tmp_path: Path) -> None:
    cases = [Case("q0", "ct", both(None, 1 / 3)), Case("q1", "gross", {"tuned": {"strict_f1": 0.5}}, closed=False)]
    made = run(cases, notes=("Seen.",))
    back = packed.unpack(packed.pack(made, tmp_path / "x"))
    assert back.info == made.info and back.predictions == made.predictions
    assert set(back.scores) == {replace(s, value=None if s.value is None else round(s.value, 5)) for s in made.scores}
    first = (tmp_path / "x" / packed.CASES).read_bytes()
    assert (packed.pack(made, tmp_path / "y") / packed.CASES).read_bytes() == first


def test_only_the_metrics_asked_for_are_packed(tmp_path: Path) -> None:
    made = run([Case("q", "ct", {"tuned": {"strict_closed": 1.0, "compat_closed": 0.0}})])
    back = packed.unpack(packed.pack(made, tmp_path, ["compat_closed"]))
    assert {one.metric for one in back.scores} == {"compat_closed"} and back.info.metrics == ("compat_closed",)


@pytest.mark.parametrize("text", ["{}\n", '{"metrics": []}\n{"answers": 3}\n', '{"metrics": []}\n[]\n'])
def test_a_damaged_pack_is_named(tmp_path: Path, text: str) -> None:
    packed.pack(many(), tmp_path)
    (tmp_path / packed.CASES).write_text(text)
    with pytest.raises(DatasetError, match=r"cases\.jsonl is damaged"):
        packed.unpack(tmp_path)


def test_both_kinds_of_folder_stand_on_the_shelf_and_broken_ones_beside_them(tmp_path: Path) -> None:
    written(tmp_path / "a" / "plain", many(name="plain"))
    packed.pack(many(name="packed"), tmp_path / "b" / "packed")
    broken = written(tmp_path / "a" / "broken", many(name="broken"))
    (broken / scores.SCORES).write_text('{"sample_id": \n{}\n')
    (tmp_path / "a" / "empty").mkdir()
    (tmp_path / "a" / "empty" / scores.RUN).write_text("{")
    found = RunShelf((tmp_path / "a", tmp_path / "b", tmp_path / "gone")).look()
    assert sorted(found.boards) == ["packed", "plain"]
    assert sorted(one.folder.name for one in found.broken) == ["broken", "empty"]
    assert all("damaged" in one.reason for one in found.broken)
    one, other = found.boards["plain"], found.boards["packed"]
    assert [c.sample_id for c in one.cases] == [c.sample_id for c in other.cases]


def test_a_change_is_seen_and_nothing_else_is_read_again(tmp_path: Path) -> None:
    written(tmp_path / "one", many(name="one"))
    shelf = RunShelf((tmp_path,))
    first = shelf.look()
    assert shelf.look() is first
    written(tmp_path / "two", many(name="two"))
    second = shelf.look()
    assert sorted(second.boards) == ["one", "two"] and second.version > first.version
    assert second.boards["one"] is first.boards["one"]
    scores.append(tmp_path / "two" / scores.SCORES, [scores.row_of(scores.Score("ct-1", "tuned", "extra", 1.0))])
    assert "extra" in shelf.look().boards["two"].metrics
    (tmp_path / "one" / scores.RUN).unlink()
    assert list(shelf.look().boards) == ["two"]


def test_two_runs_of_one_name_are_both_there(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        written(tmp_path / folder, many(name="same"))
    assert len(RunShelf((tmp_path,)).look().boards) == 2


def test_a_run_and_its_packed_copy_are_one(tmp_path: Path) -> None:
    packed.pack(many(name="mine"), tmp_path / "kept" / "mine", ["strict_closed"])
    whole = written(tmp_path / "runs" / "mine", many(name="mine"))
    for roots in ([tmp_path / "kept", tmp_path / "runs"], [tmp_path / "runs", tmp_path / "kept"]):
        boards = RunShelf(roots).look().boards
        assert {name: one.folder for name, one in boards.items()} == {"mine": whole}


def test_a_run_that_goes_on_has_no_scores_yet_and_is_whole_otherwise(tmp_path: Path) -> None:
    written(tmp_path / "one", replace(many(state="running"), scores=()))
    (one,) = RunShelf((tmp_path,)).look().boards.values()
    assert one.metrics == () and one.arms == () and len(one.cases) == 120


def test_probe_runs_give_their_figures_and_curves(tmp_path: Path) -> None:
    figure = {"n": 30, "clusters": 20, "value": 0.25, "low": 0.1, "high": 0.4, "reason": "", "note": ""}
    probes = {
        "swap": {"title": "Another picture", "arms": {"tuned": {"changed": figure}}},
        "zh": {"title": "Chinese", "missing": "the model knows no Chinese"},
    }
    folder = tmp_path / "probes"
    scores.write_info(folder, replace(INFO, task="probes"))
    scores.write(folder / probe_sheets.FIGURES, {"probes": probes})
    curve = {
        "probe": "training-data", "title": "Scaling", "metric": "strict_closed", "arm": "tuned", "task": "vqa-rad",
        "points": [{"run": "a", "amount": 100.0, **figure}], "figures": {"slope": figure},
    }  # fmt: skip
    scores.write(tmp_path / probe_sheets.CURVES / "x.json", curve)
    (tmp_path / probe_sheets.CURVES / "bad.json").write_text('{"probe": 1}')
    found = RunShelf((tmp_path,)).look()
    (sheet,) = found.sheets
    assert [(row.title, row.measure, row.arm, row.figure.value) for row in sheet.rows] == [
        ("Another picture", "changed", "tuned", 0.25)
    ]
    assert sheet.missing == (("Chinese", "the model knows no Chinese"),) and found.boards == {}
    assert [one.title for one in found.curves] == ["Scaling"] and found.curves[0].points[0][:2] == ("a", 100.0)
    (folder / probe_sheets.FIGURES).write_text(json.dumps({"probes": {"x": {}}}))
    assert RunShelf((tmp_path,)).look().broken[0].folder == folder


def test_our_own_runs_can_all_be_read() -> None:
    found = RunShelf((OWN,)).look()
    assert found.broken == () and {"nano-vqa-rad", "nano-phantoms"} <= found.boards.keys()
    for one in found.boards.values():
        assert one.metrics and one.info.model == "nano" and one.info.system
        if one.info.real is False:
            assert all((one.domains == number).sum() > 0 for number in range(5)), "drawings of every domain"


def test_a_score_of_no_question_is_left_out() -> None:
    made = many()
    odd = replace(made, scores=(*made.scores, scores.Score("nowhere", "tuned", "strict_closed", 1.0)))
    assert board(odd).columns["tuned", "strict_closed"].asked.sum() == 120
