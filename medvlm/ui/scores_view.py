"""Which plots and tables the Scores tab has for a selection, and everything of one answer to the page."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from medvlm import paths, scores
from medvlm.errors import UserError
from medvlm.plots import probes as plots_probes
from medvlm.plots import published as plots_published
from medvlm.plots import scores as plots_scores
from medvlm.plots.layout import Plot
from medvlm.scoreboard.board import Board
from medvlm.scoreboard.case_list import flips, page
from medvlm.scoreboard.kindred import probes, same_data
from medvlm.scoreboard.query import Query, selection, side_text, table_of, which
from medvlm.scoreboard.run_shelf import Shelf
from medvlm.scoreboard.sentences import scale_of, side_name
from medvlm.scoreboard.sides import (
    Compared,
    Group,
    Selection,
    compared,
    glance,
    groups,
    overall,
    relative,
)
from medvlm.scoreboard.spread import histogram
from medvlm.ui import scores_cases, scores_published
from medvlm.ui import scores_html as html

TRAINING = paths.ASSETS / "scores" / "training.json"
MOST_KINDS = 14


def view(shelf: Shelf, asked: Query) -> dict[str, Any]:
    """The page's parts by name; plots as plotly's records. With no runs, only the words that say so."""
    chosen = selection(shelf.boards, asked)
    if chosen is None:
        return {
            "version": shelf.version,
            "query": asdict(asked),
            "parts": {"head": html.empty(shelf.broken)},
            "plots": {},
        }
    found = compared(shelf.boards, chosen)
    whole = overall(found)
    sections = {"main": _main(found), "more": _more(shelf, found)}
    drawn = [plot for made in sections.values() for plot in made]
    parts = {
        "head": html.filters(shelf.boards, chosen, asked) + html.cautions(found),
        "figures": html.figures(found, whole) + html.glance(_glance(shelf), chosen),
        "main": html.frames(sections["main"]),
        "more": html.frames(sections["more"]),
        "flips": scores_cases.flips(found, flips(found)),
        "cases": _cases(shelf.boards, chosen, asked),
        "about": html.about(found) + html.broken(shelf.broken),
    }
    told = {**asdict(asked), "run": chosen.first.run, "metric": chosen.metric, "against": side_text(chosen.second)}
    return {"version": shelf.version, "query": told, "parts": parts, "plots": {p.name: _sent(p) for p in drawn}}


@lru_cache(maxsize=2)
def _glance(shelf: Shelf) -> list[tuple[Compared, Group]]:
    """Of one state of the shelf: no filter changes it."""
    return glance(shelf.boards)


def cases(shelf: Shelf, asked: Query) -> str:
    """The table alone, for its own filters and pages."""
    chosen = selection(shelf.boards, asked)
    return "" if chosen is None else _cases(shelf.boards, chosen, asked)


def _cases(boards: Mapping[str, Board], chosen: Selection, asked: Query) -> str:
    narrowed = compared(boards, table_of(chosen, asked))
    return scores_cases.cases(narrowed, page(narrowed, which(asked), asked.words, asked.start), asked)


def _main(found: Compared) -> list[Plot]:
    """By domain and by kind of question: bars, and the paired difference beside them."""
    made = []
    form, names, tones = scale_of(found), side_names(found), side_tones(found)
    titles = {"domain": "By domain", "kind": "By type of question"}
    for by in ("domain", "kind"):
        parts = groups(found, "domain" if by == "domain" else "kind")
        parts = _largest(parts)
        if not parts:
            continue
        made.append(plots_scores.bars(f"{by}-bars", titles[by], parts, names, tones, form))
        if any(one.difference is not None for one in parts):
            title = f"{titles[by]}: paired difference"
            made.append(plots_scores.forest(f"{by}-forest", title, parts, form, names[0]))
    return made


def _largest(parts: list[Group]) -> list[Group]:
    """At most so many groups, those with the most answers, in their order."""
    kept = sorted(parts, key=lambda one: -one.first.n)[:MOST_KINDS]
    return [one for one in parts if one in kept]


def _more(shelf: Shelf, found: Compared) -> list[Plot]:
    """How scores are spread, probes, other runs on the same data, published results, losses."""
    form, names, tones, boards = scale_of(found), side_names(found), side_tones(found), shelf.boards
    made = []
    if (spread := histogram(found)) is not None:
        made.append(plots_scores.histogram("spread", "How scores are spread", spread, names, tones, form))
    if (ratios := relative(boards, found)) is not None and (spread := histogram(ratios)) is not None:
        title = "Relative scores: the judge's points as a share of the reference's"
        made.append(plots_scores.histogram("relative", title, spread, names, tones, scale_of(ratios)))
    if tried := probes(boards, found):
        title = f"Probes: {names[0]} under other conditions"
        made.append(plots_scores.standings("probes", title, tried, form, PROBES))
    made += _probed(shelf, found)
    if len(others := same_data(boards, found)) > 1:
        made.append(plots_scores.standings("runs", "Every run on this data", others, form))
    if (beside := published_beside(found)) is not None:
        made.append(beside)
    if curves := losses(found.one.info.adapter_sha256):
        made.append(plots_scores.losses(curves))
    return made


def _probed(shelf: Shelf, found: Compared) -> list[Plot]:
    """What `eval probes` found for the same weights, and the curves of this task."""
    info = found.one.info
    made = []
    for one in shelf.sheets:
        if (one.info.model_revision, one.info.adapter_sha256) == (info.model_revision, info.adapter_sha256):
            left = "".join(f" {title}: {why}." for title, why in one.missing)
            made.append(plots_probes.sheet(one.rows, f"Run {one.info.name}.{left}"))
    curves = [one for one in shelf.curves if one.task == info.task]
    return [*made[:1], *(plots_probes.curve(one, number) for number, one in enumerate(curves))]


PROBES = (
    "The same questions to the same weights, with something else in the picture's place, or with other numbers. An "
    "answer that rests on the picture gets worse without it."
)


def published_beside(found: Compared) -> Plot | None:
    """Ours plain, theirs hatched, where somebody published on this data by this counting; None where nobody did."""
    info, chosen = found.one.info, found.selection
    if chosen.domain or chosen.kind or ":" in info.task:
        return None
    others = plots_published.comparable(info.dataset, info.split, chosen.metric)
    if not others:
        return None
    whole, names, tones = overall(found), side_names(found), side_tones(found)
    ours = [plots_published.Ours(names[0], whole.first, tones[0])]
    if whole.second is not None:
        ours.insert(0, plots_published.Ours(names[1], whole.second, tones[1]))
    return plots_published.beside(chosen.metric, ours, others)


def side_names(found: Compared) -> tuple[str, str]:
    chosen = found.selection
    first = side_name(found.one, chosen.first)
    second = side_name(found.other, chosen.second) if found.other is not None and chosen.second is not None else ""
    if first == second and chosen.second is not None:
        return f"{first}, {chosen.first.run}", f"{second}, {chosen.second.run}"
    return first, second


def side_tones(found: Compared) -> tuple[str, str]:
    first, second = found.selection.first, found.selection.second
    same = second is None or first.run == second.run
    return plots_scores.colours(first.arm, second.arm if second else None, same)


def losses(adapter: str | None, kept: Path = TRAINING) -> dict[str, Any]:
    """Stage -> (step, loss) of the training that made this adapter (SHA-256); nothing where no record is of it."""
    try:
        record = scores.read(kept) or {}
    except UserError:
        return {}
    stages = record.get("stages", {}) if adapter is not None and record.get("adapter_sha256") == adapter else {}
    return {stage: [(int(step), float(loss)) for step, loss in points] for stage, points in stages.items()}


def published_view(paper: str, table: str, column: str) -> dict[str, Any]:
    """A paper's numbers: one chosen column of one of its tables, those of its text, and the reviews' forms."""
    papers = plots_published.papers()
    one = next((p for p in papers if p.id == paper), papers[0])
    chosen = next((t for t in one.tables if t.id == table), one.tables[0] if one.tables else None)
    columns = list(dict.fromkeys(number.column for number in chosen.numbers())) if chosen else []
    picked = column if column in columns else next(iter(columns[-1:]), "")
    tables = [plots_published.table_plot(one, chosen.id, picked)] if chosen else []
    reviews = plots_published.review_plots()
    head = scores_published.choices(papers, one, chosen.id if chosen else "", columns, picked)
    return {
        "html": head + html.frames(tables) + scores_published.statements(one) + html.frames(reviews),
        "plots": {plot.name: _sent(plot) for plot in (*tables, *reviews)},
    }


def _sent(plot: Plot) -> dict[str, Any]:
    return {**plot.figure(), "csv": plot.csv(), "marks": list(plot.marks), "title": plot.title}
