"""What can go wrong with the file: kills, full and read-only disks, locks, other versions, damage. SQLite's ring."""

import os
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from medvlm.errors import StoreError, UserError
from medvlm.ratings import migrations, upkeep
from medvlm.ratings.database import parsed, place
from medvlm.ratings.store import RatingStore
from tests.crowd import at_once
from tests.killing import killed_writers
from tests.rating_cases import full, simple, single

NOBODY = 65534
VERSION_1 = Path(__file__).with_name("ratings_version_1.sql")


def test_nothing_acknowledged_is_lost_and_nothing_is_torn_by_twenty_kills(tmp_path: Path) -> None:
    found = killed_writers(str(tmp_path / "ratings.sqlite3"), 20, seed=1)
    assert (found.lost, found.torn, found.doubled, found.faults) == ([], [], [], [])
    assert found.kills == 20 and found.inside >= 10
    assert found.acknowledged >= 20


def test_a_full_disk_is_said_and_the_vote_can_be_sent_again(tmp_path: Path) -> None:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        store.add(simple(0))
        pages = store.database.outside("PRAGMA page_count")[0][0]
        # SQLite's own limit on the file gives the error of a full disk, without filling one.
        store.database.outside(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(StoreError, match=r"ratings.sqlite3 could not take the rating: the disk is full. Free some"):
            for number in range(1, 200):
                store.add(simple(number))
        store.database.outside("PRAGMA max_page_count=100000")
        assert store.add(simple(number)).new
        assert store.count() == number + 1 and upkeep.check(store) == []


def test_a_really_full_disk_is_said_too(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        with RatingStore(disk / "ratings.sqlite3") as store:
            with pytest.raises(StoreError, match=r"the disk is full|the disk failed"):
                for number in range(400):
                    store.add(simple(number))
            kept = store.count()
            assert 0 < kept < 400 and upkeep.check(store) == []
            with pytest.raises(StoreError, match=r"cannot be written|disk is full|disk failed"):
                upkeep.backup(store, disk / "copy.sqlite3")
            assert [path.name for path in disk.iterdir() if "copy" in path.name] == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """A folder and its files that may only be read, also where the tests run as root."""
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_read_only_file_is_said_at_the_vote() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        file = folder / "ratings.sqlite3"
        with RatingStore(file) as store:
            store.add(simple(1))
        with sqlite3.connect(file) as plain:
            plain.execute("PRAGMA journal_mode=DELETE")  # a reader of a log file would have to make its index
        plain.close()
        with without_rights(folder), RatingStore(file) as store:
            assert store.count() == 1, "reading goes on"
            with pytest.raises(StoreError, match=r"it is read-only. Give this account the right to write"):
                store.add(simple(2))


def test_a_folder_without_rights_is_said_at_the_start() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with without_rights(folder), pytest.raises(StoreError, match=r"cannot be opened|read-only"):
            RatingStore(folder / "ratings.sqlite3")
        (folder / "file").write_text("")
        with pytest.raises(StoreError, match="cannot be made"):
            RatingStore(folder / "file" / "ratings.sqlite3")


def test_a_locked_file_is_said_after_a_wait_and_works_again_when_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "ratings.sqlite3"
    with RatingStore(file, patience=0.2) as store:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked for too long. Close that program. Nothing is lost"):
            store.add(simple(1))
        assert store.count() == 0, "reading goes on beside a writer"
        other.execute("ROLLBACK")
        other.close()
        assert store.add(simple(1)).new


def test_a_newer_schema_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ratings.sqlite3"
    with RatingStore(file) as store, store.database.writing() as connection:
        connection.execute(text(f"INSERT INTO schema_steps VALUES ({migrations.NEWEST + 1}, 'later', 'MedVLM 9')"))
    with pytest.raises(StoreError, match=rf"newer version: its schema is {migrations.NEWEST + 1}.*Update the program"):
        RatingStore(file)


@pytest.mark.parametrize("content", [b"this is a text file. " * 400, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ratings.sqlite3"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"no SQLite database|damaged"):
        RatingStore(file)
    assert file.read_bytes() == content, "it is left as it was"


def test_a_url_that_is_none_is_refused_with_advice(tmp_path: Path) -> None:
    for url in ("mysql://host/x", "sqlite://", "nonsense://"):
        with pytest.raises(UserError, match="postgresql://user:password@host/name"):
            RatingStore(url)
    assert parsed(f"sqlite:///{tmp_path}/a.db") == parsed(tmp_path / "a.db")
    assert "secret" not in place(parsed("postgres://me:secret@host/name"))


def schema(file: Path) -> list[tuple[str, ...]]:
    plain = sqlite3.connect(file)
    tables = [row[0] for row in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = [(t, *map(str, column[1:])) for t in tables for column in plain.execute(f"PRAGMA table_info({t})")]
    found += plain.execute("SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name").fetchall()
    plain.close()
    return found


def test_a_database_of_version_1_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite3", tmp_path / "new.sqlite3"
    plain = sqlite3.connect(old)
    plain.executescript(VERSION_1.read_text(encoding="utf-8"))
    plain.close()
    with RatingStore(old) as store:
        assert list(store.ratings()) == [simple(1), simple(2, "neither", tuned_left=True)]
        assert upkeep.check(store) == []
        assert store.add(single()).new, "what version 1 did not know can be added"
    RatingStore(new).close()
    assert schema(old) == schema(new)


def test_step_1_is_what_version_1_left() -> None:
    """A step that has been released is never changed."""
    told = VERSION_1.read_text(encoding="utf-8")
    for statement in migrations.STEPS[0]:
        assert statement.format(**migrations.TYPES["sqlite"]) in told


def test_sixteen_that_open_a_new_database_at_once_make_it_once(tmp_path: Path) -> None:
    file = tmp_path / "ratings.sqlite3"
    at_once(16, lambda _: RatingStore(file).close())
    with RatingStore(file) as store, store.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM schema_steps")).scalar_one() == migrations.NEWEST


def test_a_copy_is_whole_while_readers_go_on(tmp_path: Path) -> None:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        store.add_all([*(simple(number) for number in range(50)), full()])
        stop = threading.Event()

        def vote() -> None:
            number = 1000
            while not stop.is_set():
                store.add(simple(number := number + 1))

        reader = threading.Thread(target=vote)
        reader.start()
        copies = [upkeep.backup(store, tmp_path / "copies" / f"{number}.sqlite3") for number in range(3)]
        stop.set()
        reader.join()
        everything = {rating.id: rating for rating in store.ratings()}
    for copy in copies:
        with RatingStore(copy) as opened:
            kept = list(opened.ratings())
            assert len(kept) >= 51 and all(everything[rating.id] == rating for rating in kept)
            assert upkeep.check(opened) == []
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == ["0.sqlite3", "1.sqlite3", "2.sqlite3"]


def test_a_copy_onto_itself_or_nowhere_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ratings.sqlite3"
    with RatingStore(file) as store:
        with pytest.raises(StoreError, match="is the database itself"):
            upkeep.backup(store, file)
        with pytest.raises(StoreError, match="cannot be written"):
            upkeep.backup(store, file / "copy.sqlite3")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE ratings SET verdict = 'tie'", "rating vote-1-r1 is not what was kept"),
        ("UPDATE errors SET harm = 'none'", "rating full is not what was kept"),
        ("UPDATE candidates SET quantisation = 'bf16' WHERE arm = 'base'", "is not what its id was made from"),
        ("UPDATE ratings SET corrects = 'nobody' WHERE id = 'full'", "points to a row of ratings that is not there"),
        ("UPDATE ratings SET left_history = '{' WHERE id = 'full'", "a rating cannot be read"),
    ],
)
def test_what_was_changed_behind_its_back_is_found(tmp_path: Path, statement: str, says: str) -> None:
    with RatingStore(tmp_path / "ratings.sqlite3") as store:
        store.add_all([simple(1), full()])
        assert upkeep.check(store) == []
        plain = sqlite3.connect(tmp_path / "ratings.sqlite3")
        plain.execute(statement)
        plain.commit()
        plain.close()
        assert any(says in line for line in upkeep.check(store))


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "ratings.sqlite3"
    with RatingStore(file) as store:
        store.add_all(simple(number) for number in range(60))
        store.database.outside("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(file.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = os.urandom(4096)
    file.write_bytes(data)
    try:
        with RatingStore(file) as store:
            assert upkeep.check(store) != []
    except StoreError as error:
        assert "damaged" in str(error)
