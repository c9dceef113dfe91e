"""The tables, as numbered steps: each is run once, in order, in one transaction with the note that it was run.

Numbered steps and not Alembic, because there are few tables, two dialects and one branch: what is needed is a list
of statements and a row that says how far it was followed. Alembic would add a template engine, a folder of scripts
that cannot be imported and a configuration file, and would still need the locking of `migrate`. A step that has been
released is never changed; a change is a new step.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, inspect, text

from medvlm import __version__
from medvlm.errors import StoreError

# Names of types, where the dialects differ.
TYPES: dict[str, dict[str, str]] = {
    "sqlite": {"sequence": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB"},
    "postgresql": {"sequence": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "blob": "BYTEA"},
}
_SIDE = """
    {side}_answer TEXT {null},
    {side}_history TEXT {null},
    {side}_decoding TEXT,
    {side}_leaks TEXT {null},
    {side}_words INTEGER {null},
    {side}_correct INTEGER,
    {side}_complete INTEGER,
    {side}_relevant INTEGER,
    {side}_clear INTEGER,
    {side}_safe INTEGER,
    {side}_correctness TEXT,"""
_LEFT, _RIGHT = _SIDE.format(side="left", null="NOT NULL"), _SIDE.format(side="right", null="")

STEPS: tuple[tuple[str, ...], ...] = (
    # 1: candidates, pairs and their error tags.
    (
        """CREATE TABLE candidates (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    arm TEXT,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    adapter TEXT NOT NULL,
    adapter_sha256 TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    quantisation TEXT NOT NULL,
    prompt_version INTEGER)""",
        f"""CREATE TABLE ratings (
    sequence {{sequence}},
    id TEXT NOT NULL UNIQUE,
    corrects TEXT UNIQUE REFERENCES ratings(id),
    study TEXT NOT NULL,
    reader TEXT NOT NULL,
    case_id TEXT NOT NULL,
    question TEXT NOT NULL,
    domain TEXT NOT NULL,
    question_type TEXT NOT NULL,
    scans TEXT NOT NULL,
    shown TEXT,
    grey_window TEXT,
    look TEXT NOT NULL,
    picture {{blob}},
    left_candidate TEXT NOT NULL REFERENCES candidates(id),
    right_candidate TEXT REFERENCES candidates(id),{_LEFT}{_RIGHT}
    verdict TEXT,
    sureness INTEGER,
    guess TEXT,
    comment TEXT NOT NULL,
    seconds DOUBLE PRECISION,
    blinded BOOLEAN NOT NULL,
    training BOOLEAN NOT NULL,
    repeat_number INTEGER NOT NULL,
    side_seed BIGINT,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    software TEXT NOT NULL,
    label TEXT NOT NULL,
    digest TEXT NOT NULL)""",
        """CREATE TABLE errors (
    rating TEXT NOT NULL REFERENCES ratings(id),
    position INTEGER NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    harm TEXT NOT NULL,
    start INTEGER,
    stop INTEGER,
    PRIMARY KEY (rating, position))""",
        "CREATE INDEX ratings_by_study ON ratings (study, sequence)",
    ),
    # 2: reviews of one answer against a reference; what a reader has done is looked up at every case.
    (
        "ALTER TABLE ratings ADD COLUMN form TEXT NOT NULL DEFAULT 'pair'",
        "ALTER TABLE ratings ADD COLUMN reference TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX ratings_by_reader ON ratings (reader, study)",
    ),
    # 3: reader studies: what they are made of stands in records of JSON, what is looked up by in columns.
    (
        "CREATE TABLE studies (name TEXT PRIMARY KEY, status TEXT NOT NULL, record TEXT NOT NULL)",
        """CREATE TABLE study_cases (
    study TEXT NOT NULL REFERENCES studies(name),
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (study, id))""",
        """CREATE TABLE study_answers (
    study TEXT NOT NULL,
    case_id TEXT NOT NULL,
    candidate TEXT NOT NULL REFERENCES candidates(id),
    record TEXT NOT NULL,
    PRIMARY KEY (study, case_id, candidate),
    FOREIGN KEY (study, case_id) REFERENCES study_cases (study, id))""",
        """CREATE TABLE study_readers (
    study TEXT NOT NULL REFERENCES studies(name),
    reader TEXT NOT NULL,
    role TEXT NOT NULL,
    code_key TEXT NOT NULL UNIQUE,
    code_secret TEXT NOT NULL,
    PRIMARY KEY (study, reader))""",
        """CREATE TABLE study_showings (
    study TEXT NOT NULL,
    reader TEXT NOT NULL,
    position INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (study, reader, position),
    FOREIGN KEY (study, reader) REFERENCES study_readers (study, reader))""",
    ),
)
NEWEST = len(STEPS)
_LOCK = 7_216_005_321  # any number, as long as nobody else on the server uses it


def version(connection: Connection) -> int:
    """How many steps the database has seen; 0 for an empty one."""
    if not inspect(connection).has_table("schema_steps"):
        return 0
    return int(connection.execute(text("SELECT COALESCE(MAX(step), 0) FROM schema_steps")).scalar_one())


def check_not_newer(found: int, place: str) -> None:
    """Raises `StoreError` for a database of a later version: this one could not read all of it."""
    if found > NEWEST:
        raise StoreError(
            f"{place} was written by a newer version: its schema is {found}, this version knows {NEWEST}. "
            "Update the program, or name another database."
        )


def migrate(connection: Connection, upto: int = NEWEST) -> None:
    """Run the steps that are due, in the transaction of a connection that writes; one of several processes does it."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY, run TEXT NOT NULL, software TEXT)")
    )
    for step in range(version(connection), upto):
        for statement in STEPS[step]:
            connection.exec_driver_sql(statement.format(**TYPES[dialect]))
        connection.execute(
            text("INSERT INTO schema_steps (step, run, software) VALUES (:step, :run, :software)"),
            {"step": step + 1, "run": datetime.now(UTC).isoformat(), "software": f"MedVLM {__version__}"},
        )
