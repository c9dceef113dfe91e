"""A stack of DICOM slices -> `Scan`: window, unit and notes from its middle slice, pixels when they are asked for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medvlm.imaging import greyscale
from medvlm.imaging.colour import to_eight_bits
from medvlm.imaging.dicom import Whereabouts, described, parsed, read_dicom
from medvlm.imaging.edge import only_advice
from medvlm.imaging.facts import FileFacts
from medvlm.imaging.frames import decoded_frame
from medvlm.imaging.geometry import plane_of
from medvlm.imaging.grouping import Slice, Stack
from medvlm.imaging.header import Header
from medvlm.imaging.lazy import LazySlices
from medvlm.imaging.limits import Limits
from medvlm.imaging.parts import Part, fingerprint, kept
from medvlm.imaging.placement import geometry_of, said_directions
from medvlm.imaging.series_words import description_of
from medvlm.imaging.shown import YBR_TO_RGB, Shown, rescale_note, unpadded, window_of
from medvlm.imaging.spacing import spacing_of
from medvlm.imaging.undefined import finite
from medvlm.imaging.window import sample
from medvlm.types import Geometry, Pixels, Scan, Spacing

# Slices that are decoded for a window by percentiles: more would keep the first picture waiting.
_SAMPLED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One slice's way to its pixels. It is called at most once, by whoever looks first."""

    part: Part
    file: FileFacts
    slice: Slice
    fractions: bool
    what: str
    limits: Limits

    def __call__(self) -> Pixels:
        with only_advice(self.what, "one"):
            return self._plain() if self.file.plain else self._whole()

    def _plain(self) -> Pixels:
        place, layout = self.file.place, self.file.layout
        assert place is not None, "plain files have their pixels at a known place"
        frame = decoded_frame(self.part.read(), place, self.slice.frame, layout, self.limits, self.what)
        if not layout.is_grey:
            return to_eight_bits(frame, layout.bits_stored)
        return numbers_of(frame, self.slice.facts.rescale, self.fractions)

    def _whole(self) -> Pixels:
        return read_dicom(self.part.read(), self.what, self.limits, "").slices[0]


def numbers_of(frame: Pixels, rescale: greyscale.Rescale | None, fractions: bool) -> Pixels:
    """Stored numbers as the header rescales them, in an array of its own; `fractions` makes all slices float32."""
    frame, _ = finite(frame)
    if rescale is not None and rescale != greyscale.Rescale():
        frame = rescale(frame, float(frame.min()), float(frame.max()))
    elif not frame.flags.owndata:
        frame = frame.copy()  # a view would keep the bytes of the file in memory
    return frame.astype(np.float32, copy=False) if fractions else frame


