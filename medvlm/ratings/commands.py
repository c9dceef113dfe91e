"""Ratings in the terminal: `python -m medvlm ratings check|backup|export|import|bundle|open`."""

import argparse
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from medvlm.errors import StoreError, UserError
from medvlm.ratings.records import COUNTED, EVERYTHING, Filter, Rating

FORMATS = ("jsonl", "csv", "mrmc", "preferences", "hard")
SCORES = ("preference", "correctness", "correct", "complete", "relevant", "clear", "safe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the subcommand takes."""
    parser.add_argument(
        "--store", metavar="FILE|URL", help="the database (default: MEDVLM_RATINGS, or ratings/ in the data home)"
    )
    commands = parser.add_subparsers(dest="ratings_command", required=True)
    commands.add_parser("check", help="is the database whole?")
    backup = commands.add_parser("backup", help="copy it while readers go on; the copy opens as a database")
    backup.add_argument("file", type=Path)
    export = commands.add_parser("export", help="write ratings to a file")
    export.add_argument("file", type=Path)
    export.add_argument("--as", dest="form", choices=FORMATS, help="default: by the file's ending, .csv or .jsonl")
    export.add_argument("--study", help="of this study only")
    export.add_argument("--score", choices=SCORES, default="preference", help="for mrmc (%(default)s)")
    export.add_argument(
        "--pictures",
        action="store_true",
        help="with the pictures, where a study has kept them; for hard: as files beside it",
    )
    export.add_argument("--all", action="store_true", help="with rows that a correction has replaced")
    load = commands.add_parser("import", help="read our own export, MT-bench's or FastChat's votes")
    load.add_argument("files", type=Path, nargs="+", metavar="file")
    load.add_argument("--study", help="put them into this study")
    bundle = commands.add_parser("bundle", help="one case as a zip: picture or hash, answers, hashes, ratings")
    bundle.add_argument("case")
    bundle.add_argument("file", type=Path)
    bundle.add_argument("--study", default="", help="the study it belongs to (default: votes outside of any)")
    opened = commands.add_parser("open", help="take a case bundle in, and draw its answers again")
    opened.add_argument("file", type=Path)
    opened.add_argument("--picture", type=Path, metavar="FILE", help="the scan, where the bundle holds its hash alone")
    opened.add_argument("--rerun", action="store_true", help="ask the model at hand again and compare the texts")
    opened.add_argument("--base", default="nano", help="with --rerun: catalog name, folder or hub name (%(default)s)")
    opened.add_argument("--adapter", help="with --rerun: adapter folder or name; 'none' for the base alone")
    opened.add_argument("--quantization", choices=["nf4", "int8", "none"], default="nf4")


def run(chosen: argparse.Namespace) -> int:
    """Run one subcommand; the exit status. Raises `UserError` with advice."""
    from medvlm.ratings.store import RatingStore

    with RatingStore(chosen.store) as store:
        return _COMMANDS[chosen.ratings_command](store, chosen)


def _check(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.ratings import upkeep

    wrong = upkeep.check(store)
    print(f"{store.database.place}: {upkeep.describe(store)}")
    for line in wrong:
        print(line)
    print(f"{len(wrong)} faults; put the last backup in its place, or ask for help." if wrong else "All is well.")
    return 1 if wrong else 0


def _backup(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.ratings import upkeep
    from medvlm.ratings.store import RatingStore

    target = upkeep.backup(store, chosen.file)
    with RatingStore(target) as copy:
        print(f"{target}: {copy.count()} ratings")
    return 0


def _export(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.outcomes.results import without_picture
    from medvlm.ratings import exports

    form = chosen.form or ("csv" if chosen.file.suffix == ".csv" else "jsonl")
    everything = form in ("jsonl", "csv")
    wanted = replace(EVERYTHING if everything else _figures(form), study=chosen.study)
    wanted = replace(wanted, current=not chosen.all and not (everything and form == "jsonl"))
    ratings = store.ratings(wanted)
    if form == "hard" and chosen.pictures:
        ratings = _pictured(store, ratings)
    if not chosen.pictures:
        ratings = map(without_picture, ratings)
    lines = _write(chosen.file, _lines(form, ratings, chosen))
    print(f"{chosen.file}: {lines} lines")
    if form == "csv":
        explained = chosen.file.with_suffix(".dictionary.csv")
        _write(explained, exports.dictionary())
        print(f"{explained}: what each column means")
    return 0


def _import(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.ratings import imports

    for file in chosen.files:
        read = imports.read(file)
        ratings = [r if chosen.study is None else replace(r, study=chosen.study) for r in read.ratings]
        new = store.add_all(ratings)
        print(f"{file}: {new} new ratings, {len(ratings) - new} were here before")
        for reason, count in read.left_out.items():
            print(f"  {count} left out: {reason}")
    return 0


def _bundle(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.outcomes.results import Results

    # Whoever has the database's file sees what is in it; studies that are open are only kept from the page.
    parcel = Results(store).packed(chosen.study, chosen.case)
    _keep(chosen.file, parcel.data)
    print(f"{chosen.file}: the case {chosen.case}, {len(parcel.data):,} bytes")
    return 0


def _open(store: Any, chosen: argparse.Namespace) -> int:
    from medvlm.ratings import bundles

    try:
        found = bundles.unpack(chosen.file.read_bytes())
    except OSError as error:
        raise UserError(f"{chosen.file} cannot be read: {error.strerror}. Check the path.") from error
    case = found.case
    # The picture goes with the ratings, for whoever packed it may hand it on: the case opens here as it did there.
    new = store.add_all(replace(one, case=replace(one.case, picture=found.picture)) for one in found.ratings)
    print(f"{case.id}: {case.question}")
    print(f"{len(found.answers)} answers; {new} new ratings, {len(found.ratings) - new} were here before")
    if found.picture is None and case.scans:
        print(f"{bundles.NO_PICTURE}: SHA-256 {case.scans[0]}")
    return _rerun(found, chosen) if chosen.rerun else 0


def _rerun(found: Any, chosen: argparse.Namespace) -> int:
    """Draw the answers again; 1 where a text differs."""
    from medvlm.catalog import default_adapter
    from medvlm.model import LocalModel
    from medvlm.ratings import bundles
    from medvlm.studies.answering import local_candidates
    from medvlm.studies.pictures import opened

    adapter = chosen.adapter if chosen.adapter is not None else default_adapter(chosen.base)
    adapter = None if adapter == "none" else adapter
    scan = None if chosen.picture is None else opened(chosen.picture)
    for answer in found.answers:
        bundles.asked(found, answer, scan)  # what is missing is said before the model is loaded
    candidates = local_candidates(chosen.base, adapter, chosen.quantization)
    model = LocalModel.load(chosen.base, adapter, quantization=chosen.quantization, keep_warm=False)
    differ = 0
    for one in bundles.rerun(found, model, candidates, scan):
        name = one.answer.candidate.name
        if one.text is None:
            print(f"{name}: not drawn again, for {one.reason}")
        else:
            differ += not one.same
            print(f"{name}: {'the same text' if one.same else f'another text: {one.text}'}")
    return 1 if differ else 0


_COMMANDS: dict[str, Callable[[Any, argparse.Namespace], int]] = {
    "check": _check,
    "backup": _backup,
    "export": _export,
    "import": _import,
    "bundle": _bundle,
    "open": _open,
}


def _figures(form: str) -> Filter:
    return Filter(training=False) if form == "hard" else replace(COUNTED, form=None)


def _lines(form: str, ratings: Iterable[Rating], chosen: argparse.Namespace) -> Iterator[str]:
    import json

    from medvlm.outcomes import preferences
    from medvlm.ratings import exports

    if form == "mrmc":
        return exports.mrmc(ratings, chosen.score)
    if form in ("jsonl", "csv"):
        return exports.jsonl(ratings) if form == "jsonl" else exports.table(ratings)
    if form == "preferences":
        records = preferences.preferences(ratings)
    elif chosen.pictures:
        records = preferences.hard_cases(ratings, partial(_picture_beside, chosen.file))
    else:
        records = preferences.hard_cases(ratings)
    return (json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _pictured(store: Any, ratings: Iterable[Rating]) -> Iterator[Rating]:
    """The ratings with what the models were given, where the study allows to hand it on."""
    from medvlm.outcomes.results import Results

    given = cache(Results(store).given)
    for one in ratings:
        picture = one.case.picture or given(one.study, one.case.id)[1]
        yield replace(one, case=replace(one.case, picture=picture))


def _picture_beside(file: Path, rating: Rating) -> str:
    """The case's picture as a file beside the data set, by its hash; empty where there is none to hand on."""
    if rating.case.picture is None:
        return ""
    name = f"{hashlib.sha256(rating.case.picture).hexdigest()[:32]}.png"
    _keep(file.parent / f"{file.stem}-pictures" / name, rating.case.picture)
    return f"{file.stem}-pictures/{name}"


def _keep(file: Path, data: bytes) -> None:
    """The file, whole or not at all."""
    from medvlm.folders import write_whole

    try:
        write_whole(file, data)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error}. Name a file where there is room.") from error


def _write(path: Path, lines: Iterable[str]) -> int:
    """All lines, whole or not at all; how many."""
    if path.is_dir():
        raise UserError(f"{path} is a folder. Name a file.")
    count, part = 0, None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                count += 1
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}. Name a file where there is room.") from error
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)
    return count
