"""The gate in the page: its question with the answers to choose from."""

from html import escape
from typing import Any

import gradio as gr

from medvlm.privacy import Choice, Ruling
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
.gate h2 { font-size: 15px; font-weight: 650; margin: 0 0 4px; }
.gate ul { margin: 4px 0 8px; padding-left: 20px; }
.gate .choices { display: flex; flex-wrap: wrap; gap: 8px; }
.gate button { font: inherit; min-height: 32px; padding: 4px 12px; border: 1px solid var(--edge);
  border-radius: 6px; background: var(--panel); color: var(--ink); cursor: pointer; }
.gate button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.unsearched { color: var(--quiet); font-size: 13px; margin: 0 0 8px; }
"""


def gate(**options: Any) -> Any:
    """The component with no question in it; its value: `question(...)` or `CLEAR`. Event: `choose` (choice, ticket)."""
    settings: dict[str, Any] = {"elem_id": "gate", "css_template": STYLE, "js_on_load": asset("gate.js")}
    return gr.HTML(CLEAR, apply_default_css=False, container=False, padding=False, **(settings | options))


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
