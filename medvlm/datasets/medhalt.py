"""Med-HALT's fake questions: absurd ones, to which the only sound answer is that they cannot be answered."""

import ast
from collections.abc import Iterator

from medvlm.datasets.places import file
from medvlm.datasets.reading import Row, csv_rows
from medvlm.types import DataSplit, Sample

FILE = "reasoning_fake.csv"
REFERENCE = "I do not know"


def fake(split: DataSplit) -> Iterator[Sample]:
    """The 1,858 questions with their options; no pictures."""
    for row in csv_rows(file("medhalt_fake", FILE)):
        options = _options(row)
        listed = "\n".join(f"- {option}" for option in options)
        yield Sample(
            id=f"medhalt_fake-{row.text('id')}",
            image="",
            question=f"{row.text('question')}\n{listed}",
            reference=REFERENCE,
            domain="other",
            kind=row.text("dataset"),
            dataset="medhalt_fake",
            split=split,
            closed=True,
            choices=tuple(options),
        )


def _options(row: Row) -> list[str]:
    try:
        options = ast.literal_eval(row.text("options"))
        return [str(options[key]) for key in sorted(options, key=int)]
    except (ValueError, SyntaxError, TypeError, AttributeError) as error:
        raise row.wrong(f"has options that are no dictionary ({error})") from error
