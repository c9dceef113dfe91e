"""The picture of a case by the name that evaluation gives it: drawn, or read from the data folder if it is here."""

from functools import lru_cache
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np

from medvlm import datasets
from medvlm.errors import UserError
from medvlm.types import DOMAINS, Scan

WIDEST = 512


@lru_cache(maxsize=64)
def picture(name: str) -> bytes | None:
    """PNG bytes of at most 512 pixels a side; None where the name is unknown or the data set is not here.

    Names: "phantom:DOMAIN:SEED" (of the test split), "DATASET:FILE", and either with a change before it
    ("mirrored|phantom:ct:7"); see `medvlm.probes.changes`.
    """
    try:
        scan = _scan(name)
        return None if scan is None else _png(scan)
    except (UserError, OSError, ValueError):
        return None


def _scan(name: str) -> Scan | None:
    from medvlm.probes.changes import changed

    change, bar, rest = name.rpartition("|")
    if bar:
        scan = _scan(rest)
        return None if scan is None else changed(scan, change)
    if name == "blank":
        return _grey()
    source, _, rest = name.partition(":")
    return _phantom(rest) if source == "phantom" else _real(source, rest)


def _grey() -> Scan:
    """What the probe shows in a picture's place: nothing, in the middle between black and white."""
    pixels = np.full((256, 256, 3), 127, dtype=np.uint8)
    return Scan((pixels,), "other", "unknown", "", "blank")


def _phantom(rest: str) -> Scan | None:
    from medvlm.phantoms import draw
    from medvlm.phantoms.scan import as_scan

    domain, _, seed = rest.partition(":")
    known = next((one for one in DOMAINS if one == domain), None)
    return as_scan(draw(known, int(seed), "test")) if known is not None and seed.isdigit() else None


def _real(source: str, file: str) -> Scan | None:
    from medvlm.imaging import read

    if source not in datasets.SOURCES or PurePosixPath(file).name != file:
        return None
    try:
        path = datasets.picture(source, file)
    except KeyError:
        return None
    return read(path.read_bytes(), path.name)


def _png(scan: Scan) -> bytes:
    from PIL import Image

    from medvlm.imaging import render

    made, out = Image.fromarray(render(scan)), BytesIO()
    made.thumbnail((WIDEST, WIDEST))
    made.save(out, "PNG")
    return out.getvalue()