def scan_of(
    stack: Stack, files: Mapping[int, FileFacts], parts: Mapping[int, Part], limits: Limits, what: str
) -> Scan:  # fmt: skip
    """Opens a stack; `files` and `parts` by the index that its slices have. Decodes one slice, or as many as a window
    needs. Raises `UserError` for a stack beyond the limits or a middle slice that cannot be decoded."""
    middle = stack.slices[len(stack.slices) // 2]
    file, part = files[middle.file], parts[middle.file]
    if file.layout.frames > 1:
        part = kept(part)
        parts = {middle.file: part}
    if file.layout.frames > 1 and not file.plain:
        return _with_notes(read_dicom(part.read(), what, limits, hashlib.sha256(part.read()).hexdigest()), stack)
    _check_limits(stack, file, limits, what)
    fractions = any(_gives_fractions(one) for one in stack.slices)
    sources = [
        Opened(parts[one.file], files[one.file], one, fractions, _named(index, len(stack.slices), what), limits)
        for index, one in enumerate(stack.slices)
    ]
    slices = LazySlices(sources)
    mark = _mark(stack, files, parts)
    if not file.plain:
        return _beside(read_dicom(part.read(), what, limits, mark), slices, stack)
    return _described(parsed(part.read(), what, limits), slices, stack, file, mark)


def _named(index: int, count: int, what: str) -> str:
    return what if count == 1 else f"{what}, slice {index + 1} of {count},"


def _gives_fractions(one: Slice) -> bool:
    return one.facts.rescale is not None and not one.facts.rescale.keeps_integers


def _check_limits(stack: Stack, file: FileFacts, limits: Limits, what: str) -> None:
    layout, count = file.layout, len(stack.slices)
    limits.check_frames(count, what)
    width = max(layout.bits_allocated // 8, 4 * _gives_fractions(stack.slices[0])) if layout.is_grey else 3
    limits.check_total(layout.rows * layout.columns * width * count, what)


def _mark(stack: Stack, files: Mapping[int, FileFacts], parts: Mapping[int, Part]) -> str:
    """A single file is named by its bytes; a series by its files' fingerprints in the order of its slices."""
    indices = dict.fromkeys(one.file for one in stack.slices)
    if len(indices) == 1 and len(stack.slices) == len(files[stack.slices[0].file].frames):
        return hashlib.sha256(parts[stack.slices[0].file].read()).hexdigest()
    ranks = {index: rank for rank, index in enumerate(indices)}
    digest = hashlib.sha256(" ".join(f"{ranks[one.file]} {one.frame}" for one in stack.slices).encode())
    for index in indices:
        digest.update(fingerprint(parts[index], files[index].pixels_at))
    return digest.hexdigest()


def _described(header: Header, slices: LazySlices, stack: Stack, file: FileFacts, mark: str) -> Scan:
    shown = _grey(header, slices, stack, file) if file.layout.is_grey else _coloured(slices, file)
    spacing, spacing_note = spacing_of(header, file.modality, file.layout.frames)
    notes = (spacing_note, *stack.notes)
    place = Whereabouts(_spaced(spacing, stack), _geometry(header, stack), description(stack, file), notes)
    return described(header, file.modality, file.region, file.layout, shown, place, mark)


def _coloured(slices: LazySlices, file: FileFacts) -> Shown:
    return Shown(slices, None, "", (YBR_TO_RGB,) if file.layout.photometric.startswith("YBR") else ())


def _grey(header: Header, slices: LazySlices, stack: Stack, file: FileFacts) -> Shown:
    said = [one.facts.rescale for one in stack.slices if one.facts.rescale is not None]
    unit = greyscale.unit(header, file.modality, rescaled=bool(said))
    in_file = greyscale.file_windows(header)
    padding = greyscale.padding(header)
    first = said[0] if said else greyscale.Rescale()
    window, note = window_of(
        file.layout, lambda: _some(slices, padding, first), unit, file.modality, file.region, header, in_file
    )
    several = 1 if len(set(said)) < 2 else len(said)
    notes = (*(rescale_note(first, several, file.modality) if said else ()), note)
    return Shown(slices, window, unit, notes, in_file[1:])


def _some(slices: LazySlices, padding: tuple[int, int] | None, rescale: greyscale.Rescale) -> Pixels:
    """Numbers of a few slices for percentiles, without those that stand for "no data"."""
    step = -(-len(slices) // _SAMPLED)
    numbers = sample(slices[step // 2 :: step])
    if padding is None:
        return numbers
    low, high = sorted(limit * rescale.slope + rescale.intercept for limit in padding)
    return unpadded(numbers, (low, high))


def _geometry(header: Header, stack: Stack) -> Geometry | None:
    sides = stack.directions or said_directions(header)
    return geometry_of(sides, [one.facts.position for one in stack.slices], stack.arrangement)


def _spaced(spacing: Spacing | None, stack: Stack) -> Spacing | None:
    """The places of the slices say how far they are apart, rather than the header."""
    if spacing is None or stack.arrangement is None:
        return spacing
    return replace(spacing, between=stack.arrangement.spacing)


def description(stack: Stack, file: FileFacts) -> str:
    """The known words of the header's free texts, after the plane."""
    plane = plane_of(*stack.directions) if stack.directions is not None and stack.arrangement is not None else ""
    return description_of(file.words, plane)


def _beside(one: Scan, slices: Sequence[Pixels], stack: Stack) -> Scan:
    """What the single reader said of the middle slice, for all of them."""
    sides = stack.directions or (None if one.geometry is None else (one.geometry.across, one.geometry.down))
    geometry = geometry_of(sides, [each.facts.position for each in stack.slices], stack.arrangement)
    name = one.name if len(slices) == 1 else one.name.replace("picture", "stack")
    spacing = _spaced(one.spacing, stack)
    return _with_notes(replace(one, slices=slices, name=name, spacing=spacing, geometry=geometry), stack)


def _with_notes(scan: Scan, stack: Stack) -> Scan:
    new = tuple(note for note in stack.notes if note not in scan.notes)
    return replace(scan, notes=(*scan.notes[:-1], *new, *scan.notes[-1:]))
