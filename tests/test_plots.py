"""Plots are figures that plotly knows, have their numbers as a table, and can be drawn without a browser."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest

from medvlm import NOT_FOR_DIAGNOSIS, plots
from medvlm.plots import probes as plots_probes
from medvlm.plots import published as plots_published
from medvlm.plots import scores as plots_scores
from medvlm.plots.layout import BASE, OTHER, REFERENCE, TUNED, Plot, layout, row
from medvlm.plots.svg import svg
from medvlm.scoreboard.board import board
from medvlm.scoreboard.kindred import same_data
from medvlm.scoreboard.probe_sheets import Curve, ProbeRow
from medvlm.scoreboard.sides import Selection, Side, compared, groups
from medvlm.scoreboard.spread import histogram
from medvlm.statistics import Figure
from tests.score_cases import Case, both, many, run

NAMES, TONES = ("nano-med", "nano"), (TUNED, BASE)


def drawn() -> list[Plot]:
    boards = {"first": board(many())}
    found = compared(boards, Selection(Side("first", "tuned"), Side("first", "base"), "strict_closed"))
    parts = groups(found, "domain")
    spread = histogram(found)
    assert spread is not None
    figure = Figure(30, 20, 0.25, 0.1, 0.4)
    probe_rows = [ProbeRow("swap", "Another picture", "changed", arm, figure) for arm in ("base", "tuned")]  # type: ignore[arg-type]
    probe_rows.append(ProbeRow("swap", "Another picture", "few", "tuned", Figure(3, 2, reason="too few")))
    points = (("a", 100.0, figure), ("b", 200.0, figure), ("c", 300.0, Figure(0, 0, reason="none")))
    return [
        plots_scores.bars("domain", "By domain", parts, NAMES, TONES, "percent"),
        plots_scores.forest("forest", "Difference", parts, "percent", "nano-med"),
        plots_scores.histogram("spread", "Spread", spread, NAMES, TONES, "percent"),
        plots_scores.standings("runs", "Runs", same_data(boards, found), "percent"),
        plots_scores.losses({"align": [(5, 2.5), (10, 1.5)], "instruct": [(5, 1.0)]}),
        plots_probes.sheet(probe_rows, "Run x."),
        plots_probes.curve(
            Curve("scaling", "Scaling", "strict_closed", "tuned", "vqa-rad", points, {"slope": figure}), 0
        ),
        *plots_published.review_plots(),
    ]


@pytest.mark.parametrize("plot", drawn(), ids=lambda plot: plot.name)
def test_plotly_knows_every_figure_and_the_table_holds_its_numbers(plot: Plot) -> None:
    figure = plots.checked(plot.figure())
    assert len(figure.data) == len(plot.data) and figure.layout.height >= 200
    assert plot.rows and all(len(one) == len(plot.columns) for one in plot.rows)
    head, columns, *rows = csv.reader(io.StringIO(plot.csv()))
    assert NOT_FOR_DIAGNOSIS in head[0] and columns == list(plot.columns) and len(rows) == len(plot.rows)


@pytest.mark.parametrize("plot", [p for p in drawn() if not p.name.startswith("curve")], ids=lambda plot: plot.name)
def test_every_plot_can_be_drawn_without_a_browser(plot: Plot) -> None:
    root = ElementTree.fromstring(svg(plot))
    marks = root.findall(".//{*}rect") + root.findall(".//{*}polyline")
    drawn_marks = sum(len([x for x in trace["x"] if x is not None]) for trace in plot.data)
    assert len(marks) >= (drawn_marks if plot.data[0]["type"] == "bar" else len(plot.data))
    words = "".join(root.itertext())
    assert plot.title in words and not re.search(r"\b(nan|inf)\b", svg(plot))


def test_bars_are_as_long_as_their_shares_and_whiskers_as_their_intervals() -> None:
    plot = drawn()[0]
    base, tuned = plot.data
    assert (base["name"], base["marker"]["color"]) == ("nano", BASE)
    assert (tuned["x"], base["x"]) == ([50.0, 75.0], [50.0, 25.0])
    rows = {(r[0], r[1]): r[2:] for r in plot.rows}
    value, low, high, n, unscored = rows["CT", "nano-med"]
    assert (value, n, unscored) == (75.0, 60, 0)
    assert isinstance(low, float) and tuned["error_x"]["arrayminus"][1] == pytest.approx(75 - low, abs=1e-3)
    assert isinstance(high, float) and tuned["error_x"]["array"][1] == pytest.approx(high - 75, abs=1e-3)
    assert plot.marks == ("cxr", "ct")


def test_a_difference_that_may_be_nothing_is_hollow() -> None:
    (trace,) = drawn()[1].data
    assert trace["marker"]["symbol"] == ["square-open", "square"] and trace["x"] == [0.0, 50.0]


def test_what_has_no_interval_has_no_whisker() -> None:
    cases = [Case(f"q{i}", "ct", both(0.5, 0.75, "strict_f1"), cluster=f"p{i % 3}", closed=False) for i in range(20)]
    found = board(run(cases))
    made = compared({"first": found}, Selection(Side("first", "tuned"), None, "strict_f1"))
    plot = plots_scores.bars("x", "x", groups(made, "domain"), NAMES, TONES, "percent")
    assert plot.data[0]["error_x"]["array"] == [None] and plot.rows[0][3] is None


def test_a_run_of_the_same_arm_never_has_the_same_colour() -> None:
    assert plots_scores.colours("tuned", "base", True) == (TUNED, BASE)
    assert plots_scores.colours("tuned", "tuned", False) == (TUNED, OTHER)
    assert len({BASE, TUNED, OTHER, REFERENCE}) == 4


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tone", [BASE, TUNED, REFERENCE, OTHER, *plots_scores.STAGES])
@pytest.mark.parametrize("panel", ["#ffffff", "#171d21"])
def test_marks_can_be_seen_on_both_themes(tone: str, panel: str) -> None:
    assert contrast(tone, panel) >= 3


def test_a_cell_that_a_sheet_would_run_is_text() -> None:
    plot = Plot("x", "x", (), layout("x", 200), ("a", "b"), (row("=1+1", -2.5), row("-3", None)))
    assert plot.csv().splitlines()[2:] == ["'=1+1,-2.5", "'-3,"]


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        (Figure(312, 90, 0.71, 0.66, 0.755), "71.0 % [66.0, 75.5], n = 312"),
        (Figure(4, 4, 0.5, None, None), "50.0 %, n = 4"),
        (Figure(0, 0, reason="no scores"), "no scores"),
        (None, "not measured"),
    ],
)
def test_figures_are_said_with_n_and_interval(figure: Figure | None, says: str) -> None:
    assert plots_scores.said(figure, "percent") == says


def test_published_bars_are_hatched_and_ours_are_not() -> None:
    others = plots_published.comparable("vqa_rad", "test", "compat_closed")
    assert ("LLaVA-Med (From LLaVA)", 84.19) in [(label, value) for label, value, _ in others]
    assert plots_published.comparable("vqa_rad", "test", "idefics_em")[0][:2] == ("Base Idefics2-8B", pytest.approx(55))
    for nothing in (
        ("slake", "test", "compat_closed"),
        ("vqa_rad", "train", "compat_closed"),
        ("vqa_rad", "test", "x"),
    ):
        assert plots_published.comparable(*nothing) == []
    ours = plots_published.Ours("nano", Figure(272, 146, 0.4, 0.3, 0.5), BASE)
    plot = plots_published.beside("compat_closed", [ours], others)
    mine, theirs = plot.data
    assert "pattern" not in mine["marker"] and theirs["marker"]["pattern"]["shape"] == "/"
    assert mine["x"] == [40.0] and len(theirs["x"]) == len(others) == 9
    assert [r[1] for r in plot.rows] == ["ours", *["published"] * 9] and "table 3" in str(plot.rows[-1][-1])
    plots.checked(plot.figure())


def test_every_published_table_can_be_drawn() -> None:
    seen = 0
    for paper in plots_published.papers():
        for table in paper.tables:
            columns = dict.fromkeys(number.column for number in table.numbers())
            for column in columns:
                plot = plots_published.table_plot(paper, table.id, column)
                assert len(set(plot.data[0]["y"])) == len(plot.rows), "no two rows on one bar"
                seen += len(plot.rows)
    assert seen == sum(len(list(t.numbers())) for p in plots_published.papers() for t in p.tables)
    with pytest.raises(KeyError):
        plots_published.table_plot(plots_published.papers()[3], "table-1", "nothing")


def test_the_forms_of_the_reports_figures_hold_all_192_reviews_and_say_whose_they_are() -> None:
    made = {plot.name: plot for plot in plots_published.review_plots()}
    assert list(made) == ["reviews-2a", "reviews-2b", "reviews-3a", "reviews-3b", "reviews-3c", "reviews-4"]
    assert sum(int(r[1] or 0) for r in made["reviews-2a"].rows) == 192
    assert sum(int(r[1] or 0) for r in made["reviews-3b"].rows + made["reviews-3c"].rows) == 192
    assert sum(int(r[1] or 0) for r in made["reviews-4"].rows) == 192
    assert all("192 published reviews" in plot.note and "not its data" in plot.note for plot in made.values())


def test_the_script_is_the_packages_own() -> None:
    assert "plotly.js v" in plots.script()[:200] and "https://cdn.plot.ly/plotly" not in plots.script()[:2000]
    part = plots.part_of_page(drawn()[0].figure(), "here")
    assert 'id="here"' in part and "<script src" not in part
