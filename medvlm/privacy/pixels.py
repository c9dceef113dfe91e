"""Where text stands in a picture: found by an optional detector, and never read."""

import importlib
import importlib.util
import threading
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medvlm.imaging import render
from medvlm.privacy.masks import Box
from medvlm.types import Scan

# Exact versions: this is the pair whose recall docs/privacy.md gives.
PACKAGES = ("rapidocr==3.10.0", "onnxruntime==1.31.1")
INSTALL = f"pip install {' '.join(PACKAGES)}"
# A line of text smaller than this cannot be read on a screen either; tiny pictures are enlarged to be searched.
_SMALLEST_SIDE = 320
# Slices that are searched: text stands where it stands on every slice of a scanner's series. Captures and ultrasound
# change from frame to frame, so more of them are looked at; what is found on one is covered on all.
SLICES, CAREFUL_SLICES = 3, 12


class Detector(Protocol):
    """Finds text in a picture."""

    def find(self, picture: NDArray[np.uint8]) -> tuple[Box, ...]:
        """Boxes around lines of text in (H, W, 3) RGB."""


def detector() -> Detector | None:
    """The detector where its packages are installed (`INSTALL`), else None; it is loaded when it is first used."""
    if importlib.util.find_spec("rapidocr") is None or importlib.util.find_spec("onnxruntime") is None:
        return None
    return RapidDetector()


class RapidDetector:
    """The first of RapidOCR's three networks, which says where text is. The one that would read it is never loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def find(self, picture: NDArray[np.uint8]) -> tuple[Box, ...]:
        factor = max(1, -(-_SMALLEST_SIDE // max(1, min(picture.shape[:2]))))
        large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
        with self._lock:
            # The network was trained on the order of colours that its libraries use: blue, green, red.
            found = self._loaded()(
                np.ascontiguousarray(large[:, :, ::-1]), use_det=True, use_cls=False, use_rec=False
            ).boxes
        rows, columns = picture.shape[:2]
        return tuple(_box(corners / factor, rows, columns) for corners in (() if found is None else found))

    def _loaded(self) -> Any:
        if self._engine is None:
            settings = {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
            self._engine = importlib.import_module("rapidocr").RapidOCR(params=settings)
        return self._engine


def _box(corners: NDArray[Any], rows: int, columns: int) -> Box:
    """The upright box around four corners (x, y), inside the picture."""
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    return Box(max(0, int(left)), max(0, int(top)), min(columns, int(right)), min(rows, int(bottom)))


def text_in(scan: Scan, finder: Detector) -> tuple[Box, ...]:
    """Boxes around text on some of a scan's slices. Raises `UserError` for a slice that cannot be decoded."""
    careful = scan.traces.origin in ("secondary capture", "ultrasound") or scan.traces.burned_in
    found: Iterable[Box] = (
        box
        for index in spread(len(scan.slices), CAREFUL_SLICES if careful else SLICES)
        for box in finder.find(render(scan, index))
    )
    return tuple(sorted(set(found)))


def spread(count: int, most: int) -> list[int]:
    """At most so many indices of `count`, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(step * (count - 1) / (most - 1)) for step in range(most)})
