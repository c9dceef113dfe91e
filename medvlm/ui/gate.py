"""The gate in the page: its question with the answers to choose from, and the receipt of what is held."""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import gradio as gr

from medvlm.desk import Desk
from medvlm.privacy import Choice, Ruling
from medvlm.retention import Line
from medvlm.session import Seat
from medvlm.ui.markup import button
from medvlm.ui.theme import asset

CLEAR = ""
WORDS: dict[Choice, str] = {
    "block": "Leave it out",
    "mask": "Cover the text and take it in",
    "go on": "Take it in as it is",
}
_HINTS: dict[Choice, str] = {
    "block": "Nothing of it is shown or kept",
    "mask": "What stands under the boxes is gone, for the model too",
    "go on": "Fields of the header stay out in any case",
}
STYLE = """
.gate { border: 1px solid var(--amber); border-radius: 8px; background: var(--amber-wash);
  padding: 12px 16px; margin: 8px 0; }
.gate h2, .receipt h2 { font-size: 15px; font-weight: 650; margin: 0 0 4px; }
.gate ul { margin: 4px 0 8px; padding-left: 20px; }
.gate .choices { display: flex; flex-wrap: wrap; gap: 8px; }
.gate button, .receipt button { font: inherit; min-height: 32px; padding: 4px 12px; border: 1px solid var(--edge);
  border-radius: 6px; background: var(--panel); color: var(--ink); cursor: pointer; }
.gate button:focus-visible, .receipt button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.receipt table { border-collapse: collapse; width: 100%; font-size: 13px; margin-bottom: 8px; }
.receipt th, .receipt td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.unsearched { color: var(--quiet); font-size: 13px; margin: 0 0 8px; }
"""


def gate(**options: Any) -> Any:
    """The component with no question in it; its value: `question(...)` or `CLEAR`. Event: `choose` (choice, ticket)."""
    return _part(CLEAR, "gate", options)


def receipt_part(lines: Iterable[Line] = (), **options: Any) -> Any:
    """The component with the receipt; its value is `receipt(...)`. Event: `forget`."""
    return _part(receipt(lines), "receipt", options)


def question(ruling: Ruling, ticket: str) -> str:
    """What the gate asks about a picture that is not shown yet."""
    reasons = "".join(f"<li>{escape(one.sentence)}</li>" for one in ruling.findings)
    unsearched = (
        "" if ruling.searched else '<p class="unsearched">The pixels were not searched: no text detector is there.</p>'
    )
    answers = "".join(
        button("choose", WORDS[choice], hint=_HINTS[choice], choice=choice, ticket=ticket) for choice in ruling.choices
    )
    return (
        '<section class="gate" role="alertdialog" aria-labelledby="gate-asks" aria-describedby="gate-why">'
        f'<h2 id="gate-asks">This picture may name a person</h2><ul id="gate-why">{reasons}</ul>{unsearched}'
        f'<div class="choices">{answers}</div></section>'
    )


def receipt(lines: Iterable[Line]) -> str:
    """What is held, where and until when, with the button that ends it."""
    rows = "".join(
        f"<tr><td>{escape(one.what)}</td><td>{escape(one.where)}</td><td>{escape(one.until)}</td></tr>" for one in lines
    )
    return (
        '<section class="receipt" aria-labelledby="receipt-head"><h2 id="receipt-head">What is held here</h2>'
        '<table><thead><tr><th scope="col">What</th><th scope="col">Where</th><th scope="col">Until</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{button('forget', 'Forget everything now')}</section>"
    )


def forgetting(desk: Desk, seat: Seat, blocks: gr.Blocks, session: str) -> Callable[[], None]:
    """What forgets everything of one person: the conversation, its scans, the model's notes, and what Gradio keeps.

    For each session (by its hash) Gradio keeps the last value of every component, pictures in them included. The seat
    itself stays: a page that is still open can go on at once.
    """

    def forget() -> None:
        desk.restart(seat)
        seat.holder.keep()
        kept = blocks.state_holder.session_data.get(session) if hasattr(blocks, "state_holder") else None
        for part in kept.config_values.values() if kept is not None else ():
            if part and "value" in part.get("props", {}):
                part["props"]["value"] = None

    return forget


def _part(value: str, name: str, options: dict[str, Any]) -> Any:
    settings: dict[str, Any] = {"elem_id": name, "css_template": STYLE, "js_on_load": asset("gate.js")}
    return gr.HTML(value, apply_default_css=False, container=False, padding=False, **(settings | options))
