"""The receipt as the page shows it: what is held of this person, where and until when, and the button that ends it."""

import itertools
from collections.abc import Iterable
from html import escape
from typing import Any

import gradio as gr

from medvlm.page.retention import Line
from medvlm.ui.markup import button
from medvlm.ui.theme import asset

# The script fills the dialog, which stays open while that changes.
TEMPLATE = """
<dialog id="receipt" class="receipt" aria-labelledby="receipt-head"><div class="drawer-head">
  <h2 id="receipt-head">What is held here</h2>
  <button type="button" class="plain" data-act="close-receipt">Close</button></div><div class="body"></div></dialog>
"""
_numbers = itertools.count(1)


def part() -> Any:
    """The dialog, closed; its value is `value(...)`. Events: `forget` (ticket), `lapse`."""
    return gr.HTML(
        value((), None),
        elem_id="held",
        html_template=TEMPLATE,
        js_on_load=asset("held.js"),
        apply_default_css=False,
        container=False,
        padding=False,
    )


def value(lines: Iterable[Line], seconds: float | None, wipe: bool = False) -> dict[str, Any]:
    """What the dialog says; `seconds`: until it is forgotten. `wipe`: what this page has heard goes too."""
    return {"number": next(_numbers), "body": receipt(lines), "seconds": seconds, "wipe": wipe}


def receipt(lines: Iterable[Line]) -> str:
    """What is held, where and until when, with the button that ends it."""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.what)}</th><td data-is="Where">{escape(one.where)}</td>'
        f'<td data-is="Until">{escape(one.until)}</td></tr>'
        for one in lines
    )
    return (
        '<table><thead><tr><th scope="col">What</th><th scope="col">Where</th><th scope="col">Until</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{button('forget', 'Forget everything now', kind='strong')}"
        '<p class="quiet">Scans, conversation and exports that were not saved are gone then. Files on your own disk '
        "stay as they are.</p>"
    )
