"""What one process does: some papers in, one part out, written whole or not at all."""

import hashlib
import json
import secrets
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medvlm.datasets.corpus import Figure, figures
from medvlm.errors import DatasetError
from train.corpus import sources
from train.corpus.filters import Fallen, Settings, passed
from train.corpus.records import add

NO_ANSWER = "the process that read it died or gave no answer in time"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some papers below `home`, what is wanted of them, and the file `part` (a tar) that is made of them.

    `dead`: papers that are known to kill who reads them, so nobody does.
    """

    home: Path
    papers: tuple[sources.Source, ...]
    settings: Settings
    part: Path
    dead: frozenset[str] = frozenset()

    @property
    def outcomes(self) -> Path:
        """What became of each paper; written last, so that where it stands the part is whole."""
        return self.part.with_suffix(".json")

    @property
    def done(self) -> bool:
        return self.outcomes.is_file()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one article of a paper. `problem`: why the paper could not be read; it then has no article.

    `kept`: how many of its figures stand in the part, in their order; `fallen`: the others.
    """

    paper: str
    article: str
    kept: int
    fallen: tuple[Fallen, ...]
    problem: str = ""


def named(papers: tuple[sources.Source, ...], settings: Settings) -> str:
    """The part's name: other papers, settings or libraries make another part."""
    return hashlib.sha256(repr((papers, sorted(settings.made_with().items()))).encode()).hexdigest()[:20]


def make(batch: Batch) -> None:
    """Read, filter, and write the part. Nothing a paper holds stops it: what cannot be read is an outcome."""
    if batch.done:
        return
    # A name of its own: a process that outlived a killed run may be at the same batch.
    beside = batch.part.with_suffix(f".{secrets.token_hex(4)}")
    made: list[Outcome] = []
    with beside.open("wb") as file, tarfile.TarFile(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for paper in batch.papers:
            made += _outcomes(batch, paper.name, tar)
    beside.replace(batch.part)
    beside.write_text(json.dumps([asdict(one) for one in made], ensure_ascii=False), encoding="utf-8")
    beside.replace(batch.outcomes)


def _outcomes(batch: Batch, paper: str, tar: tarfile.TarFile) -> Iterator[Outcome]:
    if paper in batch.dead:
        yield Outcome(paper, "", 0, (), NO_ANSWER)
        return
    try:
        for article in sources.articles(batch.home, paper):
            kept, fallen = 0, []
            for one in passed(article, batch.settings):
                if isinstance(one, Figure):
                    add(tar, one)
                    kept += 1
                else:
                    fallen.append(one)
            yield Outcome(paper, article.id, kept, tuple(fallen))
    except DatasetError as error:
        yield Outcome(paper, "", 0, (), str(error))


def read(batch: Batch) -> Iterator[tuple[Outcome, list[Figure]]]:
    """The outcomes of a finished batch, each with the figures that it kept."""
    rows: list[dict[str, Any]] = json.loads(batch.outcomes.read_text(encoding="utf-8"))
    stream = figures(batch.part)
    for row in rows:
        fallen = tuple(Fallen(**one) for one in row.pop("fallen"))
        outcome = Outcome(**row, fallen=fallen)
        yield outcome, [next(stream) for _ in range(outcome.kept)]
