"""What a file's header gives reason to fear, as sentences for the page: names of fields, never what stands in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from medvlm.imaging import UNEXAMINED
from medvlm.types import Traces

FindingKind = Literal["fields", "burned in", "secondary capture", "ultrasound", "text"]
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for caution and the sentence that says it."""

    kind: FindingKind
    sentence: str


def findings_of(traces: Traces) -> tuple[Finding, ...]:
    """What the header says. Fields of a file that says it was de-identified hold pseudonyms: they are no finding."""
    return tuple(_said(traces))


def _said(traces: Traces) -> Iterator[Finding]:
    named = tuple(name for name in traces.fields if name != UNEXAMINED)
    if named and not traces.removed:
        yield Finding("fields", f"The file has fields that can name a person: {_listed(named)}.")
    if UNEXAMINED in traces.fields:
        yield Finding("fields", "A part of the file's header cannot be read, so it may name a person.")
    if traces.burned_in:
        yield Finding("burned in", "The file says that text is burned into the picture.")
    if traces.origin == "secondary capture":
        yield Finding("secondary capture", "This is a capture of a screen or a film, which often shows a name.")
    if traces.origin == "ultrasound":
        yield Finding("ultrasound", "This is ultrasound, whose machines write names into the picture.")


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
