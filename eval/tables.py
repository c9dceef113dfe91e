"""Numbers and tables as Markdown. What was not measured says so; nothing is filled in."""

from collections.abc import Iterable, Sequence

from medvlm.scores import Record

MISSING = "not measured"


def find(record: Record | None, *path: str) -> Record | None:
    """The record at this path, None where any step of it is missing."""
    for name in path:
        if not isinstance(record, dict) or name not in record:
            return None
        record = record[name]
    return record


def percent(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:.1f}"


def share(record: Record | None, n: bool = True) -> str:
    """Such as "63.6 [57.7, 69.1], n = 272", in per cent with its 95 % interval."""
    if record is None or record.get("value") is None:
        return MISSING if record is None or record.get("n") != 0 else "none asked"
    text = f"{percent(record['value'])} [{percent(record['low'])}, {percent(record['high'])}]"
    return f"{text}, n = {record['n']}" if n else text


def gain(record: Record | None) -> str:
    """A difference in points, with its sign."""
    if record is None or record.get("value") is None:
        return MISSING
    low, high = (f"{100 * record[end]:+.1f}" for end in ("low", "high"))
    return f"{100 * record['value']:+.1f} [{low}, {high}]"


def number(value: float | None, digits: int = 2) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column on the left, the others on the right."""
    lines = [line(head), line([":--", *["--:"] * (len(head) - 1)])]
    return "\n".join([*lines, *(line(row) for row in rows)])


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def duration(seconds: float | None) -> str:
    """Minutes below two hours, else hours."""
    if seconds is None:
        return MISSING
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
