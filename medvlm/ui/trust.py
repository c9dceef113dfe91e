"""A small panel under the conversation: does the last answer hold under other windows, does it look at the picture?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr

from medvlm.errors import UserError
from medvlm.page.desk import Desk
from medvlm.page.host import PageModel
from medvlm.page.seat import Seat
from medvlm.page.session import Made, Session
from medvlm.probes import Brake, Inquiry
from medvlm.probes.reliance import Piece, Reliance, Trial, judged, probes, reliance
from medvlm.probes.sweep import Group, Tried, groups, panes, sweep, verdict
from medvlm.ui.markup import button, error

# The script knows three events; the page needs no other part of it to listen before it is shown as ready.
SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && ['sweep', 'reliance', 'enough'].includes(button.dataset.act)) trigger(button.dataset.act, {});
});
"""
STYLE = """
.trust { padding: 4px 24px 8px; font-size: 13px; max-height: 44vh; overflow: auto;
  scrollbar-gutter: stable; }
.trust .acts { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
.trust button { font: inherit; color: inherit; cursor: pointer; border-color: var(--line); }
.trust table { width: 100%; border-collapse: collapse; margin-top: 4px; }
.trust th, .trust td { text-align: left; vertical-align: top; padding: 4px 8px 4px 0; border-top: 1px solid
  var(--line); }
.trust th { font-weight: 600; }
.trust tr > :first-child { width: 34%; }
.trust thead th { color: var(--quiet); }
.trust .number { text-align: right; white-space: nowrap; }
.trust mark { background: var(--amber-wash); color: var(--amber); font-weight: 600; }
.trust .caution { color: var(--amber); background: var(--amber-wash); padding: 4px 8px; border-radius: 4px;
  margin-top: 4px; }
.trust .said { margin-top: 4px; }
.trust tr.differs th { color: var(--amber); }
@media (max-width: 560px) { .trust { padding: 4px 12px 8px; } }
"""
QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "multiple"}
NO_ANSWER = "There is no answer to check yet; ask about a picture first."
NO_PICTURE = "The last answer is not about a picture, so there is nothing to check it against."
GONE = "The conversation has moved on; check its newest answer instead."


# What was found so far, as HTML, and what is being done ("" at the end).
Step = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """The last answer as something that can be asked again."""

    inquiry: Inquiry
    made: Made


def build() -> Any:
    """The component, empty; to be made where the panel shall stand. Events: 'sweep', 'reliance', 'enough'."""
    return gr.HTML(
        panel(Session()),
        elem_id="trust",
        js_on_load=SCRIPT,
        css_template=STYLE,
        apply_default_css=False,
        container=False,
        padding=False,
    )


def wire(component: Any, seat: Any, desk: Desk) -> None:
    """Let the panel's buttons do their work on `seat` (the tab's `gr.State`)."""
    trust = Trust(desk)
    component.sweep(trust.sweep, seat, component, **QUIET)
    component.reliance(trust.reliance, seat, component, **QUIET)
    component.enough(trust.enough, seat, None, **QUIET)


def panel(session: Session, result: str = "", doing: str = "", wrong: str = "") -> str:
    """The buttons, and below them what was found or what was the matter; while work is `doing`, a way to stop it.

    Empty where the last answer is about no picture.
    """
    if not session.made or session.made[-1].shown is None:
        return ""
    buttons = button("sweep", "Try other windows", hint="Ask the last question again through every window")
    buttons += button(
        "reliance", "Does it look at the picture?", hint="Ask again about blank, other, mirrored pictures"
    )
    if doing:
        waiting = f'<span class="spinner"></span><span role="status">{escape(doing)}</span>'
        buttons = waiting + button("enough", "Stop", hint="Keep what was found so far")
    return (
        f'<section class="trust" aria-label="How far to trust the last answer"><div class="acts">{buttons}</div>'
        f"{error(wrong)}{result}</section>"
    )


def fresh(seat: Seat) -> str:
    """The panel after the conversation has changed: what was found held for another answer."""
    return panel(seat.session)


