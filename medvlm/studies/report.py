"""The results of a study as one HTML file that needs nothing else: figures, their numbers, and how they came about."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from medvlm import NOT_FOR_DIAGNOSIS, __version__, plots
from medvlm.errors import StoreError, UserError
from medvlm.folders import write_whole
from medvlm.outcomes.tally import Ballots, Tally, ballots, tally
from medvlm.outcomes.wording import Style
from medvlm.plots import ratings as plots_ratings
from medvlm.plots.layout import Cell, Plot
from medvlm.ratings.records import Candidate
from medvlm.ratings.studies import StudyStore
from medvlm.studies.progress import Progress, progress

STYLE = """
:root { color-scheme: light dark; --ink: #17222a; --quiet: #52616b; --line: #dbe2e6; --ground: #ffffff;
  --amber: #7a4d00; --wash: #fdf1d8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaed; --quiet: #9dabb3; --line: #2a343a; --ground: #171d21;
  --amber: #f1c877; --wash: #33280f; } }
body { max-width: 960px; margin: 24px auto; padding: 0 16px; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.label { display: inline-block; padding: 3px 10px; border-radius: 999px; background: var(--wash); color: var(--amber);
  font-weight: 600; }
table { border-collapse: collapse; font-size: 13px; margin: 8px 0; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; } p.note, summary { color: var(--quiet); } code { overflow-wrap: anywhere; }
.js-plotly-plot text { fill: var(--ink) !important; } .gridlayer path { stroke: var(--line) !important; }
.zerolinelayer path, .errorbars path, .xerror { stroke: var(--ink) !important; }
@media print { details { display: block; } section { break-inside: avoid; } }
"""


def write_report(store: StudyStore, name: str, path: Path) -> Path:
    """Write the report of a closed study, whole or not at all. Raises `UserError` for one that is still open."""
    now = progress(store, name)
    if now.study.status != "closed":
        raise UserError(f"{now.study.words} is not closed, so nobody may see its results. Close it first.")
    said = ballots(store.ratings, name)
    text = report(now, said, [tally(said, duel) for duel in said.duels])
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}. Name a file where there is room.") from error
    return path


def report(now: Progress, said: Ballots, tallies: Sequence[Tally]) -> str:
    """The whole page."""
    parts = [_head(now), _made(now, said.candidates.values())]
    parts += [_duel(number, one) for number, one in enumerate(tallies)]
    if not tallies:
        parts.append("<p>There is no vote yet.</p>")
    parts.append(f'<p class="label">{NOT_FOR_DIAGNOSIS}</p>')
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(now.study.words)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
        f"<script>{plots.script()}</script></head><body>{''.join(parts)}</body></html>\n"
    )


def _head(now: Progress) -> str:
    moment = datetime.now(UTC).isoformat(timespec="minutes")
    return (
        f'<h1>{escape(now.study.words)}</h1><p class="label">{NOT_FOR_DIAGNOSIS}</p>'
        f'<p class="note">Reader study {escape(now.study.name)}, written {moment} by MedVLM {__version__}</p>'
    )


def _made(now: Progress, candidates: Iterable[Candidate]) -> str:
    design = now.study.design
    asked = "all of them" if design.readers_per_case is None else str(design.readers_per_case)
    facts = [
        ("Cases", f"{now.cases.total}, and {now.training} for training"),
        ("Readers", f"{len(now.readers)}; each case for {asked}"),
        ("Read", f"{now.whole.done} of {now.whole.total} showings; {now.cases.done} cases have all their readers"),
        ("Hidden repeats", f"{100 * design.repeats:g} per cent of the cases"),
        ("Orders and sides", f"drawn for each reader, from seed {design.seed}; names were never shown"),
        ("Status", now.study.status + (f" since {now.study.closed:%Y-%m-%d %H:%M} UTC" if now.study.closed else "")),
    ]
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in facts)
    return f"<h2>How it was made</h2><table>{rows}</table>{_candidates(candidates)}"


def _candidates(candidates: Iterable[Candidate]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("candidate", "model", "its hash", "adapter", "its hash", "kept in"))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td><code>{escape(cell)}</code></td>"
            for cell in (one.name, one.model, one.model_sha256[:16], one.adapter, one.adapter_sha256[:16])
        )
        + f"<td>{escape(one.quantisation or one.endpoint)}</td></tr>"
        for one in candidates
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _duel(number: int, found: Tally) -> str:
    first, second = map(escape, found.duel.names)
    pages = "".join(figure(plot, f"duel{number}-{plot.name}") for plot in plots_ratings.plots(found))
    return f"<h2>{first} against {second}</h2>{summary(found)}{pages}"


def summary(found: Tally) -> str:
    """The result in sentences, each with what it stands on."""
    net, name = found.summary.net, found.duel.names[0]
    lines = [f"Net win rate of {name}, in points: {plots_ratings.words(net, 100)}"]
    if net.note:
        lines.append(f"The interval speaks of these readers: {net.note}.")
    test = found.summary.sign_test
    lines.append(
        f"Exact sign test over {test.clusters} decided cases: p = {test.value:.3g}"
        if test.value is not None
        else f"Sign test: {test.reason}"
    )
    if found.summary.more:
        lines.append(f"About {found.summary.more:,} more ratings until the interval excludes zero, at this effect.")
    lines.append(f"Share of votes for the longer answer: {plots_ratings.words(found.longer_wins, 100)}")
    lines.append(f"Share of pairs whose answers style alone tells apart: {_styled(found.style)}")
    if found.left_out:
        lines.append("Not counted: " + ", ".join(f"{count} {kind}" for kind, count in found.left_out.items()))
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _styled(style: Style) -> str:
    """How often, and by what most."""
    words = plots_ratings.words(style.told_apart, 100)
    most = max(style.weights, key=lambda one: abs(style.weights[one]), default="")
    return f"{words}; mostly by {most}" if style.told_apart.value is not None and most else words


def figure(plot: Plot, name: str) -> str:
    """A figure with its numbers as a table, for those who cannot see it or want to copy them."""
    drawn = plots.part_of_page(plot.figure(), name)
    note = f'<p class="note">{escape(plot.note)}</p>' if plot.note else ""
    numbers = f"<details><summary>Numbers: {escape(plot.title)}</summary>{table(plot)}</details>"
    return f"<section>{drawn}{note}{numbers}</section>"


def table(plot: Plot) -> str:
    """The numbers of a plot."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in plot.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in plot.rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, str) or cell is None:
        return f"<td>{escape(cell or '')}</td>"
    return f'<td class="number">{cell:g}</td>'
