"""Who may log in: a file of users and scrypt hashes. `python -m medvlm.auth add FILE USER` adds one or changes theirs.

Each line is `user:scrypt$N$r$p$salt$hash` (RFC 7914; salt and hash in base64). Passwords never stand in the file.
"""

import argparse
import base64
import getpass
import hashlib
import hmac
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medvlm.errors import ConfigError

# RFC 7914 asks for N = 2^14, r = 8, p = 1 for interactive logins: 16 MB and some 50 ms a try.
COST, BLOCK, PARALLEL = 2**14, 8, 1
SHORTEST = 8
USER = re.compile(r"[A-Za-z0-9._@-]{1,64}")
LINE = re.compile(r"scrypt\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Secret:
    """One scrypt hash with what it takes to compute it again."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> "Secret":
        salt = secrets.token_bytes(16)
        return cls(COST, BLOCK, PARALLEL, salt, _scrypt(password, salt, COST, BLOCK, PARALLEL))

    @classmethod
    def parse(cls, text: str) -> "Secret | None":
        if (match := LINE.fullmatch(text)) is None:
            return None
        cost, block, parallel = (int(number) for number in match.groups()[:3])
        try:
            salt, digest = (base64.b64decode(part, validate=True) for part in match.groups()[3:])
        except ValueError:
            return None
        return cls(cost, block, parallel, salt, digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.parallel}${salt}${digest}"

    def fits(self, password: str) -> bool:
        """Whether it is the password, in a time that does not depend on how far it agrees."""
        computed = _scrypt(password, self.salt, self.cost, self.block, self.parallel)
        return hmac.compare_digest(computed, self.digest)


class Gate:
    """Checks logins against one file, read once. Unknown users take as long as wrong passwords."""

    def __init__(self, users: dict[str, Secret]) -> None:
        self._users = users
        self._nobody = Secret.of(secrets.token_urlsafe(16))

    @classmethod
    def open(cls, file: Path) -> "Gate":
        """Raises `ConfigError` for a file that is missing, empty, malformed, unhashed or readable by everyone."""
        return cls(read_users(file))

    def admits(self, user: str, password: str) -> bool:
        fits = self._users.get(user, self._nobody).fits(password)
        return fits and user in self._users


def read_users(file: Path) -> dict[str, Secret]:
    """User -> secret. Raises `ConfigError` as `Gate.open` does; no message repeats what stands in a line."""
    try:
        mode = file.stat().st_mode
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read ({error}); make it with {_how(file)}.") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(f"{file} can be read or changed by everyone on this machine; run: chmod 600 {file}")
    users = dict(_user(file, n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#"))
    if not users:
        raise ConfigError(f"{file} names nobody; add a user with {_how(file)}.")
    return users


def add(file: Path, user: str, password: str) -> None:
    """Write the user's hash, in place of an older one; the file is readable by its owner only.

    Raises `ConfigError` for a name or password that is not allowed, and if the file holds anything else.
    """
    if not USER.fullmatch(user):
        raise ConfigError(f"{user!r} is no user name; use 1 to 64 letters, digits and . _ @ -")
    if len(password) < SHORTEST:
        raise ConfigError(f"The password has {len(password)} characters; use at least {SHORTEST}.")
    users = read_users(file) if file.exists() and file.read_text().strip() else {}
    users[user] = Secret.of(password)
    _write(file, "".join(f"{name}:{secret}\n" for name, secret in users.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Add a user; the password is asked for, or read as one line where there is no terminal."""
    parser = argparse.ArgumentParser(prog="python -m medvlm.auth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    adder = commands.add_parser("add", help="add a user or change their password")
    adder.add_argument("file", type=Path, metavar="FILE")
    adder.add_argument("user", metavar="USER")
    chosen = parser.parse_args(arguments)
    try:
        add(chosen.file, chosen.user, _ask())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{chosen.user} may log in with: python app.py --auth-file {chosen.file}")
    return 0


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    memory = 128 * block * (cost + parallel + 2) + (1 << 20)
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=memory, dklen=32)


def _user(file: Path, number: int, line: str) -> tuple[str, Secret]:
    user, _, text = line.strip().partition(":")
    secret = Secret.parse(text)
    if secret is None or not USER.fullmatch(user):
        raise ConfigError(
            f"{file}, line {number} is no user with a hashed password, and plain passwords are refused; "
            f"remove the line and use {_how(file)}."
        )
    return user, secret


def _how(file: Path) -> str:
    return f"'python -m medvlm.auth add {file} USER'"


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise ConfigError("The two passwords differ; run the command again.")
    return first


def _write(file: Path, text: str) -> None:
    # mkstemp makes the file for its owner alone, before anything is in it.
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
