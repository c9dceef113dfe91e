"""NIfTI volumes -> `Scan`: slices in the planes they were taken in, turned as a radiologist looks at them.

Of the header only numbers are read: its texts (description, file names, intent) and its extensions may name a patient.
"""

import io
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.archives import gunzip
from medvlm.imaging.geometry import letters, plane_of, vector
from medvlm.imaging.limits import Limits
from medvlm.imaging.sniff import GZIP, gzip_start
from medvlm.imaging.undefined import UNDEFINED
from medvlm.imaging.volume_slices import VolumeSlices, bounds_of
from medvlm.imaging.window import PERCENTILES, automatic, full_range, sample
from medvlm.types import Geometry, Pixels, Scan, Spacing, Window

# DEFLATE packs to a thousandth at most, and a segmentation does come near: only the limit on the whole counts here.
_RATIO = 1_100
_RGB, _COMPLEX = (128, 2304), "c"  # RGB24 and RGBA32
_MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_SAMPLED = 8
# NIfTI's axes point to the right, front and head; DICOM's to the left, back and head.
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# What stands at the right and at the bottom of the screen in each plane; the axis is that of the normal (x, y, z).
_ACROSS_DOWN: dict[int, tuple[tuple[int, int], tuple[int, int]]] = {
    2: ((0, 1), (1, 1)),  # axial: the patient's left at the right, the back at the bottom
    1: ((0, 1), (2, -1)),  # coronal: left at the right, feet at the bottom
    0: ((1, 1), (2, -1)),  # sagittal: the back at the right, feet at the bottom
}
# Slices run along the normal, across x down: to the head (axial), to the back (coronal), to the right (sagittal).
_SIGN = {2: 1, 1: 1, 0: -1}


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A volume turned for the screen: (slices, H, W), and where it lies."""

    volume: Pixels
    spacing: Spacing | None
    geometry: Geometry | None
    notes: tuple[str, ...]


def read_nifti(data: bytes, what: str, limits: Limits, sha256: str) -> Scan:
    """Reads a NIfTI-1 or -2 volume in one file, packed or not; raises `UserError` for everything else."""
    raw = gunzip(data, what, replace(limits, ratio=_RATIO)) if data.startswith(GZIP) else data
    header = _header(raw, what)
    _check_is_picture(header, what)
    stored, notes = _stored(header, raw, what, limits)
    placed = _turned(stored, header)
    slope, intercept = _rescale(header)
    slices = VolumeSlices(placed.volume, _kind_of_numbers(placed.volume, slope, intercept), slope, intercept)
    bounds = bounds_of(slices)
    if bounds is not None:
        slices, notes = replace(slices, bounds=bounds), (*notes, UNDEFINED)
    window, window_note = _window(slices)
    return Scan(
        slices=slices,
        domain="other",
        domain_source="unknown",
        sha256=sha256,
        name=f"NIfTI {'picture' if len(slices) == 1 else 'volume'}",
        kind="NIfTI",
        spacing=placed.spacing,
        window=window,
        notes=(*notes, *_rescale_note(slope, intercept), *window_note, *placed.notes, "header removed"),
        geometry=placed.geometry,
        description="" if placed.geometry is None else plane_of(placed.geometry.across, placed.geometry.down),
    )


def slices_in(start: bytes) -> int:
    """How many slices the header says the volume has, at least 1; `start` may be packed."""
    start = gzip_start(start) if start.startswith(GZIP) else start
    two = start[4:7] == b"n+2"
    order = "<" if start[:1] in (b"\x5c", b"\x1c") else ">"
    dims = struct.unpack_from(f"{order}8q", start, 16) if two else struct.unpack_from(f"{order}8h", start, 40)
    return max(1, dims[3]) if dims[0] > 2 else 1


def _header(raw: "bytes | bytearray", what: str) -> Any:
    """nibabel's header object; it is not kept."""
    import nibabel

    two = raw[4:7] in (b"n+2", b"ni2")
    kind = nibabel.Nifti2Header if two else nibabel.Nifti1Header
    magic = bytes(raw[4:8] if two else raw[344:348])
    if magic[:3] not in (b"n+1", b"n+2"):
        raise UserError(
            f"{what} is the header of a NIfTI or Analyze volume whose numbers are in another file. "
            "Save it as one file (.nii or .nii.gz)."
        )
    size = 540 if two else 348
    # Without what follows the header: extensions hold free text, and are not even looked at.
    parse: Any = kind.from_fileobj
    return parse(io.BytesIO(bytes(raw[:size]) + b"\0\0\0\0"), check=False)


