"""What every plot of ours has: fixed colours, a layout that takes the page's tones, and its numbers as a table."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from medvlm import NOT_FOR_DIAGNOSIS

Record = dict[str, Any]
Cell = str | float | int | None

# Told apart by the colour-blind, and at least 3:1 against the page's light and dark panels. Never for A and B.
BASE, TUNED, REFERENCE, OTHER = "#6f83a3", "#1b8f7c", "#9069bd", "#b87a1e"
QUIET = "#84929b"
ROW_HEIGHT = 46
# The page's own: letters are measured in what they are drawn in.
FAMILY = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Liberation Sans, sans-serif"
TOP_LEFT = {"x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure as plotly's own records, with the same numbers as a table for those who read or take them along.

    `name`: for files and for the page's script; `columns` and `rows`: the table; `note`: stands under the plot.
    """

    name: str
    title: str
    data: tuple[Record, ...]
    layout: Record
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    marks: tuple[str, ...] = field(default=())

    def figure(self) -> Record:
        return {"data": list(self.data), "layout": self.layout}

    def csv(self) -> str:
        """The table with a first line that says what it is not for; text that a sheet would run is quoted."""
        out = StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([f"{self.title}. {NOT_FOR_DIAGNOSIS}"])
        writer.writerow(self.columns)
        writer.writerows([_safe(cell) for cell in row] for row in self.rows)
        return out.getvalue()


def row(*cells: Cell) -> tuple[Cell, ...]:
    return cells


def _safe(cell: Cell) -> Cell:
    return "'" + cell if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def layout(title: str, height: int, **more: Any) -> Record:
    """Grounds are clear and words have no colour here: the page gives them the tones of its theme."""
    return {
        "title": {"text": title, "font": {"size": 14, "weight": 600}, "pad": {"l": 4, "t": 8}, **TOP_LEFT},
        "height": height,
        "margin": {"l": 8, "r": 16, "t": 72 if more.get("showlegend", True) else 44, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 13, "family": FAMILY},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "bargap": 0.28,
        "hoverlabel": {"align": "left"},
        **more,
    }


def axis(title: str = "", **more: Any) -> Record:
    return {
        "title": {"text": title, "font": {"size": 13}, "standoff": 6},
        "automargin": True,
        "zeroline": False,
        "fixedrange": True,
        **more,
    }


def rows_axis(labels: Sequence[str]) -> Record:
    """Names from top to bottom, each beside its row."""
    # Ticks that nobody sees keep the names off the bars.
    apart: Record = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    return axis(type="category", categoryorder="array", categoryarray=list(labels), autorange="reversed", **apart)


def height_of(rows: int, least: int = 200) -> int:
    return max(least, 112 + ROW_HEIGHT * rows)


def wrapped(text: str, width: int = 24) -> str:
    """A label in lines that a narrow page has room for."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])
