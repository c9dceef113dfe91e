"""Looking after a database of ratings: is it whole, and a copy of it while readers go on voting."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, select

from medvlm.errors import StoreError
from medvlm.ratings import tables, wire
from medvlm.ratings.migrations import version
from medvlm.ratings.records import Candidate, checked
from medvlm.ratings.store import PAGE, RatingStore


def check(store: RatingStore) -> list[str]:
    """Everything that is wrong with the database, each in a sentence; nothing for a whole one.

    Looks at the file, at what points where, and at every rating: whether it says what it said when it was kept.
    """
    wrong = _wrong_file(store) if store.database.is_sqlite else []
    with store.database.reading("be checked") as connection:
        digests = connection.execute(select(tables.ratings.c.id, tables.ratings.c.digest)).all()
        rows = connection.execute(select(tables.candidates)).mappings().all()
    stored = {row[0]: row[1] for row in digests}
    for row in rows:
        if tables.candidate_of(dict(row)).id != row["id"]:
            wrong.append(f"candidate {row['id']} ({row['name']}) is not what its id was made from")
    try:
        for rating in store.ratings():
            checked(rating)
            if wire.digest(rating) != stored.get(rating.id):
                wrong.append(f"rating {rating.id} is not what was kept: its digest differs")
    except (KeyError, ValueError, TypeError, json.JSONDecodeError) as error:
        wrong.append(f"a rating cannot be read ({type(error).__name__}: {error})")
    return wrong


def backup(store: RatingStore, target: Path) -> Path:
    """A copy as of this moment, as one SQLite file that opens like any other, whole or not at all; readers go on.

    Of PostgreSQL too: the copy is read in one transaction. Raises `StoreError` where the copy cannot be made or is
    not whole.
    """
    target = target.expanduser().absolute()
    if store.database.file is not None and target == store.database.file:
        raise StoreError(f"{target} is the database itself. Name another file for its copy.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            part = Path(folder) / "copy.sqlite3"
            with store.database.advised("be copied"):
                (_copy_file if store.database.is_sqlite else _copy_rows)(store, part)
            _settle(part)
            os.replace(part, target)  # noqa: PTH105  # the pair of _settle
    except OSError as error:
        raise StoreError(f"The copy {target} cannot be written: {error}. Name a file where there is room.") from error
    return target


def describe(store: RatingStore) -> str:
    """How much is there, in a line."""
    with store.database.reading() as connection:
        schema = version(connection)
    votes = store.votes()
    readers = len(votes.readers.known)
    return f"{store.count()} ratings ({len(votes)} votes on pairs, {readers} readers), schema {schema}"


def _wrong_file(store: RatingStore) -> list[str]:
    with store.database.advised("be checked"):
        told = [str(row[0]) for row in store.database.outside("PRAGMA integrity_check")]
        loose = store.database.outside("PRAGMA foreign_key_check")
    wrong = [f"the file is damaged: {line}" for line in told if line != "ok"]
    return wrong + [f"row {row[1]} of {row[0]} points to a row of {row[2]} that is not there" for row in loose]


def _copy_file(store: RatingStore, part: Path) -> None:
    # One snapshot of the write-ahead log's; writers are not held up, and nothing they write meanwhile gets in.
    store.database.outside("VACUUM INTO ?", str(part))


def _copy_rows(store: RatingStore, part: Path) -> None:
    with store.database.reading("be copied") as connection, RatingStore(part) as copy:
        known: dict[str, Candidate] = {}
        for row in connection.execute(select(tables.candidates)).mappings():
            known[row["id"]] = tables.candidate_of(dict(row))
        tags: dict[str, list[tables.Row]] = {}
        for tag in connection.execute(select(tables.errors).order_by(tables.errors.c.position)).mappings():
            tags.setdefault(tag["rating"], []).append(dict(tag))
        every = select(tables.ratings).order_by(tables.ratings.c.sequence)
        for rows in connection.execution_options(yield_per=PAGE).execute(every).mappings().partitions():
            copy.add_all(tables.rating_of(dict(row), tags.get(row["id"], []), known) for row in rows)
        with copy.database.writing("be copied") as target:
            _copy_candidates(target, known)
            for table in tables.OF_STUDIES:
                if found := [dict(row) for row in connection.execute(select(table)).mappings()]:
                    target.execute(table.insert(), found)


def _copy_candidates(target: Connection, known: Mapping[str, Candidate]) -> None:
    """Those who have answered in a study and were not rated yet."""
    there = {row[0] for row in target.execute(select(tables.candidates.c.id))}
    if missing := [tables.candidate_row(one) for one in known.values() if one.id not in there]:
        target.execute(tables.candidates.insert(), missing)


def _settle(part: Path) -> None:
    """Everything in one file and on the disk; raises `StoreError` for a copy that is not whole."""
    connection = sqlite3.connect(part)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=WAL")
        told = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    if told != "ok":
        raise StoreError(f"The copy is not whole ({told}). Check the database, then copy it again.")
    with part.open("rb") as file:
        os.fsync(file.fileno())