def _check_is_picture(header: Any, what: str) -> None:
    # CIFTI-2: tables of connections and the like in the clothes of a NIfTI volume have intents from 3000 on.
    if 3000 <= int(header["intent_code"]) < 3100:
        raise UserError(f"{what} is a CIFTI table of connections, not a picture. Add the volume itself.")


def _stored(header: Any, raw: "bytes | bytearray", what: str, limits: Limits) -> tuple[Pixels, tuple[str, ...]]:
    """(i, j, k) or (i, j, k, 3) as stored, without a copy; the first volume where there are several."""
    shape = tuple(int(size) for size in header.get_data_shape())
    if not shape or len(shape) > 7 or any(size < 1 for size in shape):
        raise UserError(f"{what} is a NIfTI volume without any points, so there is nothing to show. Export it again.")
    kind = _kind(header, what)
    columns, rows, count = (*shape, 1, 1)[:3] if len(shape) < 3 else shape[:3]
    limits.check_frame(max(columns, rows), min(columns, rows), what)
    limits.check_frames(max(1, _slice_count(shape)), what)
    points = columns * rows * count
    limits.check_total(points * kind.itemsize, what)
    start = max(int(header.get_data_offset()), 0)
    if start + points * kind.itemsize > len(raw):
        raise UserError(
            f"{what} is cut short: {_times(shape[:3])} points need {points * kind.itemsize:,} bytes, "
            f"{max(0, len(raw) - start):,} are there. Export or copy it again."
        )
    flat = np.frombuffer(raw, dtype=kind, count=points, offset=start)
    volumes = int(np.prod(shape[3:], dtype=object)) if len(shape) > 3 else 1
    notes = (f"first of {volumes:,} volumes shown",) if volumes > 1 else ()
    volume = flat.reshape((columns, rows, count), order="F")
    if kind.names is not None:
        return np.stack([volume[name] for name in ("R", "G", "B")], axis=-1), notes
    return volume, notes


def _slice_count(shape: tuple[int, ...]) -> int:
    return min(shape[2], 1 << 40) if len(shape) > 2 else 1


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)


def _kind(header: Any, what: str) -> "np.dtype[Any]":
    code = int(header["datatype"])
    try:
        kind: np.dtype[Any] = header.get_data_dtype()
    except Exception:  # nibabel raises its own error for an unknown code
        kind = np.dtype("V0")
    if kind.names is not None and code in _RGB:
        return kind
    if kind.kind not in "iuf" or kind.itemsize not in (1, 2, 4, 8):
        kinds = "complex numbers" if kind.kind == _COMPLEX else f"numbers of a kind (code {code})"
        raise UserError(f"{what} holds {kinds} that are not read here. Save it with 16-bit or 32-bit numbers.")
    return kind


def _rescale(header: Any) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 where the header has none that can be used."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0.0 or not np.isfinite(intercept) or max(abs(slope), abs(intercept)) > 1e30:
        return 1.0, 0.0
    return slope, intercept


def _rescale_note(slope: float, intercept: float) -> tuple[str, ...]:
    return () if (slope, intercept) == (1.0, 0.0) else (f"numbers rescaled (slope {slope:g}, intercept {intercept:g})",)


def _kind_of_numbers(volume: Pixels, slope: float, intercept: float) -> "np.dtype[Any]":
    """Integers where rescaling keeps them: the stored type, or the smallest that holds them all; else float32."""
    if volume.dtype.kind not in "iu" or slope != 1.0 or intercept != int(intercept):
        return np.dtype(np.float32)
    if intercept == 0 and volume.dtype.itemsize < 8:
        return volume.dtype.newbyteorder("=")
    low, high = int(volume.min()) + int(intercept), int(volume.max()) + int(intercept)
    for kind, most in ((np.int16, 1 << 15), (np.int32, 1 << 31)):
        if -most <= low and high < most:
            return np.dtype(kind)
    return np.dtype(np.float32)


