"""Ratings as plots: who won, by domain and reader, criteria, errors by harm, agreement, time, blinding, strengths."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from medvlm.outcomes.tally import Duel, Tally, outcome_words
from medvlm.outcomes.verdicts import OUTCOMES, Compared, Outcome, Summary
from medvlm.plots.layout import (
    BASE,
    OTHER,
    QUIET,
    REFERENCE,
    TUNED,
    Cell,
    Plot,
    Record,
    axis,
    height_of,
    layout,
    rows_axis,
    wrapped,
)
from medvlm.ratings.records import CRITERIA, HARMS, Candidate
from medvlm.statistics import Figure
from medvlm.types import DOMAIN_NAMES

COLUMNS = ("", "value", "low", "high", "n", "cases", "note")
MOST_PAIRS = 3  # of readers in the plot
SHORT = 40  # letters for which a row without a mark has room
# One row of a plot: what it is called, its figure, and its colour.
Line = tuple[str, Figure, str]
_HARM_WORDS = {"none": "Any error", "mild": "Mild harm or worse", "moderate": "Moderate or worse", "severe": "Severe"}


def tones(duel: Duel) -> tuple[str, str]:
    """Each candidate's own colour; two of the same kind never share one."""
    first, second = _tone(duel.first), _tone(duel.second)
    return first, second if second != first else OTHER


def plots(tally: Tally) -> tuple[Plot, ...]:
    """Everything that is drawn of one duel, in the order of the page."""
    made = [verdicts(tally), by_group("net-domain", "Net win rate by domain", tally.by_domain, tally)]
    if len(tally.by_type) > 1:
        made.append(by_group("net-type", "Net win rate by kind of question", tally.by_type, tally))
    made += [
        by_group("net-reader", "Net win rate by reader", tally.by_reader, tally),
        criteria(tally),
        correctness(tally),
        errors(tally),
        agreement(tally),
        times(tally),
        blinding(tally),
    ]
    return (*made, *([strengths(tally)] if tally.ranking is not None else []))


def verdicts(tally: Tally) -> Plot:
    """The share of each verdict with its interval; where there are too few for shares, the counts say so."""
    first, second = tones(tally.duel)
    colours: dict[Outcome, str] = {"win": first, "tie": QUIET, "neither": REFERENCE, "loss": second}
    lines = []
    for outcome in OUTCOMES:
        label = f"{outcome_words(outcome, tally.duel.names)} ({tally.summary.counts[outcome]})"
        lines.append((label, tally.summary.shares[outcome], colours[outcome]))
    title = f"Verdicts: {tally.votes} votes on {tally.summary.cases} cases"
    return _bars("verdicts", title, lines, "per cent of votes", 100, (0, 100))


def by_group(name: str, title: str, groups: Mapping[str, Summary], tally: Tally) -> Plot:
    """Wins less losses of the first candidate, in points of per cent, with all groups together above."""
    first = tones(tally.duel)[0]
    lines = [("All", tally.summary.net, first)]
    lines += [(_group_name(one), groups[one].net, first) for one in _ordered(groups)]
    towards = f"points; right of zero: {tally.duel.names[0]} better"
    return _dots(name, title, lines, towards, 100, (-100, 100))


def criteria(tally: Tally) -> Plot:
    """Mean grades of both candidates."""
    compared = {criterion.capitalize(): tally.criteria[criterion] for criterion in CRITERIA}
    return _both("criteria", "Criteria, mean grade", compared, tally.duel, "grade, 1 to 5", 1, (1, 5))


def correctness(tally: Tally) -> Plot:
    """Shares of answers that readers found right, partly right and wrong."""
    compared = {kind.capitalize(): found for kind, found in tally.correctness.items()}
    return _both("correctness", "Correctness", compared, tally.duel, "per cent of answers", 100, (0, 100))


def errors(tally: Tally) -> Plot:
    """Shares of answers with at least one marked error, by the worst harm."""
    compared = {_HARM_WORDS[harm]: tally.errors[harm] for harm in HARMS}
    return _both("errors", "Answers with a marked error", compared, tally.duel, "per cent of answers", 100, (0, 100))


