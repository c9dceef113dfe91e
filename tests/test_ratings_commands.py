"""The command line: check, backup, export and import, each with an exit status and plain words."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from medvlm import datasets
from medvlm.__main__ import main
from medvlm.paths import ROOT
from medvlm.ratings.store import RatingStore
from medvlm.types import DOMAINS
from tests import studies_cases as made
from tests.rating_cases import full, simple, single


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        store.add_all([simple(1), simple(2, "neither"), full(), single()])
    return tmp_path / "ratings.sqlite3"


def run(file: Path, *arguments: str) -> int:
    return main(["ratings", "--store", str(file), *arguments])


def test_check_says_that_all_is_well_and_what_is_not(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "check") == 0
    told = capsys.readouterr().out
    assert "4 ratings (3 votes on pairs, 2 readers), schema 3" in told and "All is well." in told
    plain = sqlite3.connect(file)
    plain.execute("UPDATE ratings SET verdict = 'left' WHERE id = 'vote-2-r1'")
    plain.commit()
    plain.close()
    assert run(file, "check") == 1
    assert "vote-2-r1 is not what was kept" in capsys.readouterr().out


def test_backup_writes_a_copy_that_opens(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = file.parent / "copy.sqlite3"
    assert run(file, "backup", str(copy)) == 0
    assert f"{copy}: 4 ratings" in capsys.readouterr().out
    assert run(copy, "check") == 0


def test_what_is_exported_can_be_imported_twice(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, other = file.parent / "out" / "ratings.jsonl", file.parent / "other.sqlite3"
    assert run(file, "export", str(target), "--pictures") == 0
    assert run(other, "import", str(target)) == 0
    assert "4 new ratings, 0 were here before" in capsys.readouterr().out
    assert run(other, "import", str(target)) == 0
    assert "0 new ratings, 4 were here before" in capsys.readouterr().out
    with RatingStore(file) as one, RatingStore(other) as two:
        assert list(one.ratings()) == list(two.ratings())


def test_pictures_go_out_only_when_asked_for(file: Path) -> None:
    target = file.parent / "ratings.jsonl"
    run(file, "export", str(target))
    assert all(json.loads(line)["case"]["picture"] is None for line in target.read_text().splitlines())


@pytest.mark.parametrize(("form", "lines"), [("csv", 5), ("mrmc", 5), ("preferences", 1), ("hard", 1), ("jsonl", 4)])
def test_every_form_is_written(file: Path, form: str, lines: int) -> None:
    target = file.parent / f"out.{form}"
    assert run(file, "export", str(target), "--as", form) == 0
    text = target.read_bytes().decode()
    assert text.count("\r\n" if form in ("csv", "mrmc") else "\n") >= lines
    explained = file.parent / "out.dictionary.csv"
    assert explained.exists() == (form == "csv")
    assert sorted(path.name for path in file.parent.iterdir() if path.name.startswith(".")) == []


def test_hard_cases_are_a_data_set_with_their_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = made.store(tmp_path)
    codes = made.opened(kept, ("r1",), count=6)
    room = made.ReadingRoom(kept)
    who = room.sign_in(codes["r1"])
    while (task := room.task(who)) is not None:
        room.submit(who, task.key, made.ballot(task, "neither"), None, None)
    target = tmp_path / "out" / "hard.jsonl"
    assert run(tmp_path / "ratings.sqlite3", "export", str(target), "--as", "hard", "--pictures") == 0
    rows = [row for split in ("train", "test") for row in datasets.load(f"own:{target}", split).samples]  # type: ignore[arg-type]
    assert len(rows) == 6 and {row.domain for row in rows} == set(DOMAINS) and all(row.reference for row in rows)
    assert all(datasets.scan(f"{datasets.name_of(row)}").slices[0].size for row in rows)
    assert len(list((target.parent / "hard-pictures").iterdir())) == 6


def test_a_study_alone_can_go_out(file: Path) -> None:
    target = file.parent / "pilot.jsonl"
    run(file, "export", str(target), "--study", "pilot")
    assert [json.loads(line)["id"] for line in target.read_text().splitlines()] == ["full"]


def test_mistakes_are_one_sentence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {
        ("export", str(file.parent)): "is a folder",
        ("export", str(file / "x.csv")): "cannot be written",
        ("import", str(file.parent / "absent.jsonl")): "cannot be read",
        ("backup", str(file)): "is the database itself",
    }
    for arguments, says in wrong.items():
        assert run(file, *arguments) == 1
        told = capsys.readouterr().err
        assert says in told and "Traceback" not in told and told.count("\n") == 1


def test_the_program_starts_from_the_shell(file: Path) -> None:
    command = [sys.executable, "-m", "medvlm", "ratings", "--store", str(file), "check"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stderr
    assert "All is well." in process.stdout
