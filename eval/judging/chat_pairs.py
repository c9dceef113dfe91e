"""Captioned pictures that a chat test is made of, and which of them training has seen."""

import csv
import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

from PIL import Image

from eval.nano.drawn import caption_of, phantom
from medvlm.errors import DatasetError
from medvlm.imaging import render
from medvlm.metrics.text import normalised
from medvlm.phantoms.scan import as_scan
from medvlm.types import DOMAINS, Domain

COLUMNS = "id, image, caption; optional: mentions, domain"


@dataclass(frozen=True, slots=True)
class CaptionedPicture:
    """One picture with its caption and what a paper says of it. `picture`: the file's bytes; None without one."""

    id: str
    name: str
    caption: str
    mentions: tuple[str, ...]
    domain: Domain
    picture: bytes | None


def drawn(each: int, first: int) -> Iterator[CaptionedPicture]:
    """`each` phantoms a domain of the test split, from seed `first` on, with what their truth says."""
    for seed in range(first, first + each):
        for domain in DOMAINS:
            name = f"phantom:{domain}:{seed}"
            buffer = BytesIO()
            Image.fromarray(render(as_scan(phantom(name)))).save(buffer, "PNG")
            yield CaptionedPicture(
                f"{domain}-{seed}", f"{domain}-{seed}.png", caption_of(name), (), domain, buffer.getvalue()
            )


def from_file(path: Path) -> Iterator[CaptionedPicture]:
    """A CSV or JSONL file; pictures are named relative to it. Raises DatasetError that names row and column."""
    for number, row in enumerate(rows(path), 1):
        caption, image = str(row.get("caption") or "").strip(), str(row.get("image") or "").strip()
        if not caption:
            raise DatasetError(f"{path}, row {number}, has no caption; it takes the columns {COLUMNS}.")
        file = path.parent / image
        domain: Domain = next((one for one in get_args(Domain) if one == row.get("domain")), "other")
        yield CaptionedPicture(
            str(row.get("id") or f"pair-{number}"), Path(image).name, caption, mentions_of(row.get("mentions")), domain,
            file.read_bytes() if image and file.is_file() else None,
        )  # fmt: skip


def mentions_of(value: Any) -> tuple[str, ...]:
    """A list of sentences, or one text with a sentence a line."""
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return tuple(line.strip() for line in str(value or "").splitlines() if line.strip())


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV, JSONL or JSON file. Raises DatasetError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            return list(csv.DictReader(text.splitlines()))
        if path.suffix.lower() == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        made = json.loads(text)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Give a CSV, JSONL or JSON file.") from error
    if not isinstance(made, list) or not all(isinstance(row, dict) for row in made):
        raise DatasetError(f"{path} is no list of objects.")
    return made


class Seen:
    """What training files hold: ids, picture names, captions and pictures' bytes, whichever they give."""

    KEYS = ("id", "pair_id", "image", "caption", "fig_caption")

    def __init__(self, files: Iterable[Path]) -> None:
        self._words: set[str] = set()
        self._pictures: set[str] = set()
        for file in files:
            for row in rows(file):
                self._words |= {normalised(str(row[key])) for key in self.KEYS if row.get(key)}
                picture = file.parent / str(row.get("image") or "")
                if picture.is_file():
                    self._pictures.add(hashlib.sha256(picture.read_bytes()).hexdigest())

    def __contains__(self, pair: CaptionedPicture) -> bool:
        told = {normalised(text) for text in (pair.id, pair.name, pair.caption) if text}
        if told & self._words:
            return True
        return pair.picture is not None and hashlib.sha256(pair.picture).hexdigest() in self._pictures


def unseen(pairs: Iterable[CaptionedPicture], seen: Seen, wanted: int, seed: int) -> list[CaptionedPicture]:
    """So many pairs by lot of those that training has not seen. Raises DatasetError where there are too few."""
    left = [pair for pair in pairs if pair not in seen]
    if len(left) < wanted:
        raise DatasetError(f"Only {len(left)} pairs are unseen, and {wanted} are wanted. Give more, or lower --count.")
    return random.Random(seed).sample(left, wanted)
