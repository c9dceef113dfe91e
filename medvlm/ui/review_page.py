"""One answer at a time in the page: picture, question, reference and answer; right, partly or wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from medvlm.compare.ballot import ballot_of
from medvlm.compare.steps import LONGEST_READER, reader_name
from medvlm.errors import UserError
from medvlm.studies.reviewing import Reviewing, Turn
from medvlm.ui import vote
from medvlm.ui.columns import Column, exchange
from medvlm.ui.frame import html
from medvlm.ui.markup import button, error
from medvlm.ui.study_html import panel
from medvlm.ui.study_page import UNSEEN, Chair, Update, reading_viewer, shown_to
from medvlm.ui.theme import asset
from medvlm.ui.viewer import on_screen

ANEW = "The server was started anew and has lost its place. Reload the page and begin again: this answer comes first."
ENDED = "Every answer whose picture is on this machine is judged."


@dataclass(frozen=True, slots=True)
class Bench:
    """The components where single answers are judged."""

    room: Any
    head: Any
    scan: Any
    answer: Any
    form: Any

    @property
    def all(self) -> list[Any]:
        return [self.room, self.head, self.scan, self.answer, self.form]


def build() -> Bench:
    """The bench, shut, inside the tab that is open."""
    with gr.Column(elem_id="rv-room", elem_classes="reading rt-room", visible=False) as room:
        head = html("", elem_id="rv-head", js_on_load=asset("ratings.js"))
        with gr.Row(elem_id="rv-desk", elem_classes="rt-desk", equal_height=False):
            with gr.Column(elem_classes="rt-left", min_width=0):
                scan = reading_viewer("rv-scan")
            with gr.Column(elem_classes="rt-right", min_width=0):
                answer = html("", elem_id="rv-answer", js_on_load=None)
                form = vote.form("single", elem_id="rv-vote")
    return Bench(room, head, scan, answer, form)


class Judging:
    """One method an event of the bench. They translate; the library decides."""

    def __init__(self, reviewing: Callable[[], Reviewing], bench: Bench) -> None:
        """`reviewing`: opens the ratings, which need not be there before somebody begins."""
        self._reviewing = reviewing
        self._bench = bench

    def begin(self, chair: Chair, run: str, judge: str) -> Update:
        """The first answer of a run that this judge has not judged. Raises `UserError`."""
        return self._forward(chair, run, reader_name(judge))

    def leave(self, chair: Chair) -> Update:
        """What was judged is kept; the next time goes on from here."""
        chair.turn = None
        chair.holder.keep()
        return self._words("") | {self._bench.room: gr.update(visible=False)}

    def seen(self, chair: Chair) -> Update:
        """The picture, with tokens that hold from now on."""
        return {self._bench.scan: shown_to(chair, None if chair.turn is None else chair.turn.scan)}

    def vote(self, chair: Chair, payload: Mapping[str, Any]) -> Update:
        """Keep it, and show the next one; where it could not be kept, all that was filled in stays."""
        turn = chair.turn
        if turn is None:
            return {self._bench.form: vote.vote("open", str(payload.get("key")), wrong=ANEW)}
        if payload.get("key") != turn.key:
            return {self._bench.form: vote.vote("closed")}
        look = on_screen(chair.holder, payload.get("look"), turn.scan)
        if look is None:
            return {self._bench.form: vote.vote("open", turn.key, wrong=UNSEEN)}
        try:
            ballot = ballot_of(payload, turn.shown.text, None)
            self._reviewing().submit(turn, ballot, look)
            return self._forward(chair, turn.run, turn.judge)
        except UserError as problem:
            return {self._bench.form: vote.vote("open", turn.key, wrong=str(problem))}
        except Exception as problem:
            return {self._bench.form: vote.vote("open", turn.key, wrong=vote.broken(problem))}

    def _forward(self, chair: Chair, run: str, judge: str) -> Update:
        chair.turn = turn = self._reviewing().turn(run, judge)
        if turn is None:
            return self._words(panel("Done", ENDED, "leave-review", "See the results"))
        return {
            self._bench.room: gr.update(visible=True),
            self._bench.head: head(turn),
            self._bench.answer: exchange(turn.asked.question, [Column("left", turn.shown.text)]) + _reference(turn),
            self._bench.form: vote.vote("open", turn.key),
        } | self.seen(chair)

    def _words(self, said: str) -> Update:
        return {
            self._bench.room: gr.update(visible=True),
            self._bench.head: said,
            self._bench.scan: {"scans": []},
            self._bench.answer: "",
            self._bench.form: vote.vote("closed"),
        }


def head(turn: Turn) -> str:
    """How far the judge is, and the way out."""
    leave = button("leave-review", "Pause", kind="soft-button", hint="What is judged is kept; go on whenever you like")
    return (
        f'<div class="rt-progress"><h2>Is this answer right?</h2><p role="status">answer {turn.number} of '
        f'{turn.total}</p><progress max="{turn.total}" value="{turn.number - 1}" aria-label="Answers judged">'
        f"</progress>{leave}</div>"
    )


def door(runs: Mapping[str, int], wrong: str = "", run: str = "", judge: str = "") -> str:
    """Where somebody begins to judge; empty where there is nothing to judge."""
    if not runs:
        return ""
    options = "".join(
        f'<option value="{escape(name)}"{" selected" if name == run else ""}>{escape(name)} ({count:,})</option>'
        for name, count in runs.items()
    )
    return (
        '<section class="rt-card" aria-label="Judge single answers"><h3>Judge single answers</h3>'
        '<p class="rt-note">Picture, question, reference and one answer, without names; questions that yes or no '
        'answers are left out.</p><form class="rt-choices" autocomplete="off" data-act="review">'
        f'<label><span>Answers of the run</span><select name="run">{options}</select></label>'
        f'<label><span>Your made-up name</span><input name="reader" maxlength="{LONGEST_READER}" '
        f'spellcheck="false" value="{escape(judge)}"></label>'
        f'<button type="submit" class="soft-button">Begin</button></form>{error(wrong)}</section>'
    )


def _reference(turn: Turn) -> str:
    return f'<p class="rt-reference"><b>Reference</b><span>{escape(turn.asked.reference)}</span></p>'
