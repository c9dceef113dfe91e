"""The line is calm and true; machines get JSON; the beat says who trains and how far."""

import io
import json
import os
import time
from pathlib import Path

from medvlm.scoreboard import training_runs
from medvlm.scoreboard.training_runs import BEAT
from tests import dry_runs, tiny_models
from train import __main__ as command
from train.progress import Progress, line


class Clock:
    """Seconds that the test lets pass."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    """What a person would sit before."""

    def isatty(self) -> bool:
        return True


def trained(
    out: io.StringIO, folder: Path, steps: int = 100, each: float = 0.1, lines: io.StringIO | None = None
) -> None:
    """A run of so many steps of 4 samples, with a look in the middle."""
    clock = Clock()
    progress = Progress("align", folder, lines=lines, out=out, now=clock)
    with progress:
        progress.begin(0, steps)
        for step in range(1, steps + 1):
            clock.seconds += each
            progress.step(step, steps, 2.0, 4)
            if step == steps // 2:
                progress.look(step, {"validation_loss": 1.5, "closed": 0.62, "n": 50})
    progress.end("trained")


def test_a_terminal_has_one_line_that_is_drawn_at_most_four_times_a_second(tmp_path: Path) -> None:
    out = Terminal()
    trained(out, tmp_path)
    drawn = out.getvalue()
    assert 30 <= drawn.count("\r") <= 45, "10 seconds of 100 steps"
    kept = [part.split("\r")[-1].removesuffix("\x1b[K") for part in drawn.strip("\n").split("\n")]
    assert kept[0] == "align  step 50: validation loss 1.5, closed 0.62, n 50"
    assert kept[1].startswith("align  step 100 of 100  loss 2.0000  40 samples/s  ") and len(kept) == 2
    assert "left" not in kept[1] and "5 s left" in drawn


def test_a_file_gets_a_line_every_half_minute_and_the_last(tmp_path: Path) -> None:
    out = io.StringIO()
    trained(out, tmp_path, steps=100, each=1.0)
    assert len(out.getvalue().splitlines()) in (5, 6) and "\r" not in out.getvalue()
    assert "4 samples/s" in out.getvalue()


def test_a_resumed_run_counts_only_what_it_does_itself(tmp_path: Path) -> None:
    out, clock = Terminal(), Clock()
    progress = Progress("align", tmp_path, out=out, now=clock)
    progress.begin(900, 1000)
    clock.seconds += 10
    progress.step(910, 1000, 1.0, 40)
    assert "4 samples/s" in out.getvalue() and "90 s" not in out.getvalue() and "2 min left" in out.getvalue()
    assert line("a", {"step": 1200, "of": 2400, "loss": 0.5, "memory_gb": 4.06, "seconds_left": 4321}) == (
        "a  step 1,200 of 2,400  loss 0.5000  4.1 GB  72 min left"
    )


def test_machines_get_one_object_a_line_and_people_nothing(tmp_path: Path) -> None:
    out, lines = io.StringIO(), io.StringIO()
    trained(out, tmp_path, steps=4, lines=lines)
    events = [json.loads(one) for one in lines.getvalue().splitlines()]
    assert [one["event"] for one in events] == ["begin", "step", "step", "look", "step", "step", "trained"]
    last = events[-2]
    assert (last["step"], last["of"], last["loss"], last["samples_per_second"]) == (4, 4, 2.0, 40.0)
    assert last["memory_gb"] > 0 and last["seconds_left"] == 0 and out.getvalue() == ""


def test_the_beat_names_the_process_that_trains(tmp_path: Path) -> None:
    trained(io.StringIO(), tmp_path, steps=3)
    beat = json.loads((tmp_path / BEAT).read_text())
    assert (beat["pid"], beat["step"], beat["of"], beat["state"]) == (os.getpid(), 3, 3, "trained")
    assert abs(beat["at"] - time.time()) < 60 and list(tmp_path.iterdir()) == [tmp_path / BEAT]


def test_the_command_line_gives_json_alone_and_leaves_a_run_that_others_can_read(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    base = tiny_models.write_model(tmp_path / "base", "llava", spread=0.1)
    address = dry_runs.data(tmp_path / "data", rows=4)
    options = [
        f"model.base={base}", f"data.train={address}", "machine.precision=fp32", "machine.gpu=none", "name=small",
        f"learning.max_tokens={dry_runs.LONGEST}", "learning.steps=2", "learning.batch=1", "learning.accumulation=2",
        f"data.validation={address}", "keeping.evaluate_every=2", "data.system=short",
    ]  # fmt: skip
    assert command.main(["run", "smolvlm-laptop", *options, "--runs", str(tmp_path / "runs"), "--json"]) == 0
    said = capsys.readouterr()
    events = [json.loads(one) for one in said.out.splitlines()]
    assert [one["event"] for one in events] == ["begin", "step", "step", "look", "trained"]
    assert all(one["run"] == "small" for one in events) and events[2]["samples_per_second"] > 0
    assert "vision tower" in said.err and "{'loss'" not in said.err
    (run,) = training_runs.runs({"recipe": tmp_path / "runs"})
    assert (run.name, run.state, run.step, run.of, len(run.losses)) == ("small", "done", 2, 2, 2)
    assert run.looks[0][1]["validation_loss"] == events[3]["validation_loss"]
    assert {part.name: part.trained > 0 for part in run.parts}["vision tower"] is False
    assert run.settings["learning"]["steps"] == 2 and run.result["trained"] > 0
