"""What the Scores tab's pieces are made of: labelled choices and tables that scroll inside themselves."""

from collections.abc import Iterable, Sequence
from html import escape

from medvlm.plots.layout import Cell

# (value, text) of one choice.
Option = tuple[str, str]


def select(name: str, label: str, options: Iterable[tuple[str, Sequence[Option]]], chosen: str) -> str:
    """A labelled choice; each part is a group with a heading, or without one where it is empty."""
    made = []
    for heading, part in options:
        rows = "".join(
            f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
            for value, text in part
        )
        made.append(f'<optgroup label="{escape(heading)}">{rows}</optgroup>' if heading else rows)
    return (
        f'<label class="sc-field sc-{name}"><span>{escape(label)}</span>'
        f'<select name="{name}" id="sc-{name}">{"".join(made)}</select></label>'
    )


def scroll_table(heads: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """Rows of cells that are HTML already, under plain heads; it can be scrolled with the keys. No heads: no head."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    above = f"<thead><tr>{head}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f'<table class="{kind}">{above}<tbody>{body}</tbody></table>'
    return f'<div class="sc-scroll" tabindex="0" role="group" aria-label="Table">{table}</div>'


def row_head(text: str) -> str:
    return f'<th scope="row">{escape(text)}</th>'


def cell(value: Cell) -> str:
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{escape(cell_text(value))}</td>"


def cell_text(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