def agreement(tally: Tally) -> Plot:
    """Coefficients of agreement on the verdict; those of many pairs of readers stand in the table alone."""
    found = tally.agreement
    pairs: list[Line] = [
        (f"Cohen's kappa, {one} and {other}", figure, QUIET) for (one, other), figure in found.cohen.items()
    ]
    lines: list[Line] = [
        ("Same verdict", found.exact, QUIET),
        ("Fleiss' kappa", found.fleiss, QUIET),
        ("Krippendorff's alpha, nominal", found.alpha_nominal, QUIET),
        ("Krippendorff's alpha, ordinal", found.alpha_ordinal, QUIET),
        *(pairs if len(pairs) <= MOST_PAIRS else ()),
        ("With oneself, same verdict", found.self_exact, REFERENCE),
        ("With oneself, kappa", found.self_kappa, REFERENCE),
    ]
    made = _dots("agreement", "Agreement of readers", lines, "1: always, 0: by chance (kappa, alpha)", 1, (-0.2, 1))
    more = pairs if len(pairs) > MOST_PAIRS else ()
    return replace(made, rows=(*made.rows, *(_row(label, figure, 1) for label, figure, _ in more)))


def times(tally: Tally) -> Plot:
    """Seconds a vote took, by reader."""
    lines = [(reader or "All", figure, QUIET) for reader, figure in tally.times.items()]
    return _dots("times", "Time a case", lines, "seconds from the opened form to the vote", 1, None)


def blinding(tally: Tally) -> Plot:
    """Bang's index, with the first candidate on the left, on the right, and both."""
    found, name = tally.blinding, tally.duel.names[0]
    lines = [
        (f"{name} on the left", found.left, QUIET),
        (f"{name} on the right", found.right, QUIET),
        ("Both", found.overall, QUIET),
    ]
    return _dots("blinding", "Blinding index", lines, "0: guessing, 1: all saw through, -1: all misled", 1, (-1, 1))


def strengths(tally: Tally) -> Plot:
    """Bradley and Terry's strengths of all candidates of the study."""
    assert tally.ranking is not None, "drawn only where there is a ranking"
    lines = [(tally.names[one], figure, QUIET) for one, figure in tally.ranking.strengths.items()]
    return _dots("strengths", "Strength of each candidate", lines, "log odds; the mean is 0", 1, None)


def _tone(candidate: Candidate) -> str:
    return TUNED if candidate.arm == "tuned" else BASE if candidate.arm == "base" else OTHER


def _ordered(groups: Mapping[str, Summary]) -> list[str]:
    """Domains in their usual order, everything else by the alphabet."""
    places = {str(domain): place for place, domain in enumerate(DOMAIN_NAMES)}
    return sorted(groups, key=lambda one: (places.get(one, -1), one))


def _group_name(name: str) -> str:
    return next((words for domain, words in DOMAIN_NAMES.items() if domain == name), name or "not said")


def _both(
    name: str,
    title: str,
    compared: Mapping[str, Compared],
    duel: Duel,
    unit: str,
    factor: float,
    span: tuple[float, float],
) -> Plot:
    """Both candidates in each row, and the paired difference in the table."""
    labels = [wrapped(label) for label in compared]
    sides = [
        _trace(labels, [one.second for one in compared.values()], duel.names[1], tones(duel)[1], factor),
        _trace(labels, [one.first for one in compared.values()], duel.names[0], tones(duel)[0], factor),
    ]
    rows: list[tuple[Cell, ...]] = []
    for label, one in compared.items():
        for who, figure in ((duel.names[0], one.first), (duel.names[1], one.second), ("difference", one.difference)):
            rows.append(_row(f"{label}: {who}", figure, factor))
    shape = layout(title, height_of(len(labels)), xaxis=axis(unit, range=list(span)), yaxis=rows_axis(labels))
    shape |= {"scattermode": "group", "scattergap": 0.6, "annotations": _reasons(labels, sides, compared, span, factor)}
    return Plot(name, title, tuple(sides), shape, COLUMNS, tuple(rows))


def _reasons(
    labels: Sequence[str],
    sides: Sequence[Record],
    compared: Mapping[str, Compared],
    span: tuple[float, float],
    k: float,
) -> list[Record]:
    figures = [one.first if one.first.value is None else one.second for one in compared.values()]
    return [_said(label, figure, span) for label, figure in zip(labels, figures, strict=True) if figure.value is None]


