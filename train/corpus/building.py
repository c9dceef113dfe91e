"""Papers -> corpus: parts by many processes, then one pass in order that drops copies and writes the shards.

A run that was killed is begun again with the same command: parts that are done stay, and since the pass over them
depends on nothing but them, the shards are the same bytes whoever made which part when.
"""

import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from medvlm import folders
from medvlm.datasets.corpus import Figure
from medvlm.errors import DatasetError
from medvlm.imaging.likeness import Seen
from train.corpus import parts, sources
from train.corpus.engines import Engine
from train.corpus.filters import Fallen, Settings
from train.corpus.records import write
from train.corpus.report import Tally, table

REPORT, FALLEN = "report.json", "fallen.jsonl"


def build(source: Path, out: Path, settings: Settings, engine: Engine) -> dict[str, Any]:
    """The corpus of all papers below `source`, in the folder `out`; its report. Raises DatasetError, ConfigError.

    Where `out` is already the corpus of these papers and settings, nothing is done.
    """
    papers = sources.listing(source.expanduser())
    made_of = {"papers": sources.digest(papers), **settings.checked().made_with()}
    out = out.expanduser().resolve()
    if not folders.is_whole(out, made_of):
        work = out.with_name(f"{out.name}.parts")
        work.mkdir(parents=True, exist_ok=True)
        batches = _batches(source.expanduser(), papers, settings, work)
        _make(batches, engine)
        folders.build(out, made_of, partial(put_together, batches, settings))
        shutil.rmtree(work, ignore_errors=True)
    report: dict[str, Any] = json.loads((out / REPORT).read_text(encoding="utf-8"))
    return report


def wanted(chosen: Namespace) -> Settings:
    """The settings that a command line asks for; what it leaves out stays as `Settings` has it."""
    given = {
        "licences": tuple(chosen.licence) if chosen.licence else None,
        "languages": () if chosen.any_language else tuple(chosen.language) if chosen.language else None,
        "smallest": chosen.smallest,
        "single": False if chosen.panels else None,
        "classifier": chosen.classifier,
        "topic": chosen.topic,
        "held_out": chosen.held_out,
        "each": chosen.each,
        "batch": chosen.batch,
    }
    return Settings(**{key: value for key, value in given.items() if value is not None})


def _batches(source: Path, papers: list[sources.Source], settings: Settings, work: Path) -> list[parts.Batch]:
    home = source if source.is_dir() else source.parent
    groups = [tuple(papers[at : at + settings.batch]) for at in range(0, len(papers), settings.batch)]
    return [parts.Batch(home, group, settings, work / f"{parts.named(group, settings)}.tar") for group in groups]


def _make(batches: list[parts.Batch], engine: Engine) -> None:
    """Until every part is there. What a process died of is found by giving each paper of its batch one of its own."""
    left = [batch for batch in batches if not batch.done]
    died = []
    for number, batch in enumerate(engine(left), len(batches) - len(left) + 1):
        _progress(number, len(batches))
        if not batch.done:
            died.append(batch)
    for batch in died:
        alone = [
            replace(batch, papers=(paper,), part=batch.part.with_name(f"{parts.named((paper,), batch.settings)}.tar"))
            for paper in batch.papers
        ]
        killers = frozenset(one.papers[0].name for one in engine(alone) if not one.done)
        if not all(one.done for one in engine([replace(batch, dead=killers)])):
            raise DatasetError(f"The papers from {batch.papers[0].name} on could not be read. Is there enough memory?")


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\rparts {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)


def put_together(batches: list[parts.Batch], settings: Settings, folder: Path) -> None:
    """Shards, index, report and what fell where, into an empty folder."""
    tally = Tally()
    with (folder / FALLEN).open("w", encoding="utf-8") as file:

        def drop(fallen: Fallen) -> None:
            file.write(json.dumps(asdict(fallen), ensure_ascii=False) + "\n")

        write(folder, _unique(batches, tally, drop), settings.each)
    record = tally.record()
    (folder / REPORT).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "report.txt").write_text(table(record) + "\n", encoding="utf-8")


def _unique(batches: list[parts.Batch], tally: Tally, drop: Callable[[Fallen], None]) -> Iterator[Figure]:
    """Every figure once: of an article met twice the first counts, of pictures that look alike the first."""
    articles: set[str] = set()
    seen = Seen()
    for outcome, kept in (pair for batch in batches for pair in parts.read(batch)):
        tally.read(outcome)
        again = outcome.article in articles
        articles.add(outcome.article)
        fallen = list(outcome.fallen)
        for figure in kept:
            twin = None if again else seen.like(figure.looks)
            if again:
                fallen.append(Fallen(figure.id, "again", outcome.paper))
            elif twin:
                fallen.append(Fallen(figure.id, "copy", f"of {twin}"))
            else:
                seen.add(figure.id, figure.looks)
                tally.keep(figure)
                yield figure
        tally.drop(fallen)
        for one in fallen:
            drop(one)
