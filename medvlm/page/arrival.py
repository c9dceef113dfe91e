"""What was dropped, on its way to the screen: a first picture at once, the headers, then the series in the tray."""

import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medvlm.errors import UserError
from medvlm.imaging import STUDY_LIMITS, Drop, Limits, Series, Study, first_picture, read_study, render, unpack
from medvlm.page.seat import Seat
from medvlm.page.session import Item
from medvlm.types import Scan

# How often somebody who waits is told how far it has come, in seconds; and the longest side of a small picture.
TICK = 0.25
SMALL = 96
Files = Sequence[tuple[str, bytes]]


class Admission(Protocol):
    """What every scan of one drop passes before anything of it is shown or kept (`medvlm.privacy.Gate.admission`)."""

    def __call__(self, scan: Scan) -> Scan:
        """The scan as it may be seen. Raises `UserError` where it may not."""

    def previews(self, series: Series) -> bool:
        """Whether a series may be shown as a small picture before it is opened."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How far a drop has come. `first`: a picture to look at meanwhile, once; `done` of `total` files looked through.

    `shown`: something of it is on the screen now, or the tray has changed.
    """

    done: int = 0
    total: int = 0
    first: Scan | None = None
    shown: bool = False


class _Reading:
    """Headers read in a thread of their own, so that whoever waits can be told how far it is."""

    def __init__(self, drop: Drop, limits: Limits) -> None:
        self.done = 0
        self.study: Study | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._read, args=(drop, limits), daemon=True, name="headers")
        self._thread.start()

    def _read(self, drop: Drop, limits: Limits) -> None:
        try:
            self.study = read_study(drop, limits, self._note)
        except Exception as error:  # raised again, in the thread that waits
            self.error = error

    def _note(self, done: int, _: int) -> None:
        self.done = done

    def wait(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def arriving(files: Files, admit: Admission, limits: Limits = STUDY_LIMITS) -> Generator[Arrival, None, Study]:
    """Reads the headers of all files, (name, bytes) each, archives opened; returns the study. Raises `UserError`."""
    drop = unpack(files, limits)
    if len(drop) > 1:
        yield Arrival(0, len(drop), _admitted(first_picture(drop, limits), admit))
    reading = _Reading(drop, limits)
    while not reading.wait(TICK):
        yield Arrival(reading.done, len(drop))
    if reading.error is not None:
        raise reading.error
    assert reading.study is not None, "headers are read, or there is an error"
    return reading.study


def _admitted(scan: Scan | None, admit: Admission) -> Scan | None:
    """None for what may not be seen: opening it says why."""
    try:
        return None if scan is None else admit(scan)
    except UserError:
        return None


def tray_of(study: Study, admit: Admission) -> tuple[tuple[Item, ...], int]:
    """The series of a study for the tray, and the number of the one with the most slices, which is open.

    Where that cannot be opened it is the next one; raises the first `UserError` where none can.
    """
    items = [_item(study, series, admit) for series in study.series]
    errors: list[UserError] = []
    for series in sorted(study.series, key=lambda one: (-one.count, one.number)):
        try:
            items[series.number] = items[series.number].opened(items[series.number].source())
            return tuple(items), series.number
        except UserError as error:
            errors.append(error)
    raise errors[0]


def _item(study: Study, series: Series, admit: Admission) -> Item:
    def source() -> Scan:
        return admit(study.open(series.number, background=True))

    def picture() -> NDArray[np.uint8]:
        return small(study.thumbnail(series.number))

    drawn = picture if admit.previews(series) else None
    return Item(words_of(series), series.count, source, drawn, notes=study.notes)


def words_of(series: Series) -> str:
    """What a series is, in words of a closed list: "CT · axial, lung", "NIfTI volume"."""
    return " · ".join(filter(None, (series.modality or series.name, series.description)))


def small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, at most `SMALL` pixels on its longer side."""
    image = Image.fromarray(pixels)
    image.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
    return np.asarray(image)


def draw_thumb(seat: Seat, item: Item) -> None:
    """Gives an item of the tray its small picture. Where that cannot be drawn there is none; opening it says why.

    Of an open one it is drawn from the scan, where what must not be seen is covered.
    """
    if item.scan is None and item.draw is None:
        return
    with suppress(UserError):
        if item.scan is not None:
            thumb = small(render(item.scan, len(item.scan.slices) // 2))
        else:
            assert item.draw is not None, "what is not open has a way to be drawn"
            thumb = item.draw()
        seat.change(lambda now: now.with_thumb(item.source, thumb))
