"""Words of an answer: the one way in which our own metrics normalise and count them."""

import re
import string
from collections import Counter

ARTICLES = frozenset(("a", "an", "the"))
_PUNCTUATION = str.maketrans({mark: " " for mark in string.punctuation})


def words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles, in order ("The left lung." -> ["left", "lung"])."""
    plain = re.sub(r"(?<=\d)[.](?=\d)", "\u00b7", text.lower()).translate(_PUNCTUATION)
    return [word.replace("\u00b7", ".") for word in plain.split() if word not in ARTICLES]


def normalised(text: str) -> str:
    """The words, joined by single spaces: what must be equal for two answers to be equal."""
    return " ".join(words(text))


def counted(text: str) -> Counter[str]:
    """How often each word occurs."""
    return Counter(words(text))
