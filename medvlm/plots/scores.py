"""Scores as plots: bars by group, differences with intervals, spreads, and what runs have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from medvlm.plots.layout import (
    BASE,
    OTHER,
    QUIET,
    TUNED,
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
from medvlm.scoreboard.board import Scale
from medvlm.scoreboard.kindred import Standing
from medvlm.scoreboard.sides import Group
from medvlm.scoreboard.spread import Spread
from medvlm.statistics import Figure
from medvlm.types import Arm

COLOURS: dict[Arm, str] = {"base": BASE, "tuned": TUNED}
# Stages of training stand one after the other, so neighbours need to differ most; none is an arm's colour.
STAGES = ("#b87a1e", "#8a63c4", "#3f82bf", "#c0567a", "#4d8a3a", "#7d7d7d")
AXIS: dict[Scale, str] = {"percent": "per cent", "points": "points", "ratio": "ratio"}


def factor(scale: Scale) -> float:
    return 100.0 if scale == "percent" else 1.0


def colours(first: Arm, second: Arm | None, same_run: bool) -> tuple[str, str]:
    """The arms' own colours; a second run of the same arm has one of its own, so that they are never mixed up."""
    other = COLOURS[second] if second is not None and (same_run or second != first) else OTHER
    return COLOURS[first], other


def bars(
    name: str, title: str, groups: Sequence[Group], names: tuple[str, str], tones: tuple[str, str], scale: Scale
) -> Plot:
    """Both sides by group, with intervals; groups from top to bottom, the second side (the base) above the first."""
    labels = [wrapped(f"{one.label} (n = {one.first.n})") for one in groups]
    sides: list[tuple[list[Figure | None], str, str]] = [([one.first for one in groups], names[0], tones[0])]
    if any(one.second is not None for one in groups):
        sides.insert(0, ([one.second for one in groups], names[1], tones[1]))
    data = tuple(_bar(labels, figures, side, tone, scale) for figures, side, tone in sides)
    return Plot(
        name,
        title,
        data,
        layout(
            title,
            height_of(len(groups)),
            barmode="group",
            xaxis=axis(AXIS[scale], range=[0, 100] if scale == "percent" else None, rangemode="tozero"),
            yaxis=rows_axis(labels),
        ),
        ("group", "side", "value", "low", "high", "n", "unscored"),
        tuple(_rows(groups, names, scale)),
        marks=tuple(one.name for one in groups),
    )


def _bar(labels: list[str], figures: Sequence[Figure | None], name: str, tone: str, scale: Scale) -> Record:
    k = factor(scale)
    values = [None if f is None or f.value is None else k * f.value for f in figures]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": labels,
        "x": values,
        "marker": {"color": tone},
        "error_x": _whiskers(figures, k),
        "customdata": [said(f, scale) for f in figures],
        "hovertemplate": "%{customdata}<extra>" + name + "</extra>",
    }


def _whiskers(figures: Sequence[Figure | None], k: float) -> Record:
    def length(figure: Figure | None, end: str) -> float | None:
        at = None if figure is None else getattr(figure, end)
        return None if figure is None or figure.value is None or at is None else k * abs(at - figure.value)

    return {
        "type": "data",
        "symmetric": False,
        "array": [length(f, "high") for f in figures],
        "arrayminus": [length(f, "low") for f in figures],
        "thickness": 2,
        "width": 0,  # a cap would stand where there is no interval
    }


def said(figure: Figure | None, scale: Scale, signed: bool = False) -> str:
    """Such as "71.2 % [66.0, 76.1], n = 312"; with a sign for differences, in points of per cent."""
    if figure is None or figure.value is None:
        return (figure.reason if figure else "") or "not measured"
    k, digits = factor(scale), 1 if scale == "percent" else 2
    form = f"{'+' if signed else ''}.{digits}f"
    unit = {"percent": " points" if signed else " %", "points": " points", "ratio": ""}[scale]
    text = f"{k * figure.value:{form}}{unit}"
    if figure.low is not None and figure.high is not None:
        text += f" [{k * figure.low:{form}}, {k * figure.high:{form}}]"
    return f"{text}, n = {figure.n}"


def _rows(groups: Sequence[Group], names: tuple[str, str], scale: Scale) -> list[tuple[Cell, ...]]:
    made: list[tuple[Cell, ...]] = []
    for one in groups:
        sides = ((one.second, names[1], one.unscored[1]), (one.first, names[0], one.unscored[0]))
        made += [(one.label, name, *numbers(f, scale), f.n, left) for f, name, left in sides if f is not None]
    return made


def numbers(figure: Figure, scale: Scale) -> tuple[float | None, float | None, float | None]:
    k = factor(scale)
    ends = (figure.value, figure.low, figure.high)
    value, low, high = (None if end is None else round(k * end, 3) for end in ends)
    return value, low, high


