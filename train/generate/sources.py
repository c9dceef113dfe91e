"""What data is made from: captioned pictures of a corpus, a file, a data set, drawings, or data made before."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Literal, get_args

from medvlm import datasets
from medvlm.claims.statements import Exchange
from medvlm.datasets import corpus
from medvlm.datasets.places import SOURCES
from medvlm.datasets.reading import Row, csv_rows, jsonl_rows
from medvlm.errors import DatasetError
from medvlm.phantoms import draw
from medvlm.phantoms.truth import Texts
from medvlm.phantoms.writer import write
from medvlm.types import DOMAINS, Domain, Sample

# What an exchange or a dialogue is: the columns' "kind", by which scores are told apart as well.
Kind = Literal["caption", "conversation", "detailed description", "reasoning"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROWS = "data.jsonl"  # what every command writes, and `own:FOLDER` reads
COLUMNS = "caption; optional: id, image, mentions, domain, licence, credit, article, question, answer"
FIRST_PHANTOM = 8_000_000  # of training's draw; nothing else begins there
OWN_LICENCE = "Apache-2.0"  # phantoms are drawn by this project


@dataclass(frozen=True, slots=True)
class Source:
    """One picture with what is known of it in words, and with exchanges where there are some already.

    `name`: of the picture's file, empty where there is none; `picture` fetches its bytes. `id`: letters, digits, "-",
    "_" and ".", as it names files.
    """

    id: str
    caption: str
    mentions: tuple[str, ...] = ()
    domain: Domain = "other"
    licence: str = ""
    credit: str = ""
    article: str = ""
    name: str = ""
    picture: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)
    exchanges: tuple[Exchange, ...] = ()
    kind: Kind = "conversation"
    made_by: str = ""  # who wrote the exchanges, and for which task


def read(address: str) -> Iterator[Source]:
    """The sources of an address: `phantoms:N`, a folder of `train corpus` or of `train generate`, a CSV or JSON Lines
    file, or a data set's name, whose training rows count. Raises DatasetError."""
    name, _, rest = address.partition(":")
    if name == "phantoms":
        return phantoms(rest)
    path = Path(address).expanduser()
    if (path / corpus.INDEX).is_file():
        return from_corpus(path)
    if (path / ROWS).is_file():
        return made_before(path / ROWS)
    if path.is_file():
        return from_file(path)
    if name in datasets.DATASETS:
        return from_data_set(address)
    raise DatasetError(
        f"{address!r} is nothing to make data from. Give phantoms:N, a folder that `python -m train corpus` or "
        f"`generate` wrote, a CSV or JSONL file ({COLUMNS}), or a data set's name."
    )


