"""PDF -> article: pictures with the captions that stand beside them, and the sentences that name them.

Covered: pictures set as images, one or several for one caption, in one column or two; text that is text. Not covered:
figures drawn with lines alone (charts, mostly), scanned pages, captions on another page than their picture.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pypdfium2  # type: ignore[import-untyped]
from pypdfium2 import raw

from medvlm.errors import DatasetError
from train.corpus.articles import Article, Found
from train.corpus.licences import OTHER, licence_of, says_foreign
from train.corpus.sentences import numbers_in, sentences, tidy

MOST_PAGES = 200
SMALLEST = 30.0  # points; smaller images are logos, icons and lines
WHOLE_PAGE = 0.8  # share of the page's area; a larger image is a scanned page or a background
NEAR = 8.0  # points between images that make up one picture
FARTHEST = 120.0  # points between a picture and its caption
FINEST = 300 / 72  # pixels a point; print's usual 300 dpi
_CAPTION = re.compile(
    r"((?:supplementary\s+)?fig(?:ure)?\.?\s*(S?\d+))(?:\s*[.:|\u2013\u2014-]\s*|\s+(?=[A-Z(]))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def joined(self, other: "Box") -> "Box":
        return Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )

    def beside(self, other: "Box") -> float:
        """How far the two overlap from left to right; negative where they do not."""
        return min(self.right, other.right) - max(self.left, other.left)

    def level(self, other: "Box") -> float:
        """How far the two overlap from bottom to top; negative where they do not."""
        return min(self.top, other.top) - max(self.bottom, other.bottom)

    def near(self, other: "Box") -> bool:
        return self.beside(other) > -NEAR and self.level(other) > -NEAR

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def area(self) -> float:
        return (self.right - self.left) * self.height


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Caption:
    """`label` as printed ("Fig. 2"), its `number`, the `text` behind it, and where all of it stands."""

    label: str
    number: str
    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Region:
    """A picture on a page. `scale`: pixels a point at which its finest image is shown as it is."""

    box: Box
    scale: float


def read(data: bytes, what: str, stem: str) -> Article:
    """Raises DatasetError for a file that is no PDF, is locked, or has too many pages."""
    try:
        with pypdfium2.PdfDocument(data) as document:
            return _article(document, data, what, stem)
    except pypdfium2.PdfiumError as error:
        raise DatasetError(f"{what} is no PDF that can be read: {error}") from error


def _article(document: pypdfium2.PdfDocument, data: bytes, what: str, stem: str) -> Article:
    if len(document) > MOST_PAGES:
        raise DatasetError(f"{what} has {len(document)} pages; a paper has at most {MOST_PAGES}.")
    running: list[str] = []
    paired: list[tuple[int, Region | None, Caption | None]] = []
    for number in range(len(document)):
        page = document[number]
        captions, other = split(lines(page))
        running += other
        paired += [(number, *one) for one in pair(regions(page), captions)]
        page.close()
    text = joined(running)
    title = document.get_metadata_value("Title") or ""
    licence = licence_of([" ".join(running)])
    said = [(one, numbers_in(one)) for one in sentences(text)]
    figures = tuple(_found(data, n, region, caption, said, licence) for n, region, caption in paired)
    author = document.get_metadata_value("Author") or ""
    return Article(
        stem, f"{title} {text[:3000]}".strip(), ". ".join(filter(None, (author, title or stem))), "", _apart(figures)
    )


def _found(
    data: bytes, page: int, region: Region | None, caption: Caption | None,
    said: list[tuple[str, frozenset[str]]], licence: str,
) -> Found:  # fmt: skip
    fetch = partial(rendered, data, page, region) if region else None
    if caption is None:
        return Found(f"page{page + 1}", "", "", (), licence, fetch)
    mentions = tuple(dict.fromkeys(sentence for sentence, numbers in said if caption.number.upper() in numbers))
    own = OTHER if says_foreign(caption.text) else licence
    return Found(f"fig{caption.number}", caption.label, caption.text, mentions, own, fetch)


def _apart(figures: tuple[Found, ...]) -> tuple[Found, ...]:
    """Names that are given several times are numbered."""
    seen: dict[str, int] = {}
    made = []
    for figure in figures:
        seen[figure.name] = count = seen.get(figure.name, 0) + 1
        made.append(replace(figure, name=f"{figure.name}-{count}") if count > 1 else figure)
    return tuple(made)


def rendered(data: bytes, number: int, region: Region) -> bytes:
    """The picture as the page shows it, with what is written over it, as PNG at its images' own resolution."""
    with pypdfium2.PdfDocument(data) as document:
        page = document[number]
        width, height = page.get_size()
        box = region.box
        crop = (max(box.left, 0), max(box.bottom, 0), max(width - box.right, 0), max(height - box.top, 0))
        image = page.render(scale=region.scale, crop=crop).to_pil().convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def lines(page: pypdfium2.PdfPage) -> list[Line]:
    """The page's text by lines, in the file's order, which is the order of reading in nearly all papers."""
    text = page.get_textpage()
    found: list[Line] = []
    for index in range(text.count_rects()):
        box = Box(*text.get_rect(index))
        piece = text.get_text_bounded(box.left, box.bottom, box.right, box.top).strip()
        if not piece:
            continue
        last = found[-1] if found else None
        # Words in another font stand in a rectangle of their own on the same line.
        if (
            last
            and last.box.level(box) > 0.5 * min(last.box.height, box.height)
            and -2 * box.height < last.box.beside(box) < 2
        ):
            found[-1] = Line(f"{last.text} {piece}", last.box.joined(box))
        else:
            found.append(Line(piece, box))
    return found


