"""Directions, planes and the letters on the screen's edges."""

from medvlm.imaging.geometry import directions, letters, plane_of, toward


def test_directions_letters_and_planes() -> None:
    assert letters((1, 0, 0)) == "L" and letters((0, -0.8, 0.6)) == "AH" and letters((0.1, 0.99, 0)) == "P"
    assert plane_of((1, 0, 0), (0, 1, 0)) == "axial" and plane_of((0, 1, 0), (0, 0, -1)) == "sagittal"
    assert plane_of((1, 0, 0), (0, 0.7071, 0.7071)) == "oblique"
    assert (
        directions((1, 0, 0, 1, 0, 0)) is None and directions((0, 0, 0, 0, 1, 0)) is None and directions((1, 0)) is None
    )
    assert (
        toward(("A", "F")) == ((0, -1, 0), (0, 0, -1)) and toward(("L", "R\0")) is None and toward(("LR", "F")) is None
    )
