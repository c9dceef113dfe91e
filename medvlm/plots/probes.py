"""Probes as plots: every measure of every arm with its interval, and curves over several runs."""

from collections.abc import Sequence

from medvlm.plots.layout import QUIET, Cell, Plot, Record, axis, layout, row, rows_axis, wrapped
from medvlm.plots.scores import COLOURS, said
from medvlm.scoreboard.probe_sheets import Curve, ProbeRow
from medvlm.statistics import Figure
from medvlm.types import Arm

LINE = 30  # pixels a measure
ARMS: tuple[Arm, ...] = ("base", "tuned")


def sheet(rows: Sequence[ProbeRow], note: str) -> Plot:
    """A line for each measure, a dot for each arm; the table has those without a figure as well, with the reason."""
    known = [one for one in rows if one.figure.value is not None]
    labels = list(dict.fromkeys(_label(one) for one in known))
    data = tuple(_dots([one for one in known if one.arm == arm], arm) for arm in ARMS)
    title = "Probes: what the answers rest on"
    drawn = layout(
        title, max(200, 120 + LINE * len(labels)), xaxis=axis("share, or difference of shares"), yaxis=rows_axis(labels)
    )
    cells: list[tuple[Cell, ...]] = [
        row(one.title, one.measure, one.arm, one.figure.value, one.figure.low, one.figure.high, one.figure.n,
            one.figure.reason or one.figure.note)
        for one in rows
    ]  # fmt: skip
    columns = ("probe", "measure", "arm", "value", "low", "high", "n", "note")
    shown = tuple(trace for trace in data if trace["y"])
    return Plot("probe-sheet", title, shown, drawn, columns, tuple(cells), note)


def _label(one: ProbeRow) -> str:
    return wrapped(f"{one.title}: {one.measure.replace('_', ' ')}", 40)


def _dots(rows: Sequence[ProbeRow], arm: Arm) -> Record:
    figures = [one.figure for one in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": arm,
        "y": [_label(one) for one in rows],
        "x": [figure.value for figure in figures],
        "marker": {"size": 9, "color": COLOURS[arm]},
        "error_x": _whiskers(figures),
        "customdata": [said(figure, "ratio") for figure in figures],
        "hovertemplate": "%{customdata}<extra>" + arm + "</extra>",
    }


def _whiskers(figures: Sequence[Figure]) -> Record:
    above = [(f.high - f.value) if f.high is not None and f.value is not None else None for f in figures]
    below = [(f.value - f.low) if f.low is not None and f.value is not None else None for f in figures]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 2, "width": 0}


def curve(one: Curve, number: int) -> Plot:
    """Score by amount, a dot a run; runs that only repeat stand side by side."""
    points = [(name, amount, f) for name, amount, f in one.points if f.value is not None]
    xs = [name if amount is None else amount for name, amount, _ in points]
    figures = [figure for _, _, figure in points]
    trace: Record = {
        "type": "scatter",
        "mode": "lines+markers" if all(isinstance(x, float | int) for x in xs) else "markers",
        "x": xs,
        "y": [100 * (f.value or 0) for f in figures],
        "line": {"color": COLOURS[one.arm], "width": 1.6},
        "marker": {"size": 9, "color": COLOURS[one.arm]},
        "error_y": {**_times(_whiskers(figures), 100), "color": QUIET},
        "customdata": [f"{name}: {said(f, 'percent')}" for name, _, f in points],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    title = f"{one.title}: {one.metric.replace('_', ' ')}, {one.task}"
    told = "; ".join(f"{name.replace('_', ' ')} {said(f, 'ratio')}" for name, f in one.figures.items())
    drawn = layout(title, 300, showlegend=False, xaxis=axis("amount"), yaxis=axis("per cent"))
    rows = tuple(row(name, amount, f.value, f.low, f.high, f.n) for name, amount, f in one.points)
    return Plot(f"curve-{number}", title, (trace,), drawn, ("run", "amount", "value", "low", "high", "n"), rows, told)


def _times(whiskers: Record, factor: float) -> Record:
    scaled = {name: [None if v is None else factor * v for v in whiskers[name]] for name in ("array", "arrayminus")}
    return {**whiskers, **scaled}
