"""A DICOM picture whose header holds a string of its own in every text element that the standard has."""

import re
from functools import cache
from typing import Any

from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.dicom_cases import dataset, ramp, written

TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
# Every planted text begins so; nothing else in the program does.
MARK = "ZQX"
DATE, TIME, UID = "19470203", "112233.4711", "1.2.999.4711"
PLANTED = re.compile(f"{MARK}[0-9]{{5}}|{DATE}|{re.escape(TIME)}|{re.escape(UID)}", re.IGNORECASE)
# Without these there is no picture.
_NEEDED = frozenset(("SpecificCharacterSet", "PhotometricInterpretation", "Modality", "SOPClassUID"))


def found(text: str | bytes) -> list[str]:
    """What of the planted stands in a text."""
    return PLANTED.findall(text.decode("latin-1") if isinstance(text, bytes) else text)


@cache
def plants() -> dict[int, tuple[str, str]]:
    """Tag -> kind and value, of every public element that holds text, dates or unique identifiers."""
    made = {}
    for number, (tag, (kind, _, _, _, keyword)) in enumerate(DicomDictionary.items()):
        if tag >> 16 < 8 or not keyword or keyword in _NEEDED:
            continue
        if kind in TEXTS:
            made[tag] = (kind, f"{MARK}{number:05}")
        elif kind in ("DA", "DT", "TM"):
            made[tag] = (kind, {"DA": DATE, "DT": f"{DATE}{TIME}", "TM": TIME}[kind])
        elif kind == "UI":
            made[tag] = (kind, f"{UID}.{number}")
    return made


def planted(modality: str = "CT", **elements: Any) -> bytes:
    """The picture, 16 x 16. Also private elements, overlay texts, nested items, the meta header, and trailing bytes."""
    ds = dataset(ramp(16, 16, "uint16"), modality, **elements)
    _sow(ds)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.SourceApplicationEntityTitle = f"{MARK}90001"
    ds.file_meta.PrivateInformationCreatorUID = f"{UID}.90002"
    ds.file_meta.PrivateInformation = f"{MARK}90003 ".encode()
    ds.preamble = f"{MARK}90004".encode().ljust(128, b"\0")
    block = ds.private_block(0x0009, f"{MARK}90005", create=True)
    block.add_new(0x01, "LO", f"{MARK}90006")
    block.add_new(0x02, "UN", f"{MARK}90007 ".encode())
    ds.add_new(0x60001500, "LO", f"{MARK}90008")
    ds.add_new(0x60004000, "LT", f"{MARK}90009")
    ds.add_new(0x50000030, "SH", f"{MARK}90010")
    ds.add_new(0xFFFCFFFC, "OB", f"{MARK}90011 ".encode())
    inner = Dataset()
    _sow(inner)
    outer = Dataset()
    outer.FrameContentSequence = Sequence([inner])
    ds.SharedFunctionalGroupsSequence = Sequence([outer])
    ds.RequestAttributesSequence = Sequence([inner])
    return written(ds)


def _sow(ds: Dataset) -> None:
    for tag, (kind, text) in plants().items():
        if tag not in ds or kind == "UI":
            ds.add_new(tag, kind, text)
