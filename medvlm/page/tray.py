"""What a sitting is made of: pictures of the tray, questions about them, and what each answer was made with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal

from PIL import Image

from medvlm.page.region import Region
from medvlm.page.screen import at_first
from medvlm.page.viewing import Look
from medvlm.types import Arm, Decoding, Pixels, Report, Scan

GREEDY = Decoding()
# The longest side of the small copy that stands beside an answer: it is sent again with each word.
SMALL = 64


@dataclass(frozen=True, slots=True)
class Choices:
    """What the settings drawer holds. `system` None is the built-in prompt."""

    arm: Arm = "tuned"
    decoding: Decoding = GREEDY
    system: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One picture or series in the tray. `source` opens it; `scan` and `look` are there once it has been opened.

    `words`: what it is ("CT · axial, lung"); `count`: slices; `draw`: makes the small picture `thumb`, (h, w, 3) uint8,
    which is None until then; `notes`: what was said of the drop that it came with.
    """

    words: str
    count: int
    source: Callable[[], Scan]
    draw: Callable[[], Pixels] | None = None
    scan: Scan | None = None
    look: Look | None = None
    thumb: Pixels | None = None
    notes: tuple[str, ...] = ()

    def opened(self, scan: Scan) -> "Item":
        return replace(self, scan=scan, look=at_first(scan))


def item_of(scan: Scan) -> Item:
    """A scan that is open already."""
    return Item(scan.kind, len(scan.slices), lambda: scan).opened(scan)


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture: which item of the tray (from 0), and how it is seen.

    `region`: the part of it that is meant. `beside`: the slices before and after it come along.
    """

    item: int
    look: Look
    region: Region | None = None
    beside: bool = False

    @property
    def bare(self) -> "Shown":
        """Without measurements, which are no part of the picture."""
        return replace(self, look=replace(self.look, measures=()))


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it was typed, and what it is about; the conversation has it as the model gets it."""

    text: str
    about: Shown | None


@dataclass(frozen=True, slots=True)
class Given:
    """The pixels that the model's processor made of one picture, as a PNG; `small`: a JPEG of it for the page.

    `words`: what it is ("slice 12 of 40, window 80/40").
    """

    png: bytes
    small: bytes
    words: str


def given_of(image: Image.Image, words: str) -> Given:
    """Of the picture that a model says it was given."""
    small = image.convert("RGB")
    small.thumbnail((SMALL, SMALL))
    return Given(_as(image, "PNG"), _as(small, "JPEG"), words)


def _as(image: Image.Image, form: Literal["PNG", "JPEG"]) -> bytes:
    out = BytesIO()
    image.save(out, form)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of one answer beside its text: the picture it is about, and how it was drawn.

    `saw`: all pictures that were asked about; none where the model did not say. `weights`: SHA-256 of the adapter that
    was loaded, empty where it is not known.
    """

    shown: Shown | None
    model: str
    arm: Arm
    decoding: Decoding
    report: Report | None = None
    saw: tuple[Given, ...] = ()
    weights: str = ""
