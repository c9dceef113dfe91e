"""The left side around the viewer: the drop zone and the examples, or the kind of picture and the tray; the notes."""

import base64
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medvlm.imaging import read, render
from medvlm.page.giving import ways
from medvlm.page.session import Given, Item, Session
from medvlm.page.shelf import Example, shelf
from medvlm.page.viewing import Look, part_words, shown_words
from medvlm.types import DOMAIN_NAMES, Domain, Scan
from medvlm.ui.markup import button, error, icon

# Larger than any screen shows at once; the model gets its own, from all pixels.
LONGEST = 1400
THUMBNAIL = 112
FORMATS = "A DICOM series as folder, zip or files; NIfTI, TIFF, PNG, JPEG, WebP or BMP"
# Counts what was drawn: the page's script waits for the next, also where it looks like the last.
_drawn = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Doing:
    """What is going on with a drop. `first`: a first picture of it is on the screen."""

    words: str
    done: int = 0
    total: int = 0
    first: bool = False


def data_url(pixels: NDArray[np.uint8] | Image.Image, longest: int = LONGEST) -> str:
    """RGB pixels (H, W, 3) as a PNG inside the page: nothing is written to a disk and nothing can be fetched later."""
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    if max(image.size) > longest:
        image = image.copy()
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def picture(session: Session, largest_mb: int, wrong: str = "", doing: Doing | None = None) -> str:
    """What stands above the viewer, or in its place; `wrong` is what was the matter with the last drop."""
    if not session.items and not (doing and doing.first):
        return _empty(largest_mb, wrong, doing)
    bar = "" if session.scan is None else f'<div class="bar">{_domains(session.scan)}{_adding()}</div>'
    return (
        f'<section class="viewer" aria-label="Pictures" data-drawn="{next(_drawn)}">'
        f"{bar}{_tray(session)}{error(wrong)}{_progress(doing)}</section>"
    )


def notes(session: Session) -> str:
    """What was done to the picture shown, in one line: "DICOM CT · slice 12/40 · window 400/40 from the file"."""
    scan, now, item = session.scan, session.now, session.item
    if scan is None or now is None or item is None:
        return ""
    parts = [scan.kind, _part(now.look, scan), _size(scan), shown_words(now.look, scan), *scan.notes, *item.notes]
    said = escape(" · ".join(part for part in parts if part))
    return f'<p class="notes" tabindex="0" role="note" aria-label="What was done to the picture">{said}</p>'


def _part(look: Look, scan: Scan) -> str:
    return part_words(look, scan).replace(" of ", "/")


