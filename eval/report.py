"""Runs as a report to keep or to print: `python -m eval report RUN... [--out FOLDER]` writes HTML and Markdown.

The HTML page holds everything in itself; the Markdown page has its plots as SVG files beside it.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from eval import tables
from medvlm import NOT_FOR_DIAGNOSIS, paths, scores, statistics
from medvlm.errors import ConfigError
from medvlm.metrics.flips import Comparison
from medvlm.plots.layout import Plot
from medvlm.plots.scores import bars, colours, forest, histogram, p_said, said
from medvlm.plots.svg import svg
from medvlm.scoreboard import packed
from medvlm.scoreboard.board import Board, board, title
from medvlm.scoreboard.case_list import flips
from medvlm.scoreboard.run_shelf import OWN
from medvlm.scoreboard.sentences import cautions, dataset, scale_of, side_name
from medvlm.scoreboard.sides import Compared, Group, Grouping, Selection, Side, compared, groups, of_run, overall
from medvlm.scoreboard.spread import histogram as spread_of

METHODS = (
    "Shares have Wilson's 95 % interval; means and differences a bootstrap of 2,000 resamples of whole pictures. p is "
    "McNemar's exact for right or wrong, else the bootstrap's; corrected after Holm over the rows of a table. Unscored "
    "answers enter no figure and are never 0. How each metric counts stands in docs/metrics.md."
)
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17222a}"
    "table{border-collapse:collapse;font-size:13px;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:3px 10px 3px 0;border-bottom:1px solid #dbe2e6;text-align:right;vertical-align:top}"
    "th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}"
    ".caution{border-left:3px solid #b87a1e;background:#fdf1d8;padding:6px 12px}"
)


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows of words; the first column names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# What a report is made of, in order: a heading of some depth, a caution, a paragraph, a table or a plot.
@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    depth: int


@dataclass(frozen=True, slots=True)
class Caution:
    text: str


Block = Heading | Caution | str | Table | Plot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="+", help="run folders, or names of runs in runs/ or assets/scores/runs/")
    parser.add_argument("--out", type=Path, default=Path("report"), help="the folder to write (default: report/)")


def run(chosen: argparse.Namespace) -> int:
    """Write both forms and print where they are."""
    boards = [read(name) for name in chosen.run]
    blocks = list(report(boards))
    page = scores.write_text(chosen.out / "report.html", html(blocks))
    plots = {p.name: svg(p) for p in blocks if isinstance(p, Plot)}
    for name, picture in plots.items():
        scores.write_text(chosen.out / "plots" / f"{name}.svg", picture)
    text = scores.write_text(chosen.out / "report.md", markdown(blocks))
    print(page, text, sep="\n")
    return 0


def read(name: str) -> Board:
    """A run by folder or name. Raises ConfigError where there is none, DatasetError where it is damaged or unscored."""
    tried = [Path(name), paths.ROOT / "runs" / name, OWN / name]
    folder = next((path for path in tried if (path / scores.RUN).is_file()), None)
    if folder is None:
        raise ConfigError(
            f"There is no run {name!r}. Give a folder that `python -m eval run` wrote, or a name in runs/."
        )
    found = board(packed.read(folder))
    if not found.metrics:
        raise ConfigError(f"{folder} has no scores yet. Run the same `python -m eval run` again to finish it.")
    return found


def report(boards: Sequence[Board]) -> Iterator[Block]:
    """All runs, one after the other, with what the figures mean at the end."""
    yield Heading("Scores", 1)
    yield Caution(NOT_FOR_DIAGNOSIS)
    for number, one in enumerate(boards):
        yield from _one(one, number)
    yield Heading("Definitions", 2)
    yield METHODS
    names = dict.fromkeys(metric for one in boards for metric in one.metrics)
    yield Table("Metrics", ("name", "what it counts"), tuple((name, title(name)) for name in names))


def _one(one: Board, number: int) -> Iterator[Block]:
    chosen = of_run({one.name: one}, one.name)
    yield Heading(one.name, 2)
    yield Caution(cautions(one))
    yield _facts(one)
    yield metrics_table(one, chosen)
    found = compared({one.name: one}, chosen)
    yield Heading(f"By {title(chosen.metric)}", 3)
    yield from _drawn(found, f"run{number + 1}")
    if changed := flips(found):
        yield _flips(changed)


def _facts(one: Board) -> Table:
    info = one.info
    rows = {
        "data": f"{dataset(one)}, {len(one.cases)} questions about {len(set(one.clusters.tolist()))} pictures",
        "data SHA-256": info.data_sha256,
        "model": f"{info.model} ({info.model_revision})",
        "adapter": f"{info.adapter} ({info.adapter_sha256})",
        "numbers": f"{info.quantization}, {info.compute_dtype}",
        "prompt": f"{info.prompt}, version {info.prompt_version}: {info.system}",
        "decoding": f"temperature {info.decoding.temperature:g}, at most {info.decoding.max_tokens} tokens",
        "made": f"{info.created} on {info.hardware}, commit {info.git_commit}",
        "versions": ", ".join(f"{name} {version}" for name, version in info.versions.items()),
    }
    return Table("What was asked", ("", ""), tuple(rows.items()))


def metrics_table(one: Board, chosen: Selection, other: Board | None = None) -> Table:
    """Every metric of the run: both sides and their paired difference, p corrected over the table."""
    boards = {one.name: one} | ({other.name: other} if other is not None else {})
    found: list[tuple[str, Compared, Group]] = []
    for metric in one.metrics:
        if one.column(chosen.first.arm, metric) is None:
            continue
        second = chosen.second
        if second is not None and boards[second.run].column(second.arm, metric) is None:
            second = None
        made = compared(boards, Selection(chosen.first, second, metric))
        found.append((metric, made, overall(made)))
    return _groups_table("Every metric", "metric", [(title(m), c, g) for m, c, g in found], chosen, boards)


def _groups_table(
    name: str, head: str, found: Sequence[tuple[str, Compared, Group]], chosen: Selection, boards: dict[str, Board]
) -> Table:
    sides = [s for s in (chosen.second, chosen.first) if s is not None]
    heads = [head, *(_side_head(boards, side, sides) for side in sides)]
    if chosen.second is not None:
        heads += ["difference", "p", "p corrected"]
    corrected = statistics.holm([group.p for _, _, group in found])
    rows = []
    for (label, made, group), p in zip(found, corrected, strict=True):
        form = scale_of(made)
        cells = [said(group.second, form) + _unscored(group.unscored[1])] if chosen.second is not None else []
        cells.append(said(group.first, form) + _unscored(group.unscored[0]))
        if chosen.second is not None:
            cells += [said(group.difference, form, signed=True), p_said(group.p), p_said(p)]
        rows.append((label, *cells))
    return Table(name, tuple(heads), tuple(rows))


def _side_head(boards: dict[str, Board], side: Side, sides: Sequence[Side]) -> str:
    name = side_name(boards[side.run], side)
    return name if len({one.run for one in sides}) == 1 else f"{name}, {side.run}"


def _unscored(count: int) -> str:
    return f" ({count} unscored)" if count else ""


def grouped_table(found: Compared, by: Grouping, boards: dict[str, Board]) -> Table:
    parts = groups(found, by)
    name = "By domain" if by == "domain" else "By type of question"
    return _groups_table(name, by, [(one.label, found, one) for one in parts], found.selection, boards)


def _drawn(found: Compared, prefix: str) -> Iterator[Block]:
    """By domain and by kind: the table, the bars and the paired differences; then how scores are spread."""
    chosen, form = found.selection, scale_of(found)
    boards = {found.one.name: found.one} | ({found.other.name: found.other} if found.other is not None else {})
    names = (
        side_name(found.one, chosen.first),
        side_name(found.other, chosen.second) if found.other is not None and chosen.second is not None else "",
    )
    second = chosen.second
    tones = colours(chosen.first.arm, second.arm if second else None, second is None or second.run == chosen.first.run)
    ways: tuple[Grouping, ...] = ("domain", "kind")
    for by in ways:
        parts = groups(found, by)
        yield grouped_table(found, by, boards)
        yield bars(f"{prefix}-{by}", f"By {by}", parts, names, tones, form)
        if second is not None:
            yield forest(f"{prefix}-{by}-difference", f"By {by}: paired difference", parts, form, names[0])
    if (spread := spread_of(found)) is not None:
        yield histogram(f"{prefix}-spread", "How scores are spread", spread, names, tones, form)


def _flips(changed: Sequence[Comparison]) -> Table:
    rows = []
    for one in changed:
        counted = one.counted()
        effect = "" if one.effect is None else f"{100 * one.effect:+.1f} points"
        rows.append((title(one.second), str(one.n), effect, str(counted["up"]), str(counted["down"])))
    name = f"Flips: answers that another way of counting scores otherwise than {title(changed[0].first)}"
    return Table(name, ("counted instead as", "n", "score moves", "up", "down"), tuple(rows))


def html(blocks: Sequence[Block]) -> str:
    """One page with everything in it."""
    body = "".join(_html(block) for block in blocks)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Scores</title><style>{STYLE}</style></head>'
        f"<body>{body}<p>{escape(NOT_FOR_DIAGNOSIS)}</p></body></html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Heading(text, depth):
            return f"<h{depth}>{escape(text)}</h{depth}>"
        case Caution(text):
            return f'<p class="caution">{escape(text)}</p>'
        case Table(name, heads, rows):
            head = "".join(f"<th>{escape(one)}</th>" for one in heads)
            body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
            return f"<h4>{escape(name)}</h4><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        case Plot():
            note = f"<p><small>{escape(block.note)}</small></p>" if block.note else ""
            return f"<figure>{svg(block)}{note}</figure>"
        case str():
            return f"<p>{escape(block)}</p>"


def markdown(blocks: Sequence[Block]) -> str:
    """The same in Markdown; plots are files in `plots/`."""
    return "\n\n".join(_markdown(block) for block in blocks) + f"\n\n{NOT_FOR_DIAGNOSIS}\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, depth):
            return f"{'#' * depth} {text}"
        case Caution(text):
            return f"> **{text}**"
        case Table(name, heads, rows):
            return f"**{name}**\n\n{tables.table(heads, rows)}"
        case Plot():
            return f"![{block.title}](plots/{block.name}.svg)"
        case str():
            return block
