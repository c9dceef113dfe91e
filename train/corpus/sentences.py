"""Sentences of an article's text, and which figures they speak of."""

import re
from collections.abc import Iterator

# Behind these a full stop ends no sentence.
_SHORT = re.compile(
    r"figs?|eqs?|refs?|nos?|e\.g|i\.e|al|vs|cf|ca|approx|resp|dr|prof|mrs?|vol|pp?|eds?|suppl?|viz", re.IGNORECASE
)
# A stop, closing quotes or brackets, a blank, and what a sentence begins with; Chinese needs no blank.
_END = re.compile(
    r"[.!?][\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]?[A-Z0-9\u00c0-\u00d6\u00d8-\u00de])|[\u3002\uff01\uff1f]"
)
_LABEL = r"(?:supplementary\s+)?fig(?:ure|s|ures)?\b\.?\s*"
_NUMBER = r"S?\d+"
_PANEL = r"(?:\s?\(?[A-Za-z](?:\s?[,\u2013-]\s?[A-Za-z])*\)?(?![A-Za-z]))?"
# "Fig. 1A", "Figs. 1 and 3", "Figures 2-4"
_NAMED = re.compile(
    rf"{_LABEL}({_NUMBER}{_PANEL}(?:\s*(?:,|;|and|&|or|to|-|\u2013|\u2014)+\s*{_NUMBER}{_PANEL})*)", re.IGNORECASE
)
_RANGE = re.compile(rf"({_NUMBER}){_PANEL}\s*(?:-|\u2013|\u2014|to)\s*({_NUMBER})", re.IGNORECASE)
MOST = 30  # figures in a range; more is no range of figures


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence begins and ends, without the blanks around it."""
    start = 0
    for match in _END.finditer(text):
        if _goes_on(text, match.start()):
            continue
        yield from _trimmed(text, start, match.end())
        start = match.end()
    yield from _trimmed(text, start, len(text))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in spans(text)]


def numbers_in(text: str) -> frozenset[str]:
    """Which figures a text names, by number: "as in Figs. 2-4 and S1" names 2, 3, 4 and S1."""
    found: set[str] = set()
    for match in _NAMED.finditer(text):
        listed = match[1].upper()
        found.update(re.findall(_NUMBER, listed))
        for first, last in _RANGE.findall(listed):
            found.update(between(first, last))
    return frozenset(found)


def between(first: str, last: str) -> list[str]:
    """The numbers of a range: "2" to "4" is 2, 3, 4. Nothing for what is no range."""
    if first[0] == "S" or last[0] == "S":
        return []
    low, high = int(first), int(last)
    return [str(number) for number in range(low, high + 1)] if high - low < MOST else []


def number_of(label: str) -> str:
    """The number in a figure's label: "Figure 2." gives "2"; "" where there is none."""
    match = re.search(_NUMBER, label.upper())
    return match[0] if match else ""


def tidy(text: str) -> str:
    """One blank where there were several, none before a full stop, no brackets that hold nothing."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s?[(\[]\s*(?:[,;\u2013-]\s*)*[)\]]", "", text)
    return re.sub(r"\s+([.,;:)\]])", r"\1", text).strip()


def _goes_on(text: str, stop: int) -> bool:
    """Whether the full stop belongs to an abbreviation or to somebody's initial."""
    if text[stop] != ".":
        return False
    word = re.search(r"[\w.]*$", text[max(stop - 12, 0) : stop])
    return bool(word and (_SHORT.fullmatch(word[0]) or re.fullmatch(r"[A-Z]", word[0])))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = left + len(piece.strip())
    if right > left:
        yield left, right
