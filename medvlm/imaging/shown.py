"""Frames of a DICOM file as they are shown: colours in 8 bits; greys rescaled, with a table applied or a window."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from medvlm.imaging import greyscale
from medvlm.imaging.colour import palette_of, to_eight_bits
from medvlm.imaging.domain import CT_PRESETS, Region
from medvlm.imaging.frames import PALETTE, Layout
from medvlm.imaging.header import Header, codes
from medvlm.imaging.limits import Limits
from medvlm.imaging.mosaic import mosaic_of
from medvlm.imaging.undefined import finite
from medvlm.imaging.window import PERCENTILES, PRESETS, automatic, full_range, sample, words
from medvlm.types import NamedWindow, Pixels, Window

YBR_TO_RGB = "YBR colours brought to RGB"
_SAMPLED_FRAMES = 32
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Slices with the window that shows them, the unit of their numbers, and what was done to get there."""

    slices: Sequence[Pixels]
    window: Window | None
    unit: str
    notes: tuple[str, ...]
    more_windows: tuple[NamedWindow, ...] = ()


def coloured(header: Header, layout: Layout, frames: Iterable[Pixels], limits: Limits, what: str) -> Shown:
    """Frames as stored -> (H, W, 3) uint8 RGB; the tiles of a slide put together. Raises `UserError`."""
    if layout.photometric == PALETTE:
        palette = palette_of(header, layout.signed, what)
        return Shown(tuple(palette(frame) for frame in frames), None, "", ("palette colours applied",))
    mosaic = mosaic_of(header, layout, limits, what)
    slices = tuple(to_eight_bits(frame, layout.bits_stored) for frame in frames)
    notes = [YBR_TO_RGB] if layout.photometric.startswith("YBR") else []
    notes += [f"{layout.bits_stored}-bit colour brought to 8 bits"] if layout.bits_stored > 8 else []
    if mosaic is None:
        return Shown(slices, None, "", tuple(notes))
    return Shown((mosaic.assembled(slices),), None, "", (*notes, f"slide put together from {len(mosaic.places)} tiles"))


def grey(
    header: Header, layout: Layout, frames: list[Pixels], rescales: tuple[greyscale.Rescale, ...],
    modality: str, region: Region | None,
) -> Shown:  # fmt: skip
    """Modality table or rescale, then VOI table or window (PS3.3 C.11.1 and C.11.2)."""
    frames = [finite(frame)[0] for frame in frames]
    padding = greyscale.padding(header)
    keep = [unpadded(sample([frame]), padding) for frame in _some_of(frames)]
    table = greyscale.modality_table(header)
    notes: list[str] = []
    if table is not None:
        frames, keep = [table(frame) for frame in frames], [table(one) for one in keep]
        notes.append("modality look-up table from the file applied")
    elif rescales:
        frames, keep = _rescaled(frames, keep, rescales)
        notes += rescale_note(rescales[0], len(rescales), modality)
    unit = greyscale.unit(header, modality, rescaled=bool(rescales) and table is None)
    return _windowed(header, layout, frames, np.concatenate(keep), unit, modality, region, notes)


def _rescaled(
    frames: list[Pixels], keep: list[Pixels], rescales: tuple[greyscale.Rescale, ...]
) -> tuple[list[Pixels], list[Pixels]]:
    """Frames, and the samples kept of some of them, each by its own rescale or all by the only one."""
    every = list(rescales) * (len(frames) if len(rescales) == 1 else 1)
    low, high = float(min(frame.min() for frame in frames)), float(max(frame.max() for frame in frames))
    for index, one in enumerate(every):
        frames[index] = one(frames[index], low, high)  # in place: a large stack is never there twice
    return _alike(frames), _alike([one(kept, low, high) for one, kept in zip(_some_of(every), keep, strict=True)])


def rescale_note(first: greyscale.Rescale, count: int, modality: str) -> list[str]:
    """What to say of `count` rescales of which this is the first."""
    if count > 1:
        return ["numbers rescaled slice by slice, as the file says"]
    if first == greyscale.Rescale():
        return []
    aim = "to HU " if modality == "CT" else ""
    return [f"numbers rescaled {aim}(slope {first.slope:g}, intercept {first.intercept:g})"]


def _windowed(
    header: Header, layout: Layout, frames: list[Pixels], some: Pixels, unit: str,
    modality: str, region: Region | None, notes: list[str],
) -> Shown:  # fmt: skip
    voi = greyscale.voi_table(header, lowest=float(min(frame.min() for frame in frames)))
    in_file = greyscale.file_windows(header)
    # In HU the window is kept in favour of the table, so that the numbers stay in HU and presets keep their meaning.
    if voi is not None and not (in_file and unit == "HU"):
        kind = np.uint8 if voi.bits <= 8 else np.uint16
        baked = tuple(voi(frame).astype(kind) for frame in frames)
        return Shown(baked, full_range(0, (1 << voi.bits) - 1), "", (*notes, "VOI look-up table from the file applied"))
    window, note = window_of(layout, lambda: some, unit, modality, region, header, in_file)
    return Shown(tuple(frames), window, unit, (*notes, note), in_file[1:])


def window_of(
    layout: Layout, some: Callable[[], Pixels], unit: str, modality: str, region: Region | None,
    header: Header, in_file: Sequence[NamedWindow],
) -> tuple[Window, str]:  # fmt: skip
    """The window of the file, else that of the region, else one by percentiles of the numbers `some()`; and a note."""
    if in_file:
        name, window = in_file[0]
        more = f" (first of {len(in_file)})" if len(in_file) > 1 else ""
        curve = "" if window.function != "SIGMOID" else ", sigmoid"
        return window, f"window {words(window)} from the file{f', {name.lower()}' if name else ''}{more}{curve}"
    localizer = "LOCALIZER" in codes(header, "ImageType", frozenset({"LOCALIZER"}))
    if modality == "CT" and unit == "HU" and not localizer:
        name = CT_PRESETS.get(region, "soft tissue") if region else "soft tissue"
        window = PRESETS["ct"][name]
        return window, f"no window in the file: {name} window {words(window)}"
    if layout.bits_stored <= 8 and layout.keyword == "PixelData" and not unit and not layout.signed:
        top = (1 << layout.bits_stored) - 1
        return full_range(0, top), f"{layout.bits_stored}-bit grey shown as stored"
    return automatic(some()), f"no window in the file: {PERCENTILES}"


def unpadded(numbers: Pixels, padding: tuple[float, float] | None) -> Pixels:
    """Numbers without those of `padding` (lowest and highest, both included), unless there are no others."""
    if padding is None:
        return numbers
    kept = numbers[(numbers < padding[0]) | (numbers > padding[1])]
    return kept if kept.size else numbers


def _some_of(things: Sequence[_T]) -> Sequence[_T]:
    """At most 32 of what belongs to many frames, evenly spread: enough for percentiles."""
    return things[:: -(-len(things) // _SAMPLED_FRAMES)]


def _alike(frames: list[Pixels]) -> list[Pixels]:
    """All frames in one type: the common one where their rescales led to several."""
    kind = np.result_type(*{frame.dtype for frame in frames})
    return [frame.astype(np.float32 if kind.kind == "f" else kind, copy=False) for frame in frames]
