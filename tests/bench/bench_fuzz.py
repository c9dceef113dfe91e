"""Damaged files by the hundred for every format: nothing but advice may leave the reader; and how fast it is."""

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless

from medvlm.errors import UserError
from medvlm.imaging import read, render
from medvlm.imaging.window import to_grey
from tests import dicom_cases
from tests.fuzz import mutants, samples

MUTANTS = 500
SMOKE_MUTANTS = 10
SEED = 20260101


def run(smoke: bool) -> list[dict[str, Any]]:
    """Rows per format: damaged files survived of those read, the slowest of them; then reading and rendering times."""
    count = SMOKE_MUTANTS if smoke else MUTANTS
    rows = [row for name, data in samples().items() for row in _fuzzed(name, data, count)]
    return [*rows, *_timed(smoke)]


def _fuzzed(name: str, data: bytes, count: int) -> list[dict[str, Any]]:
    """Raises whatever else than a `UserError` leaves the reader: that is a defect, not a number."""
    refused, slowest = 0, 0.0
    for mutant in mutants(data, count, SEED):
        started = time.perf_counter()
        try:
            render(read(mutant, "damaged"))
        except UserError:
            refused += 1
        slowest = max(slowest, time.perf_counter() - started)
    sound = _seconds(lambda: render(read(data, "sound")), 5)
    return [
        {
            "name": f"{name}: damaged files refused with advice",
            "value": refused,
            "unit": "files",
            "against": f"all {count} damaged files; the others were shown, none raised anything else",
            "ratio": refused / count,
        },
        {
            "name": f"{name}: slowest damaged file",
            "value": slowest * 1000,
            "unit": "ms",
            "against": "the sound file",
            "ratio": slowest / sound,
        },
    ]


def _timed(smoke: bool) -> list[dict[str, Any]]:
    size, times = (64, 2) if smoke else (512, 20)
    rng = np.random.default_rng(0)
    pixels = np.cumsum(rng.integers(-9, 10, (size, size)), axis=1).astype(np.int16) + 1000
    plain = dicom_cases.picture(pixels, "CT", RescaleSlope=1, RescaleIntercept=-1024)
    base = _seconds(lambda: read(plain, "plain"), times)
    theirs = _seconds(lambda: dcmread(io.BytesIO(plain)).pixel_array, times)
    rows = [_row(f"read CT {size} x {size}", base, "pydicom alone", theirs)]
    for name, syntax in (("RLE", RLELossless), ("JPEG 2000", JPEG2000Lossless)):
        data = dicom_cases.compressed(pixels, syntax)
        rows.append(
            _row(
                f"read CT {size} x {size}, {name}",
                _seconds(lambda d=data: read(d, "x"), times),
                "the same, uncompressed",
                base,
            )
        )
    scan = read(plain, "plain")
    assert scan.window is not None
    window, numbers = scan.window, scan.slices[0]
    one_by_one = _seconds(lambda: to_grey(numbers.astype(np.float64), window), times)
    rows.append(
        _row(
            f"render CT {size} x {size}",
            _seconds(lambda: render(scan), times),
            "the formula on every pixel",
            one_by_one,
        )
    )
    return rows


def _row(name: str, seconds: float, against: str, other: float) -> dict[str, Any]:
    return {"name": name, "value": seconds * 1000, "unit": "ms", "against": against, "ratio": seconds / other}


def _seconds(work: Callable[[], object], times: int) -> float:
    """The fastest of several runs: what the machine does besides only ever adds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best
