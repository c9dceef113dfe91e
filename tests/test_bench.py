"""The bench harness, and every benchmark in small, so that none rots."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from medvlm.paths import ROOT
from tests.bench import __main__ as bench

GOOD = """
def run(smoke):
    return [{"name": "n", "value": 2.0 if smoke else 3.0, "unit": "s", "against": "x", "ratio": 2}]
"""


def written(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"bench_{name}.py").write_text(text)
    return folder


def ran(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    out = folder / "out" / "bench.json"
    code = bench.main([*options, "--out", str(out)], folder)
    return code, json.loads(out.read_text())


def test_rows_are_written_and_shown_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = ran(written(tmp_path, speed=GOOD))
    assert code == 0
    (row,) = result["benchmarks"][0]["rows"]
    assert row == {"bench": "speed", "name": "n", "value": 3.0, "unit": "s", "against": "x", "ratio": 2.0}
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["benchmark", "what", "value", "unit", "against", "ratio"]
    assert line.split() == ["speed", "n", "3", "s", "x", "2"]


def test_smoke_reaches_the_benchmark_and_the_file_says_so(tmp_path: Path) -> None:
    _, result = ran(written(tmp_path, speed=GOOD), "--smoke")
    assert result["smoke"] is True
    assert result["benchmarks"][0]["rows"][0]["value"] == 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def run(smoke):\n    raise OSError('no scale')\n", "no scale"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("", "has no attribute 'run'"),
        ("def run(smoke):\n    return []\n", "measured nothing"),
        ("def run(smoke):\n    return [{'name': 'n', 'value': float('nan')}]\n", "not finite"),
        ("def run(smoke):\n    return [{'name': 'n', 'value': 1, 'vs': 2}]\n", "unknown keys ['vs']"),
    ],
)
def test_one_broken_benchmark_is_reported_and_the_others_still_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    code, result = ran(written(tmp_path, broken=text, speed=GOOD))
    assert code == 1
    broken, speed = result["benchmarks"]
    assert says in broken["error"] and not broken["rows"]
    assert speed["rows"] and not speed["error"]
    assert "failed: broken" in capsys.readouterr().err


def test_only_runs_the_named_ones(tmp_path: Path) -> None:
    _, result = ran(written(tmp_path, slow=GOOD, speed=GOOD), "--only", "speed")
    assert [outcome["bench"] for outcome in result["benchmarks"]] == ["speed"]


def test_every_benchmark_runs_in_small(nano_folder: Path, tmp_path: Path) -> None:
    names = sorted(bench.found())
    command = [sys.executable, "-m", "tests.bench", "--smoke", "--out"]
    ran: list[str] = []
    with ExitStack() as running:
        # Two at once: each waits for processes and pages a good part of its time, and the numbers mean nothing here.
        started = [
            (out, running.enter_context(
                subprocess.Popen([*command, str(out), "--only", *half], cwd=ROOT, text=True, stderr=subprocess.PIPE)
            ))
            for out, half in ((tmp_path / "even.json", names[::2]), (tmp_path / "odd.json", names[1::2]))
        ]  # fmt: skip
        for out, process in started:
            errors = process.communicate(timeout=300)[1]
            assert process.returncode == 0, errors[-4000:]
            result = json.loads(out.read_text())
            assert result["smoke"] is True
            ran += [outcome["bench"] for outcome in result["benchmarks"]]
    assert sorted(ran) == names
