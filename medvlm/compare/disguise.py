"""An answer as a blinded reader sees it: without words that name its writer, and laid out like every other answer.

Marks, headings, numbered lists and blank lines are habits by which a writer can be told; the words stay as they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medvlm.compare.leaks import leaks, settled
from medvlm.ratings.records import ErrorTag

MASK = "[masked]"
# What is laid out anew -> what stands there instead, in the order of precedence.
_LAYOUT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\A\s+|\s+\Z"), ""),
    (re.compile(r"^[ \t]*(?:-{3,}|={3,}|\*{3,}|_{3,}|`{3,}\w*)[ \t]*(?:\n|\Z)", re.M), ""),
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.M), ""),
    (re.compile(r"^[ \t]*(?:[-*+\u2022\u2013]|\d{1,2}[.)])[ \t]+", re.M), "\u2013 "),
    (re.compile(r"^[ \t]*>+[ \t]?", re.M), ""),
    (re.compile(r"[ \t]*\n\s*\n[ \t]*"), "\n"),
    (re.compile(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}|__(?=\S)|(?<=\S)__|`+"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters `start` to `stop` of the answer, shown as `text`; `kept`: as they are."""

    start: int
    stop: int
    text: str
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Disguised:
    """`text` is what is shown; `leaks`: the words that were masked. `pieces` lead from one text to the other."""

    text: str
    leaks: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()

    def own(self, tag: ErrorTag) -> ErrorTag:
        """A mark in what was shown as a mark in the answer itself; whatever was replaced is marked whole."""
        if tag.start is None or tag.stop is None:
            return tag
        return replace(tag, start=self._own(tag.start, last=False), stop=self._own(tag.stop, last=True))

    def _own(self, place: int, last: bool) -> int:
        """Where a character of the shown text, or (`last`) the one before it, stands in the answer."""
        at = 0
        for piece in self.pieces:
            size = len(piece.text)
            if (at < place <= at + size) if last else (at <= place < at + size):
                return piece.start + place - at if piece.kept else piece.stop if last else piece.start
            at += size
        return self.pieces[-1].stop if self.pieces else 0


def disguised(answer: str, names: Sequence[str], whole: bool = True) -> Disguised:
    """The answer as it may be shown. `names`: of all candidates; `whole` False while it is still being written.

    Then what is shown never has to be taken back: words that may become a leak wait.
    """
    shown = answer if whole else answer[: settled(answer, names)]
    found = leaks(shown, names)
    changes = [(leak.start, leak.stop, MASK) for leak in found]
    for pattern, instead in _LAYOUT:
        for match in pattern.finditer(shown):
            _add(changes, match.start(), match.end(), instead)
    pieces = _pieces(shown, sorted(changes))
    return Disguised("".join(piece.text for piece in pieces), tuple(leak.words for leak in found), pieces)


def plain(answer: str) -> Disguised:
    """The answer as it stands, for whoever may know whose it is."""
    return Disguised(answer, (), (Piece(0, len(answer), answer),) if answer else ())


def _add(changes: list[tuple[int, int, str]], start: int, stop: int, instead: str) -> None:
    if start < stop and all(stop <= other or start >= end for other, end, _ in changes):
        changes.append((start, stop, instead))


def _pieces(text: str, changes: Sequence[tuple[int, int, str]]) -> tuple[Piece, ...]:
    pieces, at = [], 0
    for start, stop, instead in (*changes, (len(text), len(text), "")):
        if at < start:
            pieces.append(Piece(at, start, text[at:start]))
        if start < stop:
            pieces.append(Piece(start, stop, instead, kept=False))
        at = stop
    return tuple(pieces)
