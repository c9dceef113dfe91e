"""Papers in the layouts that publishers use, with what tests need to know of them: JATS, packages, PDFs, charts."""

import ctypes
import io
import os
import random
import signal
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
from PIL import Image, ImageDraw
from pypdfium2 import raw

BY = "https://creativecommons.org/licenses/by/4.0/"
CAPTION = "Axial CT of the abdomen shows a round hypodense lesion in the right lobe of the liver, with a bright rim."
DOCTYPE = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.2 20190208//EN" '
    '"http://example.invalid/JATS-archivearticle1.dtd"'
)
CHARTS = ("line", "bar", "scatter", "box", "histogram", "pie", "table", "flow")


@cache
def scan(seed: int, width: int = 240, height: int = 200) -> Image.Image:
    """Soft greys, different for each seed: what a scan looks like to rules that look at neighbouring pixels."""
    rough = np.random.default_rng(seed).integers(0, 200, (12, 12)).astype(np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC).convert("RGB")


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def chart(kind: str, seed: int) -> Image.Image:
    """A figure that was drawn: one of CHARTS, its sizes, colours and numbers by seed."""
    rng = random.Random(f"{kind}:{seed}")
    width, height = rng.choice([(640, 480), (900, 600), (500, 500), (1200, 700)])
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    frame = (int(width * 0.12), int(height * 0.08), int(width * 0.95), int(height * 0.86))
    if kind not in ("pie", "table", "flow"):
        _axes(pen, frame, rng)
    _DRAWN[kind](pen, frame, rng)
    return image


Frame = tuple[int, int, int, int]
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#5a5a5a", "#000000")