def _turned(stored: Pixels, header: Any) -> _Placed:
    matrix, said = _affine(header)
    if not said:
        return _as_stored(stored, header)
    from nibabel import orientations

    oriented: Any = orientations.io_orientation
    ornt = oriented(_TO_LPS @ matrix)
    if np.isnan(ornt).any():
        return _as_stored(stored, header)
    axes = [int(axis) for axis in ornt[:, 0]]  # stored axis -> axis of the patient
    normal = axes[2]
    across, down = _ACROSS_DOWN[normal]
    # The three axes of the screen (slice, row, column), each an axis as stored and whether it runs the other way.
    wanted = ((normal, _SIGN[normal]), down, across)
    turns = [(axes.index(axis), int(ornt[axes.index(axis), 1]) != sign) for axis, sign in wanted]
    return _by(stored, _TO_LPS @ matrix, turns, header)


def _by(stored: Pixels, matrix: NDArray[np.float64], turns: list[tuple[int, bool]], header: Any) -> _Placed:
    """The volume with its axes in the order slice, row, column, each flipped where it has to be; no copy."""
    order = [axis for axis, _ in turns]
    volume = stored.transpose(*order, *range(3, stored.ndim))
    steps, corner = [matrix[:3, axis].copy() for axis in order], matrix[:3, 3].copy()
    for place, (axis, flipped) in enumerate(turns):
        if flipped:
            corner += steps[place] * (stored.shape[axis] - 1)
            steps[place] = -steps[place]
            volume = np.flip(volume, place)
    unit = _unit(header)
    step, row, column = (one * unit for one in steps)
    sizes = [float(np.linalg.norm(one)) for one in (step, row, column)]
    across, down = vector(column / sizes[2]), vector(row / sizes[1])
    places = tuple(vector(corner * unit + step * index) for index in range(volume.shape[0]))
    between = abs(float(step @ np.cross(across, down))) if volume.shape[0] > 1 else None
    spacing = Spacing(row=sizes[1], column=sizes[2], between=between)
    notes = [f"pixel size {sizes[1]:.3g} x {sizes[2]:.3g} mm", "turned as a radiologist looks at it: "
             f"{letters(across)} at the right, {letters(down)} at the bottom"]  # fmt: skip
    if abs(float(np.dot(across, down))) > 0.01:
        notes.append("sheared volume: measure with care")
    geometry = Geometry(across, down, places, vector(step) if volume.shape[0] > 1 else None)
    return _Placed(volume, spacing, geometry, tuple(notes))


def _as_stored(stored: Pixels, header: Any) -> _Placed:
    """No orientation: rows upwards as the format has them, and no side is marked."""
    volume = np.flip(stored.transpose(2, 1, 0, *range(3, stored.ndim)), 1)
    zooms = [float(size) * _unit(header) for size in header["pixdim"][1:4]]
    good = all(np.isfinite(size) and 1e-6 < size < 1000.0 for size in zooms)
    between = zooms[2] if volume.shape[0] > 1 else None
    spacing = Spacing(row=zooms[1], column=zooms[0], between=between) if good else None
    size = f"pixel size {zooms[1]:.3g} x {zooms[0]:.3g} mm" if good else "no pixel size in the file"
    return _Placed(volume, spacing, None, (size, "no orientation in the file: no side is marked"))


def _affine(header: Any) -> tuple[NDArray[np.float64], bool]:
    """The affine (RAS), and whether the file states one: sform before qform, as everybody does."""
    stated = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    if not stated:
        return np.eye(4), False
    try:
        matrix = np.asarray(header.get_best_affine(), dtype=np.float64)
    except (ValueError, np.linalg.LinAlgError):
        return np.eye(4), False
    steps = np.linalg.norm(matrix[:3, :3], axis=0) if np.isfinite(matrix).all() else np.zeros(3)
    volume = abs(float(np.linalg.det(matrix[:3, :3]))) if steps.all() else 0.0
    usable = (steps > 1e-6).all() and (steps < 1e6).all() and volume > 0.1 * float(np.prod(steps))
    return matrix, bool(usable and np.abs(matrix).max() < 1e6)


def _unit(header: Any) -> float:
    try:
        return _MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    except (KeyError, ValueError):
        return 1.0


def _window(slices: VolumeSlices) -> tuple[Window | None, tuple[str, ...]]:
    if slices.volume.ndim == 4:
        return None, ()
    if slices.kind == np.uint8:
        return full_range(0, 255), ()
    step = -(-len(slices) // _SAMPLED)
    return automatic(sample(slices[step // 2 :: step])), (f"window by {PERCENTILES}",)
