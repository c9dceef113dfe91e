"""Questions with their answers as a teacher writes them: read out of a reply, and freed of talk about a text.

Read are numbered lines (Q1: ... A1: ...), lines with roles (User: ... Assistant: ...), and JSON in its usual shapes,
also where it is broken off: whatever is whole in it counts. Lines that quote ("> Q1:", "| Q1:") are none, so that
material cannot put questions into a teacher's mouth.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from medvlm.claims.statements import Exchange

_MATERIAL = r"(?:captions?|text|material|paper|article|authors?|context|description|passage|figure legend|legend)"
# Words by which a question or an answer gives away that it was made from text.
GIVEAWAYS = re.compile(
    rf"\b(?:the {_MATERIAL}|captions?|mention(?:s|ed|ing)?|according to|the provided|reported in)\b", re.IGNORECASE
)
_SAYS = r"(?:says?|states?|mentions?|describes?|indicates?|notes?|reports?|explains?|tells us)"
_THE = rf"(?:the )?(?:provided |given )?(?:figure |image )?(?:{_MATERIAL}|information|image|picture|scan)"
# What can be cut off without changing what is said of the picture.
_CUTS = (
    re.compile(rf"^(?:based on|according to|from|in|per|as per) {_THE},? ", re.IGNORECASE),
    re.compile(rf"^as (?:mentioned|described|stated|noted|indicated|reported)(?: (?:in|by) {_THE})?, ", re.IGNORECASE),
    re.compile(rf"^the (?:figure )?{_MATERIAL} {_SAYS}(?: that)? ", re.IGNORECASE),
    re.compile(
        rf",? \(?(?:as (?:mentioned|described|stated|noted|indicated|reported) (?:in|by)|according to) {_THE}\)?"
        r"(?=[.,;!?]|$)", re.IGNORECASE,
    ),
)  # fmt: skip
_MARK = r"[*_#\s]*"  # bold and headings that chat models put around labels
_NUMBERED = re.compile(rf"^{_MARK}(Q|A|Question|Answer)\s*(\d{{1,2}})\s*[:.]{_MARK}(.*)$", re.IGNORECASE)
_ROLE = re.compile(rf"^{_MARK}(User|Human|Question|Q|Assistant|Answer|A)\s*:{_MARK}(.*)$", re.IGNORECASE)
_ASKS = ("q", "question", "user", "human", "instruction")
_ANSWERS = ("a", "answer", "assistant", "gpt", "response", "output")


def read(reply: str) -> list[Exchange]:
    """The exchanges of a reply, in order; a question without an answer is none."""
    return [one for one in _lines(reply) or _objects(reply) if one.question and one.answer]


def freed(text: str) -> str | None:
    """The text without what speaks of a caption or a paper; None where that is more than a phrase of its own.

    "The caption says that the lung is clear." becomes "The lung is clear."
    """
    for cut in _CUTS:
        text = cut.sub("", text).strip()
    if GIVEAWAYS.search(text) or not text:
        return None
    return text[0].upper() + text[1:]


def _lines(reply: str) -> list[Exchange]:
    """By number where there are numbers, else each answer with the question before it."""
    numbered: dict[tuple[str, str], list[str]] = {}
    roles: list[tuple[str, list[str]]] = []
    current: list[str] | None = None
    for line in reply.splitlines():
        if found := _NUMBERED.match(line):
            current = [found[3].strip()]
            numbered.setdefault((found[1][0].lower(), found[2]), current)
        elif found := _ROLE.match(line):
            current = [found[2].strip()]
            roles.append((found[1].lower(), current))
        elif not line.strip() or line.lstrip().startswith((">", "|", "```")):
            current = None  # what follows an empty line belongs to nothing
        elif current is not None:
            current.append(line.strip())
    if numbered:
        pairs = [(said, numbered.get(("a", number), [])) for (kind, number), said in numbered.items() if kind == "q"]
        return [Exchange(" ".join(asked).strip(), " ".join(said).strip()) for asked, said in pairs]
    return list(_paired((role, " ".join(said).strip()) for role, said in roles))


def _paired(said: Iterator[tuple[str, str]]) -> Iterator[Exchange]:
    question = ""
    for role, text in said:
        if role in _ASKS:
            question = text
        elif question:
            yield Exchange(question, text)
            question = ""


def _objects(reply: str) -> list[Exchange]:
    """Out of JSON, whole or not."""
    found: list[Any] = []
    decoder, at = json.JSONDecoder(strict=False), 0
    while (at := reply.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(reply, at)
            found.append(value)
        except ValueError:
            at += 1  # the whole is broken: its parts may not be
    flat = [one for value in found for one in _flat(value)]
    return list(_paired(iter(flat)))


def _flat(value: Any) -> Iterator[tuple[str, str]]:
    """(role, text) of every object in it."""
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    elif isinstance(value, dict):
        fields = [(str(key).lower().rstrip("0123456789"), one) for key, one in value.items()]
        plain = dict(fields)
        role, text = plain.get("from") or plain.get("role"), plain.get("value") or plain.get("content")
        if isinstance(role, str) and isinstance(text, str):
            yield role.lower(), text.strip()
            return
        for key, one in fields:
            if key in (*_ASKS, *_ANSWERS) and isinstance(one, str):
                yield key, one.strip()
            else:
                yield from _flat(one)
