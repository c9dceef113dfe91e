"""Tables of cases whose expected values were worked out by hand, with the arithmetic in each row's `why`."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden")


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of tests/golden/<name>.jsonl."""
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def number(text: str) -> float:
    """ "2/3" or "exp(-1/2)" as the nearest float."""
    if text.startswith("exp("):
        return math.exp(float(Fraction(text[4:-1])))
    return float(Fraction(text))
