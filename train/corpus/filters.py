"""What a figure must pass, in this order; the first step that it fails is the one that it is counted at."""

import hashlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Literal

import numpy as np
from PIL import Image

from medvlm.datasets.corpus import Figure, FigureSplit
from medvlm.datasets.modality import of_caption
from medvlm.errors import ConfigError, UserError
from medvlm.imaging.likeness import looks
from train.corpus import licences, pictures
from train.corpus.articles import Article, Found
from train.corpus.language import language

# In the order in which they are asked: words first, since pictures cost a hundred times as much.
Step = Literal[
    "topic", "licence", "caption", "language", "missing", "damaged", "size", "panels", "drawing", "again", "copy"
]
STEPS: dict[Step, str] = {
    "topic": "not about the topic",
    "licence": "licence not allowed",
    "caption": "no caption, or too short a one",
    "language": "another language",
    "missing": "picture missing",
    "damaged": "picture damaged",
    "size": "picture too small or too narrow",
    "panels": "several panels",
    "drawing": "chart or diagram",
    "again": "article seen before",
    "copy": "copy of an earlier picture",
}
_MARKED = re.compile(r"(?:^|[\s;,.(])\(?([A-Fa-f])[),.:]")
_SIDES = re.compile(
    r"\b(?:left|right|upper|lower|top|bottom|first|second)\s+(?:panel|column|row|image)s?\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted. The same settings on the same papers give the same bytes.

    `licences`: allowed, in any version. `languages`: ISO 639-1 codes, empty for all. `smallest`: pixels of the shorter
    side; `narrowest`: longest to shortest side. `words`: fewest of a caption. `single`: only figures of one panel.
    `classifier`: "MODULE:FUNCTION" from an RGB image to "picture" or "drawing" in place of the rules, "none" to keep
    all. `topic`: a regular expression that title, abstract, keywords or caption must hold, "" for any. `held_out`:
    share of articles kept back. `each`: figures a shard; `batch`: papers a process takes at a time.
    """

    licences: tuple[str, ...] = licences.OPEN
    languages: tuple[str, ...] = ("en",)
    smallest: int = 160
    narrowest: float = 4.0
    words: int = 3
    single: bool = True
    classifier: str = ""
    topic: str = ""
    held_out: float = 0.05
    each: int = 1000
    batch: int = 32

    def checked(self) -> "Settings":
        """Itself; raises ConfigError for what cannot work."""
        if not 0 <= self.held_out < 1 or self.smallest < 1 or self.each < 1 or self.batch < 1 or self.narrowest < 1:
            raise ConfigError(f"These settings cannot work: {self}. held_out is 0 to below 1, the others at least 1.")
        try:
            re.compile(self.topic)
            self.classify(Image.new("RGB", (32, 32)))
        except (re.error, ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"topic {self.topic!r} or classifier {self.classifier!r} cannot be used: {error}."
            ) from error
        return self

    def classify(self, image: Image.Image) -> pictures.FigureKind:
        if self.classifier == "none":
            return "picture"
        if not self.classifier:
            return pictures.kind(image)
        module, _, name = self.classifier.partition(":")
        chosen: pictures.Classifier = getattr(importlib.import_module(module), name)
        return chosen(image)

    def made_with(self) -> dict[str, str]:
        """All that the bytes depend on besides the papers: settings and the libraries that read."""
        libraries = {name: version(name) for name in ("lxml", "pypdfium2", "pillow", "py3langid")}
        return {key: str(value) for key, value in asdict(self).items()} | libraries


@dataclass(frozen=True, slots=True)
class Fallen:
    """A figure that was left out: at which step, and what exactly was wrong."""

    id: str
    step: Step
    why: str


def split_of(article: str, held_out: float) -> FigureSplit:
    """By a hash of the article's id alone, so that it is the same in every corpus, however many papers there are."""
    place = int.from_bytes(hashlib.sha256(f"corpus:{article}".encode()).digest()[:8]) / 2**64
    return "test" if place < held_out else "train"


def key(article: str, name: str) -> str:
    """A figure's id: letters, digits, "-" and "_", at most 90, so that it can name a file in a shard."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{article}-{name}")
    mark = hashlib.sha256(f"{article}\n{name}".encode()).hexdigest()[:10]
    return plain if plain == f"{article}-{name}" and len(plain) <= 90 else f"{plain[:79]}-{mark}"


def passed(article: Article, settings: Settings) -> Iterator[Figure | Fallen]:
    """Each figure of an article as it goes into the corpus, or where it fell; copies are looked for later."""
    for found in article.figures:
        name = key(article.id, found.name)
        fallen = _words(article, found, settings)
        yield Fallen(name, *fallen) if fallen else _picture(article, found, name, settings)


def _words(article: Article, found: Found, settings: Settings) -> tuple[Step, str] | None:
    caption = found.caption
    if settings.topic and not re.search(settings.topic, f"{article.subject} {caption}", re.IGNORECASE):
        return "topic", settings.topic
    if not licences.is_allowed(found.licence, settings.licences):
        return "licence", found.licence
    if len(caption.split()) < settings.words and len(caption) < 4 * settings.words:
        return "caption", caption
    if settings.languages and (spoken := language(caption, article.subject)) not in settings.languages:
        return "language", spoken
    if settings.single and (panels := panels_named(caption)) > 1:
        return "panels", f"the caption names {panels}"
    return ("missing", "no file of its name") if found.fetch is None else None


def panels_named(caption: str) -> int:
    """How many panels a caption tells apart: "(a) ... (b)", "A, ... B, ...", "left panel"."""
    marks = {mark.upper() for mark in _MARKED.findall(caption)}
    count = next((n for n, letter in enumerate("ABCDEF") if letter not in marks), 6)
    return count if count > 1 else 2 if _SIDES.search(caption) else 1


def _picture(article: Article, found: Found, name: str, settings: Settings) -> Figure | Fallen:
    assert found.fetch is not None
    try:
        picture = pictures.opened(found.fetch(), name)
    except (UserError, OSError) as error:
        return Fallen(name, "damaged", str(error))
    height, width = picture.pixels.shape[:2]
    if min(height, width) < settings.smallest or max(height, width) > settings.narrowest * min(height, width):
        return Fallen(name, "size", f"{width} x {height} pixels")
    if settings.single and (count := pictures.panels(picture.pixels)) > 1:
        return Fallen(name, "panels", f"bands part it into {count}")
    if settings.classify(Image.fromarray(np.ascontiguousarray(picture.pixels))) == "drawing":
        return Fallen(name, "drawing", "by its pixels")
    return Figure(
        id=name,
        article=article.id,
        label=found.label,
        caption=found.caption,
        mentions=found.mentions,
        licence=found.licence,
        credit=article.credit,
        split=split_of(article.id, settings.held_out),
        domain=of_caption(found.caption),
        width=width,
        height=height,
        looks=looks(picture.pixels),
        suffix=picture.suffix,
        picture=picture.data,
    )
