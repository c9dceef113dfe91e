"""Runs as others see them: who lives, how far, what was found; the panel says it, escaped, with what to do next."""

import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from medvlm import plots
from medvlm.plots import training as plots_training
from medvlm.scoreboard import training_runs
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.scoreboard.training_runs import Run, State
from medvlm.ui import scores_tab, training_panel
from tests.training_cases import recipe_run

ME = {"pid": os.getpid(), "began": psutil.Process().create_time(), "host": socket.gethostname(), "at": time.time()}


def one(folder: Path) -> Run:
    (run,) = training_runs.runs({"recipe": folder})
    return run


@pytest.mark.parametrize(
    ("beat", "done", "state"),
    [
        ({**ME, "state": "running"}, False, "running"),
        ({**ME, "state": "trained"}, True, "done"),
        ({**ME, "state": "stopped"}, False, "stopped"),
        ({**ME, "began": 1.0, "state": "running"}, False, "interrupted"),  # another process has the number now
        ({**ME, "pid": 2**22 + 1, "state": "running"}, False, "interrupted"),
        ({**ME, "host": "elsewhere", "state": "running"}, False, "running"),
        (None, False, "running"),  # no beat, but a log that was written just now
    ],
)
def test_a_run_lives_while_its_very_process_does(
    tmp_path: Path, beat: dict[str, Any] | None, done: bool, state: State
) -> None:
    folder = recipe_run(tmp_path, "align", beat=beat, done=done)
    assert one(tmp_path).state == state
    if state == "running" and (beat is None or beat["host"] == "elsewhere"):
        old = time.time() - training_runs.FRESH - 5
        for file in folder.iterdir():
            os.utime(file, (old, old))
        assert one(tmp_path).state == "interrupted"


def test_a_run_is_read_whole_and_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    folder = recipe_run(tmp_path, "align", steps=700, beat={**ME, "state": "running", "seconds_left": 321.0})
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"step": 701, "of": 7')
    run = one(tmp_path)
    assert (run.step, run.of, run.settings["learning"]["rate"]) == (700, 1400, 2e-3)
    assert len(run.losses) <= training_runs.MOST_POINTS and run.losses[-1][0] == 700
    assert run.looks[-1] == (700, {"validation_loss": 1.5, "closed": 0.625, "n": 40.0})
    assert [(part.name, part.trained) for part in run.parts] == [("vision tower", 0), ("projector", 1234)]
    assert run.speed == {"seconds_left": 321.0} and run.pid == os.getpid()
    before = training_runs.signature({"recipe": tmp_path})
    assert training_runs.signature({"recipe": tmp_path}) == before
    (folder / "done.json").write_text("{}")
    assert training_runs.signature({"recipe": tmp_path}) != before


def test_what_lives_stands_first_and_what_is_no_run_nowhere(tmp_path: Path) -> None:
    recipe_run(tmp_path, "old", done=True, age=9000)
    recipe_run(tmp_path, "new", done=True, age=100)
    recipe_run(tmp_path, "alive", beat={**ME, "state": "running"}, age=50000)
    (tmp_path / "features").mkdir()
    (tmp_path / "summary.json").write_text("{}")
    assert [run.name for run in training_runs.runs({"recipe": tmp_path})] == ["alive", "new", "old"]
    assert training_runs.runs({"recipe": tmp_path / "nowhere"}) == []


def test_nano_has_stages_with_their_part_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "align").mkdir()
    (tmp_path / "align" / "log.jsonl").write_text('{"step": 5, "of": 10, "epoch": 0.5, "loss": 3.0, "rate": 0.1}\n')
    (tmp_path / "features").mkdir()
    (run,) = training_runs.runs({"nano": tmp_path})
    assert run.kind == "nano" and run.settings["epochs"] > 0 and run.key == "nano:align"
    assert training_runs.restart(run) == ("nano", "--stage", "align")


def test_durations_are_said_as_people_say_them() -> None:
    assert [training_runs.duration(s) for s in (8.4, 100, 5000, 5400, 11100)] == [
        "8 s", "2 min", "83 min", "1 h 30 min", "3 h 05 min",
    ]  # fmt: skip
    assert training_panel.when(0, now=200_000) == "2 days ago" and training_panel.when(0, now=30) == "30 s ago"


def test_the_panel_says_how_to_begin_stop_go_on_and_use(tmp_path: Path) -> None:
    empty = training_panel.view("", [])
    assert "python -m train run smolvlm-laptop" in empty["html"] and empty["head"] == "Training: no run yet"
    shown = {}
    for name, given in {
        "alive": {"beat": {**ME, "state": "running", "seconds_left": 600.0}},
        "stopped": {"beat": {**ME, "state": "stopped", "command": ["run", "smolvlm", "data.train=own:/at/home/x.csv"]}},
        "done": {"done": True},
    }.items():
        shutil.rmtree(tmp_path, ignore_errors=True)
        recipe_run(tmp_path / "recipes", name, **given)  # type: ignore[arg-type]
        shown[name] = training_panel.view("", training_runs.runs({"recipe": tmp_path / "recipes"}))
    assert f"kill {os.getpid()}" in shown["alive"]["html"] and "10 min" in shown["alive"]["html"]
    assert shown["alive"]["head"] == "Training: alive, step 20 of 40, 10 min left"
    assert "python -m train run smolvlm data.train=own:.../x.csv" in shown["stopped"]["html"]
    assert "kill" not in shown["stopped"]["html"] and "shortened" in shown["stopped"]["html"]
    assert "python -m train run alive" in shown["alive"]["html"] and "shortened" not in shown["alive"]["html"]
    assert "--base tiny-base --adapter" in shown["done"]["html"].replace(".../", "")
    assert "recipes/done/adapter" in shown["done"]["html"] and "step 20" in shown["done"]["html"]
    for view in shown.values():
        assert str(tmp_path) not in view["html"], "whole paths of the machine are nobody's business"
        assert 'scope="row">projector</th>' in view["html"] and "learning.rate" in view["html"]


def test_the_plots_are_plotlys_and_what_comes_from_files_is_text(tmp_path: Path) -> None:
    folder = recipe_run(tmp_path, "align", steps=40)
    settings = json.loads((folder / "recipe.json").read_text()) | {"source": "<b>bold</b>"}
    (folder / "recipe.json").write_text(json.dumps(settings))
    view = training_panel.view("recipe:align", training_runs.runs({"recipe": tmp_path}))
    assert set(view["plots"]) == {"training-loss", "training-closed"}
    for plot in view["plots"].values():
        plots.checked({"data": plot["data"], "layout": plot["layout"]})
        assert "Not for diagnosis" in plot["csv"] or "not for diagnosis" in plot["csv"].lower()
    assert "<b>bold" not in view["html"] and "&lt;b&gt;bold" in view["html"]
    (loss,) = [plot for plot in plots_training.curves(one(tmp_path)) if plot.name == "training-loss"]
    assert [trace["name"] for trace in loss.data] == ["each step", "loss", "validation"]
    assert plots_training.smoothed([(1, 1.0), (2, 3.0)], over=2) == [(1, 1.0), (2, 2.0)]


def test_the_page_is_told_again_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDVLM_HOME", str(tmp_path))
    recipe_run(tmp_path / "recipes", "align", beat={**ME, "state": "running"})
    training = {f.__name__: f for f in scores_tab.answers(RunShelf([]))}["training"]
    told = training({"run": "recipe:align", "known": ""})
    assert told["run"] == "recipe:align" and "tr-open" in told["html"]
    assert training({"run": "recipe:align", "known": told["known"]}) == {"known": told["known"]}
    assert training(None)["known"] == told["known"]
