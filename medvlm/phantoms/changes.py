"""What disease leaves in a slide: patches of inflammation, necrosis and fibrosis, and cells that divide."""

from collections.abc import Callable

import numpy as np

from medvlm.phantoms.canvas import Grey, grid, smoothstep
from medvlm.phantoms.fields import fractal, noise
from medvlm.phantoms.tissue import LYMPHOCYTE, SPINDLE, Cells, Field, directions, keep, lattice, stamp


def blob(field: Field, rng: np.random.Generator, centre: tuple[float, float], radius: float, soft: float) -> Grey:
    """1 inside an uneven round patch, 0 outside; `soft` pixels of transition."""
    rows, columns = grid(*field.shape)
    down, across = rows - centre[0], columns - centre[1]
    uneven = radius * (1 + 0.24 * np.clip(noise(rng, field.shape, radius * 0.7), -1.4, 1.4))
    inside: Grey = smoothstep((uneven - np.sqrt(down * down + across * across)) / soft + 0.5)
    return inside


def inflammation(
    field: Field, rng: np.random.Generator, centre: tuple[float, float], radius: float, contrast: float
) -> None:
    """A crowd of lymphocytes, close together in the middle and looser at the rim."""
    inside = blob(field, rng, centre, radius, radius * 0.5)
    field.nuclei[:] *= 1 - 0.7 * inside
    field.brown[:] *= 1 - 0.8 * inside
    points = lattice(rng, field.shape, (8.4 - 1.4 * contrast) / field.microns)
    stamp(field, rng, keep(points, inside - 0.35 * noise(rng, field.shape, 3.0) * (1 - inside), 0.35), LYMPHOCYTE)


def necrosis(
    field: Field, rng: np.random.Generator, centre: tuple[float, float], radius: float, contrast: float
) -> None:
    """A pink smudge without cells, with specks of debris."""
    inside = blob(field, rng, centre, radius, radius * 0.3)
    grain = 0.16 * fractal(rng, field.shape, 6 / field.microns + 2)
    field.eosin[:] += ((1.2 + 0.35 * contrast + grain) - field.eosin) * inside
    field.nuclei[:] *= 1 - inside
    field.brown[:] *= 1 - inside
    dust = keep(lattice(rng, field.shape, 15 / field.microns + 3), inside - 0.9 * rng.random(field.shape), 0.0)
    stamp(field, rng, dust, Cells(1.1, 0.8, 0.8, 0.4, 0.0))


def fibrosis(
    field: Field, rng: np.random.Generator, centre: tuple[float, float], radius: float, contrast: float
) -> None:
    """Wavy pink bands side by side, with a few thin nuclei between them."""
    inside = blob(field, rng, centre, radius * 1.05, radius * 0.3)
    rows, columns = grid(*field.shape)
    along = directions(rng, 1)[0]
    across = rows * along[0] + columns * along[1] + 7 * noise(rng, field.shape, 26)
    width = max(6.0, 7 / field.microns)
    place = across / width
    gap = np.abs(place - np.rint(place)) * 2
    bands = 0.30 + (0.85 + 0.3 * contrast) * smoothstep(gap * 1.6)
    field.eosin[:] += (bands - field.eosin) * inside
    field.nuclei[:] *= 1 - 0.97 * inside
    field.brown[:] *= 1 - 0.97 * inside
    points = keep(lattice(rng, field.shape, 34 / field.microns), inside, 0.8)
    axis = np.array([-along[1], along[0]])
    stamp(field, rng, points, SPINDLE, np.tile(axis, (len(points), 1)))


PATCHES: dict[str, Callable[[Field, np.random.Generator, tuple[float, float], float, float], None]] = {
    "inflammation": inflammation,
    "necrosis": necrosis,
    "fibrosis": fibrosis,
}


def mitoses(field: Field, rng: np.random.Generator, count: int, contrast: float) -> None:
    """`count` dividing cells: a cleared cell with one very dark plate, or two that have parted."""
    size = field.shape[0]
    for place in rng.permutation(9)[:count]:
        row, column = (((float(i) + 0.5) / 3 + float(rng.uniform(-0.07, 0.07))) * size for i in divmod(int(place), 3))
        cell = blob(field, rng, (row, column), 8.5 / field.microns, 3.0)
        field.nuclei[:] *= 1 - 0.97 * cell
        field.brown[:] *= 1 - cell
        field.eosin[:] += (0.22 - field.eosin) * cell
        along = directions(rng, 1)
        plate = Cells(5.4, 1.7, 1.5 + 0.6 * contrast, 0.05, 0.0)
        apart = 0.0 if rng.random() < 0.6 else 2.9 / field.microns
        aside = np.array([[-along[0, 1], along[0, 0]]]) * apart
        at = np.array([[row, column]])
        stamp(field, rng, at + aside, plate, along)
        if apart:
            stamp(field, rng, at - aside, plate, along)