def forest(name: str, title: str, groups: Sequence[Group], scale: Scale, better: str) -> Plot:
    """First minus second by group: a full mark where the interval excludes zero, a hollow one where it does not.

    `better`: the name of the first side, for whom the right side speaks.
    """
    shown = [one for one in groups if one.difference is not None]
    figures = [one.difference for one in shown]
    labels = [wrapped(f"{one.label} (n = {f.n})") for one, f in zip(shown, figures, strict=True) if f]
    k = factor(scale)
    sure = [f is not None and f.excludes_zero for f in figures]
    trace: Record = {
        "type": "scatter",
        "mode": "markers",
        "name": "difference",
        "y": labels,
        "x": [None if f is None or f.value is None else k * f.value for f in figures],
        "marker": {
            "size": 11,
            "symbol": ["square" if s else "square-open" for s in sure],
            "color": QUIET,
            "line": {"width": 2},
        },
        "error_x": {**_whiskers(figures, k), "color": QUIET},
        "customdata": [
            f"{said(f, scale, True)}<br>p = {p_said(one.p)}, corrected {p_said(one.corrected)}"
            for one, f in zip(shown, figures, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    unit = "points of per cent" if scale == "percent" else AXIS[scale]
    drawn = layout(
        title,
        height_of(len(shown)),
        showlegend=False,
        xaxis=axis(f"{unit}; to the right: {better} is better", zeroline=True, zerolinewidth=2),
        yaxis=rows_axis(labels),
    )
    rows = tuple(
        (one.label, *numbers(f, scale), f.n, one.p, one.corrected)
        for one, f in zip(shown, figures, strict=True)
        if f is not None
    )
    note = "Filled: the interval excludes zero. p: McNemar for right or wrong, else bootstrap; corrected after Holm."
    columns = ("group", "difference", "low", "high", "n", "p", "p corrected")
    return Plot(name, title, (trace,), drawn, columns, rows, note, tuple(one.name for one in shown))


def p_said(p: float | None) -> str:
    if p is None:
        return "none"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def histogram(
    name: str, title: str, spread: Spread, names: tuple[str, str], tones: tuple[str, str], scale: Scale, x: str = ""
) -> Plot:
    """How many answers have which score, both sides beside each other."""
    k = factor(scale)
    edges = k * spread.edges
    middles: list[float | str] = [float(m) for m in (edges[:-1] + edges[1:]) / 2]
    bins = [f"{low:g} to {high:g}" for low, high in zip(np.round(edges[:-1], 2), np.round(edges[1:], 2), strict=True)]
    if spread.share:
        middles, bins, x = ["not right", "right"], ["not right", "right"], " "
    sides = [(spread.first, names[0], tones[0])]
    if spread.second is not None:
        sides.insert(0, (spread.second, names[1], tones[1]))
    data = tuple(_columns(middles, bins, counts, side, tone) for counts, side, tone in sides)
    drawn = layout(
        title,
        280,
        barmode="group",
        bargap=0.08,
        xaxis=axis(x or AXIS[scale]),
        yaxis=axis("answers", rangemode="tozero"),
    )
    rows = tuple(row(one, *(int(counts[at]) for counts, _, _ in sides)) for at, one in enumerate(bins))
    return Plot(name, title, data, drawn, ("score", *(side for _, side, _ in sides)), rows)


def _columns(middles: list[float | str], bins: list[str], counts: Any, name: str, tone: str) -> Record:
    return {
        "type": "bar",
        "name": name,
        "x": middles,
        "y": [int(n) for n in counts],
        "marker": {"color": tone},
        "customdata": bins,
        "hovertemplate": "%{customdata}: %{y}<extra>" + name + "</extra>",
    }


def standings(name: str, title: str, found: Sequence[Standing], scale: Scale, note: str = "") -> Plot:
    """One dot a run and arm with its interval, in the arms' colours."""
    figures = [one.group.second or one.group.first for one in found]
    labels = [wrapped(f"{one.label} · {one.run}", 34) for one in found]
    k = factor(scale)
    trace: Record = {
        "type": "scatter",
        "mode": "markers",
        "y": labels,
        "x": [None if f.value is None else k * f.value for f in figures],
        "marker": {"size": 11, "color": [COLOURS[one.arm] for one in found]},
        "error_x": {**_whiskers(figures, k), "color": QUIET},
        "customdata": [said(f, scale) for f in figures],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    drawn = layout(
        title,
        height_of(len(found)),
        showlegend=False,
        xaxis=axis(AXIS[scale], range=[0, 100] if scale == "percent" else None),
        yaxis=rows_axis(labels),
    )
    rows: list[tuple[Cell, ...]] = []
    for one, f in zip(found, figures, strict=True):
        gap = one.group.difference
        rows.append((one.label, one.run, *numbers(f, scale), f.n, *(numbers(gap, scale) if gap else (None,) * 3)))
    columns = ("weights", "run", "value", "low", "high", "n", "selected minus this", "low", "high")
    return Plot(name, title, (trace,), drawn, columns, tuple(rows), note)


def losses(stages: dict[str, Sequence[tuple[int, float]]]) -> Plot:
    """Loss of answer tokens by step, one stage after the other, as the checkpoint was made."""
    data, rows, start = [], list[tuple[Cell, ...]](), 0
    for number, (stage, points) in enumerate(stages.items()):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": stage,
                "x": [start + step for step, _ in points],
                "y": [loss for _, loss in points],
                "line": {"color": STAGES[number % len(STAGES)], "width": 1.8},
                "hovertemplate": "step %{x}: %{y:.3f}<extra>" + stage + "</extra>",
            }
        )
        rows += [(stage, step, loss) for step, loss in points]
        start += points[-1][0] if points else 0
    title = "Loss while the checkpoint was trained"
    drawn = layout(title, 280, xaxis=axis("step, over all stages"), yaxis=axis("loss", rangemode="tozero"))
    return Plot("losses", title, tuple(data), drawn, ("stage", "step", "loss"), tuple(rows))
