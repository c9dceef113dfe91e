"""One DICOM file -> `Scan`: from the header only an allow-list of facts is read, and nothing that could name anyone."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medvlm.errors import UserError
from medvlm.imaging import greyscale
from medvlm.imaging.dicomdir import DICOMDIR
from medvlm.imaging.domain import MODALITIES, WITHOUT_PIXELS, Region, domain_of, region_of, word_of
from medvlm.imaging.frames import Layout, check_limits, decoded_frames, layout_of
from medvlm.imaging.geometry import plane_of
from medvlm.imaging.header import Header, code, codes, item, items, value, whole
from medvlm.imaging.limits import Limits
from medvlm.imaging.placement import frame_seconds, frames_of, geometry_of, placed, sides_of
from medvlm.imaging.series_words import description_of, words_of
from medvlm.imaging.shown import Shown, coloured, grey
from medvlm.imaging.sniff import after_meta
from medvlm.imaging.spacing import spacing_of
from medvlm.types import Geometry, Pixels, Scan, Spacing

_DEFLATED = b"1.2.840.10008.1.2.1.99"
# SNOMED codes of the chest in the Anatomic Region Sequence (PS3.16 CID 4031), for files without a body part word.
_CHEST_CODES = frozenset({"51185008", "43799004", "T-D3000", "T-D3050"})
# Pictures whose pixels often carry the patient's name as text.
_OFTEN_TEXT = frozenset({"US", "IVUS", "SC", "OT", "ES", "XC"})


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """Where the slices lie in the patient, in numbers and, with the known words of the header, in `description`."""

    spacing: Spacing | None
    geometry: Geometry | None
    description: str
    notes: tuple[str, ...]


def read_dicom(data: bytes, what: str, limits: Limits, sha256: str) -> Scan:
    """Reads a single DICOM file of any kind that holds pixels; `what` names the file in errors."""
    header = parsed(data, what, limits)
    modality = code(header, "Modality", MODALITIES)
    check_is_picture(header, what)
    layout = layout_of(header, what)
    rescales = greyscale.frame_rescales(header, layout.frames)
    check_limits(layout, not all(one.keeps_integers for one in rescales), limits, what)
    region = body_region(header)
    frames = decoded_frames(header, layout, limits, what)
    if layout.is_grey:
        shown = grey(header, layout, list(frames), rescales, modality, region)
    else:
        shown = coloured(header, layout, frames, limits, what)
    slices, geometry, place_notes = _in_place(header, shown.slices)
    spacing, spacing_note = spacing_of(header, modality, layout.frames)
    place = Whereabouts(spacing, geometry, _description(header, geometry), (spacing_note, *place_notes))
    return described(header, modality, region, layout, replace(shown, slices=slices), place, sha256)


def described(
    header: Header, modality: str, region: Region | None, layout: Layout, shown: Shown, place: Whereabouts, sha256: str
) -> Scan:
    """The scan of one picture or stack: with what the header says of it in closed lists, and nothing else of it."""
    count = len(shown.slices)
    domain, source = domain_of(modality, region)
    word = word_of(modality)
    inverted = layout.photometric == "MONOCHROME1"
    return Scan(
        slices=shown.slices,
        domain=domain,
        domain_source=source,
        sha256=sha256,
        name=f"{word} {'picture' if count == 1 else 'stack'}",
        kind=f"DICOM {modality}".strip(),
        spacing=place.spacing,
        window=shown.window,
        more_windows=shown.more_windows,
        inverted=inverted,
        unit=shown.unit,
        notes=(
            *shown.notes,
            *(("MONOCHROME1 inverted",) if inverted else ()),
            *place.notes,
            *_text_note(header, modality),
            "header removed",
        ),
        geometry=place.geometry,
        frame_seconds=frame_seconds(header, count) if layout.frames > 1 else None,
        description=place.description,
    )


def _in_place(header: Header, slices: Sequence[Pixels]) -> tuple[tuple[Pixels, ...], Geometry | None, list[str]]:
    """The slices sorted along their normal, where the header says where each lies."""
    frames = frames_of(header, len(slices))
    order, arrangement = placed(frames)
    notes = [] if order == tuple(range(len(slices))) else ["slices sorted by position"]
    notes += (
        [f"gantry tilted by {arrangement.tilt:.3g} degrees"] if arrangement is not None and arrangement.tilt else []
    )
    geometry = geometry_of(sides_of(header, frames), [frames[index].position for index in order], arrangement)
    return tuple(slices[index] for index in order), geometry, notes


def _description(header: Header, geometry: Geometry | None) -> str:
    """The known words of the series description and protocol, after the plane that the orientation says."""
    plane = plane_of(geometry.across, geometry.down) if geometry is not None and geometry.positions else ""
    return description_of(words_of(free_texts(header)), plane)


def free_texts(header: Header) -> list[str]:
    """Texts that may name a patient: only for `words_of`, which takes known words out of them."""
    said = (value(header, keyword) for keyword in ("SeriesDescription", "ProtocolName"))
    return [text for text in said if isinstance(text, str)]


def parsed(data: bytes, what: str, limits: Limits) -> Header:
    """pydicom's data set; where the file does not say how it is stored, as its bytes tell. Raises `UserError` for a
    deflated file beyond the limits."""
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    _check_deflated(data, what, limits)
    header = dcmread(io.BytesIO(data), force=True)
    if not getattr(header.file_meta, "TransferSyntaxUID", None):
        implicit, little = header.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    return header


def _check_deflated(data: bytes, what: str, limits: Limits) -> None:
    """A deflated file may unpack to a thousand times its size: it is unpacked once in pieces, and only counted."""
    start = after_meta(data)
    if _DEFLATED not in data[:start]:
        return
    unpacker, packed, size = zlib.decompressobj(-zlib.MAX_WBITS), data[start:], 0
    while packed and not unpacker.eof:
        size += len(unpacker.decompress(packed, 1 << 24))
        limits.check_total(size, what)
        packed = unpacker.unconsumed_tail


def check_is_picture(header: Header, what: str) -> None:
    """Raises `UserError`, with what it is instead, for a DICOM file that is no picture or not one to show."""
    if str(getattr(header.file_meta, "MediaStorageSOPClassUID", "")) == DICOMDIR or items(
        header, "DirectoryRecordSequence"
    ):
        raise UserError(f"{what} is a DICOMDIR, the table of contents of a disc. Add the picture files that it lists.")
    if any(value(header, name) is not None for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        if "LABEL" in codes(header, "ImageType", frozenset({"LABEL"})):
            raise UserError(
                f"{what} is the photographed label of a slide, which may name the patient. Add the slide's own picture."
            )
        return
    if items(header, "EncryptedAttributesSequence"):
        raise UserError(
            f"{what} is encrypted and holds no readable picture. Decrypt it where it was exported and add it again."
        )
    kind = code(header, "Modality", WITHOUT_PIXELS)
    if kind and whole(header, "Rows") is None:
        raise UserError(
            f"{what} is a DICOM {kind} ({WITHOUT_PIXELS[kind]}), which holds no picture. Add the pictures of the study."
        )
    if whole(header, "Rows") is None:
        raise UserError(f"{what} is a DICOM file without a picture, or cut short. Add the pictures of the study.")
    raise UserError(f"{what} is cut short: it has a picture's header but no pixel data. Export or copy it again.")


def body_region(header: Header) -> Region | None:
    """The region that the file names by word or by code; None where it names none that is known."""
    said = value(header, "BodyPartExamined")
    region = region_of(said) if isinstance(said, str) else None
    if region is None:
        place = item(header, "AnatomicRegionSequence")
        if place is not None and code(place, "CodeValue", _CHEST_CODES):
            return "chest"
    return region


def _text_note(header: Header, modality: str) -> tuple[str, ...]:
    """A warning where text in the pixels may name the patient."""
    said = code(header, "BurnedInAnnotation", ("YES", "NO"))
    if said == "YES":
        return ("the file says that text is burned into the picture: it may name the patient",)
    if said == "" and modality in _OFTEN_TEXT:
        return ("pictures of this kind often carry burned-in text: check that it names nobody",)
    return ()
