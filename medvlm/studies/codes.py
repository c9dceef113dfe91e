"""Codes that readers sign in with: made here, shown once, kept as a hash only."""

import re
import secrets
from dataclasses import dataclass

from medvlm.auth import Secret

# Crockford's alphabet: no letter that looks like a digit, and none that makes words of it.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP, GROUPS = 4, 4
LOOKALIKE = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class Lock:
    """What is kept of a code: `key`, its first group, by which its row is found, and a scrypt hash of the rest."""

    key: str
    secret: str

    def opens(self, code: str) -> bool:
        """Whether it is that code, in a time that does not depend on how far it agrees."""
        key, rest = parted(code)
        parsed = Secret.parse(self.secret)
        return parsed is not None and parsed.fits(rest) and key == self.key


def new_code() -> tuple[str, Lock]:
    """A code of four groups, and what is kept of it: 60 bits behind the hash."""
    groups = ["".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS)]
    return "-".join(groups), Lock(groups[0], str(Secret.of("".join(groups[1:]))))


def parted(code: str) -> tuple[str, str]:
    """The key and the rest of what somebody typed: spaces, dashes, case and letters like digits are forgiven."""
    plain = re.sub(r"[^0-9A-Z]", "", code.upper().translate(LOOKALIKE))[:64]
    return plain[:GROUP], plain[GROUP:]


def nobody() -> Lock:
    """A lock that no code opens."""
    return Lock("", str(Secret.of(secrets.token_urlsafe(16))))
