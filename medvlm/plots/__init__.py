"""Data to figures: pure functions, the one place that imports plotly."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

TUNED, GRID, INK = "#1b8f7c", "#d5dbe1", "#2a3440"


def loss_curve(steps: list[int], losses: list[float], title: str) -> Any:
    """A line of loss by step."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=steps, y=losses, mode="lines", line={"color": TUNED}))
    figure.update_layout(title=title, xaxis_title="step", yaxis_title="loss of answer tokens", template="simple_white")
    return figure


def checked(record: dict[str, Any]) -> Any:
    """Plotly's own figure of a record such as `Plot.figure` gives. Raises ValueError for what plotly does not know."""
    import plotly.graph_objects as go

    return go.Figure(record)


def part_of_page(record: dict[str, Any], name: str) -> str:
    """A piece of a page that draws the figure, once the page has `script()`."""
    import plotly.io

    part: str = plotly.io.to_html(
        checked(record), full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False}
    )
    return part


def script() -> str:
    """Plotly's script as the package ships it (4.8 MB): nothing is fetched from elsewhere."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text


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
