"""An article as its file has it: what it says about itself, and its figures before anything is left out."""

from collections.abc import Callable
from dataclasses import dataclass

Fetch = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Found:
    """A figure as it was found. `fetch` gives the bytes of its picture's file; None where the picture is not there.

    `name`: what the article calls it ("f1"; one of several pictures "f1-2"). `licence`: its own, where it has one.
    """

    name: str
    label: str
    caption: str
    mentions: tuple[str, ...]
    licence: str
    fetch: Fetch | None


@dataclass(frozen=True, slots=True)
class Article:
    """`id` is the same wherever the article is found: "PMC123", its DOI, or its file's name. `subject`: title, abstract
    and keywords. `language` as it declares it, "" where it does not."""

    id: str
    subject: str
    credit: str
    language: str
    figures: tuple[Found, ...]