def split(found: list[Line]) -> tuple[list[Caption], list[str]]:
    """The captions of a page, and its other lines."""
    captions: list[Caption] = []
    rest: list[str] = []
    open_, last = False, None
    for line in found:
        match = _CAPTION.match(line.text)
        if match:
            captions.append(Caption(match[1].strip(), match[2], line.text[match.end() :], line.box))
            open_ = True
        elif open_ and last is not None and _follows(last, line):
            before = captions[-1]
            captions[-1] = replace(before, text=joined([before.text, line.text]), box=before.box.joined(line.box))
        else:
            open_ = False
            rest.append(line.text)
        last = line
    return captions, rest


def _follows(last: Line, line: Line) -> bool:
    """Whether a line goes on where the caption's last one ended: right below it, in letters of its size."""
    height = max(last.box.height, line.box.height)
    gap = last.box.bottom - line.box.top
    return -height < gap < 0.9 * height and last.box.beside(line.box) > 0 and line.box.height < 1.4 * last.box.height


def joined(texts: list[str]) -> str:
    """Lines as running text; words that were parted at a line's end are whole again."""
    # PDFium gives the hyphen at the end of a line as a character of its own.
    whole = re.sub("[\x02\ufffe\u00ad]", "-", "\n".join(texts))
    return tidy(re.sub(r"(?<=[a-z])-\s*\n(?=[a-z])", "", whole))


def regions(page: pypdfium2.PdfPage) -> list[Region]:
    """The pictures of a page; images that touch or nearly touch are one."""
    width, height = page.get_size()
    found: list[Region] = []
    for region in _images(page):
        box = region.box
        if min(box.right - box.left, box.height) < SMALLEST or box.area > WHOLE_PAGE * width * height:
            continue
        while near := [one for one in found if one.box.near(region.box)]:
            for one in near:
                found.remove(one)
                region = Region(region.box.joined(one.box), max(region.scale, one.scale))
        found.append(region)
    return sorted(found, key=lambda one: (-one.box.top, one.box.left))


def _images(page: pypdfium2.PdfPage) -> Iterator[Region]:
    for item in page.get_objects(max_depth=1):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            inner = [item]
        elif item.type == raw.FPDF_PAGEOBJ_FORM:
            # What lies in a form has the form's own coordinates: the whole form is taken for the picture.
            inner = list(page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], form=item, level=1))
        else:
            continue
        box = Box(*item.get_bounds())
        if inner and box.area > 0:
            pixels = max(one.get_px_size()[0] for one in inner)
            yield Region(box, min(max(pixels / (box.right - box.left), 1.0), FINEST))


def pair(found: list[Region], captions: list[Caption]) -> Iterator[tuple[Region | None, Caption | None]]:
    """Each caption with the pictures nearest to it, joined; then the pictures that have none."""
    held: dict[int, Region] = {}
    alone: list[Region] = []
    for region in found:
        near = [(away, index) for index, one in enumerate(captions) if (away := _away(region.box, one.box)) is not None]
        if not near:
            alone.append(region)
            continue
        index = min(near)[1]
        before = held.get(index)
        both = Region(before.box.joined(region.box), max(before.scale, region.scale)) if before else region
        held[index] = both
    yield from ((held.get(index), caption) for index, caption in enumerate(captions))
    yield from ((region, None) for region in alone)


def _away(picture: Box, caption: Box) -> float | None:
    """Points between a picture and a caption below, above or beside it; None where they do not belong together."""
    if picture.beside(caption) > 0:
        # Captions stand below their pictures far oftener than above.
        below, above = picture.bottom - caption.top, caption.bottom - picture.top
        away = below if below > -caption.height else above + 20
    elif picture.level(caption) > 0:
        away = -picture.beside(caption) + 40
    else:
        return None
    return away if -caption.height < away < FARTHEST else None
