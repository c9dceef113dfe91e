"""Under which licence something stands, from the addresses and words that it carries."""

import re
from collections.abc import Iterable

# Names as SPDX has them; "other" is a licence that is none of Creative Commons', "none" says nothing.
OTHER, NONE = "other", "none"
# Allowed unless others are asked for: what may be changed and passed on by anyone, for a name and the same terms.
OPEN = ("CC0", "CC-PDM", "CC-BY", "CC-BY-SA")
_ADDRESS = re.compile(r"creativecommons\.org/(licen[sc]es|publicdomain)/([a-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_CODE = re.compile(r"\bCC[- ](BY(?:[- ](?:NC|ND|SA)){0,2})(?:[- ](\d\.\d))?\b")
_ZERO = re.compile(r"\bCC[- ]?0\b|public domain dedication", re.IGNORECASE)
_WORDS = re.compile(r"creative\s+commons\s+attribution([^.;]{0,80}?)(?:(\d\.\d)|licen[sc]e|$)", re.IGNORECASE)
_TERMS = (("NC", r"non-?\s?commercial"), ("ND", r"no[- ]?deriv"), ("SA", r"share[- ]?alike"))
# What says that somebody else holds the rights, whatever the article's own licence is.
_FOREIGN = re.compile(
    r"(?:reproduced|reprinted|adapted|used|republished|modified|taken)\b[^.]{0,120}\bpermission|©|\bcopyright\b"
    r"|all rights reserved",
    re.IGNORECASE,
)


def licence_of(texts: Iterable[str]) -> str:
    """The strictest of Creative Commons' licences that the texts name ("CC-BY-NC-4.0"), else "other" or "none".

    The strictest: articles under CC BY often name CC0 too, for their data.
    """
    whole = " ".join(text for text in texts if text.strip())
    found = [*_by_address(whole), *_by_code(whole)] or [*_by_words(whole)]
    if found:
        return max(found, key=lambda name: (len(re.findall(r"NC|ND|SA|BY", name)), "ND" in name, name))
    return OTHER if whole else NONE


def is_allowed(licence: str, allowed: Iterable[str]) -> bool:
    """Whether a licence is one of these, in any version: "CC-BY" allows "CC-BY-4.0", not "CC-BY-NC-4.0"."""
    return any(re.fullmatch(re.escape(one) + r"(-\d\.\d)?", licence) for one in allowed)


def says_foreign(caption: str) -> bool:
    """Whether a caption says that its picture belongs to somebody else."""
    return bool(_FOREIGN.search(caption))


def _by_address(text: str) -> Iterable[str]:
    for kind, name, version in _ADDRESS.findall(text):
        if kind.lower() == "publicdomain":
            yield _named("CC0" if name.lower() == "zero" else "CC-PDM", version)
        else:
            yield _named(f"CC-{name.upper().strip('-')}", version)


def _by_code(text: str) -> Iterable[str]:
    for name, version in _CODE.findall(text):
        yield _named("CC-" + name.replace(" ", "-"), version)
    if _ZERO.search(text):
        yield "CC0-1.0"


def _by_words(text: str) -> Iterable[str]:
    for terms, version in _WORDS.findall(text):
        also = [code for code, words in _TERMS if re.search(words, terms, re.IGNORECASE)]
        yield _named("-".join(["CC", "BY", *also]), version)


def _named(name: str, version: str) -> str:
    return f"{name}-{version}" if version else name
