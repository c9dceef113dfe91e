"""The CT volume with known truth: what it shows lies where it says, and comes back from both formats unchanged."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from medvlm.imaging import read, read_study
from medvlm.imaging.geometry import affine, letters
from medvlm.phantoms.volume import AIR, LEAD, LESION, LUNG, ROD, Volume, VolumeTruth, draw_volume
from medvlm.types import Scan, Spacing, Vector
from tests.study_cases import as_nifti, as_series

GRIDS = {"straight": (0.0, 0.0), "tilted": (12.0, 0.0), "turned": (0.0, 15.0), "tilted and turned": (10.0, 20.0)}
SHAPE = (36, 80, 100)
SPACING = Spacing(row=2.1, column=2.0, between=3.5)


@pytest.fixture(scope="module")
def volumes() -> dict[str, Volume]:
    return {name: draw_volume(SHAPE, SPACING, tilt, turn) for name, (tilt, turn) in GRIDS.items()}


def index_of(volume: Volume, place: Vector) -> tuple[int, int, int]:
    """The voxel (slice, row, column) at a place in the patient."""
    column, row, layer, _ = np.linalg.inv(affine(volume.geometry, volume.spacing)) @ (*place, 1.0)
    return round(layer), round(row), round(column)


def number_at(volume: Volume, place: Vector) -> int:
    return int(volume.voxels[index_of(volume, place)])


def middle(start: Vector, end: Vector) -> Vector:
    x, y, z = ((a + b) / 2 for a, b in zip(start, end, strict=True))
    return x, y, z


@pytest.mark.parametrize("grid", GRIDS)
def test_everything_lies_where_the_truth_says(volumes: dict[str, Volume], grid: str) -> None:
    volume, truth = volumes[grid], VolumeTruth()
    assert number_at(volume, truth.marker) == LEAD and number_at(volume, truth.lesion) == LESION
    for rod in truth.rods:
        assert number_at(volume, middle(rod.start, rod.end)) == ROD and rod.length == 50
    x, y, z = truth.lesion
    assert number_at(volume, (x, y - truth.lesion_radius - 8, z)) == LUNG
    assert volume.voxels.dtype == np.int16 and volume.voxels.min() == AIR and volume.voxels.max() == LEAD


@pytest.mark.parametrize("grid", GRIDS)
def test_the_lead_marker_is_at_the_patients_left(volumes: dict[str, Volume], grid: str) -> None:
    volume = volumes[grid]
    layer, row, column = (float(part.mean()) for part in np.nonzero(volume.voxels > 2500))
    place = affine(volume.geometry, volume.spacing) @ (column, row, layer, 1.0)
    assert place[:3] == pytest.approx(VolumeTruth().marker, abs=2.0) and place[0] > 80, "x grows to the left"
    assert column > SHAPE[2] / 2 and letters(volume.geometry.across).startswith("L"), "at the right of the screen"


def length_along(profile: NDArray[np.float64], half: float, size: float) -> float:
    """mm between the two places where a profile crosses `half`, between its samples."""
    above = np.flatnonzero(profile > half)
    first, last = int(above[0]), int(above[-1])
    start = first - (profile[first] - half) / (profile[first] - profile[first - 1])
    end = last + (profile[last] - half) / (profile[last] - profile[last + 1])
    return float((end - start) * size)


@pytest.mark.parametrize("grid", ["straight", "tilted"])
def test_the_rods_measure_fifty_millimetres_in_every_direction(volumes: dict[str, Volume], grid: str) -> None:
    volume = volumes[grid]
    for axis, rod in enumerate(volume.truth.rods):
        places = np.linspace(-40.0, 40.0, 801)
        centre = np.array(middle(rod.start, rod.end))
        line = np.repeat(centre[np.newaxis], len(places), axis=0)
        line[:, axis] += places
        profile = sampled(volume, line)
        surroundings = profile[np.abs(places) > 32].mean()
        found = length_along(profile, (ROD + surroundings) / 2, 0.1)
        assert found == pytest.approx(50.0, abs=1.0), f"axis {axis}"


def sampled(volume: Volume, line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers along places in the patient, linear between voxels."""
    inverse = np.linalg.inv(affine(volume.geometry, volume.spacing))
    column, row, layer, _ = inverse @ np.vstack([line.T, np.ones(len(line))])
    found = np.zeros(len(line))
    base = [np.floor(part).astype(int) for part in (layer, row, column)]
    for corner in np.ndindex(2, 2, 2):
        index, weight = [], np.ones(len(line))
        for part, floor, more, size in zip((layer, row, column), base, corner, volume.voxels.shape, strict=True):
            weight = weight * (part - floor if more else 1 - (part - floor))
            index.append(np.clip(floor + more, 0, size - 1))
        found += weight * volume.voxels[tuple(index)]
    return found


def check_same(scan: Scan, volume: Volume) -> None:
    assert (np.stack(scan.slices) == volume.voxels).all() and scan.slices[0].dtype == np.int16
    geometry, spacing = scan.geometry, scan.spacing
    assert geometry is not None and spacing is not None and geometry.step is not None
    assert np.allclose(geometry.across, volume.geometry.across, atol=1e-6)
    assert np.allclose(geometry.down, volume.geometry.down, atol=1e-6)
    assert np.allclose(geometry.positions, volume.geometry.positions, atol=1e-4)
    assert np.allclose(geometry.step, volume.geometry.step or (), atol=1e-5)
    assert (spacing.row, spacing.column, spacing.between) == pytest.approx((2.1, 2.0, 3.5), abs=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_dicom_series_gives_the_same_volume(volumes: dict[str, Volume], grid: str) -> None:
    files = [(f"{number}.dcm", data) for number, data in enumerate(as_series(volumes[grid]))]
    scan = read_study(random.Random(5).sample(files, len(files))).open(0)
    check_same(scan, volumes[grid])
    assert scan.unit == "HU" and scan.domain == "ct" and scan.description == "axial, chest, without contrast"


@pytest.mark.parametrize("grid", GRIDS)
def test_a_nifti_volume_gives_the_same_volume(volumes: dict[str, Volume], grid: str) -> None:
    check_same(read(as_nifti(volumes[grid]), "volume.nii.gz"), volumes[grid])


def test_a_tilt_leans_the_slices_while_the_stack_runs_along_the_body() -> None:
    volume = draw_volume((4, 8, 8), SPACING, tilt=12.0)
    assert volume.geometry.step is not None and volume.geometry.step[:2] == (0, 0)
    normal = np.cross(volume.geometry.across, volume.geometry.down)
    assert float(normal @ np.array(volume.geometry.step)) == pytest.approx(3.5)


def test_the_same_call_gives_the_same_bytes() -> None:
    one, other = (draw_volume((4, 16, 16), SPACING) for _ in range(2))
    assert as_series(one) == as_series(other) and as_nifti(one) == as_nifti(other)
    assert as_series(one, "another") != as_series(one)


def test_the_truth_can_be_another() -> None:
    truth = VolumeTruth(marker=(-92.0, 0.0, 0.0))
    volume = draw_volume((12, 40, 100), Spacing(4.0, 2.0, 8.0), truth=truth)
    assert number_at(volume, (-92.0, 0.0, 0.0)) > 1000 and number_at(volume, (92.0, 0.0, 0.0)) == AIR
