"""The Scores tab's pieces as HTML: filters, figures, frames for plots, cautions; everything from outside escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from medvlm.plots.layout import Cell, Plot
from medvlm.plots.scores import said
from medvlm.scoreboard.board import ALL_DOMAINS, Board, kind_words, title
from medvlm.scoreboard.kindred import condition
from medvlm.scoreboard.query import NOTHING, Query, side_text
from medvlm.scoreboard.sentences import DRAWN, Which, dataset, scale_of, sentence, side_name
from medvlm.scoreboard.sides import Compared, Group, Selection, Side, seen
from medvlm.scores import Broken
from medvlm.statistics import Figure
from medvlm.types import DOMAIN_NAMES
from medvlm.ui.markup import button
from medvlm.ui.scores_parts import Option, cell, cell_text, row_head, scroll_table, select

GLANCE = ("n", "Base", "Tuned", "Paired difference", "Counted as", "Adapter")
FILTERED = {"domain-bars": "at_domain", "domain-forest": "at_domain", "kind-bars": "at_kind", "kind-forest": "at_kind"}


def empty(broken: Sequence[Broken]) -> str:
    """Where nothing was evaluated yet: what to do about it."""
    words = (
        '<div class="sc-empty"><h2>No scores yet</h2><p>Evaluate a model and its runs appear here by themselves:</p>'
        "<pre>.venv/bin/python -m eval run --help</pre></div>"
    )
    return words + broken_list(broken)


def filters(boards: Mapping[str, Board], chosen: Selection, asked: Query) -> str:
    """The row of choices: task, run, what it is held against, metric, domain, question type; and a link to it all."""
    one = boards[chosen.first.run]
    shown = {name: b for name, b in boards.items() if b.metrics}
    tasks = sorted({b.info.task for b in shown.values()})
    task = asked.task if asked.task in tasks else ""
    named = [(name, _run_name(name, b)) for name, b in shown.items() if not task or b.info.task == task]
    kinds = [(name, kind_words(name)) for name in one.kind_names]
    fields = [
        select("task", "Task", [("", [("", "All tasks"), *((t, t) for t in tasks)])], task),
        select("run", "Run", [("", named)], chosen.first.run),
        select("against", "Held against", _sides(shown, chosen), side_text(chosen.second)),
        select("metric", "Metric", [("", [(m, title(m)) for m in _metrics(one, chosen)])], chosen.metric),
        select("domain", "Domain", [("", [("", "All domains"), *_domains(one)])], chosen.domain or ""),
        select(
            "kind",
            "Question type",
            [("", [("", "All types"), *kinds])],
            chosen.kind or "",
        ),
    ]
    link = button("link", "Copy link", "copy", hint="Copy the address that shows exactly this")
    return f'<form class="sc-filters" aria-label="What is shown">{"".join(fields)}{link}</form>'


def _run_name(name: str, one: Board) -> str:
    return f"{name} · unfinished" if one.info.state != "finished" else name


def _metrics(one: Board, chosen: Selection) -> list[str]:
    return [metric for metric in one.metrics if one.column(chosen.first.arm, metric) is not None]


def _domains(one: Board) -> list[Option]:
    there = set(one.domains.tolist())
    return [(name, DOMAIN_NAMES[name]) for number, name in enumerate(ALL_DOMAINS) if number in there]


def _sides(boards: Mapping[str, Board], chosen: Selection) -> list[tuple[str, list[Option]]]:
    """Nothing, the arms of the run itself, and those of all others that have the metric."""
    made: list[tuple[str, list[Option]]] = [("", [(NOTHING, "Nothing")])]
    names = [chosen.first.run, *(name for name in boards if name != chosen.first.run)]
    for name in names:
        sides = [Side(name, arm) for arm in boards[name].arms if boards[name].column(arm, chosen.metric) is not None]
        part = [(side_text(s), f"{side_name(boards[name], s)} · {name}") for s in sides if s != chosen.first]
        if part:
            made.append(("This run" if name == chosen.first.run else name, part))
    return made


def cautions(found: Compared) -> str:
    """What must be known before a figure is read."""
    info = found.one.info
    said = list(info.notes)
    if found.other is not None and found.other is not found.one:
        said += [f"{found.other.name}: {note}" for note in found.other.info.notes if note not in said]
    if info.real is False:
        said.append(f"{DRAWN} Scores on them say nothing about scans.")
    if ":" in info.task:
        said.append(f"A probe: {condition(found.one)}. It is no measure of how good the model is.")
    if info.state != "finished":
        said.append(f"This run is unfinished: {len(found.one.cases)} of {info.samples} questions were answered so far.")
    if info.limit is not None:
        said.append(f"A trial: limited to {info.limit} questions.")
    if found.other is not None and found.other is not found.one and not found.first.scored[found.filter].any():
        said.append("The two runs share no question that this metric scores.")
    return "".join(f'<p class="sc-caution">{escape(one)}</p>' for one in said)


def figures(found: Compared, whole: Group) -> str:
    """Base, tuned, difference: each with interval, n, and its sentence to copy."""
    chosen = found.selection
    cards = []
    if whole.second is not None and chosen.second is not None and found.other is not None:
        cards.append(_card(found, whole, "second", side_name(found.other, chosen.second), whole.second))
    cards.append(_card(found, whole, "first", side_name(found.one, chosen.first), whole.first))
    if whole.difference is not None:
        cards.append(_card(found, whole, "difference", "Paired difference", whole.difference))
    return f'<div class="sc-figures" role="group" aria-label="Figures">{"".join(cards)}</div>'


def _card(found: Compared, whole: Group, which: Which, name: str, figure: Figure) -> str:
    form, signed = scale_of(found), which == "difference"
    value, _, rest = said(figure, form, signed).partition(" [")
    interval, _, n = rest.partition("], ")
    left = {"first": whole.unscored[0], "second": whole.unscored[1], "difference": 0}[which]
    facts = [f"[{interval}]" if interval else "", n or f"n = {figure.n}", f"{left} unscored" if left else ""]
    run = found.selection.second if which == "second" else found.selection.first
    small = " · ".join(part for part in facts if part)
    under = run.run if run is not None and which != "difference" else "question by question"
    copy = button(
        "sentence", "Copy", "copy", hint="Copy this figure as a sentence", sentence=sentence(found, whole, which)
    )
    tone = "difference" if which == "difference" else (run.arm if run is not None else "")
    return (
        f'<article class="sc-card" data-side="{which}" data-tone="{tone}"><h3>{escape(name)}</h3>'
        f'<p class="sc-value">{escape(value)}</p><p class="sc-small">{escape(small)}</p>'
        f'<p class="sc-under">{escape(under)}</p>{copy}</article>'
    )


def glance(rows: Sequence[tuple[Compared, Group]], chosen: Selection) -> str:
    """Base against tuned of every run in one small table; a run's name shows it. Empty where there is but one."""
    if len(rows) < 2:
        return ""
    table = scroll_table(("Data", *GLANCE), [_glance_row(*row, chosen.first.run) for row in rows])
    return f'<section class="sc-glance" aria-label="Runs at a glance"><h3>Runs at a glance</h3>{table}</section>'