def _size(scan: Scan) -> str:
    rows, columns = scan.slices[len(scan.slices) // 2].shape[:2]
    return f"{columns} x {rows}"


def saw(images: Sequence[Image.Image], about: str = "", choice: str = "") -> str:
    """What the model is given of the picture shown: the pixels that its processor made, and the `choice` of what."""
    if not images:
        return ""
    width, height = images[0].size
    shown = "".join(f'<img src="{data_url(image)}" alt="The picture as the model sees it">' for image in images)
    size = f"{width} x {height} pixels" + (f", {len(images)} pictures" if len(images) > 1 else "")
    return (
        f'<figure class="saw"><button type="button" class="given" data-act="seen" data-words="{escape(about)}" '
        f'title="Show its very pixels">{shown}</button><figcaption><b>What the model sees</b>'
        f"<span>{size}</span><span>{escape(about)}</span></figcaption>{choice}</figure>"
    )


def choosing(session: Session) -> str:
    """What of the picture goes to the model, to choose from."""
    if session.scan is None:
        return ""
    found = ways(session.scan)
    chosen = session.gives if session.gives in dict(found) else found[0][0]
    options = "".join(
        f'<option value="{escape(key)}"{" selected" if key == chosen else ""}>{escape(words)}</option>'
        for key, words in found
    )
    return f'<label class="gives"><span>Give it</span> <select data-field="gives">{options}</select></label>'


# The dialog that shows what the model saw as large as it fits; its script fills it.
SEEN = """
<dialog id="seen-pixels" aria-labelledby="seen-head"><div class="drawer-head"><h2 id="seen-head">What the model saw</h2>
  <button type="button" class="plain" data-act="close-seen">Close</button></div>
  <div class="pictures-seen"></div></dialog>
"""
_numbers = itertools.count(1)


def pixels_seen(saw: Sequence[Given]) -> dict[str, Any]:
    """The dialog's value for the pictures of one answer; none of them closes it."""
    pictures = [
        {"src": f"data:image/png;base64,{base64.b64encode(one.png).decode()}", "words": one.words} for one in saw
    ]
    return {"number": next(_numbers), "pictures": pictures}


def _empty(largest_mb: int, wrong: str, doing: Doing | None) -> str:
    return (
        f'<section class="viewer empty" aria-label="Pictures" data-drawn="{next(_drawn)}"><div class="drop">'
        f'<span class="mark">{icon("drop")}</span><h2>Drop a scan here</h2>'
        f'<p class="quiet">{FORMATS}; up to {_size_words(largest_mb)}</p>'
        f'<div class="choices">{button("choose", "Choose files", kind="strong")}'
        f'{button("folder", "Choose a folder", kind="soft")}</div><p class="quiet">or paste a picture. '
        f"Files stay in this machine's memory.</p>{error(wrong)}{_progress(doing)}</div>{_examples()}</section>"
    )


def _size_words(megabytes: int) -> str:
    return f"{megabytes / 1000:g} GB" if megabytes >= 1000 else f"{megabytes} MB"


def _adding() -> str:
    folder = button("folder", "Add a folder", "folder", text=False)
    return f'<span class="adding">{folder}{button("choose", "Add files", "plus", text=False)}</span>'


def _progress(doing: Doing | None) -> str:
    """Filled by the page's script while files are sent, by the server while they are read."""
    known = doing is not None and doing.total > 0
    bar = f'max="{doing.total}" value="{doing.done}"' if doing is not None and known else 'max="100" hidden'
    mark, words = (" data-doing", doing.words) if doing is not None else ("", "")
    return (
        f'<p class="progress" role="status"{mark}><progress {bar} aria-label="How far it is"></progress>'
        f'<span>{escape(words)}</span><button type="button" class="plain" data-act="cancel" hidden>Stop</button></p>'
    )


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


def _tray(session: Session) -> str:
    """All pictures and series to choose from, where there are several."""
    if len(session.items) < 2:
        return ""
    cards = "".join(_card(number, item, session) for number, item in enumerate(session.items))
    return f'<div class="pictures" role="group" aria-label="Pictures and series">{cards}</div>'


def _card(number: int, item: Item, session: Session) -> str:
    on = "true" if number in session.panes else "false"
    name, _, more = item.words.partition(" · ")
    count = (f"{item.count:,}" if more else f"{item.count:,} slices") if item.count > 1 else ""
    small = " · ".join(filter(None, (count, more)))
    image = f'<img src="{_thumb_url(item)}" alt="">' if item.thumb is not None else '<i class="blank"></i>'
    beside = (
        f'<button type="button" class="plain" data-act="beside" data-item="{number}" '
        f'aria-label="Show beside: {escape(item.words)}" title="Show beside">{icon("beside")}</button>'
    )
    return (
        f'<div class="card{" open" if item.scan is not None else ""}"><button type="button" class="thumb" '
        f'data-act="pick" data-item="{number}" aria-pressed="{on}" title="{escape(item.words)}">{image}'
        f"<span><b>{escape(name)}</b><small>{escape(small)}</small></span></button>"
        f"{'' if number in session.panes else beside}</div>"
    )


def _thumb_url(item: Item) -> str:
    assert item.thumb is not None, "a small picture is there"
    return data_url(item.thumb, THUMBNAIL)