class Trust:
    """One method a button; the first two yield the panel as it grows."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._brakes: WeakKeyDictionary[Seat, Brake] = WeakKeyDictionary()

    def sweep(self, seat: Seat) -> Iterator[str]:
        """The last question through every window."""

        def steps(model: PageModel, checked: Checked, brake: Brake) -> Iterator[Step]:
            through, tried, made = panes(checked.inquiry), list[Tried](), checked.made
            labels = [pane.label for pane in through]
            yield "", _asking(labels, 0)
            for one in sweep(model, checked.inquiry, through, made.arm, made.decoding, brake):
                tried.append(one)
                yield sweep_table(groups(tried)), _asking(labels, len(tried))

        yield from self._run(seat, steps)

    def reliance(self, seat: Seat) -> Iterator[str]:
        """The last question about a blank, another, a foreign and the mirrored picture."""

        def steps(model: PageModel, checked: Checked, brake: Brake) -> Iterator[Step]:
            through, trials, made = probes(checked.inquiry), list[Trial](), checked.made
            labels = [probe.label for probe in through]
            yield "", _asking(labels, 0)
            for one in reliance(model, checked.inquiry, through, made.arm, made.decoding, brake):
                trials.append(one)
                yield reliance_table(judged(trials)), _asking(labels, len(trials))

        yield from self._run(seat, steps)

    def enough(self, seat: Seat) -> None:
        """Stop; what was found so far stays."""
        brake = self._brakes.get(seat)
        if brake is not None:
            brake()

    def _run(self, seat: Seat, steps: Callable[[PageModel, Checked, Brake], Iterator[Step]]) -> Iterator[str]:
        """Do the steps while nobody asks anything: a question stops them, as does the other button."""
        began = seat.session
        try:
            checked, model = self._ready(seat)
        except UserError as problem:
            yield panel(began, wrong=str(problem))
            return
        self.enough(seat)
        self._brakes[seat] = brake = Brake()
        seat.meanwhile(brake)
        try:
            yield from self._shown(seat, began, steps(model, checked, brake), brake)
        finally:
            brake()
            if self._brakes.get(seat) is brake:
                del self._brakes[seat]
                seat.meanwhile(None)
            model.forget(checked.inquiry.id)

    def _shown(self, seat: Seat, began: Session, steps: Iterator[Step], brake: Brake) -> Iterator[str]:
        """The panel after each step, and at the end; nothing any more once another run has taken over."""
        result, wrong = "", ""
        try:
            for result, doing in steps:
                if self._brakes.get(seat) is not brake:
                    return
                yield panel(began, result, doing)
        except UserError as problem:
            wrong = str(problem)
        if self._brakes.get(seat) is brake:
            moved = seat.session.made != began.made
            yield panel(seat.session, "" if moved else result, wrong=GONE if moved else wrong)

    def _ready(self, seat: Seat) -> tuple[Checked, PageModel]:
        if seat.busy:
            raise UserError("An answer is still being written; check it when it has ended.")
        return last_answer(seat.session), self._desk.host.model()


def last_answer(session: Session) -> Checked:
    """The newest answer with its question and its picture. Raises `UserError` where there is none to check."""
    if not session.made:
        raise UserError(NO_ANSWER)
    made = session.made[-1]
    scan = None if made.shown is None else session.items[made.shown.item].scan
    if made.shown is None or scan is None:
        raise UserError(NO_PICTURE)
    assert session.question is not None, "an answer has a question"
    asked = Inquiry(scan, made.shown.look, session.question, session.conversation.system, made.shown.region)
    return Checked(asked, made)


def sweep_table(found: Sequence[Group]) -> str:
    """One row an answer, with the windows that gave it; those that differ are marked."""
    rows = "".join(_sweep_row(group) for group in found)
    said = f'<p class="said">{escape(verdict(found))}</p>' if verdict(found) else ""
    return (
        f'{said}<table><thead><tr><th scope="col">Windows</th><th scope="col">Answer</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def reliance_table(found: Reliance) -> str:
    """One row a picture: its answer with the changed words marked, and how far it moved; score and warnings above."""
    rows = "".join(
        f'<tr><th scope="row">{escape(trial.label)}</th><td>{_marked(trial.pieces)}</td>'
        f'<td class="number">{"" if trial.kind == "own" else f"{trial.change:.2f}"}</td></tr>'
        for trial in found.trials
    )
    score = (
        f'<p class="said">Image reliance <b>{found.score:.2f}</b> of 1 (0: the picture never mattered)</p>'
        if found.score is not None
        else ""
    )
    cautions = "".join(f'<p class="caution">{escape(sentence)}</p>' for sentence in found.warnings)
    head = (
        '<thead><tr><th scope="col">Asked about</th><th scope="col">Answer</th>'
        '<th scope="col" class="number">Change</th></tr></thead>'
    )
    return f"{score}{cautions}<table>{head}<tbody>{rows}</tbody></table>"


def _sweep_row(group: Group) -> str:
    mark = "<mark>differs</mark> " if group.differs else ""
    names = "<br>".join(escape(label) for label in group.labels)
    kind = ' class="differs"' if group.differs else ""
    return f'<tr{kind}><th scope="row">{names}</th><td>{mark}{escape(group.text)}</td></tr>'


def _marked(found: Sequence[Piece]) -> str:
    return " ".join(f"<mark>{escape(p.text)}</mark>" if p.changed else escape(p.text) for p in found)


def _asking(labels: Sequence[str], done: int) -> str:
    """What is being asked now; nothing once all have been."""
    return f"Asking: {labels[done]} ({done + 1} of {len(labels)})" if done < len(labels) else ""
