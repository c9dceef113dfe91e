"""What the viewer shows is what Python draws: plane, window and turn."""

from dataclasses import replace

import numpy as np
import pytest

from medvlm.imaging import render
from medvlm.page.screen import at_first, drawn, placed, shot
from medvlm.page.viewing import Look, Turn
from medvlm.types import Geometry, Scan, Spacing, Vector, Window

STORED = Look("stored", 2, 0, Window(255, 127.5, "LINEAR_EXACT"), False, (1, 0, 0, 1))


def block() -> Scan:
    """(slices, rows, columns) of 3, 4, 5, each number its own, lying as a CT of a patient on the back does."""
    numbers = np.arange(60, dtype=np.int16).reshape(3, 4, 5) * 4
    geometry = Geometry((1, 0, 0), (0, 1, 0), ((0, 0, 0), (0, 0, 1), (0, 0, 2)), (0, 0, 1))
    return Scan(tuple(numbers), "ct", "file", "0" * 64, "a", spacing=Spacing(1, 1, 1), geometry=geometry)


def numbers(scan: Scan, look: Look) -> list[list[int]]:
    """What stands on the screen, as the block's numbers."""
    shown = drawn(scan, look)
    assert shown.dtype == np.uint8 and shown.flags.c_contiguous
    rows: list[list[int]] = shown[..., 0].tolist()
    return rows


def test_a_stored_slice_is_drawn_as_the_model_gets_it() -> None:
    scan = replace(block(), geometry=None)
    for function in ("LINEAR", "SIGMOID"):
        look = replace(STORED, slice=1, window=Window(100, 90, function))
        assert np.array_equal(drawn(scan, look), render(scan, 1, look.window))


def test_inversion_is_the_views_own() -> None:
    scan = replace(block(), inverted=True, geometry=None)
    assert np.array_equal(drawn(scan, replace(STORED, inverted=True)), render(scan, 0, STORED.window))
    assert np.array_equal(drawn(scan, STORED), 255 - render(scan, 0, STORED.window))


def test_coronal_and_sagittal_have_the_head_at_the_top() -> None:
    scan = block()
    stack = np.stack(scan.slices)
    assert numbers(scan, replace(STORED, plane="coronal", axis=1, slice=2)) == stack[::-1, 2, :].tolist()
    assert numbers(scan, replace(STORED, plane="sagittal", axis=0, slice=3)) == stack[::-1, :, 3].tolist()


def test_a_volume_stored_the_other_way_round_looks_the_same() -> None:
    scan = block()
    other = replace(
        scan,
        slices=tuple(np.stack(scan.slices)[::-1, ::-1, ::-1]),
        geometry=Geometry((-1, 0, 0), (0, -1, 0), ((4, 3, 2), (4, 3, 1), (4, 3, 0)), (0, 0, -1)),
    )
    for plane, axis, first, second in (("axial", 2, 0, 2), ("coronal", 1, 1, 2), ("sagittal", 0, 1, 3)):
        look = replace(STORED, plane=plane, axis=axis)
        one, same = replace(look, slice=first), replace(look, slice=second)
        assert numbers(scan, one) == numbers(other, same), plane


@pytest.mark.parametrize(
    ("turn", "corner"),
    [((1, 0, 0, 1), 0), ((0, -1, 1, 0), 60), ((0, 1, -1, 0), 16), ((-1, 0, 0, 1), 16), ((1, 0, 0, -1), 60)],
    ids=["none", "right", "left", "mirrored", "flipped"],
)
def test_turns_are_those_of_the_buttons(turn: Turn, corner: int) -> None:
    assert numbers(block(), replace(STORED, plane="axial", turn=turn))[0][0] == corner


def test_uneven_voxels_are_made_square() -> None:
    scan = replace(block(), spacing=Spacing(1, 1, 2.5), geometry=replace(block().geometry, step=(0, 0, 2.5)))  # type: ignore[type-var]
    assert drawn(scan, replace(STORED, plane="coronal", axis=1)).shape == (8, 5, 3)
    assert drawn(scan, replace(STORED, plane="coronal", axis=1, turn=(0, -1, 1, 0))).shape == (5, 8, 3)
    assert drawn(scan, replace(STORED, plane="axial")).shape == (4, 5, 3)