def _bars(name: str, title: str, lines: Sequence[Line], unit: str, factor: float, span: tuple[float, float]) -> Plot:
    labels = [wrapped(label) for label, _, _ in lines]
    trace = _trace(labels, [figure for _, figure, _ in lines], "", [tone for _, _, tone in lines], factor)
    trace |= {"type": "bar", "orientation": "h", "marker": {"color": [tone for _, _, tone in lines]}}
    trace.pop("mode")
    return _plot(name, title, lines, trace, labels, unit, factor, span)


def _dots(
    name: str,
    title: str,
    lines: Sequence[Line],
    unit: str,
    factor: float,
    span: tuple[float, float] | None,
) -> Plot:
    labels = [wrapped(label) for label, _, _ in lines]
    trace = _trace(labels, [figure for _, figure, _ in lines], "", [tone for _, _, tone in lines], factor)
    return _plot(name, title, lines, trace, labels, unit, factor, span)


def _plot(
    name: str,
    title: str,
    lines: Sequence[Line],
    trace: Record,
    labels: Sequence[str],
    unit: str,
    factor: float,
    span: tuple[float, float] | None,
) -> Plot:
    across = axis(wrapped(unit, 30), **({"range": list(span)} if span else {"rangemode": "tozero"}))
    if span is not None and span[0] < 0:
        across |= {"zeroline": True, "zerolinewidth": 1.5}
    shape = layout(title, height_of(len(labels), 160), xaxis=across, yaxis=rows_axis(labels), showlegend=False)
    shape["annotations"] = [
        _said(label, figure, span or (0.0, 1.0))
        for label, (_, figure, _) in zip(labels, lines, strict=True)
        if figure.value is None
    ]
    rows = tuple(_row(label, figure, factor) for label, figure, _ in lines)
    notes = sorted({figure.note for _, figure, _ in lines if figure.note})
    note = "; ".join(notes)
    return Plot(name, title, (trace,), shape, COLUMNS, rows, note[:1].upper() + note[1:])


def _said(label: str, figure: Figure, span: tuple[float, float]) -> Record:
    """Why there is no mark in this row."""
    return {
        "x": span[0],
        "y": label,
        "text": figure.reason if len(figure.reason) <= SHORT else f"{figure.reason.partition(':')[0]}; see the numbers",
        "showarrow": False,
        "xanchor": "left",
        "xshift": 6,
        "font": {"size": 12},
    }


def _trace(
    labels: Sequence[str], figures: Sequence[Figure], name: str, tone: str | Sequence[str], factor: float
) -> Record:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "orientation": "h",
        "offsetgroup": name,
        "y": list(labels),
        "x": [None if one.value is None else factor * one.value for one in figures],
        "marker": {"color": tone if isinstance(tone, str) else list(tone), "size": 10},
        "error_x": _whiskers(figures, factor),
        "customdata": [words(one, factor) for one in figures],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
    }


def _whiskers(figures: Sequence[Figure], factor: float) -> Record:
    def length(figure: Figure, end: float | None) -> float:
        return 0.0 if figure.value is None or end is None else factor * abs(end - figure.value)

    return {
        "type": "data",
        "symmetric": False,
        "array": [length(one, one.high) for one in figures],
        "arrayminus": [length(one, one.low) for one in figures],
        "thickness": 1.6,
        "width": 4,
    }


def words(figure: Figure, factor: float = 1) -> str:
    """Such as "56.0 [48.1, 63.2], n = 300", or why there is no number."""
    if figure.value is None:
        return figure.reason
    digits = 1 if factor == 100 else 2
    text = f"{factor * figure.value:.{digits}f}"
    if figure.low is not None and figure.high is not None:
        text += f" [{factor * figure.low:.{digits}f}, {factor * figure.high:.{digits}f}]"
    return f"{text}, n = {figure.n}"


def _row(label: str, figure: Figure, factor: float) -> tuple[Cell, ...]:
    ends = [None if end is None else round(factor * end, 3) for end in (figure.value, figure.low, figure.high)]
    return (label, *ends, figure.n, figure.clusters, figure.reason or figure.note)
