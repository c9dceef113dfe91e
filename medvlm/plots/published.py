"""Published results as hatched bars, beside ours where both count the same way, and never in one average with ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from medvlm.metrics.relative import first_domain
from medvlm.plots.layout import (
    QUIET,
    REFERENCE,
    Cell,
    Plot,
    Record,
    axis,
    height_of,
    layout,
    row,
    rows_axis,
    wrapped,
)
from medvlm.plots.scores import numbers, said
from medvlm.scoreboard import published
from medvlm.scoreboard.published import Number, Paper, Review
from medvlm.statistics import Figure

# Metric -> the column of LLaVA-Med's tables that counts the same way, on VQA-RAD's test split.
LLAVA_MED_COLUMNS = {"compat_open": "VQA-RAD: Open", "compat_closed": "VQA-RAD: Closed"}
LLAVA_MED_TABLE = "table-3"
# Metric -> what Med-Idefics calls it; its share of VQA-RAD's test is given as a number below 1.
MED_IDEFICS = {"idefics_em": "Exact match", "idefics_f1": "F1", "idefics_bleu1": "BLEU-1"}
REVIEW_TYPES = {"conversation": "Conversation", "detail": "Detailed description"}
REVIEW_DOMAINS = {
    "chest_xray": "Chest X-ray", "mri": "MRI", "histology": "Histology", "gross": "Gross pathology", "ct_scan": "CT"
}  # fmt: skip
REVIEWS = (
    "192 published reviews of one model's answers to LLaVA-Med's chat test (LLaVA-Med, CC BY-NC 4.0; a judge's points "
    "of 10 against GPT-4's reference). In the form of the fine-tuned LLaVA-NeXT report's figures; not its data."
)


def hatched(tone: str) -> Record:
    """The marker of everything that others published."""
    return {"color": tone, "pattern": {"shape": "/", "size": 6, "solidity": 0.35}}


@dataclass(frozen=True, slots=True)
class Ours:
    """One bar of ours beside the published ones; the figure is a share."""

    label: str
    figure: Figure
    tone: str


@cache
def papers() -> tuple[Paper, ...]:
    return published.papers()


def comparable(dataset: str, split: str, metric: str) -> list[tuple[str, float, str]]:
    """(label, per cent, source) of what was published for this data and this counting; empty where nothing was."""
    if dataset != "vqa_rad" or split != "test":
        return []
    made = []
    for paper in papers():
        for number in _numbers(paper, metric):
            where = (
                f"{source(paper, number.table)}: {number.section}" if number.section else source(paper, number.table)
            )
            made.append((" · ".join(number.labels), number.value, where))
        for one in paper.statements:
            if paper.id == "med-idefics" and one.condition == "VQA-RAD test" and _ends(one.name, metric):
                made.append((one.name.partition(":")[0], 100 * one.value, f"{named(paper)}, text"))
    return made


def _numbers(paper: Paper, metric: str) -> list[Number]:
    column = LLAVA_MED_COLUMNS.get(metric)
    if paper.id != "llava-med" or column is None:
        return []
    return [n for n in paper.table(LLAVA_MED_TABLE).numbers() if n.column == column]


def _ends(name: str, metric: str) -> bool:
    return metric in MED_IDEFICS and name.endswith(f": {MED_IDEFICS[metric]}")


def source(paper: Paper, table: str) -> str:
    return f"{named(paper)}, {table.replace('-', ' ')}"


def named(paper: Paper) -> str:
    """First author and year."""
    first, _, others = paper.authors.partition(",")
    return f"{first}{' et al.' if others else ''} {paper.year}"


def beside(metric: str, ours: Sequence[Ours], others: Sequence[tuple[str, float, str]]) -> Plot:
    """Ours plain with intervals, theirs hatched with their sources."""
    labels = [wrapped(one.label, 34) for one in ours]
    theirs = [wrapped(label, 34) for label, _, _ in others]
    mine: Record = {
        "type": "bar", "orientation": "h", "name": "ours", "y": labels,
        "x": [None if one.figure.value is None else 100 * one.figure.value for one in ours],
        "marker": {"color": [one.tone for one in ours]},
        "customdata": [said(one.figure, "percent") for one in ours],
        "hovertemplate": "%{customdata}<extra>ours</extra>",
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 1.6, "width": 4,
            "array": [100 * ((one.figure.high or 0) - (one.figure.value or 0)) for one in ours],
            "arrayminus": [100 * ((one.figure.value or 0) - (one.figure.low or 0)) for one in ours],
        },
    }  # fmt: skip
    printed: Record = _hatched(theirs, [v for _, v, _ in others], [s for _, _, s in others], "published")
    title = "Published results beside ours"
    drawn = layout(
        title, height_of(len(ours) + len(others)), bargap=0.3,
        xaxis=axis("per cent", range=[0, 100]), yaxis=rows_axis([*labels, *theirs]), showlegend=False,
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (one.label, "ours", *numbers(one.figure, "percent"), one.figure.n, "") for one in ours
    ]
    rows += [(label, "published", value, None, None, None, where) for label, value, where in others]
    note = "Hatched: as published, by other models and other hands; never averaged with ours. Sources in the table."
    return Plot(
        "published", title, (mine, printed), drawn, ("what", "whose", "value", "low", "high", "n", "source"),
        tuple(rows), note,
    )  # fmt: skip


def _hatched(labels: Sequence[str], values: Sequence[float], sources: Sequence[str], name: str) -> Record:
    return {
        "type": "bar", "orientation": "h", "name": name, "y": list(labels), "x": list(values),
        "marker": hatched(QUIET), "customdata": list(sources),
        "hovertemplate": "%{x:.2f}<br>%{customdata}<extra>" + name + "</extra>",
    }  # fmt: skip


def table_plot(paper: Paper, table_id: str, column: str) -> Plot:
    """One column of one published table, hatched, every row. Raises KeyError for what is not there."""
    table = paper.table(table_id)
    found = [number for number in table.numbers() if number.column == column]
    if not found:
        raise KeyError(column)
    labels = [
        wrapped(" · ".join(part for part in (n.section, *n.labels) if part) or f"Row {i + 1}", 34)
        for i, n in enumerate(found)
    ]
    shown = _distinct(labels)
    title = f"{table.title}: {column}"
    drawn = layout(
        title,
        height_of(len(found)),
        showlegend=False,
        xaxis=axis(table.unit, rangemode="tozero"),
        yaxis=rows_axis(shown),
    )
    bar = _hatched(shown, [n.value for n in found], [n.printed for n in found], "published")
    rows = tuple((label.replace("<br>", " "), n.printed, n.value) for label, n in zip(shown, found, strict=True))
    note = f"{paper.title} ({named(paper)}), {table_id.replace('-', ' ')}. {table.condition}. {table.remark}"
    return Plot(f"{paper.id}-{table_id}", title, (bar,), drawn, ("row", "as printed", "value"), rows, note.strip())


def _distinct(labels: Sequence[str]) -> list[str]:
    """Rows that are named alike are numbered, lest they fall on one bar."""
    return [f"{one} ({labels[: i + 1].count(one)})" if labels.count(one) > 1 else one for i, one in enumerate(labels)]


def review_plots() -> list[Plot]:
    """The forms of the LLaVA-NeXT report's figures 2 to 4, drawn from the 192 published reviews."""
    found = published.reviews()
    relative = [(_ratio(one), one) for one in found]
    made = [
        _spread(
            "reviews-2a",
            "Relative scores of 192 reviews (as figure 2.a)",
            [r for r, _ in relative],
            0.1,
            2,
            "score / reference's score",
        ),
        _absolute(found),
        _means("reviews-3a", "Relative score by question type (as figure 3.a)", _by_type(found)),
    ]
    for letter, kind in zip("bc", REVIEW_TYPES, strict=True):
        part = [r for r, one in relative if one.type.startswith(kind)]
        made.append(
            _spread(
                f"reviews-3{letter}",
                f"Relative scores: {REVIEW_TYPES[kind].lower()}, n = {len(part)} (as figure 3.{letter})",
                part,
                0.1,
                2,
                "score / reference's score",
            )
        )
    made.append(_means("reviews-4", "Relative score by domain (as figure 4)", _by_domain(found)))
    return made


