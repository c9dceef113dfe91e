"""Run every benchmark and print one table: `python -m tests.bench [--smoke] [--only NAME ...] [--out FILE.json]`.

A benchmark is a module `tests/bench/bench_NAME.py` with `run(smoke: bool) -> list[dict]`. A row has `name`, `value`,
`unit`, and where it is measured against something in the same run, `against` (what, in words) and `ratio`
(value : against); `measuring.row` makes one. Smoke runs do everything in small, so that no benchmark rots; their
numbers mean nothing.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
OUT = FOLDER.parent.parent / ".bench" / "bench.json"
KEYS = {"name", "value", "unit", "against", "ratio"}

Benchmark = Callable[[bool], Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number; `ratio` is it against `against`, which was measured in the same run."""

    bench: str
    name: str
    value: float
    unit: str
    against: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one benchmark gave: rows, or the error that ended it."""

    bench: str
    seconds: float
    rows: tuple[Row, ...]
    error: str = ""


def found(folder: Path = FOLDER) -> dict[str, Path]:
    """The benchmarks of a folder, by name."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}


def load(path: Path) -> Benchmark:
    """The `run` of one benchmark module; raises whatever importing it raises, AttributeError where it has none."""
    name = f"tests.bench.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and worker processes look their module up here
    spec.loader.exec_module(module)
    run: Benchmark = module.run
    return run


def as_row(bench: str, given: dict[str, Any]) -> Row:
    """Checked: no unknown key, a name, a finite number; ValueError otherwise."""
    if unknown := set(given) - KEYS:
        raise ValueError(f"row {given!r} has unknown keys {sorted(unknown)}; allowed are {sorted(KEYS)}")
    ratio = given.get("ratio")
    row = Row(
        bench=bench,
        name=str(given["name"]),
        value=float(given["value"]),
        unit=str(given.get("unit") or ""),
        against="" if given.get("against") is None else str(given["against"]),
        ratio=None if ratio is None else float(ratio),
    )
    if not math.isfinite(row.value) or not math.isfinite(row.ratio or 0.0):
        raise ValueError(f"row {row.name!r} holds a number that is not finite: {given!r}")
    return row


def measure(bench: str, path: Path, smoke: bool) -> Outcome:
    """One benchmark, its error caught: the others still run."""
    start = time.perf_counter()
    try:
        rows = tuple(as_row(bench, given) for given in load(path)(smoke))
        if not rows:
            raise ValueError("it measured nothing: run() returned no rows")
        error = ""
    except Exception:
        rows, error = (), traceback.format_exc()
    return Outcome(bench, round(time.perf_counter() - start, 3), rows, error)


def table(rows: Iterable[Row]) -> str:
    """The rows as aligned text."""
    lines = [("benchmark", "what", "value", "unit", "against", "ratio")]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        lines.append((row.bench, row.name, f"{row.value:.4g}", row.unit, row.against, ratio))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def machine() -> dict[str, str | int]:
    """What the numbers were measured on, without its name."""
    return {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count() or 1}


def write(outcomes: Sequence[Outcome], smoke: bool, out: Path) -> None:
    """All outcomes as JSON, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"smoke": smoke, "machine": machine(), "benchmarks": [asdict(o) for o in outcomes]}, indent=1)
    part = out.with_name(out.name + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(out)


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Exit code: 0, or 1 where any benchmark failed."""
    names = found(folder)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run every benchmark.")
    parser.add_argument("--smoke", action="store_true", help="everything in small; the numbers mean nothing")
    parser.add_argument("--only", nargs="+", choices=sorted(names), metavar="NAME", help=" ".join(sorted(names)))
    parser.add_argument("--out", type=Path, default=OUT, help="JSON file to write (%(default)s)")
    options = parser.parse_args(arguments)
    outcomes = []
    for name in options.only or names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        outcomes.append(measure(name, names[name], options.smoke))
        print(outcomes[-1].error or f"{name}: {outcomes[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    write(outcomes, options.smoke, options.out)
    print(table(row for outcome in outcomes for row in outcome.rows))
    failed = [outcome.bench for outcome in outcomes if outcome.error]
    if failed:
        print(f"failed: {', '.join(failed)}; what went wrong is above", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