def phantoms(count: str) -> Iterator[Source]:
    """So many drawings, the five domains in turn, one caption in two detailed; one question of each, for `reason`."""
    if not count.isdigit() or not int(count):
        raise DatasetError(f"'phantoms:{count}' says no number; write phantoms:50.")
    return (_phantom(DOMAINS[number % 5], number // 5) for number in range(int(count)))


def _phantom(domain: Domain, number: int) -> Source:
    seed = FIRST_PHANTOM + number
    said = write(draw(domain, seed, "train").truth, seed)
    asked = _asked(said, number)
    return Source(
        f"phantom-{domain}-{seed}", said.detailed if number % 2 else said.brief, domain=domain, licence=OWN_LICENCE,
        credit="drawn by MedVLM", article=f"phantom-train:{domain}:{seed}", name=f"phantom-{domain}-{seed}.png",
        picture=partial(_drawn, domain, seed), exchanges=(asked,),
    )  # fmt: skip


def _asked(said: Texts, number: int) -> Exchange:
    """One question that the picture answers."""
    fitting = [one for one in said.questions if one.kind in ("presence", "side", "place", "normal")]
    chosen = (fitting or list(said.questions))[number % len(fitting or said.questions)]
    return Exchange(chosen.text, chosen.sentence)


def _drawn(domain: Domain, seed: int) -> bytes:
    from PIL import Image

    from medvlm.imaging import render
    from medvlm.phantoms.scan import as_scan

    buffer = BytesIO()
    Image.fromarray(render(as_scan(draw(domain, seed, "train")))).save(buffer, "PNG")
    return buffer.getvalue()


def from_corpus(folder: Path) -> Iterator[Source]:
    """The figures of training's articles; those kept back are for tests."""
    for figure in corpus.read(folder, "train"):
        yield Source(
            figure.id, figure.caption, figure.mentions, figure.domain, figure.licence, figure.credit, figure.article,
            f"{figure.id}.{figure.suffix}", partial(corpus.picture, str(folder), figure.id),
        )  # fmt: skip


def from_file(path: Path) -> Iterator[Source]:
    """The rows of a file; pictures are named relative to it. Raises DatasetError that names row and column."""
    for row in (csv_rows if path.suffix.lower() == ".csv" else jsonl_rows)(path):
        image = row.text("image", "")
        file = path.parent / image
        if image and not file.is_file():
            raise row.wrong(f"names the picture {image!r}, which is not at {file}")
        question, answer = row.text("question", ""), row.text("answer", "")
        name = plain(row.text("id", f"{path.stem}-{row.number}"))
        yield Source(
            name, row.text("caption", ""), _mentions(row), _domain(row), row.text("licence", ""),
            row.text("credit", ""), row.text("article", ""), f"{name}{file.suffix}" if image else "",
            file.read_bytes if image else None, (Exchange(question, answer),) if question and answer else (),
        )  # fmt: skip


def from_data_set(address: str) -> Iterator[Source]:
    """A data set's training rows: captions, or questions with answers (without a caption)."""
    entry, _ = datasets.resolve(address)
    licence = SOURCES[entry.source].licence if entry.source else ""
    for sample in datasets.load(address, "train", "train").samples:
        name, caption = plain(sample.id), sample.reference if sample.kind == "caption" else ""
        exchanges = () if caption else (Exchange(sample.question, sample.reference),)
        file = f"{name}{Path(sample.image.partition('#')[0]).suffix}" if sample.image else ""
        yield Source(
            name, caption, (), sample.domain, licence, entry.title, sample.image, file,
            partial(_of_sample, sample) if sample.image else None, exchanges,
        )  # fmt: skip


def _of_sample(sample: Sample) -> bytes:
    return datasets.content(datasets.name_of(sample) or "")


def made_before(path: Path) -> Iterator[Source]:
    """The dialogues of a folder that `train generate` wrote: neighbours of one source and one kind."""
    for (name, kind), group in groupby(jsonl_rows(path), lambda row: (row.text("source"), row.text("kind"))):
        rows = list(group)
        first, file = rows[0], path.parent / rows[0].text("image", "")
        if kind not in KINDS:
            raise first.wrong(f"has kind {kind!r}; `train generate` writes {', '.join(KINDS)}")
        exchanges = tuple(Exchange(row.text("question"), row.text("answer")) for row in rows)
        yield Source(
            plain(name), first.text("caption", ""), _mentions(first), _domain(first), first.text("licence", ""),
            first.text("credit", ""), first.text("article", ""), file.name if file.is_file() else "",
            file.read_bytes if file.is_file() else None, exchanges, next(one for one in KINDS if one == kind),
            f"{first.text('teacher', '')}, prompts {first.text('prompt_version', '')}",
        )  # fmt: skip


def plain(name: str) -> str:
    """A name that can name a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "row"


def _domain(row: Row) -> Domain:
    """As the row says, "other" where it says nothing that is known."""
    return next((one for one in get_args(Domain) if one == row.text("domain", "")), "other")


def _mentions(row: Row) -> tuple[str, ...]:
    """A list of sentences, or one text with a sentence a line."""
    value = row.values.get("mentions") or ()
    lines: Iterable[object] = value.splitlines() if isinstance(value, str) else value
    return tuple(text for line in lines if (text := str(line).strip()))
