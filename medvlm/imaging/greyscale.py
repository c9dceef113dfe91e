"""What a DICOM header says about its numbers: rescale or modality table, then VOI table or window (PS3.3 C.11)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from medvlm.imaging.header import Header, code, each_code, item, items, number, numbers, value, whole
from medvlm.imaging.window import is_valid
from medvlm.types import NamedWindow, Pixels, VoiFunction, Window

# What a window may be called: its explanation is free text, in which anything could stand.
WINDOW_NAMES = frozenset(
    {"ABDOMEN", "BONE", "BRAIN", "CHEST", "HARD", "HARDER", "LIVER", "LUNG", "LUNGS", "MEDIASTINUM", "NARROW", "NORMAL",
     "PELVIS", "SINUS", "SOFT", "SOFT TISSUE", "SOFTER", "SPINE", "STROKE", "SUBDURAL", "TEMPORAL BONE", "WIDE"}
)  # fmt: skip
_FUNCTIONS: dict[str, VoiFunction] = {"LINEAR": "LINEAR", "LINEAR_EXACT": "LINEAR_EXACT", "SIGMOID": "SIGMOID"}
# PS3.3 C.11.1.1.2: the units that a picture is shown with here.
_UNITS = {"HU": "HU", "OD": "OD", "HU_MOD": "HU", "MGML": "mg/ml", "Z_EFF": "Z"}
_INTEGERS: tuple[type[np.signedinteger[Any]], ...] = (np.int16, np.int32)


@dataclass(frozen=True, slots=True)
class Rescale:
    """number = slope x stored + intercept (PS3.3 C.11.1.1.2)."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def keeps_integers(self) -> bool:
        """Whether integers stay integers: it only adds a whole number."""
        return self.slope == 1.0 and self.intercept == int(self.intercept)

    def __call__(self, stored: Pixels, low: float, high: float) -> Pixels:
        """Stored values, all of them in `low`..`high`, as numbers: integers if nothing is lost by it, else float32."""
        if self.slope == 1.0 and self.intercept == 0.0:
            return stored
        if self.keeps_integers and stored.dtype.kind in "iu":
            for kind in _INTEGERS:
                bounds = np.iinfo(kind)
                if low + self.intercept >= bounds.min and high + self.intercept <= bounds.max:
                    return np.add(stored, int(self.intercept), dtype=kind, casting="unsafe")
        scaled: Pixels = (stored.astype(np.float64) * self.slope + self.intercept).astype(np.float32)
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A look-up table: values below `first` take the first entry, values beyond the end the last (C.11.1.1.1)."""

    first: int
    entries: Pixels
    bits: int

    def __call__(self, numbers_in: Pixels) -> Pixels:
        # Rounded because a table that follows a rescale may meet fractions; float64 so that the start cannot wrap.
        index = np.rint(numbers_in.astype(np.float64)) - self.first
        return np.asarray(self.entries[np.clip(index, 0, len(self.entries) - 1).astype(np.int64)])


def rescale(header: Header) -> Rescale | None:
    """The linear rescale of a header or functional group; None where slope or intercept is missing or unusable."""
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope is None or intercept is None or slope == 0.0 or abs(slope) > 1e30 or abs(intercept) > 1e30:
        return None
    return Rescale(slope, intercept)


def frame_rescales(header: Header, frames: int) -> tuple[Rescale, ...]:
    """One rescale a frame from the functional groups, or a single one for all; empty where the file has none."""
    per_frame = [item(group, "PixelValueTransformationSequence") for group in frame_groups(header, frames)]
    found = [None if group is None else rescale(group) for group in per_frame]
    if found and all(one is not None for one in found):
        return tuple(one for one in found if one is not None)
    shared = item(header, "SharedFunctionalGroupsSequence", "PixelValueTransformationSequence")
    single = rescale(header if shared is None else shared)
    return () if single is None else (single,)


def frame_groups(header: Header, frames: int) -> list[Header]:
    """The per-frame functional groups (PS3.3 C.7.6.16) if there is one for each frame, else none."""
    groups = items(header, "PerFrameFunctionalGroupsSequence")
    return groups if len(groups) == frames else []


def modality_table(header: Header) -> Table | None:
    """The look-up table that takes the place of a rescale; None where the file has none that is complete."""
    first = item(header, "ModalityLUTSequence")
    return None if first is None else table(first, header, lowest=0)


def voi_table(header: Header, lowest: float) -> Table | None:
    """The first VOI table; `lowest` is the smallest number it may meet, which tells a signed start from an unsigned."""
    first = item(header, "VOILUTSequence")
    return None if first is None else table(first, header, lowest)


def table(holder: Header, header: Header, lowest: float) -> Table | None:
    """The table that `holder` describes (LUT Descriptor, LUT Data); None where it is not complete."""
    descriptor = numbers(holder, "LUTDescriptor")
    entries = table_entries(value(holder, "LUTData"), descriptor, is_little_endian(header))
    if entries is None:
        return None
    first = int(descriptor[1])
    # The start is written in 16 bits; its type is wrong in files whose numbers are negative only after the rescale.
    if first > 32767 and lowest < 0:
        first -= 65536
    elif first < 0 <= lowest:
        first += 65536
    bits = max(int(descriptor[2]), int(entries.max()).bit_length(), 1)
    return Table(first, entries, bits)


def table_entries(data: Any, descriptor: tuple[float, ...], little_endian: bool) -> Pixels | None:
    """The entries of a table as uint16, at most as many as the descriptor counts (0 means 65,536)."""
    if len(descriptor) != 3 or data is None or not 0 < descriptor[2] <= 16:
        return None
    count = (int(descriptor[0]) & 0xFFFF) or 65536
    if isinstance(data, bytes | bytearray):
        eight = len(data) in (count, count + 1) and descriptor[2] <= 8
        width = "u1" if eight else ("<u2" if little_endian else ">u2")
        raw = np.frombuffer(data[: len(data) // np.dtype(width).itemsize * np.dtype(width).itemsize], dtype=width)
    else:
        raw = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    return raw[:count].astype(np.uint16) if raw.size else None


def is_little_endian(header: Header) -> bool:
    """How the file orders the bytes of a number, which look-up tables of raw bytes need."""
    encoding = getattr(header, "original_encoding", (None, True))
    return encoding[1] is not False


def file_windows(header: Header) -> tuple[NamedWindow, ...]:
    """The windows of the header, else of its functional groups, whose width their formula can use."""
    for holder in (
        header,
        item(header, "SharedFunctionalGroupsSequence", "FrameVOILUTSequence"),
        item(header, "PerFrameFunctionalGroupsSequence", "FrameVOILUTSequence"),
    ):
        if holder is not None and (found := _windows(holder)):
            return found
    return ()


def _windows(holder: Header) -> tuple[NamedWindow, ...]:
    levels, widths = numbers(holder, "WindowCenter"), numbers(holder, "WindowWidth")
    names = each_code(holder, "WindowCenterWidthExplanation", WINDOW_NAMES)
    function = _FUNCTIONS.get(code(holder, "VOILUTFunction", _FUNCTIONS), "LINEAR")
    pairs = [Window(width, level, function) for level, width in zip(levels, widths, strict=False)]
    named = zip((*names, *[""] * len(pairs)), pairs, strict=False)
    return tuple((name.capitalize(), one) for name, one in named if is_valid(one) and _is_finite(one))


def _is_finite(window: Window) -> bool:
    return abs(window.level) < 1e30 and window.width < 1e30


def padding(header: Header) -> tuple[int, int] | None:
    """Lowest and highest stored value that stands for "no data" (PS3.3 C.7.5.1.1.2), both included."""
    value_, limit = whole(header, "PixelPaddingValue"), whole(header, "PixelPaddingRangeLimit")
    if value_ is None:
        return None
    return (value_, value_) if limit is None else (min(value_, limit), max(value_, limit))


def unit(header: Header, modality: str, rescaled: bool) -> str:
    """The unit of the numbers; CT is in HU unless the file says otherwise (PS3.3 C.8.2.1)."""
    shared = item(header, "SharedFunctionalGroupsSequence", "PixelValueTransformationSequence")
    said = value(shared if shared is not None else header, "RescaleType")
    if said is not None:
        return _UNITS.get(str(said).strip().upper(), "")
    return "HU" if modality == "CT" and rescaled else ""
