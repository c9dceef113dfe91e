"""Where the frames of a DICOM file lie in the patient, read from its header or its functional groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medvlm.imaging import greyscale
from medvlm.imaging.geometry import Arrangement, arranged, directions, toward, vector
from medvlm.imaging.header import Header, item, number, numbers, value
from medvlm.types import Geometry, Vector

Discriminator = Literal["echo time", "inversion time", "b-value", "time", "heart phase", "acquisition", "stack"]
# What tells slices at the same place from one another, in the order in which it is tried: its name, the element of a
# single slice, and that of a frame within its functional groups.
DISCRIMINATORS: tuple[tuple[Discriminator, str, tuple[str, str]], ...] = (
    ("echo time", "EchoTime", ("MREchoSequence", "EffectiveEchoTime")),
    ("inversion time", "InversionTime", ("MRModifierSequence", "InversionTimes")),
    ("b-value", "DiffusionBValue", ("MRDiffusionSequence", "DiffusionBValue")),
    ("time", "TemporalPositionIdentifier", ("FrameContentSequence", "TemporalPositionIndex")),
    ("heart phase", "TriggerTime", ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")),
    ("acquisition", "AcquisitionNumber", ("FrameContentSequence", "FrameAcquisitionNumber")),
    ("stack", "StackID", ("FrameContentSequence", "StackID")),
)
_FAR = 100_000.0
_LETTERS = frozenset("LRPAHF")


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """Where one frame lies in the patient, as far as the file says it, and how its numbers are rescaled.

    `discriminators` tell frames at the same place apart: one value for each of `DISCRIMINATORS`, None where not said.
    """

    directions: tuple[Vector, Vector] | None
    position: Vector | None
    rescale: greyscale.Rescale | None
    discriminators: tuple[float | str | None, ...] = ()


def frames_of(header: Header, count: int) -> tuple[FrameFacts, ...]:
    """The facts of each frame, in the file's order."""
    if count == 1 and value(header, "PerFrameFunctionalGroupsSequence") is None:
        said = tuple(number(header, keyword) for _, keyword, _ in DISCRIMINATORS)
        return (FrameFacts(orientation_of(header), _position(header), greyscale.rescale(header), said),)
    rescales = greyscale.frame_rescales(header, count)
    shared = item(header, "SharedFunctionalGroupsSequence")
    groups = greyscale.frame_groups(header, count) or [None] * count
    own, shared_orientation = orientation_of(header), _grouped_orientation(shared)
    return tuple(
        FrameFacts(
            _grouped_orientation(group) or shared_orientation or own,
            _grouped_position(group),
            None if not rescales else rescales[index if len(rescales) > 1 else 0],
            tuple(_grouped_number(group, *within) for _, _, within in DISCRIMINATORS),
        )
        for index, group in enumerate(groups)
    )


def orientation_of(header: Header) -> tuple[Vector, Vector] | None:
    """ImageOrientationPatient as (across, down); None where it is missing or unusable."""
    return directions(numbers(header, "ImageOrientationPatient"))


def said_directions(header: Header) -> tuple[Vector, Vector] | None:
    """What PatientOrientation says, for pictures without a position, such as radiographs."""
    found = value(header, "PatientOrientation")
    if isinstance(found, str) or found is None:
        return None
    words = [str(word).strip().upper() for word in found]
    return toward(words) if all(word and set(word) <= _LETTERS for word in words) else None


def placed(frames: Sequence[FrameFacts]) -> tuple[tuple[int, ...], Arrangement | None]:
    """The order of the frames of one file along their normal; as they are where that does not order them."""
    as_they_are = tuple(range(len(frames)))
    if any(one.position is None or one.directions != frames[0].directions for one in frames):
        return as_they_are, None
    if frames[0].directions is None:
        return as_they_are, None
    found = arranged([one.position for one in frames if one.position is not None], *frames[0].directions)
    if len(frames) > 1 and found.spacing is None:
        return as_they_are, None
    return found.order, found


def sides_of(header: Header, frames: Sequence[FrameFacts]) -> tuple[Vector, Vector] | None:
    """The directions that all frames share, or those that PatientOrientation says."""
    first = frames[0].directions
    if first is None:
        return said_directions(header)
    return first if all(one.directions == first for one in frames) else None


def geometry_of(
    sides: tuple[Vector, Vector] | None, positions: Sequence[Vector | None], arrangement: Arrangement | None
) -> Geometry | None:
    """Directions, and the places of all slices where each has one."""
    if sides is None:
        return None
    places = tuple(place for place in positions if place is not None)
    complete = len(places) == len(positions)
    step = arrangement.step if arrangement is not None and complete else None
    return Geometry(sides[0], sides[1], places if complete else (), step)


def frame_seconds(header: Header, frames: int) -> float | None:
    """Seconds from frame to frame of a cine (PS3.3 C.7.6.5), from the first element that says so."""
    if frames < 2:
        return None
    times = numbers(header, "FrameTimeVector")[1:]
    rate = number(header, "RecommendedDisplayFrameRate") or number(header, "CineRate")
    stated = number(header, "FrameTime") or (sum(times) / len(times) if times else None)
    seconds = stated / 1000.0 if stated else 1.0 / rate if rate else 0.0
    return seconds if 0.001 <= seconds <= 60.0 else None


def _position(header: Header) -> Vector | None:
    found = numbers(header, "ImagePositionPatient")
    return vector(found) if len(found) == 3 and all(abs(one) < _FAR for one in found) else None


def _grouped_number(group: Header | None, sequence: str, keyword: str) -> float | None:
    holder = None if group is None else item(group, sequence)
    return None if holder is None else number(holder, keyword)


def _grouped_orientation(group: Header | None) -> tuple[Vector, Vector] | None:
    place = None if group is None else item(group, "PlaneOrientationSequence")
    return None if place is None else orientation_of(place)


def _grouped_position(group: Header | None) -> Vector | None:
    place = None if group is None else item(group, "PlanePositionSequence")
    return None if place is None else _position(place)