@pytest.mark.parametrize("tilt", [25, -25])
def test_a_plane_across_a_tilted_gantry_is_slanted_as_it_lies_in_the_patient(tilt: float) -> None:
    # Slices follow one another straight upwards, so what stands at one place of them stands upright in the patient.
    sine, cosine = float(np.sin(np.radians(tilt))), float(np.cos(np.radians(tilt)))
    slices = np.zeros((12, 60, 6), np.int16)
    slices[:, 29:32, 3] = 255
    places = tuple((0.0, 0.0, 4.0 * k) for k in range(12))
    geometry = Geometry((1, 0, 0), (0, cosine, -sine), places, (0, 0, 4))
    scan = replace(block(), slices=tuple(slices), spacing=Spacing(1, 1, 4 * cosine), geometry=geometry)
    look = replace(STORED, plane="sagittal", axis=0, slice=3)
    shown = drawn(scan, look)[..., 0]
    assert shown.shape == (round(12 * 4 * cosine), round(60 + 12 * 4 * abs(sine)))
    found = placed(scan, look, [(30, k) for k in range(12)])
    height, width = shown.shape
    for x, y in found:
        assert shown[int(y * height), int(x * width)] > 100
    # It leans by the tilt: upwards on the screen is at right angles to the slices.
    (x0, y0), (x1, y1) = found[0], found[-1]
    assert np.degrees(np.arctan2((x1 - x0) * width, (y0 - y1) * height)) == pytest.approx(-tilt, abs=1.5)


def test_rounded_directions_slant_nothing() -> None:
    nearly = replace(block(), geometry=replace(block().geometry, down=(0.0004, 1, 0)))  # type: ignore[type-var]
    look = replace(STORED, plane="axial")
    assert np.array_equal(drawn(nearly, look), drawn(block(), look))


def test_colours_stay_as_they_are() -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    scan = Scan((pixels,), "gross", "file", "0" * 64, "a")
    assert np.array_equal(drawn(scan, replace(STORED, window=None)), pixels)
    assert np.array_equal(drawn(scan, replace(STORED, window=None, inverted=True)), 255 - pixels)


@pytest.mark.parametrize(
    ("across", "down", "plane"),
    [
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), "axial"),
        ((-1.0, 0.0, 0.0), (0.0, 0.8, 0.6), "axial"),
        ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), "coronal"),
        ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), "sagittal"),
    ],
)
def test_the_first_view_is_named_after_how_the_slices_lie(across: Vector, down: Vector, plane: str) -> None:
    assert at_first(replace(block(), geometry=Geometry(across, down, ((0, 0, 0),)))).plane == plane
    assert at_first(replace(block(), geometry=Geometry(across, down))).plane == "stored", "no position is known"


def test_the_first_view_is_the_middle_of_a_volume_with_the_scans_own_window() -> None:
    first = at_first(replace(block(), window=Window(400, 40), inverted=True))
    assert first == Look("axial", 2, 1, Window(400, 40), True, (1, 0, 0, 1))
    colours = Scan((np.zeros((2, 2, 3), np.uint8),) * 4, "histology", "file", "0" * 64, "a")
    assert at_first(colours).window is None and at_first(colours).slice == 0


def test_a_shot_is_the_view_as_a_picture_of_its_own() -> None:
    look = replace(STORED, plane="coronal", axis=1, slice=2, inverted=True)
    taken = shot(block(), look)
    assert len(taken.slices) == 1 and np.array_equal(taken.slices[0], drawn(block(), look))
    assert np.array_equal(render(taken), drawn(block(), look)), "its greys are not windowed a second time"
    assert taken.sha256 == shot(block(), look).sha256 != shot(block(), replace(look, slice=1)).sha256
    assert taken.slices[:1] == (taken.slices[-1],)
    with pytest.raises(IndexError):
        taken.slices[1]


@pytest.mark.parametrize(
    "turn", [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (0, -1, 1, 0), (0, 1, -1, 0), (0, 1, 1, 0)]
)
@pytest.mark.parametrize(("plane", "axis"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_a_point_of_a_measurement_is_found_in_the_picture_that_is_drawn(plane: str, axis: int, turn: Turn) -> None:
    scan = replace(block(), spacing=Spacing(1, 2, 3))
    look = replace(STORED, plane=plane, axis=axis, slice=1, turn=turn)  # type: ignore[arg-type]
    stack = np.stack(scan.slices)
    cut = {2: stack[1], 1: stack[:, 1, :], 0: stack[:, :, 1]}[axis]
    shown = drawn(scan, look)
    for row, column in ((0, 0), (cut.shape[0] - 1, 1), (1, cut.shape[1] - 1)):
        ((x, y),) = placed(scan, look, [(column, row)])
        assert shown[int(y * shown.shape[0]), int(x * shown.shape[1]), 0] == pytest.approx(cut[row, column], abs=25)
    whole = placed(scan, look, [(-0.5, -0.5), (cut.shape[1] - 0.5, cut.shape[0] - 0.5)])
    assert sorted(map(sorted, zip(*whole, strict=True))) == [[0, 1], [0, 1]]  # type: ignore[type-var]
