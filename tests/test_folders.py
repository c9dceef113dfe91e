"""Folders are whole or not there, whatever happens while they are written."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medvlm import folders
from medvlm.paths import ROOT

PARTS = {"recipe": "1"}
OLD = {"recipe": "old"}
# A process that kills itself before its Nth operation on files (0: never), so that every moment has its turn.
KILLED = """
import os, signal, sys
from pathlib import Path
from medvlm import folders

operations = 0

def count(event, _):
    global operations
    if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}:
        operations += 1
        if operations == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

def write(folder):
    for n in range(3):
        (folder / f"{n}.bin").write_bytes(bytes([n]) * 100_000)

sys.addaudithook(count)
folders.build(Path(sys.argv[1]), {"recipe": "1"}, write)
"""


def two_files(folder: Path) -> None:
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")


def refuse(folder: Path) -> None:
    raise AssertionError(f"{folder} was to be written again")


def started(target: Path, operation: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", KILLED, str(target), str(operation)], cwd=ROOT)


def left_beside(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {target.name, f".{target.name}.lock"}


def test_a_written_folder_is_whole_and_is_not_written_again(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    folders.build(target, PARTS, two_files)
    assert folders.is_whole(target, PARTS)
    assert folders.made_of(target) == PARTS
    folders.build(target, PARTS, refuse)
    assert left_beside(target) == set()


def test_other_parts_replace_the_folder_and_nothing_of_the_old_stays(tmp_path: Path) -> None:
    target = tmp_path / "model"
    folders.build(target, PARTS, two_files)
    folders.build(target, {"recipe": "2"}, lambda folder: (folder / "c.txt").write_text("c") and None)
    assert {path.name for path in target.iterdir()} == {"c.txt", folders.RECORD}
    assert not folders.is_whole(target, PARTS)
    assert left_beside(target) == set()


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "no record", "bad record", "empty record", "a file"])
def test_a_damaged_folder_is_recognised_and_repaired(tmp_path: Path, damage: str) -> None:
    target = tmp_path / "model"
    folders.build(target, PARTS, two_files)
    file, record = target / "a.txt", target / folders.RECORD
    if damage == "flip":
        file.write_text("x")
    elif damage == "cut":
        file.write_text("")
    elif damage == "remove":
        file.unlink()
    elif damage == "no record":
        record.unlink()
    elif damage == "bad record":
        record.write_text(record.read_text()[:-20])
    elif damage == "empty record":
        record.write_text("[]")
    else:
        for path in target.iterdir():
            path.unlink()
        target.rmdir()
        target.write_text("a file where the folder should be")
    assert not folders.is_whole(target, PARTS)
    folders.build(target, PARTS, two_files)
    assert folders.is_whole(target, PARTS)
    assert left_beside(target) == set()


def test_a_writer_that_fails_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "model"
    folders.build(target, PARTS, two_files)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        folders.build(target, {"recipe": "2"}, fail)
    assert folders.is_whole(target, PARTS)
    assert left_beside(target) == set()


def test_a_kill_at_any_moment_leaves_a_whole_folder_or_none_and_the_next_call_repairs(tmp_path: Path) -> None:
    target, code, seen = tmp_path / "model", -signal.SIGKILL, []
    for operation in range(1, 100):
        folders.build(target, OLD, two_files)
        with started(target, operation) as process:
            code = process.wait(30)
        whole = "old" if folders.is_whole(target, OLD) else "new" if folders.is_whole(target, PARTS) else "none"
        assert whole != "none" or not target.exists()
        seen.append((whole, bool(left_beside(target))))
        folders.build(target, PARTS, two_files if whole != "new" else refuse)
        assert folders.is_whole(target, PARTS)
        assert left_beside(target) == set()
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0, "the last one was to finish by itself"
    assert {("old", False), ("old", True), ("none", True), ("new", True), ("new", False)} == set(seen)


def test_several_at_once_wait_for_each_other_and_all_find_it_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with started(target, 0) as first, started(target, 0) as second, started(target, 0) as third:
        assert {first.wait(30), second.wait(30), third.wait(30)} == {0}
    assert folders.is_whole(target, PARTS)
    assert left_beside(target) == set()


def test_a_record_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / folders.RECORD).write_text("{}")
    with pytest.raises(ValueError, match="does not say"):
        folders.made_of(tmp_path)


def test_a_file_is_there_whole_or_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    folders.write_whole(tmp_path / "new" / "a.txt", b"first")
    folders.write_whole(tmp_path / "new" / "a.txt", b"second")
    assert [(one.name, one.read_bytes()) for one in (tmp_path / "new").iterdir()] == [("a.txt", b"second")]
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        folders.write_whole(tmp_path / "taken", b"third")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new", "taken"]
