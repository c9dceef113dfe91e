"""Our plots as plain SVG, drawn without a browser: for reports that are read anywhere, printed or kept."""

from collections.abc import Sequence
from html import escape
from typing import Any

from medvlm.plots.layout import Plot, Record

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 210, 24, 52, 44
INK, GRID, QUIET = "#17222a", "#dbe2e6", "#52616b"
HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="2.4" height="6" fill="#fff" fill-opacity=".75"/></pattern></defs>'
)
Span = tuple[float, float]


def svg(plot: Plot) -> str:
    """The figure with its title, legend and axes; rows of names for bars and differences, else columns or lines."""
    rows = plot.layout["yaxis"].get("categoryarray")
    height = int(plot.layout["height"]) if rows else 300
    inside = _rows(plot, list(rows), height) if rows else _columns(plot, height)
    title = f'<text x="8" y="18" font-size="14" font-weight="600">{escape(plot.title)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(plot.title)}" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">'
        f'{HATCH}<rect width="100%" height="100%" fill="#fff"/>{title}{_legend(plot)}{inside}</svg>'
    )


def _legend(plot: Plot) -> str:
    if not plot.layout.get("showlegend") or len(plot.data) < 2:
        return ""
    made, x = [], 8.0
    for trace in plot.data:
        name = str(trace.get("name", ""))
        tone = _tone(trace, 0)
        made.append(f'<rect x="{x:.0f}" y="28" width="11" height="11" fill="{tone}"/>')
        made.append(f'<text x="{x + 16:.0f}" y="38" fill="{QUIET}">{escape(name)}</text>')
        x += 34 + 6.6 * len(name)
    return "".join(made)


def _tone(trace: Record, at: int) -> str:
    tone = trace.get("marker", {}).get("color") or trace.get("line", {}).get("color") or QUIET
    return str(tone[at] if isinstance(tone, list) else tone)


def _hatched(trace: Record) -> bool:
    return "pattern" in trace.get("marker", {})


def _ends(trace: Record, along: str) -> list[float]:
    """Everything that must have room: values and the ends of their intervals."""
    error = trace.get("error_x", {}) if along == "x" else {}
    above, below = error.get("array") or [], error.get("arrayminus") or []
    found = []
    for at, value in enumerate(trace[along]):
        if isinstance(value, int | float):
            found += [value, value + _at(above, at), value - _at(below, at)]
    return found


def _at(values: Sequence[float | None], at: int) -> float:
    return (values[at] or 0.0) if at < len(values) else 0.0


def _span(plot: Plot, along: str) -> Span:
    given = plot.layout[f"{along}axis"].get("range")
    if given:
        return float(given[0]), float(given[1])
    ends = [end for trace in plot.data for end in _ends(trace, along)] or [0.0, 1.0]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = (high - low or 1.0) * 0.05
    return (low - room if low < 0 else low, high + room)


def _ticks(span: Span) -> list[float]:
    low, high = span
    step = next(s for s in _steps((high - low) / 6) if s >= (high - low) / 6)
    first = -(-low // step) * step
    return [first + i * step for i in range(int((high - first) / step + 1e-9) + 1)]


def _steps(rough: float) -> list[float]:
    power = 10.0 ** (len(f"{int(max(rough, 1))}") - 1) if rough >= 1 else 0.01
    return [power * m * k for k in (1, 10, 100) for m in (1, 2, 5)]


def _rows(plot: Plot, names: list[str], height: int) -> str:
    """Names down the side, values across."""
    span = _span(plot, "x")
    bottom, step = height - BOTTOM, (height - BOTTOM - TOP) / max(len(names), 1)

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(value, span[0]), span[1]) - span[0]) / (span[1] - span[0])

    made = [_across(across, span, bottom, plot)]
    for number, name in enumerate(names):
        lines = name.split("<br>")
        y = TOP + step * (number + 0.5) - 7 * (len(lines) - 1) + 4
        parts = "".join(f'<tspan x="{LEFT - 8}" dy="{14 if i else 0}">{escape(t)}</tspan>' for i, t in enumerate(lines))
        made.append(f'<text y="{y:.1f}" text-anchor="end">{parts}</text>')
    many = len(plot.data) if plot.layout.get("barmode") == "group" else 1
    for side, trace in enumerate(plot.data):
        for at, name in enumerate(trace["y"]):
            middle = TOP + step * (names.index(name) + 0.5)
            if many > 1:
                middle += step * 0.72 * ((side + 0.5) / many - 0.5)
            made.append(_mark(trace, at, middle, step * 0.72 / many, across))
    return "".join(made)


