"""A training run as plots: its losses by step, and what its looks at questions scored."""

from collections.abc import Sequence

from medvlm.plots.layout import OTHER, QUIET, TUNED, Cell, Plot, Record, axis, layout, row
from medvlm.scoreboard.training_runs import Run, thinned

# Rows of the table beside a curve; the curve itself has more points.
MOST_ROWS = 60
SMOOTHED = 15


def curves(run: Run) -> list[Plot]:
    """Loss by step with what validation found, and the share of right answers where questions were asked."""
    made = []
    if run.losses or run.looks:
        made.append(losses(run))
    for name, title in (("closed", "Closed questions answered rightly"), ("open", "Recall of open answers")):
        found = [(step, look[name], look.get("n")) for step, look in run.looks if name in look]
        if found:
            made.append(answered(run, name, title, found))
    return made


def losses(run: Run) -> Plot:
    """Each step's loss thin, its running mean thick, the validation loss as marks."""
    seen = [(step, look["validation_loss"]) for step, look in run.looks if "validation_loss" in look]
    data = [_line("each step", run.losses, QUIET, 1.0, 0.55)] if len(run.losses) > SMOOTHED else []
    data.append(_line("loss", smoothed(run.losses), TUNED, 2.2, 1.0))
    if seen:
        marks = {"mode": "lines+markers", "marker": {"size": 7, "symbol": "diamond", "color": OTHER}}
        data.append(_line("validation", seen, OTHER, 1.4, 1.0) | marks)
    rows: list[tuple[Cell, ...]] = [row("training", step, loss) for step, loss in thinned(run.losses, MOST_ROWS)]
    rows += [row("validation", step, loss) for step, loss in thinned(seen, MOST_ROWS)]
    title = f"Loss of answer tokens: {run.name}"
    made = layout(title, 300, xaxis=_steps(run), yaxis=axis("loss", rangemode="tozero"))
    note = f"The thick line is the mean of {SMOOTHED} points." if len(run.losses) > SMOOTHED else ""
    return Plot("training-loss", title, tuple(data), made, ("loss", "step", "value"), tuple(rows), note)


def answered(run: Run, name: str, title: str, found: Sequence[tuple[int, float, float | None]]) -> Plot:
    """What each look at the task scored."""
    line = _line(name, [(step, value) for step, value, _ in found], TUNED, 1.8, 1.0)
    line |= {"mode": "lines+markers", "marker": {"size": 7, "color": TUNED}}
    line["hovertemplate"] = "step %{x}: %{y:.1%}<extra></extra>"
    made = layout(title, 300, xaxis=_steps(run), yaxis=axis("", range=[0, 1.02], tickformat=".0%"), showlegend=False)
    rows = [row(step, round(100 * value, 2), None if n is None else int(n)) for step, value, n in found]
    note = "A few questions only, the same at each look: good for seeing it grow, no score to report."
    return Plot(f"training-{name}", title, (line,), made, ("step", "%", "n"), tuple(rows), note)


def smoothed(points: Sequence[tuple[int, float]], over: int = SMOOTHED) -> list[tuple[int, float]]:
    """Each point as the mean of itself and those before it, `over` at most."""
    made = []
    for place, (step, _) in enumerate(points):
        window = points[max(0, place - over + 1) : place + 1]
        made.append((step, sum(loss for _, loss in window) / len(window)))
    return made


def _steps(run: Run) -> Record:
    """The whole run from its beginning, so that one sees how much is left."""
    return axis("step", range=[0, max(run.of, 1)])


def _line(name: str, points: Sequence[tuple[int, float]], colour: str, width: float, opacity: float) -> Record:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [step for step, _ in points],
        "y": [value for _, value in points],
        "line": {"color": colour, "width": width},
        "opacity": opacity,
        "hovertemplate": "step %{x}: %{y:.4f}<extra>" + name + "</extra>",
    }
