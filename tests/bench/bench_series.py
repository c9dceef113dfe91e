"""A CT series of 512 slices from bytes to pixels, against a plain loop of pydicom; first picture, memory; fuzzing."""

import io
import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from pydicom import dcmread

from medvlm.errors import UserError
from medvlm.imaging import first_picture, read_study, ready, render
from tests.fuzz import mutants
from tests.study_cases import ct_series, drops, tried

SLICES, SIZE, MUTANTS, TIMES = 512, 512, 5_000, 3
SMOKE_SLICES, SMOKE_SIZE, SMOKE_MUTANTS, SMOKE_TIMES = 12, 32, 60, 1
SEED = 20260102


def run(smoke: bool) -> list[dict[str, Any]]:
    """Rows: opening and first picture against the plain loop, memory against the pixels, damaged drops survived."""
    count, size = (SMOKE_SLICES, SMOKE_SIZE) if smoke else (SLICES, SIZE)
    files = ct_series(count, size)
    return [
        *_timed(files, SMOKE_TIMES if smoke else TIMES),
        _memory(files),
        *_fuzzed(SMOKE_MUTANTS if smoke else MUTANTS),
    ]


def _timed(files: list[tuple[str, bytes]], times: int) -> list[dict[str, Any]]:
    def plain() -> object:
        return [dcmread(io.BytesIO(data)).pixel_array for _, data in files]

    def opened() -> object:
        scan = read_study(files).open(0, background=True)
        return list(scan.slices)

    def scrolled() -> object:
        study = read_study(files)
        return render(study.open(0), study.series[0].thumbnail)

    loop = _seconds(plain, times)
    rows = [
        ("first picture", lambda: render(_first(files)), "a plain loop of pydicom over all slices"),
        ("open: every slice sorted and decoded", opened, "a plain loop of pydicom over all slices"),
        ("sorted, middle slice decoded", scrolled, "a plain loop of pydicom over all slices"),
    ]
    made = [("plain loop of pydicom", loop, None)] + [
        (name, _seconds(work, times), against) for name, work, against in rows
    ]
    return [
        {"name": f"{len(files)} slices: {name}", "value": seconds * 1000, "unit": "ms", "against": against,
         "ratio": None if against is None else seconds / loop}
        for name, seconds, against in made
    ]  # fmt: skip


def _first(files: list[tuple[str, bytes]]) -> Any:
    scan = first_picture(files)
    assert scan is not None, "a sound series has a first picture"
    return scan


def _memory(files: list[tuple[str, bytes]]) -> dict[str, Any]:
    """The peak while the series is opened whole; the files' own bytes were there before and are not counted."""
    tracemalloc.start()
    try:
        scan = read_study(files).open(0, background=True)
        pixels = sum(one.nbytes for one in scan.slices)
        assert ready(scan) == (len(files), len(files))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return {"name": "peak memory of opening", "value": peak / 1e6, "unit": "MB", "against": "the pixels",
            "ratio": peak / pixels}  # fmt: skip


def _fuzzed(count: int) -> list[dict[str, Any]]:
    """Raises whatever else than a `UserError` leaves the reader: that is a defect, not a number."""
    cases = drops()
    refused, slowest = 0, 0.0
    for turn, (name, files) in enumerate(sorted(cases.items())):
        share = count // len(cases) + (turn < count % len(cases))
        rng = random.Random(f"{SEED}/{name}")
        for _ in range(share):
            index = rng.randrange(len(files))
            damaged = list(files)
            damaged[index] = (files[index][0], next(mutants(files[index][1], 1, rng.randrange(1 << 30))))
            # Processor time: on a busy machine the clock says nothing about a single file.
            started = time.process_time()
            try:
                tried(damaged)
            except UserError:
                refused += 1
            slowest = max(slowest, time.process_time() - started)
    return [
        {"name": "damaged series, archives and volumes refused with advice", "value": refused, "unit": "drops",
         "against": f"all {count} damaged drops; the others were shown, none raised anything else",
         "ratio": refused / count},
        {"name": "slowest damaged drop, processor time", "value": slowest * 1000, "unit": "ms"},
    ]  # fmt: skip


def _seconds(work: Callable[[], object], times: int) -> float:
    """The fastest of several runs: what the machine does besides only ever adds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best
