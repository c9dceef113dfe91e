"""New identifiers for old ones: the same for the same key, and nothing leads back without it."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from medvlm.errors import UserError

# Dates move into the past by one day to ten years, each patient's by a number of their own.
_MOST_DAYS = 3650
KEY_BYTES = 32
# DICOM's root for UIDs made of random numbers (PS3.5 B.2).
_ROOT = "2.25."


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes them. A key that is not given is random and never written: then nobody can repeat or undo the run."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)

    def uid(self, old: str) -> str:
        """A new unique identifier, at most 44 characters."""
        number = int.from_bytes(self._digest("uid", old)[:16], "big") | 1 << 127
        return f"{_ROOT}{number}"

    def patient(self, old: str) -> str:
        """A new patient number of 14 characters."""
        return f"MV{self._digest('patient', old).hex()[:12].upper()}"

    def days(self, patient: str) -> int:
        """By how many days all dates of this patient move back, 1 to 3650."""
        return 1 + int.from_bytes(self._digest("days", patient)[:8], "big") % _MOST_DAYS

    def moved(self, said: str, patient: str) -> str | None:
        """A date (DA), or a date with time (DT) whose time is kept; None where it is no full date."""
        try:
            day = date(int(said[:4]), int(said[4:6]), int(said[6:8])) - timedelta(days=self.days(patient))
        except (ValueError, OverflowError):
            return None
        rest = said[8:].strip()
        clock = rest.split("+")[0].split("-")[0]
        if not all(letter.isdigit() or letter == "." for letter in clock):
            return None
        return f"{day:%Y%m%d}".rjust(8, "0") + clock

    def _digest(self, purpose: str, old: str) -> bytes:
        return hmac.digest(self.key, f"{purpose}\0{old}".encode(), "sha256")


def key_from(path: Path, out: Path) -> bytes:
    """The key in a file, made there where it is not. Raises `UserError` for one beside the output: who gets the
    pictures must not get the key along with them."""
    place, target = path.resolve(), out.resolve()
    if target == place or target in place.parents or place.parent == target.parent:
        raise UserError(f"The key {path} would stand beside the output {out}. Keep it in another folder.")
    if not path.exists():
        _write_key(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise UserError(f"The key {path} cannot be read: {error.strerror}. Check its permissions.") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UserError(f"{path} holds no key ({2 * KEY_BYTES} hexadecimal digits). Name a file that is not there yet.")
    return key


def _write_key(path: Path) -> None:
    try:
        # Readable by its owner only, from its first moment, and never over another file.
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(secrets.token_hex(KEY_BYTES) + "\n", encoding="ascii")
    except OSError as error:
        raise UserError(f"The key {path} cannot be written: {error.strerror}. Name another file.") from None
