"""Which words of two answers differ, as stretches of their characters."""

import re
from difflib import SequenceMatcher

_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?\"'()[]\u2013\u201c\u201d"

# Where a marked stretch begins and ends: text[start:stop].
Marks = tuple[tuple[int, int], ...]


def differences(left: str, right: str) -> tuple[Marks, Marks]:
    """The stretches of each text that the other has not; case and punctuation at a word's edge do not count."""
    words = [[match.span() for match in _WORD.finditer(text)] for text in (left, right)]
    plain = [
        [text[a:b].strip(_EDGES).lower() for a, b in found] for text, found in zip((left, right), words, strict=True)
    ]
    steps = [
        step for step in SequenceMatcher(None, plain[0], plain[1], autojunk=False).get_opcodes() if step[0] != "equal"
    ]
    return (
        tuple((words[0][a][0], words[0][b - 1][1]) for _, a, b, _, _ in steps if a < b),
        tuple((words[1][c][0], words[1][d - 1][1]) for _, _, _, c, d in steps if c < d),
    )