def _ratio(one: Review) -> float:
    return one.pair.model / one.pair.reference


def _spread(name: str, title: str, values: Sequence[float], width: float, most: float, x: str) -> Plot:
    edges = np.arange(0, most + width, width)
    counts = np.histogram(np.clip(values, 0, most), edges)[0]
    middles = [round(float(m), 4) for m in (edges[:-1] + edges[1:]) / 2]
    bar: Record = {
        "type": "bar", "name": "published", "x": middles, "y": [int(n) for n in counts],
        "marker": hatched(QUIET), "hovertemplate": "%{x:.2f}: %{y}<extra>published</extra>",
    }  # fmt: skip
    drawn = layout(title, 280, showlegend=False, bargap=0.06, xaxis=axis(x), yaxis=axis("answers", rangemode="tozero"))
    rows = tuple((round(float(low), 2), int(n)) for low, n in zip(edges, counts, strict=False))
    return Plot(name, title, (bar,), drawn, ("from", "answers"), rows, REVIEWS)


def _absolute(found: Sequence[Review]) -> Plot:
    """How often each of the judge's points was given, to the model and to the reference."""
    edges = np.arange(0.5, 11.5)
    sides = {
        "model": ([one.pair.model for one in found], QUIET),
        "reference": ([one.pair.reference for one in found], REFERENCE),
    }
    counted = {name: np.histogram(values, edges)[0] for name, (values, _) in sides.items()}
    data = tuple(
        {"type": "bar", "name": name, "x": list(range(1, 11)), "y": [int(n) for n in counted[name]],
         "marker": hatched(tone), "hovertemplate": "%{x} points: %{y}<extra>" + name + "</extra>"}
        for name, (_, tone) in sides.items()
    )  # fmt: skip
    title = "Points of 192 reviews (as figures 2.b and c)"
    drawn = layout(title, 280, barmode="group", xaxis=axis("points of 10", dtick=1), yaxis=axis("answers"))
    rows = tuple(row(point, *(int(counted[name][point - 1]) for name in sides)) for point in range(1, 11))
    return Plot("reviews-2b", title, data, drawn, ("points", *sides), rows, REVIEWS)


