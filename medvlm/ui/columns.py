"""Answers side by side: the question once, the columns A and B, and their names once they may be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from medvlm.ratings.records import Side
from medvlm.ui.vote import LETTERS

HINT = "The arrow keys choose words in it."


@dataclass(frozen=True, slots=True)
class Column:
    """One answer as it stands in its column.

    `name` and `arm`: who wrote it, empty for as long as nobody may know; `facts`: what stands under it. `marks`:
    (start, stop) of characters that differ from the other answer. `note`: what is wrong with it, in a sentence.
    """

    side: Side
    text: str
    name: str = ""
    facts: tuple[str, ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    arm: str = ""
    note: str = ""


def exchange(
    question: str, columns: Sequence[Column], about: str = "", last: bool = True, doing: str = "", note: str = ""
) -> str:
    """One question with its answers (two, or one alone). `about`: the picture, in words; `note`: of both answers.

    The vote is on the answers of the `last` one. `doing`: what is going on while they are written, the same for all.
    """
    which = f"<small>{escape(about)}</small>" if about else ""
    alone = len(columns) == 1
    sides = "".join(_column(column, last, alone) for column in columns)
    waiting = (
        f'<p class="doing" role="status"><span class="spinner"></span><span class="tick">{escape(doing)}</span></p>'
        if doing
        else ""
    )
    return (
        f'<section class="exchange{" last" if last else ""}"><p class="asked"><span class="sr">Question: </span>'
        f'<span class="words">{escape(question)}</span>{which}</p>{waiting}'
        f'<div class="pair{" alone" if alone else ""}">{sides}</div>{_note(note)}</section>'
    )


def _column(column: Column, last: bool, alone: bool) -> str:
    letter = "Answer" if alone else LETTERS[column.side]
    spoken = letter if alone else f"Answer {letter}"
    arm = f' data-arm="{escape(column.arm)}"' if column.arm else ""
    name = f'<span class="who"{arm}>{escape(column.name)}</span>' if column.name else ""
    facts = "".join(f"<span>{escape(fact)}</span>" for fact in column.facts)
    voted = f' data-answer="{column.side}"' if last else ""
    words = f' tabindex="0" role="group" aria-label="{spoken}. {HINT}"' if last else ""
    head = f'<span class="sr">{spoken}</span><b aria-hidden="true">{letter}</b>{name}'
    return (
        f'<article class="answer-side"{voted}><h3>{head}</h3>'
        f'<p class="text"{words}>{_marked(column)}</p>{_note(column.note)}'
        f"{f'<p class=meta>{facts}</p>' if facts else ''}</article>"
    )


def _note(sentence: str) -> str:
    return f'<p class="note">{escape(sentence)}</p>' if sentence else ""


def _marked(column: Column) -> str:
    """The text, the marked stretches in <mark>."""
    out, at = [], 0
    for start, stop in column.marks:
        out += [escape(column.text[at:start]), f"<mark>{escape(column.text[start:stop])}</mark>"]
        at = stop
    return "".join([*out, escape(column.text[at:])])
