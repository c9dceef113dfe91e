"""The form on which a reader says which answer is better and why; it knows texts, and nothing of who wrote them.

It stands in an element of class `reading`, together with the answers (`columns.py`): each is marked with
`data-answer="left"` or `"right"` and holds its words in an element of class `text`. A field `[name=reader]` in there is
sent along, as is what a viewer in there shows. Event: `vote`, whose data `compare.ballot_of` reads.
"""

import itertools
import logging
import traceback
from typing import Any, Literal

import gradio as gr

from medvlm.compare.ballot import LONGEST_COMMENT
from medvlm.ratings.records import (
    CORRECTNESS,
    CRITERIA,
    ERROR_KINDS,
    GUESSES,
    HARMS,
    HIGHEST,
    LOWEST,
    Correctness,
    Criterion,
    ErrorKind,
    Form,
    Guess,
    Harm,
    Side,
    Verdict,
)
from medvlm.ui.theme import asset

log = logging.getLogger(__name__)

LETTERS: dict[Side, str] = {"left": "A", "right": "B"}
# In the order of the bar: A's side left, B's side right.
VERDICT_WORDS: dict[Verdict, tuple[str, str]] = {
    "left": ("A better", "A"),
    "tie": ("Tie", "T"),
    "neither": ("Both unacceptable", "N"),
    "right": ("B better", "B"),
}
CRITERION_WORDS: dict[Criterion, tuple[str, str]] = {
    "correct": ("Correct", "What it says is so"),
    "complete": ("Complete", "Nothing that matters is missing"),
    "relevant": ("Relevant", "It answers what was asked"),
    "clear": ("Clear", "It can be understood at once"),
    "safe": ("Safe", "Nobody comes to harm who follows it"),
}
CORRECTNESS_WORDS: dict[Correctness, str] = {
    "right": "Right",
    "partly": "Partly",
    "wrong": "Wrong",
    "cannot_judge": "Cannot judge",
}
ERROR_WORDS: dict[ErrorKind, str] = {
    "false_finding": "False finding",
    "missed_finding": "Missed finding",
    "side": "Wrong side",
    "location": "Wrong location",
    "severity": "Severity or size",
    "invented_history": "Invented prior or history",
    "unsafe_advice": "Unsafe advice",
    "other": "Other",
}
HARM_WORDS: dict[Harm, str] = {
    "none": "No harm",
    "mild": "Mild harm",
    "moderate": "Moderate harm",
    "severe": "Severe harm",
}
GUESS_WORDS: dict[Guess, str] = {"left": "A", "right": "B", "unsure": "Not sure"}
KEYS: tuple[tuple[str, str], ...] = (
    ("A  T  N  B", "Compare: A better, tie, both unacceptable, B better"),
    ("f", "Compare: unfold the details of the vote"),
    ("1 to 5", "Compare: the grade that has the focus (else windows of the picture)"),
    ("← →", "Compare, in an answer: choose words, with Shift more of them"),
    ("e", "Compare, in an answer: mark the chosen words as an error"),
    ("g", "Compare: to the guess which one is tuned; 1 to 3 choose"),
    ("Enter", "Compare: submit the vote"),
)

# closed: there is nothing to vote on. open: the form of the case `key`. kept: the vote is on the disk and locked.
# again: what was kept may be corrected.
State = Literal["closed", "open", "kept", "again"]
_numbers = itertools.count(1)


def vote(state: State, key: str = "", *, ask: bool = False, wrong: str = "", note: str = "") -> dict[str, Any]:
    """What the form is to be; numbered, so that the same state twice is seen twice.

    `key`: names the case; the form is emptied where it changes, and at no other time. `ask`: also which one is
    tuned. `wrong`: why the vote was not kept; what was filled in stays. `note`: a sentence beside the button.
    """
    return {"number": next(_numbers), "state": state, "key": key, "ask": ask, "error": wrong, "note": note}


def broken(error: Exception) -> str:
    """What stands beside a vote that something unforeseen kept from the disk: the form must not be lost with it.

    The terminal shows where it broke, never what was typed: messages may repeat it, stack lines do not.
    """
    log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return f"The vote could not be kept ({type(error).__name__}). It is still here: submit it again."


def form(kind: Form = "pair", **options: Any) -> Any:
    """The component, closed; its value is `vote(...)`. Event: `vote`."""
    settings: dict[str, Any] = {"html_template": template(kind), "js_on_load": asset("vote.js")}
    return gr.HTML(vote("closed"), apply_default_css=False, container=False, padding=False, **(settings | options))


def template(kind: Form) -> str:
    """The form's markup, which its script changes in place: what is filled in is never overwritten by the server."""
    sides: tuple[Side, ...] = ("left", "right") if kind == "pair" else ("left",)
    return (
        f'<form class="vote" data-form="{kind}" data-state="closed" autocomplete="off" aria-label="Your vote">'
        f"{_details(kind, sides)}{_guess() if kind == 'pair' else ''}{_bar(kind)}</form>"
        '<button type="button" class="mark-words" data-act="mark" hidden>Mark as error <kbd>e</kbd></button>'
    )


