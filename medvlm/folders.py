"""Files and folders that are written whole or not at all; folders know by hash what they are made of.

A folder is built beside its place and swapped in when it is finished. Its record (`assembled.json`) holds what it was
made of and the size and hash of every file, so that a damaged or outdated folder is recognised.
"""

import fcntl
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from medvlm.packages import sha256_of

RECORD = "assembled.json"


def write_whole(path: Path, data: bytes) -> None:
    """One file, open to whom the user's umask allows; its folder is made. Raises OSError, and leaves nothing then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def build(target: Path, made_of: Mapping[str, str], write: Callable[[Path], None]) -> None:
    """Put a folder at `target` that `write` has filled, unless a whole one of the same parts is there.

    One process at a time: others wait and then find it done. A kill leaves either the old folder, none, or the new
    one, and whatever it left beside them is removed by the next call. Raises OSError, and what `write` raises.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target):
        _sweep(target)
        if is_whole(target, made_of):
            return
        work = _beside(target)
        try:
            write(work)
            _record(work, made_of)
            _put_in_place(work, target)
        finally:
            _sweep(target)


def is_whole(target: Path, made_of: Mapping[str, str]) -> bool:
    """Whether the folder was made of exactly these parts and every file still has its size and hash."""
    try:
        made = json.loads((target / RECORD).read_text(encoding="utf-8"))
        return bool(made["made_of"] == dict(made_of)) and all(
            (target / name).stat().st_size == size and sha256_of(target / name) == digest
            for name, (size, digest) in made["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def made_of(folder: Path) -> dict[str, str]:
    """What a folder's record says it was made of. Raises OSError, or ValueError where the record is not one."""
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8"))["made_of"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD} does not say what the folder was made of") from error


def _prefix(target: Path) -> str:
    return f".{target.name}-"


def _beside(target: Path) -> Path:
    """A new, empty folder on the same disk, open to whom the user's umask allows."""
    folder = target.parent / f"{_prefix(target)}{secrets.token_hex(8)}"
    folder.mkdir()
    return folder


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process at a time for one target. The system itself frees the lock of a killed process."""
    with (target.parent / f".{target.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep(target: Path) -> None:
    """Remove what unfinished work left behind; only under the lock, so that nobody is at work there."""
    for left in target.parent.glob(_prefix(target) + "*"):
        shutil.rmtree(left, ignore_errors=True)


def _record(folder: Path, made_of: Mapping[str, str]) -> None:
    files = {p.name: (p.stat().st_size, sha256_of(p)) for p in sorted(folder.iterdir())}
    text = json.dumps({"made_of": dict(made_of), "files": files}, indent=1) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def _put_in_place(work: Path, target: Path) -> None:
    """Swap the finished folder in; an older one is moved aside first, since no one step replaces a folder."""
    if target.exists() or target.is_symlink():
        target.replace(_beside(target) / target.name)
    work.replace(target)
