"""What benchmarks share: the fastest of several runs, and a row that sets one number against another."""

import time
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


def fastest(work: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of several runs: what the machine does besides only ever adds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def row(name: str, value: float, unit: str, against: str = "", base: float | None = None) -> Row:
    """A measured number; `base` is what `against` names, in the same unit and from the same run."""
    return {"name": name, "value": value, "unit": unit, "against": against, "ratio": value / base if base else None}
