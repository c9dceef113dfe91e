"""Covering text in the pixels of a file that is de-identified (option 113101)."""

from typing import Any

import numpy as np

from medvlm.deidentify.rules import CLEAN_PIXELS, add_method
from medvlm.errors import UserError
from medvlm.imaging.frames import decoded_frames, layout_of
from medvlm.imaging.limits import Limits
from medvlm.privacy.gate import OFTEN_NAMED
from medvlm.privacy.masks import Box, cover
from medvlm.privacy.pixels import Detector, text_in
from medvlm.types import Scan


def clean(dataset: Any, scan: Scan, finder: Detector, limits: Limits, what: str) -> int:
    """Cover the text that is found in `scan`, the same file as read, in the data set; how many places there were.

    The pixels of a file in which something was found are stored uncompressed. Raises `UserError` for a picture that is
    put together from tiles, which has no place of its own for a box.
    """
    boxes = found_in(scan, finder)
    if boxes:
        _cover(dataset, scan, boxes, limits, what)
    dataset.BurnedInAnnotation = "NO"
    add_method(dataset, CLEAN_PIXELS)
    return len(boxes)


def found_in(scan: Scan, finder: Detector) -> tuple[Box, ...]:
    """What is to be covered: of scanners' pictures not the side markers, of captures and ultrasound all."""
    boxes = text_in(scan, finder)
    careful = scan.traces.origin in OFTEN_NAMED or scan.traces.burned_in
    rows, columns = scan.slices[0].shape[:2]
    return tuple(box.grown(rows, columns) for box in boxes if careful or not box.is_marker)


def _cover(dataset: Any, scan: Scan, boxes: tuple[Box, ...], limits: Limits, what: str) -> None:
    from pydicom.uid import ExplicitVRLittleEndian

    layout = layout_of(dataset, what)
    if scan.slices[0].shape[:2] != (layout.rows, layout.columns):
        raise UserError(f"{what} is put together from tiles and has text in it, which cannot be covered here.")
    light = layout.photometric == "MONOCHROME1"
    frames = [cover(frame, boxes, light) for frame in decoded_frames(dataset, layout, limits, what)]
    stack = np.stack(frames)
    raw = stack.astype(stack.dtype.newbyteorder("<")).tobytes()
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in dataset:
            del dataset[keyword]
    setattr(dataset, layout.keyword, raw + b"\0" * (len(raw) % 2))
    if layout.keyword == "PixelData":
        dataset["PixelData"].VR = "OB" if stack.dtype.itemsize == 1 else "OW"
        dataset.BitsAllocated, dataset.HighBit = 8 * stack.dtype.itemsize, dataset.BitsStored - 1
    if stack.ndim == 4:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
