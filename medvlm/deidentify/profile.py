"""What PS3.15's Basic Profile does with each element, and what happens here to those that its table does not name."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Literal

from medvlm.deidentify.words import KEPT

# Table E.1-1 as the package dicom-anonymizer generates it from this edition of the standard.
EDITION = "2026c"
_TABLE = f"dicomanonymizer.dicom_anonymization_databases.dicomfields_{EDITION}"
INSTALL = "pip install dicom-anonymizer==2.1.0"

# X removes, Z empties, D puts in a dummy, U a new unique identifier; K keeps. "items": look into a sequence's items.
Action = Literal["X", "Z", "D", "U", "K", "items"]
# Where the table leaves a choice by whether an object requires the element, the stricter one that leaves pictures
# valid is taken: what is optional in every kind of picture goes.
_GROUPS: Mapping[str, Action] = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "D",
    "X_Z_TAGS": "Z",
    "X_D_TAGS": "X",
    "X_Z_D_TAGS": "X",
    "X_Z_U_STAR_TAGS": "X",
}
# With shifted dates (option 113107) the dates and times of the table stay, moved; those of a birth do not.
_BIRTH = frozenset((0x00100030, 0x00100032, 0x00100033, 0x00100034, 0x00100035))
TEMPORAL = frozenset(("DA", "DT", "TM"))

# Beyond the table. The profile keeps elements that it does not name, and free text may say anything: so what is not
# known to be harmless goes, too. Numbers stay; so do code words of these elements, and of text what is listed.
_FREE = frozenset(("AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UN", "UR", "UT"))
_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "OB or OW"))
_KEPT_BULK = frozenset(
    (
        *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "LUTData", "ExtendedOffsetTable"),
        *("ExtendedOffsetTableLengths", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData"),
        *("BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData"),
        *("SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData"),
    )
)
_ITEMS_KEPT_OUT = frozenset(("IconImageSequence", "DeidentificationMethodCodeSequence"))
_OVERLAYS, _CURVES = 0x6000, 0x5000


@cache
def table() -> tuple[dict[int, Action], tuple[tuple[int, int, Action], ...]]:
    """Tag -> action; and (tag, mask, action) for groups that repeat. Raises `ImportError` without the package."""
    data = importlib.import_module(_TABLE)
    single: dict[int, Action] = {}
    repeated: list[tuple[int, int, Action]] = []
    for name, action in _GROUPS.items():
        for tag in getattr(data, name):
            if len(tag) == 2:
                single[tag[0] << 16 | tag[1]] = action
            else:
                repeated.append((tag[0] << 16 | tag[1], tag[2] << 16 | tag[3], action))
    return single, tuple(repeated)


def action_of(tag: int, kind: str, keyword: str, shifted: bool = False) -> Action:
    """What happens to an element. `kind` is its value representation, `shifted`: dates are moved rather than removed.

    "K" for a temporal kind with `shifted` means: moved.
    """
    group = tag >> 16
    if group & 1 or group & 0xFF00 in (_OVERLAYS, _CURVES) or not keyword:
        return "X"
    said = _said(tag)
    if said is not None and shifted and kind in TEMPORAL and tag not in _BIRTH:
        return "K"
    return said or _unsaid(kind, keyword)


def _said(tag: int) -> Action | None:
    single, repeated = table()
    found = single.get(tag)
    return found or next((action for base, mask, action in repeated if tag & mask == base & mask), None)


def _unsaid(kind: str, keyword: str) -> Action:
    if kind == "SQ":
        return "X" if keyword in _ITEMS_KEPT_OUT else "items"
    if kind == "UI":
        return "U"
    if kind == "CS" or keyword == "RescaleType":
        return "K" if keyword in KEPT else "X"
    if kind in _BULK:
        return "K" if keyword in _KEPT_BULK else "X"
    return "X" if kind in _FREE else "K"