def _glance_row(found: Compared, whole: Group, shown: str) -> str:
    info, run, form = found.one.info, found.selection.first.run, scale_of(found)
    mark = '<span class="sc-seen">seen in training</span>' if seen(found.one) else ""
    here = ' aria-current="true"' if run == shown else ""
    opener = button("run", dataset(found.one), kind="sc-open", hint=f"Show the run {run}", run=run)
    figures = [(whole.second, False), (whole.first, False), (whole.difference, True)]
    # A value and its interval may stand below one another, but are not broken in themselves.
    told = [said(one, form, signed).partition(", n =")[0] if one else "" for one, signed in figures]
    whole_figures = [one.replace(", ", ",\u00a0").replace(" %", "\u00a0%").replace(" p", "\u00a0p") for one in told]
    counts = " / ".join(dict.fromkeys(f"{one.n:,}" for one, _ in figures if one))
    texts = (counts, *whole_figures, title(found.selection.metric), info.adapter or "")
    cells = "".join(f'<td data-is="{name}">{escape(text)}</td>' for name, text in zip(GLANCE, texts, strict=True))
    return f'<th scope="row"{here}>{opener} {mark}</th>{cells}'


def frames(plots: Sequence[Plot]) -> str:
    """A frame for each plot; the page's script draws into it."""
    return "".join(frame(plot) for plot in plots)


