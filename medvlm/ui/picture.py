"""The left side: the drop zone and the examples, or the picture with its kind, its slices and its notes."""

import base64
import io
import itertools
from functools import lru_cache
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medvlm.imaging import read, render
from medvlm.session import Session
from medvlm.shelf import Example, shelf
from medvlm.types import DOMAIN_NAMES, Domain, Scan, View, Window
from medvlm.ui.markup import button, error, icon

# Larger than any screen shows at once; the model gets its own, from all pixels.
LONGEST = 1400
THUMBNAIL = 112
# Counts what was drawn: the page's script waits for the next, also where it looks like the last.
_drawn = itertools.count(1)


def data_url(pixels: NDArray[np.uint8] | Image.Image, longest: int = LONGEST) -> str:
    """RGB pixels (H, W, 3) as a PNG inside the page: nothing is written to a disk and nothing can be fetched later."""
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    if max(image.size) > longest:
        image = image.copy()
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def picture(session: Session, largest_mb: int, wrong: str = "") -> str:
    """The whole left side for a session; `wrong` is what was the matter with the last file."""
    if session.shown is None or session.scan is None:
        return _empty(largest_mb, wrong)
    scan, view = session.scan, session.shown
    return (
        f'<section class="viewer" aria-label="Picture" data-drawn="{next(_drawn)}">'
        f'<div class="bar">{_domains(scan)}{button("choose", "Add a picture", "plus", text=False)}</div>'
        f"{_stage(scan, view)}{_slices(scan, view)}"
        f'<p class="notes">{escape(notes(scan, view))}</p>{error(wrong)}{_pictures(session)}'
        f"{_progress()}</section>"
    )


def notes(scan: Scan, view: View) -> str:
    """One line of what was done to the picture: "DICOM CT · slice 12/40 · window 400/40 from the file"."""
    slices = len(scan.slices)
    rows, columns = scan.slices[view.slice].shape[:2]
    parts = [scan.kind, f"slice {view.slice + 1}/{slices}" if slices > 1 else "", f"{columns} x {rows}"]
    return " · ".join([part for part in parts if part] + list(scan.notes))


def saw(image: Image.Image | None) -> str:
    """What the model is given of the picture shown: the pixels that its processor made."""
    if image is None:
        return ""
    width, height = image.size
    return (
        f'<figure class="saw"><img src="{data_url(image)}" alt="The picture as the model sees it">'
        f"<figcaption><b>What the model sees</b><span>{width} x {height} pixels</span></figcaption></figure>"
    )


def _empty(largest_mb: int, wrong: str) -> str:
    return (
        f'<section class="viewer empty" aria-label="Picture" data-drawn="{next(_drawn)}"><div class="drop">'
        f'<span class="mark">{icon("drop")}</span><h2>Drop a scan here</h2>'
        f'<p class="quiet">DICOM, PNG, JPEG, TIFF, WebP or BMP, up to {largest_mb} MB</p>'
        f'{button("choose", "Choose a file", kind="strong")}<p class="quiet">or paste a picture. '
        f"Files stay in this machine's memory.</p>{error(wrong)}{_progress()}</div>{_examples()}</section>"
    )


def _progress() -> str:
    return '<p class="progress" role="status"><progress max="100" hidden></progress><span></span></p>'


def _examples() -> str:
    if not shelf():
        return ""
    buttons = "".join(_example(number, example) for number, example in enumerate(shelf()))
    return f'<div class="examples"><h3>Or open an example</h3><div class="shelf">{buttons}</div></div>'


def _example(number: int, example: Example) -> str:
    return (
        f'<button type="button" class="thumb" data-act="example" data-number="{number}">'
        f'<img src="{_thumbnail(example)}" alt=""><span>{escape(example.label)}</span></button>'
    )


@lru_cache(maxsize=32)
def _thumbnail(example: Example) -> str:
    scan = read(example.read(), example.path.name)
    return data_url(render(scan, len(scan.slices) // 2), THUMBNAIL)


def _domains(scan: Scan) -> str:
    """The row of kinds. A guess is marked until a click settles it."""
    guess = scan.domain_source == "guess"
    unknown = scan.domain_source == "unknown"
    buttons = "".join(
        _domain(domain, name, domain == scan.domain and not unknown, guess) for domain, name in DOMAIN_NAMES.items()
    )
    return f'<div class="domains" role="group" aria-label="Kind of picture">{buttons}</div>'


def _domain(domain: Domain, name: str, chosen: bool, guess: bool) -> str:
    mark = '<small class="guess">guess</small>' if chosen and guess else ""
    return (
        f'<button type="button" class="domain" data-act="domain" data-domain="{domain}" '
        f'aria-pressed="{"true" if chosen else "false"}">{escape(name)}{mark}</button>'
    )


def _stage(scan: Scan, view: View) -> str:
    label = f"{DOMAIN_NAMES[scan.domain]} picture" if scan.domain != "other" else "Picture"
    part = f", slice {view.slice + 1} of {len(scan.slices)}" if len(scan.slices) > 1 else ""
    return f'<figure class="stage"><img src="{shown_url(scan, view.slice)}" alt="{escape(label + part)}"></figure>'


def shown_url(scan: Scan, index: int, window: Window | None = None) -> str:
    return data_url(render(scan, index, window))


def _slices(scan: Scan, view: View) -> str:
    slices = len(scan.slices)
    if slices < 2:
        return ""
    return (
        '<div class="slices"><input type="range" min="1" '
        f'max="{slices}" step="1" data-scan="{view.scan}" data-slice="{view.slice + 1}" aria-label="Slice" '
        f'aria-valuetext="slice {view.slice + 1} of {slices}">'
        f"<output>{view.slice + 1} / {slices}</output></div>"
    )


def _pictures(session: Session) -> str:
    """Thumbnails to choose from, where there are several pictures."""
    scans = session.conversation.scans
    if len(scans) < 2 or session.shown is None:
        return ""
    shown = session.shown.scan
    buttons = "".join(
        f'<button type="button" class="thumb small" data-act="pick" data-scan="{n}" '
        f'aria-pressed="{"true" if n == shown else "false"}" aria-label="Picture {n + 1}: {escape(scan.kind)}">'
        f'<img src="{_small(scan)}" alt=""></button>'
        for n, scan in enumerate(scans)
    )
    return f'<div class="pictures" role="group" aria-label="Pictures of this conversation">{buttons}</div>'


def _small(scan: Scan) -> str:
    return data_url(render(scan, len(scan.slices) // 2), THUMBNAIL // 2)
