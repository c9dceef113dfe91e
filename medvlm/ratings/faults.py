"""What a database's complaint means for the person who waits: one sentence with the thing and the next step."""

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError

from medvlm.errors import StoreError

KEPT = "Nothing is lost: leave the page open and submit again."
# SQLite's primary result codes (sqlite.org/rescode.html) -> what is so, and what to do.
SQLITE: dict[str, str] = {
    "FULL": "the disk is full. Free some space on it.",
    "READONLY": "it is read-only. Give this account the right to write the file and its folder.",
    "BUSY": "another program has kept it locked for too long. Close that program.",
    "LOCKED": "another program has kept it locked for too long. Close that program.",
    "PERM": "this account may not open it. Give it the right to read and write the file and its folder.",
    "CANTOPEN": "it cannot be opened. Make its folder, and give this account the right to write there.",
    "IOERR": "the disk failed to read or write. Look after the disk and its free space.",
    "CORRUPT": "the file is damaged. Put the last backup in its place.",
    "NOTADB": "the file is no SQLite database. Name another file, or put the last backup in its place.",
    "TOOBIG": "the rating is too large. Leave the picture out.",
}
# PostgreSQL's SQLSTATE, whole or by class (postgresql.org/docs/current/errcodes-appendix.html).
POSTGRES: dict[str, str] = {
    "53100": "the server's disk is full. Free some space there.",
    "53300": "the server takes no more connections. Raise max_connections, or close other programs.",
    "53200": "the server is out of memory. Try again in a moment.",
    "25006": "the server takes no writes just now. Name the primary server, not a standby.",
    "55P03": "another program has kept it locked for too long. Close that program.",
    "57014": "the server took too long. Try again in a moment.",
    "28": "the server refuses this account. Look at the user name and the password in the URL.",
    "3D": "the server has no such database. Make it with createdb.",
    "42501": "this account may not write there. Grant it the right to create tables and to write.",
    "57P": "the server is shutting down or starting. Try again in a moment.",
    "08": "the server cannot be reached. Look whether it runs.",
}


def advice(error: DBAPIError | sqlite3.Error, place: str, task: str) -> StoreError | None:
    """The error to show, or None where nobody but a programmer could act on it.

    `place`: the database, as a person knows it; `task`: what was being done, as in "could not <task>".
    """
    orig = error.orig if isinstance(error, DBAPIError) else error
    told = _sqlite(orig) or _postgres(orig)
    return None if told is None else StoreError(f"{place} could not {task}: {told} {KEPT}")


def _sqlite(orig: Any) -> str | None:
    name = getattr(orig, "sqlite_errorname", None)
    if name is None and isinstance(orig, sqlite3.DatabaseError) and "not a database" in str(orig):
        name = "SQLITE_NOTADB"
    return None if name is None else SQLITE.get(name.split("_")[1])


def _postgres(orig: Any) -> str | None:
    if type(orig).__module__.partition(".")[0] != "pg8000":
        return None
    said = orig.args[0] if orig.args else None
    if not isinstance(said, dict):
        return POSTGRES["08"]  # the driver's own words: no connection, or one that broke
    code = str(said.get("C", ""))
    return next((POSTGRES[code[:length]] for length in (5, 3, 2) if code[:length] in POSTGRES), None)