def frame(plot: Plot) -> str:
    """A place to draw, three downloads, and the same numbers as a table."""
    downloads = "".join(
        button("save", form.upper(), hint=f"Download {plot.title} as {form.upper()}", plot=plot.name, form=form)
        for form in ("png", "svg", "csv")
    )
    note = f'<p class="sc-note">{escape(plot.note)}</p>' if plot.note else ""
    return (
        f'<figure class="sc-plot" data-plot="{escape(plot.name)}"><h3 class="sr">{escape(plot.title)}</h3>'
        f'<div class="sc-canvas" role="img" aria-label="{escape(plot.title)}; the table below has its numbers" '
        f'style="min-height:{plot.layout["height"]}px"></div>'
        f'<figcaption>{note}<div class="sc-acts">{downloads}</div>'
        f'<details data-key="table-{escape(plot.name)}"><summary>Table</summary>{table(plot)}</details>'
        "</figcaption></figure>"
    )


def table(plot: Plot) -> str:
    """A plot's numbers; a group's name filters the cases, as a click on its bar does."""
    groups = dict(zip(_labels(plot), plot.marks, strict=False))
    rows = [_first(plot, row[0], groups) + "".join(cell(one) for one in row[1:]) for row in plot.rows]
    return scroll_table(plot.columns, rows)


def _labels(plot: Plot) -> list[Cell]:
    return list(dict.fromkeys(row[0] for row in plot.rows))


def _first(plot: Plot, name: Cell, groups: Mapping[Cell, str]) -> str:
    filtered = FILTERED.get(plot.name)
    if filtered is None or name not in groups:
        return row_head(cell_text(name))
    shown = button("mark", cell_text(name), hint="Show its cases", field=filtered, value=groups[name])
    return f'<th scope="row">{shown}</th>'


def about(found: Compared) -> str:
    """What the scores stand on: everything that a repeat needs."""
    info = found.one.info
    facts = {
        "Run": info.name,
        "Data": f"{dataset(found.one)}, {len(found.one.cases)} questions",
        "Model": f"{info.model}, revision {info.model_revision or 'unknown'}",
        "Adapter": f"{info.adapter}, sha256 {(info.adapter_sha256 or 'unknown')[:16]}" if info.adapter else "none",
        "Numbers": info.quantization,
        "Prompt": f"{info.prompt}, version {info.prompt_version}",
        "Decoding": f"temperature {info.decoding.temperature:g}, at most {info.decoding.max_tokens} tokens",
        "Data hash": info.data_sha256[:16],
        "Made": f"{info.created}, commit {info.git_commit[:12]}, {info.hardware}",
    }
    rows = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in facts.items())
    methods = (
        "Shares have Wilson's 95 % interval; means and differences a bootstrap of 2,000 resamples of whole pictures. "
        "Unscored answers enter no figure and are never 0."
    )
    return (
        f'<details class="sc-about" data-key="about"><summary>What these scores stand on</summary><p>{methods}</p>'
        f"<table>{rows}</table></details>"
    )


def broken(found: Sequence[Broken]) -> str:
    return broken_list(found)


def broken_list(found: Sequence[Broken]) -> str:
    """Runs that cannot be read, each with why; the others are shown all the same."""
    if not found:
        return ""
    rows = "".join(f"<li><b>{escape(one.folder.name)}</b>: {escape(_without_way(one))}</li>" for one in found)
    many = "One run cannot be read" if len(found) == 1 else f"{len(found)} runs cannot be read"
    return f'<section class="sc-broken" role="status"><h3>{many}</h3><ul>{rows}</ul></section>'


def _without_way(one: Broken) -> str:
    """The reason without the folder's whole path, which is nobody's business but the machine's."""
    return one.reason.replace(f"{one.folder.parent}/", "")
