"""Figures taken from papers by `python -m train corpus`: what one is, and how a folder of them is read.

The folder holds WebDataset tar shards (`train-00000.tar`, `test-00000.tar`: for each figure `KEY.jpg` or `KEY.png` and
`KEY.json`), and `index.jsonl`, which says where in them each picture lies.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

from medvlm.datasets.captions import QUESTION
from medvlm.datasets.reading import jsonl_rows
from medvlm.errors import DatasetError
from medvlm.types import DataSplit, Domain, Sample

INDEX = "index.jsonl"
# "test": articles kept back, all of their figures together.
FigureSplit = Literal["train", "test"]
SPLITS: tuple[FigureSplit, ...] = ("train", "test")


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture of an article with what the article says about it.

    `id` names it everywhere: letters, digits, "-" and "_". `caption` in whole, without `label` ("Figure 1").
    `mentions`: whole sentences of the text that name the figure, in their order. `licence` as "CC-BY-4.0"; `credit`
    names authors, title, journal and address, as such licences demand. `split` belongs to the article. `domain`: what
    the caption says it is. `looks`: 256 bits in hexadecimal, nearly the same for copies (`imaging.likeness`).
    `picture`: the bytes of a JPEG or PNG file (`suffix`) of `width` x `height` pixels.
    """

    id: str
    article: str
    label: str
    caption: str
    mentions: tuple[str, ...]
    licence: str
    credit: str
    split: FigureSplit
    domain: Domain
    width: int
    height: int
    looks: str
    suffix: Literal["jpg", "png"]
    picture: bytes = field(repr=False)

    def facts(self) -> dict[str, Any]:
        """All but the picture's bytes, as they stand in the shard's JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "picture"}


def read(folder: Path | str, split: FigureSplit | None = None) -> Iterator[Figure]:
    """The figures of a corpus, one at a time; of one split, or of "train" and then "test". Raises DatasetError."""
    home = _whole(Path(folder).expanduser())
    for which in (split,) if split else SPLITS:
        for shard in sorted(home.glob(f"{which}-*.tar")):
            yield from figures(shard)


def figures(shard: Path) -> Iterator[Figure]:
    """The figures of one shard, read as a stream. Raises DatasetError for a damaged one."""
    try:
        with shard.open("rb") as file:
            yield from stream(file)
    except (OSError, tarfile.TarError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f"{shard} is damaged ({error}). Make the corpus again with `python -m train corpus`."
        ) from error


def stream(file: IO[bytes]) -> Iterator[Figure]:
    """The figures of an opened tar shard."""
    pending: tuple[str, bytes] = ("", b"")
    with tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            held = tar.extractfile(member)
            if held is None:
                continue
            key, _, suffix = member.name.partition(".")
            if suffix != "json":
                pending = key, held.read()
                continue
            if pending[0] != key:
                raise ValueError(f"{member.name} has no picture before it")
            facts = json.loads(held.read())
            yield Figure(**{**facts, "mentions": tuple(facts["mentions"])}, picture=pending[1])


def corpus(address: str, split: DataSplit) -> Iterator[Sample]:
    """One sample a figure: describe it; the caption is the reference. `address`: the corpus' folder.

    Only the index is read; pictures are fetched one by one when they are looked at.
    """
    home = _whole(Path(address).expanduser().resolve())
    for row in jsonl_rows(home / INDEX):
        if row.text("split") == split:
            name = row.text("id")
            domain: Domain = row.values["domain"]
            yield Sample(
                id=f"corpus-{name}",
                image=f"{home}#{name}",
                question=QUESTION,
                reference=row.text("caption"),
                domain=domain,
                kind="caption",
                dataset="corpus",
                split=split,
                closed=False,
            )


def picture(folder: str, name: str) -> bytes:
    """The bytes of one figure's picture, found by the index. Raises DatasetError."""
    home = _whole(Path(folder).expanduser())
    place = _places(home, (home / INDEX).stat().st_mtime_ns).get(name)
    if place is None:
        raise DatasetError(f"{home} has no figure {name!r}. Was the corpus made again since? Read its index.jsonl.")
    shard, offset, size = place
    with (home / shard).open("rb") as file:
        file.seek(offset)
        return file.read(size)


@cache
def _places(home: Path, _changed: int) -> dict[str, tuple[str, int, int]]:
    rows = (row.values for row in jsonl_rows(home / INDEX))
    return {row["id"]: (row["shard"], row["offset"], row["size"]) for row in rows}


def _whole(home: Path) -> Path:
    if not (home / INDEX).is_file():
        raise DatasetError(
            f"{home} is no finished corpus: it has no {INDEX}. `python -m train corpus SOURCE --out {home}` makes one."
        )
    return home