def _axes(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    left, top, right, bottom = frame
    pen.rectangle(frame, fill=rng.choice(["white", "white", "#f5f5fa", "#eaeaf2"]), outline="black")
    for mark in range(6):
        y = bottom - (bottom - top) * mark / 5
        pen.line((left - 5, y, left, y), fill="black")
        pen.text((left - 40, y - 8), f"{mark * 20}", fill="black")
        pen.line((left, y, right, y), fill="#d2d2d2")
    pen.text(((left + right) / 2, bottom + 15), "Time (months)", fill="black")


def _lines(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    left, top, right, bottom = frame
    for colour in COLOURS[: rng.randint(1, 5)]:
        y, points = rng.random(), []
        for x in range(60):
            y = min(max(y + rng.gauss(0, 0.05), 0), 1)
            points.append((left + (right - left) * x / 59, bottom - (bottom - top) * y))
        pen.line(points, fill=colour, width=rng.randint(1, 4))


def _bars(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random, count: int = 6) -> None:
    left, top, right, bottom = frame
    step = (right - left) / count
    for bar in range(count):
        x, high = left + step * (bar + 0.1), bottom - (bottom - top) * rng.uniform(0.1, 0.95)
        pen.rectangle((x, high, x + 0.8 * step, bottom), fill=COLOURS[bar % 7] if count < 9 else COLOURS[0])


def _dots(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    left, top, right, bottom = frame
    for dot in range(rng.randint(50, 500)):
        x, y = rng.uniform(left, right), rng.uniform(top, bottom)
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=COLOURS[dot % 3])


def _boxes(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    left, top, right, bottom = frame
    for box in range(5):
        x = left + (right - left) * (box + 0.5) / 5
        low, high = sorted(rng.uniform(top, bottom) for _ in range(2))
        pen.line((x, top + 10, x, bottom - 10), fill="black")
        pen.rectangle((x - 25, low, x + 25, high), fill=COLOURS[box], outline="black", width=2)


def _slices(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    left, top, _, bottom = frame
    for slice_ in range(6):
        pen.pieslice((left, top, left + bottom - top, bottom), slice_ * 60, slice_ * 60 + 60, fill=COLOURS[slice_])


def _cells(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    for row in range(12):
        for column in range(5):
            words = rng.choice(["0.53", "12.4 (3)", "Treatment", "p < 0.05", "CT"])
            pen.text((20 + column * frame[2] / 5, 20 + row * frame[3] / 12), words, fill="black")
        pen.line((10, 15 + row * frame[3] / 12, frame[2], 15 + row * frame[3] / 12), fill="black")


def _steps(pen: ImageDraw.ImageDraw, frame: Frame, rng: random.Random) -> None:
    for step in range(rng.randint(4, 9)):
        x, y = rng.uniform(0, frame[2] - 150), frame[1] + step * 60
        pen.rectangle(
            (x, y, x + 150, y + 45), fill=rng.choice(["#dcebfa", "white", "#fae6c8"]), outline="black", width=2
        )
        pen.text((x + 8, y + 10), "Assessed for\neligibility", fill="black")


_DRAWN = {
    "line": _lines, "bar": _bars, "scatter": _dots, "box": _boxes, "pie": _slices, "table": _cells, "flow": _steps,
    "histogram": lambda pen, frame, rng: _bars(pen, frame, rng, 30),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fig:
    """One `fig` of an article; `href` as publishers write it, mostly without an ending; `inside` comes before it."""

    id: str = "f1"
    href: str = "f1"
    caption: str = CAPTION
    inside: str = ""


def jats(name: str, figures: Sequence[Fig] = (Fig(),), licence: str = BY, body: str = "", head: str = "") -> bytes:
    """An article as PubMed Central has it. `licence`: an address, "" for none; `head`: of the DTD's internal subset."""
    figs = "".join(
        f'<fig id="{fig.id}" position="float"><label>Figure {number}</label><caption><p>{fig.caption}</p></caption>'
        f'{fig.inside}<graphic xlink:href="{fig.href}"/></fig>'
        for number, fig in enumerate(figures, 1)
    )
    rights = (
        f'<permissions><license license-type="open-access"><ali:license_ref>{licence}</ali:license_ref>'
        "<license-p>Under these terms it may be passed on.</license-p></license></permissions>"
        if licence
        else ""
    )
    pointed = " ".join(f'Its rim is seen in <xref ref-type="fig" rid="{fig.id}">the figure</xref>.' for fig in figures)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{DOCTYPE}{head}><article xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:ali="http://www.niso.org/schemas/ali/1.0/" xml:lang="en"><front><journal-meta><journal-title-group>'
        "<journal-title>Drawn Cases</journal-title></journal-title-group></journal-meta><article-meta>"
        f'<article-id pub-id-type="pmc">{name}</article-id><article-id pub-id-type="doi">10.1/{name}</article-id>'
        "<title-group><article-title>Lesions of the liver in computed tomography</article-title></title-group>"
        '<contrib-group><contrib contrib-type="author"><name><surname>Doe</surname><given-names>J</given-names></name>'
        f"</contrib></contrib-group><pub-date><year>2024</year></pub-date>{rights}</article-meta></front>"
        f"<body><sec><title>Results</title><p>{pointed}</p>{body}{figs}</sec></body></article>"
    ).encode()


def folder(home: Path, name: str, text: bytes, pictures: dict[str, bytes]) -> Path:
    """An article as a folder: its XML and its pictures side by side."""
    place = home / name
    place.mkdir(parents=True)
    (place / f"{name}.nxml").write_bytes(text)
    for file, data in pictures.items():
        (place / file).write_bytes(data)
    return place


def package(path: Path, files: dict[str, bytes]) -> Path:
    """PubMed Central's package: a tar.gz that holds one folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{path.name.split('.')[0]}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


Placed = tuple[float, float, float, float]  # left, bottom, width, height in points


def pdf(pages: Sequence[tuple[Sequence[tuple[float, float, str]], Sequence[tuple[Placed, Image.Image]]]]) -> bytes:
    """Pages of A4, each of lines of text (left, baseline, words) and of pictures."""
    document = pypdfium2.PdfDocument.new()
    for words, pictures in pages:
        page = document.new_page(595, 842)
        for left, baseline, line in words:
            _put_text(document, page, left, baseline, line)
        for (left, bottom, width, height), image in pictures:
            placed = pypdfium2.PdfImage.new(document)
            placed.load_jpeg(io.BytesIO(jpeg(image)), inline=True)
            placed.set_matrix(pypdfium2.PdfMatrix().scale(width, height).translate(left, bottom))
            page.insert_obj(placed)
        page.gen_content()
        page.close()
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def _put_text(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, left: float, baseline: float, line: str
) -> None:
    text = raw.FPDFPageObj_NewTextObj(document, b"Helvetica", 9.0)
    wide = ctypes.create_string_buffer(line.encode("utf-16-le") + b"\0\0")
    raw.FPDFText_SetText(text, ctypes.cast(wide, raw.FPDF_WIDESTRING))
    raw.FPDFPageObj_Transform(text, 1, 0, 0, 1, left, baseline)
    raw.FPDFPage_InsertObject(page, text)


def paper_pdf() -> bytes:
    """A paper of two pages: two figures on the first, one of two pictures on the second, mentions and a licence."""
    first = (
        [
            (
                60,
                790,
                "Lesions of the liver in computed tomography. This article is distributed under the terms of the",
            ),
            (60, 778, "Creative Commons Attribution 4.0 International License. All lesions were exam-"),
            (
                60,
                766,
                "ined twice. The rim is bright (Fig. 1), as others saw. Figures 2 and 3 show lesions that enhance.",
            ),
            (60, 480, "Figure 1. Axial CT of the abdomen shows a round hypodense lesion in the right"),
            (60, 469, "lobe of the liver, with a bright rim (arrow)."),
            (60, 440, "Fig. 2: Coronal MRI of the knee shows an effusion behind the patella."),
        ],
        [((60, 500, 240, 200), scan(1)), ((60, 200, 240, 200), scan(2))],
    )
    second = (
        [(60, 500, "Figure 3. Chest radiographs of the same patient before and after the treatment.")],
        [((60, 520, 200, 200), scan(3)), ((264, 520, 200, 200), scan(4))],
    )
    return pdf([first, second])


def collection(home: Path) -> dict[str, int]:
    """A folder of papers in every layout and with every flaw; step -> how many figures fall there."""
    good = jpeg(scan(10))
    folder(home, "PMC1", jats("1"), {"f1.jpg": good})
    folder(home, "PMC2", jats("2", [Fig(), Fig("f2", "f2.tif")]), {"f1.jpg": jpeg(scan(11)), "f2.jpg": jpeg(scan(12))})
    package(home / "oa" / "PMC3.tar.gz", {"a.nxml": jats("3"), "f1.gif": b"GIF89a", "f1.jpg": jpeg(scan(13))})
    (home / "paper.pdf").write_bytes(paper_pdf())
    flawed = {
        "chart": (Fig(), jpeg(chart("bar", 0))),
        "small": (Fig(), jpeg(scan(20, 60, 60))),
        "copy": (Fig(), jpeg(scan(10).resize((216, 180)), 60)),
        "torn": (Fig(), good[:300]),
        "gone": (Fig(href="f9"), good),
        "panels": (Fig(caption="(a) Axial CT of the liver before and (b) after the treatment of the lesion."), good),
        "mute": (Fig(caption="CT."), good),
        "german": (Fig(caption="Röntgenaufnahme des Thorax mit einem Pleuraerguss auf der linken Seite. " * 2), good),
        "theirs": (Fig(caption=f"{CAPTION} Reproduced with permission from the publisher."), good),
    }
    for number, (name, (fig, picture)) in enumerate(flawed.items(), 101):
        folder(home, name, jats(str(number), [fig]), {"f1.jpg": picture})
    folder(home, "closed", jats("201", licence="https://creativecommons.org/licenses/by-nc/4.0/"), {"f1.jpg": good})
    folder(home, "zz-again", jats("1"), {"f1.jpg": jpeg(scan(30))})
    folder(home, "torn-xml", jats("202")[:400], {})
    (home / "torn.pdf").write_bytes(paper_pdf()[:200])
    package(home / "empty.tar.gz", {"readme.txt": b"nothing"})
    (home / "damaged.tar.gz").write_bytes(b"\x1f\x8b\x08\x00 no archive")
    return {"drawing": 1, "size": 1, "copy": 1, "damaged": 1, "missing": 1, "panels": 2, "caption": 1, "language": 1,
            "licence": 2, "again": 1, "topic": 0}  # fmt: skip


def endless(image: Image.Image) -> str:
    """A classifier that never comes to an end at one picture."""
    if image.size == (300, 200):
        time.sleep(1e6)
    return "picture"


def deadly(image: Image.Image) -> str:
    """A classifier that ends its process at one picture, as a crash in a decoder does."""
    if image.size == (300, 200):
        os.kill(os.getpid(), signal.SIGKILL)
    return "picture"
