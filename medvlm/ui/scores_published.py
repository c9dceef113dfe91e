"""What others published, on the Scores tab: which table and column, and the numbers of a paper's text."""

from collections.abc import Sequence
from html import escape

from medvlm.plots.published import named
from medvlm.scoreboard.published import Paper
from medvlm.ui.scores_parts import cell, row_head, scroll_table, select


def choices(papers: Sequence[Paper], chosen: Paper, table: str, columns: Sequence[str], column: str) -> str:
    """Which published table is shown, and which of its columns; a paper without tables has the numbers of its text."""
    groups = []
    for one in papers:
        tables = [(f"{one.id}|{t.id}", f"{t.id.replace('-', ' ')}: {t.title}") for t in one.tables]
        groups.append((f"{named(one)}: {one.title}", tables or [(f"{one.id}|", "numbers in its text")]))
    fields = select("paper", "Published table", groups, f"{chosen.id}|{table}")
    if columns:
        fields += select("column", "Column", [("", [(one, one) for one in columns])], column)
    return f'<form class="sc-filters sc-published" aria-label="Which published results">{fields}</form>'


def statements(paper: Paper) -> str:
    """Numbers that a paper's text states, with their condition, and where its numbers disagree."""
    rows = [
        row_head(one.name) + cell(f"{one.value:,.15g}") + cell(one.unit) + cell(one.condition)
        for one in paper.statements
    ]
    odd = "".join(f"<li>{escape(one.about)}: {escape(_places(one.places))}</li>" for one in paper.disagreements)
    odds = f"<p>Where its numbers disagree, both are kept:</p><ul>{odd}</ul>" if odd else ""
    title = f"<summary>Numbers in the text of {escape(named(paper))}: {escape(paper.title)}</summary>"
    table = scroll_table(("what", "value", "unit", "condition"), rows)
    return f'<details data-key="statements" open>{title}{table}{odds}</details>'


def _places(places: Sequence[tuple[str, Sequence[str]]]) -> str:
    return "; ".join(f"{where}: {', '.join(numbers)}" for where, numbers in places)