def _bar(kind: Form) -> str:
    return (
        f'<div class="vote-bar">{_verdicts() if kind == "pair" else _correctness("left", bar=True)}'
        '<button type="button" class="plain fold" data-act="fold" aria-expanded="false" title="Details (f)">'
        "<span>Details</span></button>"
        '<button type="submit" class="strong submit" title="Submit (Enter)">Submit</button></div>'
        '<p class="note" role="status"></p><p class="sr said" role="status"></p><p class="error" role="alert"></p>'
    )


def _verdicts() -> str:
    choices = "".join(
        f'<label class="verdict"><input type="radio" name="verdict" value="{verdict}" aria-keyshortcuts="{key}">'
        f"<span>{words} <kbd>{key}</kbd></span></label>"
        for verdict, (words, key) in VERDICT_WORDS.items()
    )
    return f'<div class="verdicts" role="radiogroup" tabindex="-1" aria-label="Which answer is better?">{choices}</div>'


def _details(kind: Form, sides: tuple[Side, ...]) -> str:
    return (
        '<div class="details" hidden><div class="grades">'
        f'{_grades(kind, sides)}</div><div class="remarks">{"".join(map(_errors, sides))}'
        '<label class="comment"><span>Comment</span>'
        f'<textarea name="comment" rows="2" maxlength="{LONGEST_COMMENT}"></textarea></label>'
        f'<div class="sure"><span>How sure are you?</span>{_scale("sureness", "How sure you are, 1 to 5")}</div>'
        "</div></div>"
    )


def _grades(kind: Form, sides: tuple[Side, ...]) -> str:
    head = "".join(f'<th scope="col">{LETTERS[side]}</th>' if kind == "pair" else "<td></td>" for side in sides)
    rows = "".join(_criterion(criterion, sides) for criterion in CRITERIA)
    if kind == "pair":
        cells = "".join(f"<td>{_correctness(side)}</td>" for side in sides)
        rows += f'<tr class="whole"><th scope="row">All in all</th>{cells}</tr>'
    return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _criterion(criterion: Criterion, sides: tuple[Side, ...]) -> str:
    words, hint = CRITERION_WORDS[criterion]
    cells = "".join(
        f"<td>{_scale(f'{side}-{criterion}', f'Answer {LETTERS[side]}: {words}, 1 to 5')}</td>" for side in sides
    )
    return f'<tr><th scope="row" title="{hint}">{words}</th>{cells}</tr>'


def _scale(name: str, legend: str) -> str:
    grades = "".join(
        f'<label><input type="radio" name="{name}" value="{grade}"><span>{grade}</span></label>'
        for grade in range(LOWEST, HIGHEST + 1)
    )
    return f'<fieldset class="scale" data-digits><legend class="sr">{legend}</legend>{grades}</fieldset>'


def _correctness(side: Side, bar: bool = False) -> str:
    """Of a pair's answers in the details; of one answer alone it is the verdict, and digits choose it."""
    choices = "".join(
        f'<label{" class=verdict" if bar else ""}><input type="radio" name="{side}-correctness" value="{value}">'
        f"<span>{CORRECTNESS_WORDS[value]}{f' <kbd>{number}</kbd>' if bar else ''}</span></label>"
        for number, value in enumerate(CORRECTNESS, 1)
    )
    legend = "How correct is the answer?" if bar else f"Answer {LETTERS[side]}: all in all"
    kind = 'class="verdicts" tabindex="-1" data-digits' if bar else 'class="scale words"'
    return f'<fieldset {kind}><legend class="sr">{legend}</legend>{choices}</fieldset>'


def _errors(side: Side) -> str:
    letter = LETTERS[side]
    kinds = _select("kind", ERROR_KINDS, ERROR_WORDS, f"Kind of error in {letter}")
    harms = _select("harm", HARMS, HARM_WORDS, f"Harm of the error in {letter}")
    drop = '<button type="button" class="plain" data-act="drop" title="Take this error away">Remove</button>'
    return (
        f'<section class="errors" data-side="{side}" aria-label="Errors in answer {letter}"><h4>Errors in {letter}</h4>'
        f'<ul></ul><button type="button" class="plain" data-act="whole" data-side="{side}">'
        f"The answer as a whole</button></section>"
        f'<template data-tag="{side}"><li><q></q>{drop}{kinds}{harms}</li></template>'
    )


def _select(name: str, values: tuple[Any, ...], words: dict[Any, str], label: str) -> str:
    options = "".join(f'<option value="{value}">{words[value]}</option>' for value in values)
    return f'<select data-field="{name}" aria-label="{label}">{options}</select>'


def _guess() -> str:
    choices = "".join(
        f'<label><input type="radio" name="guess" value="{guess}"><span>{GUESS_WORDS[guess]}</span></label>'
        for guess in GUESSES
    )
    return (
        '<fieldset class="guess-tuned" tabindex="-1" data-digits hidden>'
        "<legend>Which one do you think is tuned? <kbd>g</kbd></legend>"
        f'<div class="scale words">{choices}</div></fieldset>'
    )
