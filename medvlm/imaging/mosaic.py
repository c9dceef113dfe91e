"""Puts the tiles of a DICOM slide together into the picture of the slide (PS3.3 C.8.12.4, C.7.6.17.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medvlm.errors import UserError
from medvlm.imaging.frames import Layout
from medvlm.imaging.greyscale import frame_groups
from medvlm.imaging.header import Header, item, whole
from medvlm.imaging.limits import Limits
from medvlm.types import Pixels


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Size of the whole picture in pixels; for each tile its frame and its upper left row and column, all from 0."""

    rows: int
    columns: int
    places: tuple[tuple[int, int, int], ...]

    def assembled(self, tiles: Sequence[Pixels]) -> NDArray[np.uint8]:
        """The picture (rows, columns, 3); what no tile covers is white, as glass is."""
        whole_picture = np.full((self.rows, self.columns, 3), 255, np.uint8)
        for frame, row, column in self.places:
            target = whole_picture[row : row + tiles[frame].shape[0], column : column + tiles[frame].shape[1]]
            target[...] = tiles[frame][: target.shape[0], : target.shape[1]]
        return whole_picture


def mosaic_of(header: Header, layout: Layout, limits: Limits, what: str) -> Mosaic | None:
    """How the frames lie on the slide; None where the file is not tiled. Raises `UserError` for a slide too large."""
    rows, columns = whole(header, "TotalPixelMatrixRows"), whole(header, "TotalPixelMatrixColumns")
    if layout.frames < 2 or layout.is_grey or rows is None or columns is None:
        return None
    if rows * columns > limits.frame_pixels:
        raise UserError(
            f"{what} is a whole slide of {columns:,} x {rows:,} pixels; at most {limits.frame_pixels / 1e6:g} "
            "megapixels are read. Add the file of a lower magnification of the same slide."
        )
    limits.check_frame(rows, columns, what)
    places = _stated(header, layout) or _in_rows(layout, rows, columns)
    inside = tuple(place for place in places if 0 <= place[1] < rows and 0 <= place[2] < columns)
    return Mosaic(rows, columns, inside)


def _stated(header: Header, layout: Layout) -> tuple[tuple[int, int, int], ...]:
    """Where each frame says it lies (tiled sparse); of several focal planes the first one counts."""
    places: dict[tuple[int, int], int] = {}
    for index, group in enumerate(frame_groups(header, layout.frames)):
        position = item(group, "PlanePositionSlideSequence")
        row = None if position is None else whole(position, "RowPositionInTotalImagePixelMatrix")
        column = None if position is None else whole(position, "ColumnPositionInTotalImagePixelMatrix")
        if row is None or column is None:
            return ()
        places.setdefault((row - 1, column - 1), index)
    return tuple((index, row, column) for (row, column), index in places.items())


def _in_rows(layout: Layout, rows: int, columns: int) -> tuple[tuple[int, int, int], ...]:
    """Row by row from the upper left (tiled full); further focal planes come after the first and are left out."""
    across, down = -(-columns // layout.columns), -(-rows // layout.rows)
    return tuple(
        (index, index // across * layout.rows, index % across * layout.columns)
        for index in range(min(layout.frames, across * down))
    )
