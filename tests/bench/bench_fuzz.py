"""Damaged files by the hundred for every format: nothing but advice may leave the reader; and how fast it is."""

import io
import time
from collections.abc import Callable

import numpy as np
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless

from medvlm.errors import UserError
from medvlm.imaging import read, render
from medvlm.imaging.window import to_grey
from tests import dicom_cases
from tests.bench.measuring import Row, fastest, row
from tests.fuzz import mutants, samples

MUTANTS = 500
SMOKE_MUTANTS = 10
SEED = 20260101


def run(smoke: bool) -> list[Row]:
    """Rows per format: damaged files survived of those read, the slowest of them; then reading and rendering times."""
    count = SMOKE_MUTANTS if smoke else MUTANTS
    rows = [one for name, data in samples().items() for one in _fuzzed(name, data, count)]
    return [*rows, *_timed(smoke)]


def _fuzzed(name: str, data: bytes, count: int) -> list[Row]:
    """Raises whatever else than a `UserError` leaves the reader: that is a defect, not a number."""
    refused, slowest = 0, 0.0
    for mutant in mutants(data, count, SEED):
        started = time.perf_counter()
        try:
            render(read(mutant, "damaged"))
        except UserError:
            refused += 1
        slowest = max(slowest, time.perf_counter() - started)
    sound = fastest(lambda: render(read(data, "sound")), 5)
    all_of_them = f"all {count} damaged files; the others were shown, none raised anything else"
    return [
        row(f"{name}: damaged files refused with advice", refused, "files", all_of_them, count),
        row(f"{name}: slowest damaged file", slowest * 1000, "ms", "the sound file", sound * 1000),
    ]


def _timed(smoke: bool) -> list[Row]:
    size, times = (64, 2) if smoke else (512, 20)
    rng = np.random.default_rng(0)
    pixels = np.cumsum(rng.integers(-9, 10, (size, size)), axis=1).astype(np.int16) + 1000
    plain = dicom_cases.picture(pixels, "CT", RescaleSlope=1, RescaleIntercept=-1024)
    packed = {
        "RLE": dicom_cases.compressed(pixels, RLELossless),
        "JPEG 2000": dicom_cases.compressed(pixels, JPEG2000Lossless),
    }
    scan = read(plain, "plain")
    assert scan.window is not None
    window, numbers = scan.window, scan.slices[0]

    def milliseconds(work: Callable[[], object]) -> float:
        return 1000 * fastest(work, times)

    ours = milliseconds(lambda: read(plain, "plain"))
    theirs = milliseconds(lambda: dcmread(io.BytesIO(plain)).pixel_array)
    on_every_pixel = milliseconds(lambda: to_grey(numbers.astype(np.float64), window))
    kind = f"CT {size} x {size}"
    return [
        row(f"read {kind}", ours, "ms", "pydicom alone", theirs),
        *(
            row(f"read {kind}, {name}", milliseconds(lambda d=data: read(d, "x")), "ms", "the same, uncompressed", ours)
            for name, data in packed.items()
        ),
        row(f"render {kind}", milliseconds(lambda: render(scan)), "ms", "the formula on every pixel", on_every_pixel),
    ]
