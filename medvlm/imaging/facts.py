"""What one DICOM header says that sorting, splitting and decoding a series need: numbers and words of closed lists."""

from dataclasses import dataclass

from medvlm.imaging.dicom import body_region, check_is_picture, free_texts, parsed
from medvlm.imaging.domain import MODALITIES, Region
from medvlm.imaging.elements import Place, quick_header
from medvlm.imaging.frames import PALETTE, Layout, check_length, layout_of
from medvlm.imaging.header import Header, code, codes, items, number, numbers, value, whole
from medvlm.imaging.identity import quick_traces
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part
from medvlm.imaging.placement import FrameFacts, frames_of
from medvlm.imaging.series_words import words_of
from medvlm.types import NO_TRACES, Traces

# The third or fourth value of an MR image type: magnitude, phase, real, imaginary; Dixon's parts; maps.
_IMAGE_TYPES = ("M", "P", "R", "I", "M_FFE", "P_MAP", "WATER", "FAT", "IN_PHASE", "OUT_PHASE", "ADC", "TRACEW", "FA")
_IMAGE_WORDS = frozenset(("LOCALIZER", "MPR", "ADC", "TRACEW", "PERFUSION", "DIFFUSION", "MIP", "AXIAL"))
_SPELLED = frozenset(_IMAGE_TYPES)


@dataclass(frozen=True, slots=True, eq=False)
class FileFacts:
    """One file's facts. `uids` (series, instance) serve for grouping only and go no further.

    `place` is where the pixels stand; None where only reading the whole file tells. `plain` pictures can be decoded
    frame by frame; others (palettes, look-up tables, tiles, bits) go through the reader of single files. The frames of
    a `tiled` file are parts of one picture. `traces`: of the header's top level.
    """

    uids: tuple[str, str]
    modality: str
    layout: Layout
    localizer: bool
    frames: tuple[FrameFacts, ...]
    instance: float | None
    series_number: float | None
    image_type: str | None
    words: tuple[str, ...]
    spacing: tuple[float, ...]
    region: Region | None
    place: Place | None
    plain: bool
    tiled: bool
    traces: Traces = NO_TRACES

    @property
    def form(self) -> tuple[object, ...]:
        """Files of one stack have this in common."""
        layout = self.layout
        grey = layout.photometric if layout.is_grey or layout.photometric == PALETTE else "colour"
        return self.modality, layout.rows, layout.columns, grey, self.localizer, layout.keyword, self.spacing

    @property
    def pixels_at(self) -> int:
        return 0 if self.place is None else self.place.at


def facts_of(part: Part, what: str, limits: Limits) -> FileFacts:
    """Reads a header, no pixels if that can be avoided; raises `UserError` for what is no picture or beyond a limit."""
    header: Header = quick_header(part.head())
    if header is None:
        data = part.read()
        header = quick_header(data) or parsed(data, what, limits)
    place: Place | None = getattr(header, "pixels", None)
    check_is_picture(header, what)
    modality = code(header, "Modality", MODALITIES)
    layout = layout_of(header, what)
    limits.check_frame(layout.rows, layout.columns, what)
    limits.check_frames(layout.frames, what)
    if place is not None and not layout.encapsulated:
        check_length(min(place.length or 0, part.size - place.at), layout, what)
    return FileFacts(
        uids=(_series(header), _uid(header, "SOPInstanceUID")),
        modality=modality,
        layout=layout,
        localizer="LOCALIZER" in codes(header, "ImageType", _IMAGE_WORDS),
        frames=frames_of(header, layout.frames),
        instance=number(header, "InstanceNumber"),
        series_number=number(header, "SeriesNumber"),
        image_type=_image_type(header),
        words=_words(header),
        spacing=tuple(round(size, 4) for size in numbers(header, "PixelSpacing")),
        region=body_region(header),
        place=place,
        plain=place is not None and _is_plain(header, layout),
        tiled=layout.frames > 1 and not layout.is_grey and whole(header, "TotalPixelMatrixRows") is not None,
        traces=quick_traces(header, modality),
    )


def _series(header: Header) -> str:
    """With the study's identifier: files without one of their series may be of several patients."""
    return " ".join((_uid(header, "StudyInstanceUID"), _uid(header, "SeriesInstanceUID")))


def _uid(header: Header, keyword: str) -> str:
    found = value(header, keyword)
    return str(found) if isinstance(found, str) else ""


def _image_type(header: Header) -> str | None:
    found = sorted(codes(header, "ImageType", _SPELLED))
    return found[0] if found else None


def _words(header: Header) -> tuple[str, ...]:
    """The known words of the free texts, which go no further than this."""
    return words_of((*free_texts(header), *sorted(codes(header, "ImageType", _IMAGE_WORDS))))


def _is_plain(header: Header, layout: Layout) -> bool:
    if layout.bits_allocated not in (8, 16, 32, 64) or layout.photometric == PALETTE:
        return False
    if not layout.is_grey:
        return layout.bits_stored <= 8 and whole(header, "TotalPixelMatrixRows") is None
    return not items(header, "ModalityLUTSequence") and not items(header, "VOILUTSequence")
