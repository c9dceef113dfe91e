"""Data to figures: pure functions, the one place that imports plotly."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

TUNED, GRID, INK = "#1b8a7a", "#d5dbe1", "#2a3440"


def loss_curve(steps: list[int], losses: list[float], title: str) -> Any:
    """A line of loss by step."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=steps, y=losses, mode="lines", line={"color": TUNED}))
    figure.update_layout(title=title, xaxis_title="step", yaxis_title="loss of answer tokens", template="simple_white")
    return figure


def write_page(figure: Any, path: Path) -> None:
    """The figure as one self-contained page."""
    figure.write_html(path, include_plotlyjs=True)


def loss_picture(steps: list[int], losses: list[float], title: str, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """The same line as a small picture, drawn without a browser (plotly's own export needs one)."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    canvas = ImageDraw.Draw(picture)
    left, top, right, bottom = 52, 30, width - 16, height - 34
    canvas.text((left, 8), f"{title}: loss of answer tokens by step", fill=INK)
    if not steps:
        return picture
    low, high = 0.0, max(losses) * 1.05
    for i in range(5):
        value = low + (high - low) * i / 4
        y = bottom - (bottom - top) * i / 4
        canvas.line((left, y, right, y), fill=GRID)
        canvas.text((8, y - 6), f"{value:.2f}", fill=INK)
    span = max(steps[-1] - steps[0], 1)
    points = [
        (left + (right - left) * (s - steps[0]) / span, bottom - (bottom - top) * (v - low) / (high - low))
        for s, v in zip(steps, losses, strict=True)
    ]
    canvas.line(points, fill=TUNED, width=2)
    canvas.text((left, bottom + 10), str(steps[0]), fill=INK)
    canvas.text((right - 40, bottom + 10), str(steps[-1]), fill=INK)
    return picture
