"""A DICOM header in one pass over its bytes, for the hundreds of files of a series; full parsing only where it must be.

Reading each header of a series into objects takes longer than decoding its pixels. This pass only notes where each
top-level element stands, and reads an element when it is asked for. Whatever is out of the ordinary (big endian,
deflated, damaged, an element of an unusual kind) is left to pydicom.
"""

import io
import struct
from functools import cache
from typing import Any, NamedTuple

_LONG = frozenset((b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"))
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_TEXTS = frozenset((b"CS", b"UI", b"LO", b"SH", b"AS"))
_NUMBERS = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d"}
_READ = _TEXTS | _NUMBERS.keys() | {b"DS", b"IS"}
_IMPLICIT = "1.2.840.10008.1.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG = "1.2.840.10008.1.2.2"
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_HEAD = struct.Struct("<HH2sH").unpack_from
_TAG = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from
_DEEPEST = 16


class Unsure(Exception):
    """The bytes are not laid out as this pass expects: the full parser decides."""


class Meta(NamedTuple):
    """What the meta header says, under pydicom's names; `TransferSyntaxUID` is a `pydicom.uid.UID`."""

    TransferSyntaxUID: Any
    MediaStorageSOPClassUID: str


class Place(NamedTuple):
    """Where the value of the pixel data starts; `length` is None where it is undefined (encapsulated)."""

    tag: int
    kind: str
    at: int
    length: int | None

    def value(self, data: bytes) -> memoryview:
        end = len(data) if self.length is None else self.at + self.length
        return memoryview(data)[self.at : end]


class QuickHeader:
    """The header of one file: `get(keyword)` as pydicom's data set has it, numbers as float or int.

    `pixels` says where the pixel data stands, or is None where the file has none.
    """

    def __init__(self, data: bytes, meta: "Meta", at: int) -> None:
        self._data = data
        self._implicit = meta.TransferSyntaxUID == _IMPLICIT
        self._full: Any = None
        self.file_meta = meta
        self.elements: dict[int, tuple[bytes, int, int]] = {}
        self.pixels: Place | None = None
        self._walk(at)

    def _walk(self, at: int) -> None:
        """The hot loop: plain statements, since every call here is made a hundred thousand times for a series."""
        data, elements, end = self._data, self.elements, len(self._data) - 8
        implicit, before = self._implicit, 0
        while at <= end:
            if implicit:
                group, number, length = _TAG(data, at)
                kind, at = b"", at + 8
            else:
                group, number, kind, length = _HEAD(data, at)
                if kind in _LONG:
                    if at + 12 > len(data):
                        raise Unsure
                    length = _LENGTH(data, at + 8)[0]
                    at += 12
                elif kind in _SHORT:
                    at += 8
                else:
                    raise Unsure
            tag = group << 16 | number
            if tag <= before:
                raise Unsure
            before = tag
            if tag in PIXELS:
                self.pixels = Place(tag, kind.decode() or "OW", at, None if length == _UNDEFINED else length)
                return
            elements[tag] = (kind, at, length)
            at = _after_sequence(data, at, implicit or kind == b"UN", 0) if length == _UNDEFINED else at + length
        if at != len(data):
            raise Unsure

    def get(self, keyword: str) -> Any:
        """The element's value; None where it is absent. Sequences and unusual kinds come from pydicom."""
        from pydicom.datadict import tag_for_keyword

        tag = tag_for_keyword(keyword)
        if self.pixels is not None and tag == self.pixels.tag:
            return self.pixels
        found = None if tag is None else self.elements.get(int(tag))
        if found is None:
            return None
        kind, at, length = found
        if self._implicit:
            from pydicom.datadict import dictionary_VR

            kind = dictionary_VR(tag).encode()
        if length == _UNDEFINED or kind not in _READ:
            return self.full.get(keyword)
        return _value(kind, self._data[at : at + length])

    @property
    def full(self) -> Any:
        """The same header, parsed by pydicom."""
        if self._full is None:
            from pydicom import dcmread

            self._full = dcmread(io.BytesIO(self._data), force=True, stop_before_pixels=True)
        return self._full


def _value(kind: bytes, raw: bytes) -> Any:
    form = _NUMBERS.get(kind)
    if form is not None:
        size = struct.calcsize(form)
        several: list[Any] = list(struct.unpack(f"<{len(raw) // size}{form}", raw[: len(raw) // size * size]))
    else:
        words = raw.rstrip(b"\0 ").decode("latin-1").split("\\")
        # A damaged number fails here as it does in pydicom, and then counts as absent.
        several = [float(word) for word in words] if kind in (b"DS", b"IS") and any(words) else words
        several = [word.strip() if isinstance(word, str) else word for word in several]
    if not several:
        return None
    return several[0] if len(several) == 1 else several


def _after_sequence(data: bytes, at: int, implicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends; `at` is its first item."""
    while depth < _DEEPEST and at + 8 <= len(data):
        group, number, length = _TAG(data, at)
        tag, at = group << 16 | number, at + 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            break
        at = _after_item(data, at, implicit, depth + 1) if length == _UNDEFINED else at + length
    raise Unsure


def _after_item(data: bytes, at: int, implicit: bool, depth: int) -> int:
    while at + 8 <= len(data):
        group, number, kind, length = _HEAD(data, at)
        if (group << 16 | number) == _ITEM_END:
            return at + 8
        if implicit:
            length, at = _LENGTH(data, at + 4)[0], at + 8
        elif kind in _LONG and at + 12 <= len(data):
            length, at = _LENGTH(data, at + 8)[0], at + 12
        elif kind in _SHORT:
            at += 8
        else:
            raise Unsure
        at = _after_sequence(data, at, implicit or kind == b"UN", depth) if length == _UNDEFINED else at + length
    raise Unsure


def quick_header(data: bytes) -> QuickHeader | None:
    """The header of a file with preamble in little endian up to its pixel data; None where pydicom has to read it.

    `data` may be the start of a file only, if it reaches to the pixel data.
    """
    if data[128:132] != b"DICM":
        return None
    try:
        meta, at = _meta(data)
        if meta.TransferSyntaxUID in (_DEFLATED, _BIG):
            return None
        return QuickHeader(data, meta, at)
    except (Unsure, struct.error):
        return None


def _meta(data: bytes) -> tuple[Meta, int]:
    """The meta header, and where the data set starts."""
    at, found = 132, {}
    while at + 8 <= len(data):
        group, number, kind, length = _HEAD(data, at)
        if group != 2:
            break
        start = at + 8
        if kind in _LONG:
            length, start = _LENGTH(data, at + 8)[0], at + 12
        found[number] = (start, start + length)
        at = start + length
    if 0x0010 not in found:
        raise Unsure
    syntax, kind_of_object = (_uid(data, found.get(number, (0, 0))) for number in (0x0010, 0x0002))
    return Meta(_known(syntax), kind_of_object), at


def _uid(data: bytes, at: tuple[int, int]) -> str:
    return data[at[0] : at[1]].rstrip(b"\0 ").decode("ascii", "replace")


@cache
def _known(syntax: str) -> Any:
    from pydicom.uid import UID, AllTransferSyntaxes

    if syntax not in AllTransferSyntaxes:
        raise Unsure  # also keeps the cache small
    return UID(syntax)
