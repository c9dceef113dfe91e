"""The database behind the ratings: opened, kept safe and up to date, and its complaints put into plain words.

SQLite with a write-ahead log and full synchronous writes by default: what is acknowledged is on the disk. PostgreSQL
by URL (`postgresql://user:password@host/name`) for a study over several machines.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from medvlm import paths
from medvlm.errors import StoreError, UserError
from medvlm.ratings import faults, migrations

PATIENCE = 30.0  # seconds that a writer waits for the others before it says that the database is locked
_WRITE = "medvlm_write"


def default_url() -> str:
    """`MEDVLM_RATINGS`, or a SQLite file in the data home."""
    return os.environ.get("MEDVLM_RATINGS") or str(paths.home() / "ratings" / "ratings.sqlite3")


class Database:
    """Connections to one database whose schema is this version's. Safe to share between threads, not after a fork."""

    def __init__(self, url: str | Path, patience: float = PATIENCE) -> None:
        """`url`: a file's path, or a database URL. `patience`: seconds to wait for a lock.

        Makes or migrates the tables where that is due. Raises `StoreError` with advice.
        """
        self.url = parsed(url)
        self.patience = patience
        self.engine = _engine(self.url, patience)
        self._writer = self.engine.execution_options(**{_WRITE: True})
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """Where the data lies, for SQLite."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @property
    def place(self) -> str:
        return place(self.url)

    @contextmanager
    def reading(self, task: str = "be read") -> Iterator[Connection]:
        """One connection in one transaction: all that is read is of one moment."""
        with self.advised(task), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self, task: str = "take the rating") -> Iterator[Connection]:
        """One connection in one transaction, on the disk when the block has been left without an error."""
        with self.advised(task), self._writer.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def advised(self, task: str) -> Iterator[None]:
        """What goes wrong in the block is said in plain words, where it can be acted on."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            told = faults.advice(error, self.place, task)
            if told is None:
                raise
            raise told from error

    def _prepare(self) -> None:
        if self.file is not None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"The folder {self.file.parent} cannot be made: {error}. Name another one.") from error
        with self.reading("be opened") as connection:
            version = migrations.version(connection)
        migrations.check_not_newer(version, self.place)
        if version < migrations.NEWEST:
            self._migrate()

    def _migrate(self) -> None:
        if self.is_sqlite:
            self._switch_to_wal()
        with self.writing("be brought up to date") as connection:
            migrations.migrate(connection)

    def _switch_to_wal(self) -> None:
        """Write-ahead logging stays switched on in the file; switching it needs the file for a moment alone."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                with self.advised("be set up"):
                    self.outside("PRAGMA journal_mode=WAL")
                return
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def outside(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement that SQLite runs outside of any transaction."""
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            return list(cursor.fetchall())
        finally:
            connection.close()


def place(url: URL) -> str:
    """The database as a person knows it, without a password."""
    sqlite = url.get_backend_name() == "sqlite"
    return f"The database {url.database if sqlite else url.render_as_string(hide_password=True)}"


def parsed(url: str | Path) -> URL:
    """A path becomes SQLite's URL, `postgres(ql)://` takes the driver that is installed here. Raises `UserError`."""
    text = str(url)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        found = make_url(text)
    except ArgumentError as error:
        raise UserError(
            f"{text!r} is no database URL. Give a file, or postgresql://user:password@host/name."
        ) from error
    backend = found.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+pg8000")
    if backend == "sqlite" and found.database and found.database != ":memory:":
        return parsed(Path(found.database))
    raise UserError(
        f"Ratings cannot be kept in {found.render_as_string(hide_password=True)!r}: give a file for SQLite, "
        "or postgresql://user:password@host/name."
    )


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": patience})
        event.listen(engine, "connect", _safe_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        # Longer than any lock is waited for: only a server that has gone silent takes as long.
        silence = {"timeout": patience + 30}
        engine = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24, connect_args=silence)
    except NoSuchModuleError as error:
        raise UserError(f"{url.drivername} needs a driver that is not installed: {error}. Run make install.") from error
    milliseconds = int(patience * 1000)

    def safe_postgres(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        # A server may be set up to acknowledge before the disk has it; this connection is not.
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(f"SET lock_timeout TO {milliseconds}")
        connection.commit()
        cursor.close()

    event.listen(engine, "connect", safe_postgres)
    _bear_cuts(engine.dialect)
    return engine


def _bear_cuts(dialect: Any) -> None:
    """A connection that the server has cut is thrown away quietly, and the next one taken.

    The driver lets the operating system's errors through, which SQLAlchemy does not take for a cut, and leaves the
    socket's file open when it cannot say goodbye.
    """
    ping = dialect.do_ping

    def do_ping(connection: Any) -> bool:
        try:
            return bool(ping(connection))
        except OSError:
            return False

    def do_terminate(connection: Any) -> None:
        file = getattr(connection, "_sock", None)
        try:
            connection.close()
        except (dialect.loaded_dbapi.Error, OSError):
            with suppress(OSError):
                if file is not None:
                    file.close()

    dialect.do_ping, dialect.do_terminate = do_ping, do_terminate


def _safe_sqlite(connection: Any, _: object) -> None:
    # Python's driver starts transactions by itself, and late; ours begin where SQLAlchemy says so.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its place at once: one that began by reading could be refused when it comes to write.
    write = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
