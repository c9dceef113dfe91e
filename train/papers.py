"""Drawn "papers", for the whole way from papers to scores in small: `python -m train.papers FOLDER [--count 60]`.

Articles in JATS whose figures are phantoms, and whose captions and in-text mentions follow from what was drawn.
Nobody wrote them and no patient is in them. Beside the sound ones stand some with one flaw each, as real collections
have them, so that every filter of `python -m train corpus` has something to find.
"""

import argparse
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw

from medvlm.imaging import render
from medvlm.phantoms import draw
from medvlm.phantoms.scan import as_scan
from medvlm.phantoms.truth import Question, QuestionKind
from medvlm.phantoms.writer import write
from medvlm.types import DOMAINS, Domain

# Phantoms of training's draw that neither nano's own training (below 4,000,000) nor any test has seen.
FIRST_SEED = 6_000_000
A_PAPER = 3  # figures
BRIEF = 0.25  # share of captions under 30 words, as LLaVA-Med found in PMC-15M (section 3)
MENTIONS = 3  # sentences that name a figure, at most
TOLD: tuple[QuestionKind, ...] = ("which", "side", "place", "size", "count", "technique", "normal", "comparison")
OPEN_LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
OPEN_WORDS = "Drawn by a program; in the public domain."
CLOSED_WORDS = "All rights reserved."
Flaw = Literal["chart", "thumbnail", "seen before", "other language", "no licence", "no picture", "cut off"]
FLAWS: tuple[Flaw, ...] = get_args(Flaw)
DOCTYPE = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.3 20210610//EN" '
    '"JATS-archivearticle1-3.dtd">'
)


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One picture (RGB), its caption, and the sentences of the text that name it."""

    picture: Image.Image | None
    caption: str
    mentions: tuple[str, ...] = ()
    quality: int = 92


@dataclass(frozen=True, slots=True, eq=False)
class Article:
    """One paper; `licence` is an address, or empty where none is given."""

    id: str
    title: str
    figures: tuple[Figure, ...]
    licence: str = OPEN_LICENCE
    language: str = "en"
    whole: bool = True


def write_papers(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """`count` sound papers and one of each flaw, a folder each (`NAME.nxml`, `f1.jpg` ...), whole or not at all.

    The same numbers give the same bytes.
    """
    part = folder.parent / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    names = [_put(article, part).name for article in papers(count, seed)]
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return [folder / name for name in names]


def papers(count: int, seed: int = 0) -> Iterator[Article]:
    """The sound papers, then the flawed ones. Raises ValueError for fewer than one."""
    if count < 1:
        raise ValueError(f"{count} papers are none; ask for 1 or more.")
    first = FIRST_SEED + 100_000 * seed
    for number in range(count):
        yield sound(number, first)
    for number, flaw in enumerate(FLAWS, count):
        yield flawed(number, first, flaw)


def sound(number: int, first: int) -> Article:
    """Three figures of neighbouring domains, so that many papers have all domains alike."""
    at = A_PAPER * number
    figures = tuple(figure(DOMAINS[n % len(DOMAINS)], first + n) for n in range(at, at + A_PAPER))
    return Article(f"phantom-{number + 1:05d}", f"Drawn pictures with known findings, part {number + 1}", figures)


def figure(domain: Domain, seed: int) -> Figure:
    """One phantom as a figure: caption and mentions follow from its truth."""
    rng = random.Random(seed)
    phantom = draw(domain, seed, "train")
    said = write(phantom.truth, seed)
    caption = said.brief if rng.random() < BRIEF else said.detailed
    picture = Image.fromarray(render(as_scan(phantom))).convert("RGB")
    return Figure(picture, caption, tuple(mentions(said.questions, rng)))


def mentions(questions: tuple[Question, ...], rng: random.Random) -> Iterator[str]:
    """What an article says of a figure outside its caption: sentences that are true of it."""
    told = [q.sentence for q in questions if not q.closed and q.kind in TOLD]
    sentences = list(dict.fromkeys(told))
    yield from rng.sample(sentences, min(MENTIONS, len(sentences)))


def flawed(number: int, first: int, flaw: Flaw) -> Article:
    """A paper with one figure and one thing wrong with it."""
    name = f"phantom-{number + 1:05d}"
    good = figure(DOMAINS[number % len(DOMAINS)], first + A_PAPER * number)
    title = "A drawn picture"
    match flaw:
        case "chart":
            return Article(name, title, (Figure(chart(number), "Bar chart of the number of lesions in each group."),))
        case "thumbnail":
            assert good.picture is not None
            return Article(name, title, (Figure(good.picture.resize((24, 24)), good.caption, good.mentions),))
        case "seen before":
            again = figure(DOMAINS[0], first)
            return Article(name, title, (Figure(again.picture, again.caption, again.mentions, quality=70),))
        case "other language":
            german = (
                "Die Abbildung ist eine Zeichnung und zeigt keinen Menschen, sondern einen Befund in einer Aufnahme."
            )
            return Article(name, "Ein gezeichnetes Bild", (Figure(good.picture, german),), language="de")
        case "no licence":
            return Article(name, title, (good,), licence="")
        case "no picture":
            return Article(name, title, (Figure(None, good.caption, good.mentions),))
        case "cut off":
            return Article(name, title, (good,), whole=False)


def chart(seed: int) -> Image.Image:
    """Bars on white with axes, such as no scan is; (240, 320)."""
    picture = Image.new("RGB", (320, 240), "white")
    pen = ImageDraw.Draw(picture)
    heights = np.random.default_rng(seed).integers(30, 180, 6)
    for number, height in enumerate(int(h) for h in heights):
        pen.rectangle((50 + 42 * number, 210 - height, 78 + 42 * number, 210), fill=(66, 110, 180))
    pen.line((40, 20, 40, 210, 310, 210), fill="black", width=2)
    return picture


def _put(article: Article, home: Path) -> Path:
    """The article's folder, with XML and pictures."""
    folder = home / article.id
    folder.mkdir()
    for number, one in enumerate(article.figures, 1):
        if one.picture is not None:
            one.picture.save(folder / f"f{number}.jpg", "JPEG", quality=one.quality)
    text = jats(article)
    (folder / f"{article.id}.nxml").write_text(text if article.whole else text[: len(text) // 2], encoding="utf-8")
    return folder


def jats(article: Article) -> str:
    """The article as archives publish it: front, body with in-text references, figures behind the text."""
    said = "".join(f"<p>{_paragraph(n, one)}</p>" for n, one in enumerate(article.figures, 1) if one.mentions)
    figures = "".join(_figure(n, one) for n, one in enumerate(article.figures, 1))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n'
        '<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article" '
        f'xml:lang="{article.language}"><front><article-meta>'
        f'<article-id pub-id-type="publisher-id">{article.id}</article-id>'
        f"<title-group><article-title>{escape(article.title)}</article-title></title-group>"
        f"<permissions>{_licence(article.licence)}</permissions></article-meta></front>"
        f"<body><sec><title>Findings</title>{said}</sec>{figures}</body></article>\n"
    )


def _licence(address: str) -> str:
    if not address:
        return f"<copyright-statement>{CLOSED_WORDS}</copyright-statement>"
    words = f'{OPEN_WORDS} <ext-link ext-link-type="uri" xlink:href="{address}">{address}</ext-link>'
    return f'<license license-type="open-access" xlink:href="{address}"><license-p>{words}</license-p></license>'


def _paragraph(number: int, one: Figure) -> str:
    """Sentences with a reference in brackets, as in "The mass is on the left (Figure 1)." """
    link = f'<xref ref-type="fig" rid="f{number}">Figure {number}</xref>'
    return " ".join(f"{escape(said.rstrip('.'))} ({link})." for said in one.mentions)


def _figure(number: int, one: Figure) -> str:
    return (
        f'<fig id="f{number}"><label>Figure {number}</label><caption><p>{escape(one.caption)}</p></caption>'
        f'<graphic xlink:href="f{number}.jpg"/></fig>'
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m train.papers", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the papers are written; replaced where it is there")
    parser.add_argument("--count", type=int, default=60, help="sound papers; one of each flaw comes behind them")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    print(f"{len(write_papers(chosen.folder, chosen.count, chosen.seed))} papers in {chosen.folder}")


if __name__ == "__main__":
    main()
