"""A PostgreSQL server of the tests' own: Debian's package, as user `postgres`, on a free port, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import free_port

MISSING = "PostgreSQL is not installed. Install it (Debian: apt-get install postgresql) to run its tests."
PATIENCE = 300  # a machine may be busy with something else


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `run` runs one of its programs as the account that it belongs to."""

    port: int
    folder: Path
    run: Callable[..., None]

    def new_database(self) -> str:
        """The URL of a database of its own."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run("createdb", "--host", "127.0.0.1", "--port", str(self.port), "--username", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


def programs() -> Path | None:
    """The newest version's folder of programs, or None where none is installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda folder: [int(n) for n in folder.parent.name.split(".") if n.isdigit()], default=None)


@contextmanager
def server() -> Iterator[Server]:
    """Start one, and stop it. Raises FileNotFoundError where there is none."""
    folder = programs()
    if folder is None:
        raise FileNotFoundError(MISSING)
    home = Path(tempfile.mkdtemp(prefix="medvlm-postgres-"))
    account = None
    if os.getuid() == 0:  # the server refuses to run as root
        account = "postgres"
        entry = pwd.getpwnam(account)
        os.chown(home, entry.pw_uid, entry.pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(folder / program), *arguments]
        done = subprocess.run(
            command, user=account, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, f"{program} failed: {done.stdout}"

    data, port = home / "data", free_port()
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c max_connections=60"
    try:
        run("initdb", "--pgdata", str(data), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8")
        # Its output goes to a file: it would hold our pipe open.
        run("pg_ctl", "start", "-D", str(data), "-w", "-t", str(PATIENCE), "-l", str(home / "log"), "-o", options)
        try:
            yield Server(port, home, run)
        finally:
            run("pg_ctl", "stop", "-D", str(data), "-m", "immediate", "-w")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server for all tests; without one they are skipped by name, and fail where `CI` is set."""
    if programs() is None:
        pytest.fail(MISSING, pytrace=False) if os.environ.get("CI") else pytest.skip(MISSING)
    with server() as running:
        yield running
