"""The store on PostgreSQL: the same promises as on SQLite, on a server that these tests start."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from medvlm.errors import StoreError, UserError
from medvlm.ratings import migrations, upkeep
from medvlm.ratings.database import Database
from medvlm.ratings.records import COUNTED
from medvlm.ratings.store import RatingStore
from medvlm.ratings.studies import StudyStore
from medvlm.studies.reading import ReadingRoom
from tests import studies_cases
from tests.crowd import at_once
from tests.killing import killed_writers
from tests.postgres import Server, postgres  # noqa: F401  # a fixture
from tests.rating_cases import full, simple, single


@pytest.fixture
def url(postgres: Server) -> str:  # noqa: F811
    return postgres.new_database()


@pytest.fixture
def store(url: str) -> Iterator[RatingStore]:
    with RatingStore(url) as opened:
        yield opened


def test_every_rating_comes_back_as_it_went_in(store: RatingStore) -> None:
    ratings = [full(), simple(1), single()]
    for rating in ratings:
        assert store.add(rating).new
    assert list(store.ratings()) == ratings
    assert not store.add(replace(simple(1), verdict="tie")).new
    assert upkeep.check(store) == []


def test_what_the_database_cannot_hold_does_not_cost_the_vote(store: RatingStore) -> None:
    store.add(replace(simple(1), left=replace(simple(1).left, text="a\0b\ud800c")))
    kept = store.get(simple(1).id)
    assert kept is not None and kept.left.text == "a\u2400b?c"


def test_sixteen_readers_vote_at_once_and_one_double_click_counts_once(store: RatingStore) -> None:
    receipts: list[bool] = []

    def vote(reader: int) -> None:
        # Both orders of the candidates, so that writers could wait for each other.
        for number in range(2):
            one = simple(number, reader=f"r{reader}", tuned_left=bool(reader % 2))
            receipts.append(store.add(one).new)
        receipts.append(store.add(simple(99, reader="all")).new)

    at_once(16, vote)
    assert (len(receipts), sum(receipts), store.count()) == (48, 33, 33)


def test_two_corrections_of_one_rating_at_once_leave_one(store: RatingStore) -> None:
    store.add(simple(1, "left"))
    outcomes: list[str] = []

    def correct(number: int) -> None:
        try:
            store.add(replace(simple(1, "tie"), id=f"correction-{number}", corrects="vote-1-r1"))
            outcomes.append("kept")
        except UserError as error:
            outcomes.append(str(error))

    at_once(8, correct)
    assert outcomes.count("kept") == 1
    assert sum("has been corrected already" in one for one in outcomes) == 7
    assert store.votes(COUNTED).verdicts.words() == ["tie"]


def test_nothing_acknowledged_is_lost_and_nothing_is_torn_by_twenty_kills(url: str) -> None:
    found = killed_writers(url, 20, seed=2)
    assert (found.lost, found.torn, found.doubled, found.faults) == ([], [], [], [])
    assert found.kills == 20 and found.inside >= 10
    assert found.acknowledged >= 20


def test_a_copy_is_a_file_that_opens_like_any_other(store: RatingStore, tmp_path: Path) -> None:
    first = [full(), *(simple(number) for number in range(250)), single()]
    store.add_all(first)
    store.add(replace(full("second"), corrects="full"))
    copy = upkeep.backup(store, tmp_path / "copy.sqlite3")
    with RatingStore(copy) as opened:
        assert list(opened.ratings()) == list(store.ratings())
        assert upkeep.check(opened) == []


def test_version_1_is_brought_up_to_date(url: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        migrations.migrate(connection, upto=1)
        assert migrations.version(connection) == 1
    database.close()
    with RatingStore(url) as store:
        assert store.add(single()).new and store.add(full()).new
        with store.database.reading() as connection:
            assert migrations.version(connection) == migrations.NEWEST


def test_eight_that_open_a_new_database_at_once_make_it_once(url: str) -> None:
    at_once(8, lambda _: RatingStore(url).close())
    with RatingStore(url) as store, store.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM schema_steps")).scalar_one() == migrations.NEWEST


def test_a_newer_schema_is_refused(url: str) -> None:
    with RatingStore(url) as store, store.database.writing() as connection:
        connection.execute(text(f"INSERT INTO schema_steps VALUES ({migrations.NEWEST + 1}, 'later', 'MedVLM 9')"))
    with pytest.raises(StoreError, match="newer version"):
        RatingStore(url)


def test_a_server_that_takes_no_writes_or_keeps_a_lock_is_said(url: str) -> None:
    with RatingStore(url, patience=0.3) as store:
        with store.database.engine.connect() as other, other.begin():
            other.execute(text("LOCK TABLE ratings IN EXCLUSIVE MODE"))
            with pytest.raises(StoreError, match="locked for too long"):
                store.add(simple(1))
        name = store.database.url.database
        with store.database.writing() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    with RatingStore(url) as store:
        with pytest.raises(StoreError, match="takes no writes just now"):
            store.add(simple(1))
        assert store.count() == 0


def test_a_server_that_is_not_there_and_a_database_that_is_not_are_said(url: str) -> None:
    with pytest.raises(StoreError, match=r"no such database. Make it with createdb"):
        RatingStore(url + "_absent")
    with pytest.raises(StoreError, match=r"cannot be reached. Look whether it runs") as told:
        RatingStore("postgresql://me:secret@127.0.0.1:1/ratings")
    assert "secret" not in str(told.value)


def test_a_connection_that_was_cut_costs_no_vote(store: RatingStore, url: str) -> None:
    store.add(simple(1))
    with RatingStore(url) as other, other.database.writing() as connection:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        cut = connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")).all()
        assert len(cut) >= 1
    assert store.add(simple(2)).new
    assert store.count() == 2


def test_a_study_is_made_read_and_copied_there_too(store: RatingStore, tmp_path: Path) -> None:
    kept = StudyStore(store)
    codes = studies_cases.opened(kept, count=2)
    room = ReadingRoom(kept)
    assert studies_cases.read_all(room, room.sign_in(codes["r1"])) == 2
    with RatingStore(upkeep.backup(store, tmp_path / "copy.sqlite3")) as copy:
        room = ReadingRoom(StudyStore(copy))
        assert room.task(room.sign_in(codes["r1"])) is None
        assert studies_cases.read_all(room, room.sign_in(codes["r2"])) == 2
