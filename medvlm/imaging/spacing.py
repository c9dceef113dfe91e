"""The pixel size of a DICOM picture in mm, from the elements that hold for its modality."""

import numpy as np

from medvlm.imaging.greyscale import frame_groups
from medvlm.imaging.header import Header, code, item, items, number, numbers
from medvlm.types import Spacing

_PROJECTIONS = frozenset({"CR", "DX", "RG", "RF", "XA", "MG", "PX", "IO", "RTIMAGE"})
_CALIBRATIONS = ("GEOMETRY", "FIDUCIAL")


def spacing_of(header: Header, modality: str, frames: int) -> tuple[Spacing | None, str]:
    """Spacing in mm, or None, and a note that says where it comes from or why there is none."""
    if modality in ("US", "IVUS"):
        return None, "no single pixel size in an ultrasound picture"
    if modality in _PROJECTIONS:
        return _projection(header)
    pair = _pair(header, "PixelSpacing") or _grouped_pair(header)
    if pair is not None:
        return Spacing(*pair, between=_between(header, frames)), f"pixel size {_words(pair)} mm"
    return _scanned(header)


def _projection(header: Header) -> tuple[Spacing | None, str]:
    detector, calibrated = _pair(header, "ImagerPixelSpacing"), _pair(header, "PixelSpacing")
    # PS3.3 10.7.1.3: where both are there and differ, or the type says so, Pixel Spacing was corrected for the
    # magnification; alone, it may as well be that of the detector.
    if calibrated is not None and calibrated != detector:
        said = detector is not None or code(header, "PixelSpacingCalibrationType", _CALIBRATIONS)
        how = "calibrated" if said else "perhaps at the detector: the patient may be somewhat smaller"
        return Spacing(*calibrated), f"pixel size {_words(calibrated)} mm, {how}"
    if detector is None:
        return _scanned(header)
    factor = number(header, "EstimatedRadiographicMagnificationFactor")
    if factor is None or not 1.0 <= factor < 10.0:
        return Spacing(*detector), f"pixel size {_words(detector)} mm at the detector; the patient is somewhat smaller"
    corrected = (detector[0] / factor, detector[1] / factor)
    return Spacing(*corrected), f"pixel size {_words(corrected)} mm, corrected for the magnification of {factor:.3g}"


def _scanned(header: Header) -> tuple[Spacing | None, str]:
    pair = _pair(header, "NominalScannedPixelSpacing")
    if pair is None:
        return None, "no pixel size in the file: lengths are in pixels"
    return Spacing(*pair), f"pixel size {_words(pair)} mm on the scanned film"


def _grouped_pair(header: Header) -> tuple[float, float] | None:
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        measures = item(header, groups, "PixelMeasuresSequence")
        pair = None if measures is None else _pair(measures, "PixelSpacing")
        if pair is not None:
            return pair
    return None


def _between(header: Header, frames: int) -> float | None:
    """Distance from slice to slice: from the positions of the frames, else as the file states it."""
    if frames < 2:
        return None
    measured = _between_positions(header, frames)
    shared = item(header, "SharedFunctionalGroupsSequence", "PixelMeasuresSequence")
    stated = number(header, "SpacingBetweenSlices") or (number(shared, "SpacingBetweenSlices") if shared else None)
    distance = measured or stated
    return distance if distance is not None and 0.0 < distance < 1000.0 else None


def _between_positions(header: Header, frames: int) -> float | None:
    positions = [
        numbers(place, "ImagePositionPatient")
        for group in frame_groups(header, frames)
        for place in items(group, "PlanePositionSequence")[:1]
    ]
    if len(positions) != frames or any(len(place) != 3 for place in positions):
        return None
    steps = np.linalg.norm(np.diff(np.asarray(positions), axis=0), axis=1)
    # Frames that are not evenly stacked (a time series, several echoes) have no one distance.
    return float(steps[0]) if np.ptp(steps) <= 0.01 * steps[0] else None


def _pair(header: Header, keyword: str) -> tuple[float, float] | None:
    found = numbers(header, keyword)
    if len(found) != 2 or not all(1e-6 < size < 1000.0 for size in found):
        return None
    return found[0], found[1]


def _words(pair: tuple[float, float]) -> str:
    row, column = (f"{size:.3g}" for size in pair)
    return row if row == column else f"{row} x {column}"
