"""One DICOM file -> `Scan`: from the header only an allow-list of facts is read, and nothing that could name anyone."""

import io
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from medvlm.errors import UserError
from medvlm.imaging import greyscale
from medvlm.imaging.colour import palette_of, to_eight_bits
from medvlm.imaging.domain import CT_PRESETS, MODALITIES, WITHOUT_PIXELS, Region, domain_of, region_of
from medvlm.imaging.frames import PALETTE, Layout, check_limits, decoded_frames, layout_of
from medvlm.imaging.geometry import plane_of
from medvlm.imaging.header import Header, code, codes, item, items, value, whole
from medvlm.imaging.limits import Limits
from medvlm.imaging.mosaic import mosaic_of
from medvlm.imaging.placement import frame_seconds, frames_of, geometry_of, placed, sides_of
from medvlm.imaging.series_words import description_of, words_of
from medvlm.imaging.sniff import after_meta
from medvlm.imaging.spacing import spacing_of
from medvlm.imaging.window import HIGH, LOW, PRESETS, automatic, full_range, words
from medvlm.types import Geometry, Pixels, Scan, Window

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DICOMDIR = "1.2.840.10008.1.3.10"
# SNOMED codes of the chest in the Anatomic Region Sequence (PS3.16 CID 4031), for files without a body part word.
_CHEST_CODES = frozenset({"51185008", "43799004", "T-D3000", "T-D3050"})
UNNAMED = frozenset({"", "SC", "OT"})
# Pictures whose pixels often carry the patient's name as text.
_OFTEN_TEXT = frozenset({"US", "IVUS", "SC", "OT", "ES", "XC"})
_SAMPLED_FRAMES = 32


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Slices with the window that shows them, and what was done to get there."""

    slices: tuple[Pixels, ...]
    window: Window | None
    unit: str
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
        shown = _grey(header, layout, list(frames), rescales, modality, region)
    else:
        shown = _coloured(header, layout, frames, limits, what)
    slices, geometry, place_notes = _in_place(header, shown.slices)
    inverted = layout.photometric == "MONOCHROME1"
    spacing, spacing_note = spacing_of(header, modality, layout.frames)
    domain, source = domain_of(modality, region)
    word = "DICOM" if modality in UNNAMED else MODALITIES[modality]
    return Scan(
        slices=slices,
        domain=domain,
        domain_source=source,
        sha256=sha256,
        name=f"{word} {'picture' if len(shown.slices) == 1 else 'stack'}",
        kind=f"DICOM {modality}".strip(),
        spacing=spacing,
        window=shown.window,
        inverted=inverted,
        unit=shown.unit,
        notes=(
            *shown.notes,
            *(("MONOCHROME1 inverted",) if inverted else ()),
            spacing_note,
            *place_notes,
            *text_note(header, modality),
            "header removed",
        ),
        geometry=geometry,
        frame_seconds=frame_seconds(header, len(slices)),
        description=description(header, geometry),
    )


def _in_place(header: Header, slices: tuple[Pixels, ...]) -> tuple[tuple[Pixels, ...], Geometry | None, list[str]]:
    """The slices sorted along their normal, where the header says where each lies."""
    frames = frames_of(header, len(slices))
    order, arrangement = placed(frames)
    notes = [] if order == tuple(range(len(slices))) else ["slices sorted by position"]
    notes += (
        [f"gantry tilted by {arrangement.tilt:.3g} degrees"] if arrangement is not None and arrangement.tilt else []
    )
    geometry = geometry_of(sides_of(header, frames), [frames[index].position for index in order], arrangement)
    return tuple(slices[index] for index in order), geometry, notes


def description(header: Header, geometry: Geometry | None) -> str:
    """The known words of the series description and protocol, after the plane that the orientation says."""
    plane = plane_of(geometry.across, geometry.down) if geometry is not None and geometry.positions else ""
    return description_of(words_of(free_texts(header)), plane)


def free_texts(header: Header) -> list[str]:
    """Texts that may name a patient: only for `words_of`, which takes known words out of them."""
    said = (value(header, keyword) for keyword in ("SeriesDescription", "ProtocolName"))
    return [text for text in said if isinstance(text, str)]


def parsed(data: bytes, what: str, limits: Limits) -> Header:
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
    if str(getattr(header.file_meta, "MediaStorageSOPClassUID", "")) == _DICOMDIR or items(
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
    said = value(header, "BodyPartExamined")
    region = region_of(said) if isinstance(said, str) else None
    if region is None:
        place = item(header, "AnatomicRegionSequence")
        if place is not None and code(place, "CodeValue", _CHEST_CODES):
            return "chest"
    return region


def text_note(header: Header, modality: str) -> tuple[str, ...]:
    said = code(header, "BurnedInAnnotation", ("YES", "NO"))
    if said == "YES":
        return ("the file says that text is burned into the picture: it may name the patient",)
    if said == "" and modality in _OFTEN_TEXT:
        return ("pictures of this kind often carry burned-in text: check that it names nobody",)
    return ()


def _coloured(header: Header, layout: Layout, frames: Iterable[Pixels], limits: Limits, what: str) -> Shown:
    if layout.photometric == PALETTE:
        palette = palette_of(header, layout.signed, what)
        return Shown(tuple(palette(frame) for frame in frames), None, "", ("palette colours applied",))
    mosaic = mosaic_of(header, layout, limits, what)
    slices = tuple(to_eight_bits(frame, layout.bits_stored) for frame in frames)
    notes = ["YBR colours brought to RGB"] if layout.photometric.startswith("YBR") else []
    notes += [f"{layout.bits_stored}-bit colour brought to 8 bits"] if layout.bits_stored > 8 else []
    if mosaic is None:
        return Shown(slices, None, "", tuple(notes))
    return Shown((mosaic.assembled(slices),), None, "", (*notes, f"slide put together from {len(mosaic.places)} tiles"))


def _grey(
    header: Header, layout: Layout, frames: list[Pixels], rescales: tuple[greyscale.Rescale, ...],
    modality: str, region: Region | None,
) -> Shown:  # fmt: skip
    """Modality table or rescale, then VOI table or window (PS3.3 C.11.1 and C.11.2)."""
    frames = [finite_frame(frame) for frame in frames]
    padding = greyscale.padding(header)
    keep = [sample_of(frame, padding) for frame in some_of(frames)]
    table = greyscale.modality_table(header)
    notes: list[str] = []
    if table is not None:
        frames, keep = [table(frame) for frame in frames], [table(sample) for sample in keep]
        notes.append("modality look-up table from the file applied")
    elif rescales:
        first = rescales[0]
        every = list(rescales) * (layout.frames if len(rescales) == 1 else 1)
        kept = [every[index] for index in some_of(range(layout.frames))]
        low, high = float(min(frame.min() for frame in frames)), float(max(frame.max() for frame in frames))
        for index, one in enumerate(every):
            frames[index] = one(frames[index], low, high)  # in place: a large stack is never there twice
        frames = alike(frames)
        keep = alike([one(sample, low, high) for one, sample in zip(kept, keep, strict=True)])
        notes += rescale_note(first, len(rescales), modality)
    unit = greyscale.unit(header, modality, rescaled=bool(rescales) and table is None)
    return _windowed(
        header, layout, frames, np.concatenate([one.reshape(-1) for one in keep]), unit, modality, region, notes
    )


def rescale_note(first: greyscale.Rescale, count: int, modality: str) -> list[str]:
    if count > 1:
        return ["numbers rescaled slice by slice, as the file says"]
    if first == greyscale.Rescale():
        return []
    aim = "to HU " if modality == "CT" else ""
    return [f"numbers rescaled {aim}(slope {first.slope:g}, intercept {first.intercept:g})"]


def _windowed(
    header: Header, layout: Layout, frames: list[Pixels], sample: Pixels, unit: str,
    modality: str, region: Region | None, notes: list[str],
) -> Shown:  # fmt: skip
    voi = greyscale.voi_table(header, lowest=float(min(frame.min() for frame in frames)))
    in_file = greyscale.file_window(header)
    # In HU the window is kept in favour of the table, so that the numbers stay in HU and presets keep their meaning.
    if voi is not None and not (in_file is not None and unit == "HU"):
        kind = np.uint8 if voi.bits <= 8 else np.uint16
        baked = tuple(voi(frame).astype(kind) for frame in frames)
        return Shown(baked, full_range(0, (1 << voi.bits) - 1), "", (*notes, "VOI look-up table from the file applied"))
    window, note = window_of(layout, lambda: sample, unit, modality, region, header, in_file)
    return Shown(tuple(frames), window, unit, (*notes, note))


def window_of(
    layout: Layout, sample: Callable[[], Pixels], unit: str, modality: str, region: Region | None,
    header: Header, in_file: greyscale.FileWindow | None,
) -> tuple[Window, str]:  # fmt: skip
    """The window of the file, else that of the region, else one by percentiles of `sample()`; and a note."""
    if in_file is not None:
        more = f" (first of {in_file.choices})" if in_file.choices > 1 else ""
        curve = "" if in_file.window.function != "SIGMOID" else ", sigmoid"
        return in_file.window, f"window {words(in_file.window)} from the file{more}{curve}"
    localizer = "LOCALIZER" in codes(header, "ImageType", frozenset({"LOCALIZER"}))
    if modality == "CT" and unit == "HU" and not localizer:
        name = CT_PRESETS.get(region, "soft tissue") if region else "soft tissue"
        window = PRESETS["ct"][name]
        return window, f"no window in the file: {name} window {words(window)}"
    if layout.bits_stored <= 8 and layout.keyword == "PixelData" and not unit and not layout.signed:
        top = (1 << layout.bits_stored) - 1
        return full_range(0, top), f"{layout.bits_stored}-bit grey shown as stored"
    return automatic(sample()), f"no window in the file: percentiles {LOW:g} to {HIGH:g}"


def some_of(things: Sequence[Pixels] | range) -> list:  # type: ignore[type-arg]
    """At most 32 of many frames, evenly spread: enough for percentiles."""
    step = -(-len(things) // _SAMPLED_FRAMES)
    return list(things[::step])


def sample_of(frame: Pixels, padding: tuple[int, int] | None) -> Pixels:
    """About 65,000 stored values of a frame, without those that stand for "no data"."""
    flat = frame.reshape(-1)
    flat = flat[:: max(1, flat.size // 65536)]
    if padding is None:
        return flat
    kept = flat[(flat < padding[0]) | (flat > padding[1])]
    return kept if kept.size else flat


def finite_frame(frame: Pixels) -> Pixels:
    if frame.dtype.kind != "f":
        return frame
    single = frame.astype(np.float32)
    good = single[np.isfinite(single)]
    low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 0.0)
    return np.nan_to_num(single, nan=low, posinf=high, neginf=low)


def alike(frames: list[Pixels]) -> list[Pixels]:
    """All frames in one type: the common one where their rescales led to several."""
    kind = np.result_type(*{frame.dtype for frame in frames})
    return [frame.astype(np.float32 if kind.kind == "f" else kind, copy=False) for frame in frames]