def _mark(trace: Record, at: int, y: float, thick: float, across: Any) -> str:
    value = trace["x"][at]
    if value is None:
        return ""
    tone, made = _tone(trace, at), ""
    if trace["type"] == "bar":
        left, right = sorted((across(0), across(value)))
        box = f'x="{left:.1f}" y="{y - thick / 2:.1f}" width="{right - left:.1f}" height="{thick:.1f}"'
        made = f'<rect {box} fill="{tone}"/>' + (f'<rect {box} fill="url(#hatch)"/>' if _hatched(trace) else "")
    else:
        symbol = trace["marker"].get("symbol")
        hollow = isinstance(symbol, list) and symbol[at].endswith("open")
        paint = f'fill="#fff" stroke="{tone}" stroke-width="2"' if hollow else f'fill="{tone}"'
        made = f'<rect x="{across(value) - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" {paint}/>'
    error = trace.get("error_x", {})
    above, below = _at(error.get("array") or [], at), _at(error.get("arrayminus") or [], at)
    if above or below:
        ends = f'x1="{across(value - below):.1f}" x2="{across(value + above):.1f}" y1="{y:.1f}" y2="{y:.1f}"'
        made = f'{made}<line {ends} stroke="{INK}" stroke-width="1.6"/>'
    return made


def _across(across: Any, span: Span, bottom: float, plot: Plot) -> str:
    made = []
    for tick in _ticks(span):
        x, tone = across(tick), QUIET if abs(tick) < 1e-9 else GRID
        made.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{tone}"/>')
        made.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="{QUIET}">{tick:.6g}</text>')
    words = escape(plot.layout["xaxis"]["title"]["text"])
    made.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{bottom + 34}" text-anchor="middle" fill="{QUIET}">{words}</text>')
    return "".join(made)


def _columns(plot: Plot, height: int) -> str:
    """Values up the side: columns one beside the other, or lines."""
    bars = plot.data[0]["type"] == "bar" if plot.data else True
    places = list(dict.fromkeys(x for trace in plot.data for x in trace["x"]))
    span, left, bottom = _span(plot, "y"), 64, height - BOTTOM
    across_span = (-0.5, len(places) - 0.5) if bars else (min(places, default=0), max(places, default=1) or 1)

    def up(value: float) -> float:
        return bottom - (bottom - TOP) * (value - span[0]) / (span[1] - span[0])

    def across(value: float) -> float:
        wide = across_span[1] - across_span[0] or 1
        return left + (WIDTH - left - RIGHT) * (value - across_span[0]) / wide

    made = []
    for tick in _ticks(span):
        made.append(f'<line x1="{left}" x2="{WIDTH - RIGHT}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" stroke="{GRID}"/>')
        made.append(f'<text x="{left - 6}" y="{up(tick) + 4:.1f}" text-anchor="end" fill="{QUIET}">{tick:.6g}</text>')
    shown = list(enumerate(places))[:: max(1, len(places) // 10)] if bars else [(t, t) for t in _ticks(across_span)]
    for at, text in shown:
        words = text if isinstance(text, str) else f"{text:.6g}"
        made.append(f'<text x="{across(at):.1f}" y="{bottom + 16}" text-anchor="middle" fill="{QUIET}">{words}</text>')
    words = escape(plot.layout["xaxis"]["title"]["text"])
    made.append(f'<text x="{WIDTH / 2}" y="{bottom + 34}" text-anchor="middle" fill="{QUIET}">{words}</text>')
    for side, trace in enumerate(plot.data):
        made.append(_bars(trace, side, len(plot.data), places, across, up) if bars else _line(trace, across, up))
    return "".join(made)


def _bars(trace: Record, side: int, many: int, places: Sequence[Any], across: Any, up: Any) -> str:
    wide = (across(1) - across(0)) * 0.84 / many
    made = []
    for x, y in zip(trace["x"], trace["y"], strict=True):
        left = across(places.index(x)) + wide * (side - many / 2)
        box = f'x="{left:.1f}" y="{up(y):.1f}" width="{wide:.1f}" height="{up(0) - up(y):.1f}"'
        made.append(f'<rect {box} fill="{_tone(trace, 0)}"/>')
        if _hatched(trace):
            made.append(f'<rect {box} fill="url(#hatch)"/>')
    return "".join(made)


def _line(trace: Record, across: Any, up: Any) -> str:
    points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(trace["x"], trace["y"], strict=True))
    stroke = f'stroke="{_tone(trace, 0)}" stroke-width="1.6"'
    return f'<polyline points="{points}" fill="none" {stroke}/>'
