"""Where libraries write (memory, and nothing of it stays), and the receipt: what is held, where and until when."""

import contextlib
import fcntl
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from medvlm.page.session import Session

PREFIX = "medvlm-"
LOCK = "lock"
# Linux's folder in memory. Others have none that every account may use.
MEMORY = Path("/dev/shm")
_IN_MEMORY = frozenset(("tmpfs", "ramfs"))
# What libraries ask for the place of their temporary files; Gradio has a variable of its own.
VARIABLES = ("TMPDIR", "GRADIO_TEMP_DIR")
# So long a folder without a lock is left alone: another process may be about to lock it.
_YOUNG_SECONDS = 60.0


@dataclass(slots=True, eq=False)
class Place:
    """This process's own folder for whatever a library writes. `in_memory`: it never reaches a disk (but for swap)."""

    folder: Path
    in_memory: bool
    no_disk: bool = True
    _lock: IO[bytes] | None = None

    @property
    def emptied(self) -> bool:
        """Whether it has to be emptied after each request: nothing may stay on a disk, and there is no other place."""
        return self.no_disk and not self.in_memory

    def empty(self) -> int:
        """Delete everything in it; how many entries there were."""
        entries = [entry for entry in self._entries() if entry.name != LOCK]
        for entry in entries:
            _delete(entry)
        return len(entries)

    def release(self) -> None:
        """Delete the folder itself; it may be called twice."""
        _delete(self.folder)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _entries(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            yield from list(self.folder.iterdir())


def claim(no_disk: bool = True, memory: Path = MEMORY, disk: Path | None = None) -> Place:
    """Make this process's folder, and delete those that processes left which were killed.

    With `no_disk` it lies in memory where the system offers that; elsewhere it must be emptied after each request
    (`Emptying`). Only this account can read it.
    """
    disk = disk or Path(tempfile.gettempdir())
    parents = [parent for parent in (memory, disk) if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)]
    for parent in parents:
        sweep(parent)
    chosen = next((parent for parent in parents if no_disk and is_in_memory(parent)), disk)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getuid()}-", dir=chosen))
    # The lock ends with the process, however it ends: a folder that can be locked has no owner any more.
    lock = (folder / LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return Place(folder, is_in_memory(folder), no_disk, lock)


@contextlib.contextmanager
def settled(no_disk: bool) -> Iterator[Place]:
    """A folder of this process's own that libraries write to until the end, when it is deleted. See `claim`."""
    place = claim(no_disk)
    before = {variable: os.environ.get(variable) for variable in VARIABLES}
    settle(place)
    try:
        yield place
    finally:
        place.release()
        unsettle(before)


def settle(place: Place) -> None:
    """From now on libraries write there, and a crash writes no image of the memory to a disk."""
    for variable in VARIABLES:
        os.environ[variable] = str(place.folder)
    tempfile.tempdir = str(place.folder)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def unsettle(before: Mapping[str, str | None]) -> None:
    """Libraries write where they did before: the folder that they were given is gone."""
    for variable, value in before.items():
        if value is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = value
    tempfile.tempdir = None


def sweep(parent: Path) -> int:
    """Delete folders of this account whose owners have ended; how many there were."""
    found = 0
    for folder in parent.glob(f"{PREFIX}{os.getuid()}-*"):
        if folder.is_symlink() or not folder.is_dir() or _is_owned(folder):
            continue
        _delete(folder)
        found += 1
    return found


def is_in_memory(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether the file system of a folder is one that lives in memory; False where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    kinds = {Path(parts[1]): parts[2] for parts in (line.split() for line in lines) if len(parts) > 2}
    real = folder.resolve()
    mounted = next((parent for parent in (real, *real.parents) if parent in kinds), None)
    return mounted is not None and kinds[mounted] in _IN_MEMORY


def _is_owned(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        # Made this moment by another process, which has not locked it yet; or what is left of a deletion.
        return time.time() - folder.stat().st_mtime < _YOUNG_SECONDS
    except OSError:
        return True
    return False


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Emptying:
    """ASGI middleware: empties a folder that is not in memory whenever a request has ended and no other runs.

    Streams of answers run for long and write nothing; they are not waited for.
    """

    def __init__(self, app: App, place: Place, streams: tuple[str, ...] = ("/queue/data", "/heartbeat/")) -> None:
        self._app = app
        self._place = place
        self._streams = streams
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or any(part in path for part in self._streams):
            return await self._app(scope, receive, send)
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
            if not self._running:
                self._place.empty()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the receipt: what is held, where, and until when."""

    what: str
    where: str
    until: str


def receipt(session: Session, place: Place | None, idle_minutes: int) -> tuple[Line, ...]:
    """What is held for this session, in words for the page. `place` None: no temporary folder is in use."""
    scans, turns = session.open_scans, session.conversation.turns
    memory = "this machine's memory"
    until = f"you forget it, a minute after this page is closed, or after {minutes(idle_minutes)} without use"
    slices = sum(len(scan.slices) for scan in scans)
    waiting = sum(item.scan is None for item in session.items)
    lines = []
    if scans:
        pictures = _count(len(scans), "scan") + (f" ({_count(slices, 'slice')})" if slices > len(scans) else "")
        lines.append(Line(f"{pictures}, and what the model worked out from them", memory, until))
    if waiting:
        what = f"{_count(waiting, 'more picture')} in the tray as they came, with their headers"
        lines.append(Line(what, memory, f"you open or forget them, {until.removeprefix('you forget it, ')}"))
    if turns:
        asked = sum(turn.role == "user" for turn in turns)
        lines.append(Line(f"{_count(asked, 'question')} with answers and the pictures as asked", memory, until))
    lines.append(_temporary(place))
    lines.append(Line("Light or dark, as you chose", "this browser", "you clear the browser's data"))
    return tuple(lines)


def elsewhere(endpoint: str) -> Line:
    """For whoever asks where another machine, or another program on this one, answers."""
    server = urlsplit(endpoint).hostname or "another address"
    return Line(
        "Each question, with the pictures it is about",
        f"also the server {server}, which answers",
        "that server lets go of it",
    )


def _temporary(place: Place | None) -> Line:
    if place is None:
        return Line("Uploads and temporary files", "none", "")
    where = "memory (a folder that is no disk)" if place.in_memory else "a folder on this machine's disk"
    until = "each request has ended" if place.emptied else "MedVLM ends"
    return Line("Temporary files of libraries, no uploads", where, until)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def minutes(number: int) -> str:
    """ "30 minutes", "an hour"."""
    return "an hour" if number == 60 else _count(number, "minute")
