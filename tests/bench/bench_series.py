"""A CT series of 512 slices from bytes to pixels, against a plain loop of pydicom; first picture, memory; fuzzing."""

import io
import random
import time
import tracemalloc
import zipfile

from pydicom import dcmread

from medvlm.errors import UserError
from medvlm.imaging import first_picture, read_study, ready, render
from medvlm.types import Scan
from tests.bench.measuring import Row, fastest, row
from tests.fuzz import mutants
from tests.study_cases import Drop, ct_series, drops, tried

SLICES, SIZE, MUTANTS, TIMES = 512, 512, 5_000, 3
SMOKE_SLICES, SMOKE_SIZE, SMOKE_MUTANTS, SMOKE_TIMES = 12, 32, 60, 1
SEED = 20260102


def run(smoke: bool) -> list[Row]:
    """Rows: opening and first picture against the plain loop, memory against the pixels, damaged drops survived."""
    count, size = (SMOKE_SLICES, SMOKE_SIZE) if smoke else (SLICES, SIZE)
    files = ct_series(count, size)
    return [
        *_timed(files, SMOKE_TIMES if smoke else TIMES),
        _memory(files, "files"),
        _memory([("series.zip", zipped(files))], "a zip archive"),
        *_fuzzed(SMOKE_MUTANTS if smoke else MUTANTS),
    ]


def _timed(files: Drop, times: int) -> list[Row]:
    def plain() -> object:
        return [dcmread(io.BytesIO(data)).pixel_array for _, data in files]

    def opened() -> object:
        scan = read_study(files).open(0, background=True)
        return list(scan.slices)

    def scrolled() -> object:
        study = read_study(files)
        return render(study.open(0), study.series[0].thumbnail)

    def first() -> object:
        return render(_first(files))

    loop = 1000 * fastest(plain, times)
    ways = {"first picture": first, "open: every slice sorted and decoded": opened}
    ways |= {"sorted, middle slice decoded": scrolled}
    against = "a plain loop of pydicom over all slices"
    return [
        row(f"{len(files)} slices: plain loop of pydicom", loop, "ms"),
        *(
            row(f"{len(files)} slices: {name}", 1000 * fastest(work, times), "ms", against, loop)
            for name, work in ways.items()
        ),
    ]


def _first(files: Drop) -> Scan:
    scan = first_picture(files)
    assert scan is not None, "a sound series has a first picture"
    return scan


def zipped(files: Drop) -> bytes:
    """All files in one archive, deflated."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def _memory(files: Drop, what: str) -> Row:
    """The peak while the series is opened whole; the uploaded bytes were there before and are not counted."""
    _first(files)  # what opening anything for the first time loads of libraries belongs to no series
    tracemalloc.start()
    try:
        scan = read_study(files).open(0, background=True)
        pixels = sum(one.nbytes for one in scan.slices)
        assert ready(scan) == (len(scan.slices), len(scan.slices))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return row(f"peak memory of opening from {what}", peak / 1e6, "MB", "the pixels", pixels / 1e6)


def _fuzzed(count: int) -> list[Row]:
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
    all_of_them = f"all {count} damaged drops; the others were shown, none raised anything else"
    return [
        row("damaged series, archives and volumes refused with advice", refused, "drops", all_of_them, count),
        row("slowest damaged drop, processor time", slowest * 1000, "ms"),
    ]