def _means(name: str, title: str, groups: dict[str, list[Review]]) -> Plot:
    """Both published ways of averaging, for each group."""
    labels = [f"{group} (n = {len(part)})" for group, part in groups.items()]
    ways = {
        "mean of ratios": [float(np.mean([_ratio(one) for one in part])) for part in groups.values()],
        "ratio of means": [
            sum(o.pair.model for o in part) / sum(o.pair.reference for o in part) for part in groups.values()
        ],
    }
    tones = {"mean of ratios": QUIET, "ratio of means": REFERENCE}
    data = tuple(
        {"type": "bar", "orientation": "h", "name": way, "y": labels, "x": [100 * v for v in values],
         "marker": hatched(tones[way]), "hovertemplate": "%{x:.1f} %<extra>" + way + "</extra>"}
        for way, values in ways.items()
    )  # fmt: skip
    across = axis("per cent of the reference", rangemode="tozero")
    drawn = layout(title, height_of(len(labels), 240), barmode="group", xaxis=across, yaxis=rows_axis(labels))
    rows = tuple(
        row(g, len(part), *(round(100 * ways[w][i], 2) for w in ways)) for i, (g, part) in enumerate(groups.items())
    )
    return Plot(name, title, data, drawn, ("group", "n", *ways), rows, REVIEWS)


def _by_type(found: Sequence[Review]) -> dict[str, list[Review]]:
    return {label: [one for one in found if one.type.startswith(kind)] for kind, label in REVIEW_TYPES.items()}


def _by_domain(found: Sequence[Review]) -> dict[str, list[Review]]:
    """By the first domain that is true, as LLaVA-Med's code does."""
    named = [(first_domain(dict.fromkeys(one.domains, True)), one) for one in found]
    return {label: [one for domain, one in named if domain == key] for key, label in REVIEW_DOMAINS.items()}
