"""Reader studies in the terminal: `python -m medvlm study new|cases|readers|run|status|close|report`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.errors import UserError
from medvlm.types import DOMAINS, DataSplit, Decoding, Domain

if TYPE_CHECKING:
    from medvlm.ratings.studies import StudyStore
    from medvlm.studies.pictures import Pictures

PRIVACY = ("strict", "ask", "off")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the subcommand takes."""
    parser.add_argument(
        "--store", metavar="FILE|URL", help="the database (default: MEDVLM_RATINGS, or ratings/ in the data home)"
    )
    commands = parser.add_subparsers(dest="study_command", required=True)
    _new(commands.add_parser("new", help="make a study; prints its leader's sign-in code"))
    _cases(commands.add_parser("cases", help="add cases: a list, a folder, a data set, a run, or phantoms"))
    readers = commands.add_parser("readers", help="add readers; prints a sign-in code for each, once")
    readers.add_argument("study")
    readers.add_argument("readers", nargs="+", metavar="PSEUDONYM")
    readers.add_argument("--again", action="store_true", help="new codes for readers (or 'leader') who lost theirs")
    _run(commands.add_parser("run", help="draw all answers that are missing, then open the study"))
    status = commands.add_parser("status", help="how far a study is, or all of them")
    status.add_argument("study", nargs="?")
    close = commands.add_parser("close", help="end a study, so that its results can be seen")
    close.add_argument("study")
    report = commands.add_parser("report", help="the results as one HTML file with figures")
    report.add_argument("study")
    report.add_argument("file", type=Path, metavar="OUT.html")


def _new(parser: argparse.ArgumentParser) -> None:
    from medvlm.studies.design import Design

    default = Design()
    parser.add_argument("study", metavar="NAME")
    parser.add_argument("--title", default="", help="what readers see instead of the name")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="where the files of its cases lie, and stay")
    parser.add_argument("--seed", type=int, default=default.seed, help="for orders and sides (%(default)s)")
    parser.add_argument(
        "--repeats", type=float, default=default.repeats, help="share of cases shown twice to a reader (%(default)s)"
    )
    parser.add_argument("--readers-per-case", type=int, metavar="N", help="default: everybody reads every case")
    parser.add_argument(
        "--guesses", type=float, default=default.guesses, help="share of cases with 'which is tuned?' (%(default)s)"
    )
    parser.add_argument(
        "--break-every", type=int, default=default.break_every, metavar="N", help="cases, 0 for never (%(default)s)"
    )
    parser.add_argument("--keep-pictures", action="store_true", help="ratings hold the picture, not its hash alone")


def _cases(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("list", nargs="?", type=Path, metavar="LIST.csv|.jsonl", help="image, question, reference ...")
    source.add_argument(
        "--ask",
        nargs="+",
        metavar="QUESTION",
        help="these about every picture in the study's folder",
    )
    source.add_argument("--data", metavar="NAME", help="a data set's questions, such as vqa_rad or phantoms:kind=side")
    source.add_argument("--run", type=Path, metavar="FOLDER", help="an evaluation's run: its questions and answers")
    source.add_argument("--phantoms", type=int, metavar="N", help="so many drawn pictures")
    parser.add_argument("--training", type=int, default=0, metavar="N", help="with --phantoms: so many more, first")
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=list(DOMAINS), help="with --phantoms")
    parser.add_argument("--split", choices=get_args(DataSplit), default="test", help="with --data (%(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="with --run or --data: so many questions, drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the phantoms, or of the choice (%(default)s)")
    _privacy(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study")
    parser.add_argument("--answers", type=Path, metavar="FILE.jsonl", help="take answers from a file: case, text")
    parser.add_argument("--candidate", metavar="NAME", help="with --answers: whose they are")
    parser.add_argument("--no-model", action="store_true", help="draw none; all answers are there")
    parser.add_argument("--base", default="nano", help="catalog name, folder or hub name (%(default)s)")
    parser.add_argument("--adapter", help="adapter folder or name; 'none' for the base alone (nano-med for nano)")
    parser.add_argument("--arms", nargs="+", choices=("base", "tuned"), help="default: both")
    parser.add_argument("--quantization", choices=["nf4", "int8", "none"], default="nf4")
    parser.add_argument("--max-tokens", type=int, default=Decoding().max_tokens)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 (default) is greedy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--do-not-open", action="store_true", help="another candidate's answers are still to come")
    _privacy(parser)


def _privacy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--privacy", choices=PRIVACY, default="strict", help="what happens to pictures that could name a person"
    )


def run(chosen: argparse.Namespace) -> int:
    """Run one subcommand; the exit status. Raises `UserError` with advice."""
    from medvlm.ratings.store import RatingStore
    from medvlm.ratings.studies import StudyStore

    with RatingStore(chosen.store) as ratings:
        _COMMANDS[chosen.study_command](StudyStore(ratings), chosen)
    return 0


def _make(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.studies.answering import make_study
    from medvlm.studies.design import Design, Study

    folder = chosen.pictures
    if folder is not None and not folder.expanduser().is_dir():
        raise UserError(f"{folder} is no folder. Make it, and put the pictures of the study there.")
    design = Design(
        seed=chosen.seed,
        repeats=chosen.repeats,
        readers_per_case=chosen.readers_per_case,
        guesses=chosen.guesses,
        break_every=chosen.break_every,
        keep_pictures=chosen.keep_pictures,
    )
    pictures = "" if folder is None else str(folder.expanduser().resolve())
    code = make_study(store, Study(chosen.study, design, chosen.title, pictures))
    print(f"The study {chosen.study!r} is made. Its leader signs in at the Ratings tab with {code}")
    print("The code is shown this once. Add cases and readers, then run it.")


def _add_cases(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.studies import cases

    pictures = _pictures(store, chosen)
    if chosen.run is not None:
        batch = cases.from_run(chosen.run, chosen.limit, chosen.seed)
    elif chosen.phantoms is not None:
        domains = cast(Sequence[Domain], chosen.domains)
        batch = cases.from_phantoms(chosen.phantoms, domains, chosen.seed, chosen.training)
    elif chosen.data is not None:
        batch = cases.from_data(chosen.data, chosen.split, chosen.limit, chosen.seed)
    elif chosen.ask is not None:
        batch = cases.from_folder(pictures, chosen.ask)
    else:
        batch = cases.from_list(chosen.list, pictures)
    new = store.add_cases(chosen.study, cases.with_scans(batch.cases, pictures))
    answers = store.add_answers(chosen.study, batch.answers)
    for sentence in batch.left_out:
        print(f"Left out: {sentence}")
    print(f"{new} new cases, {len(batch.cases) - new} were here before; {answers} answers came with them")


def _add_readers(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.ratings.studies import with_code
    from medvlm.studies.answering import add_reader
    from medvlm.studies.codes import new_code

    for reader in chosen.readers:
        if chosen.again:
            code = with_code(new_code, partial(store.set_lock, chosen.study, reader))
        else:
            code = add_reader(store, chosen.study, reader)
        print(f"{reader}: {code}")
    print("Each code is shown this once; only its hash is kept.")


def _draw(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.ratings.records import Candidate
    from medvlm.studies.answering import open_study
    from medvlm.studies.cases import answers_from

    store.get(chosen.study)
    if chosen.answers is not None:
        if not chosen.candidate:
            raise UserError("--answers needs --candidate NAME: whose answers they are.")
        given = answers_from(chosen.answers, Candidate(chosen.candidate, endpoint="imported"))
        print(f"{store.add_answers(chosen.study, given)} new answers of {chosen.candidate}")
    elif not chosen.no_model:
        print(f"{_answer(store, chosen)} answers drawn")
    if not chosen.do_not_open:
        study = open_study(store, chosen.study)
        print(f"{study.words} is open: {len(store.readers(study.name))} readers can sign in at the Ratings tab.")


def _answer(store: "StudyStore", chosen: argparse.Namespace) -> int:
    from medvlm.catalog import default_adapter
    from medvlm.model import LocalModel
    from medvlm.studies.answering import draw_answers, local_candidates

    adapter = chosen.adapter if chosen.adapter is not None else default_adapter(chosen.base)
    adapter = None if adapter == "none" else adapter
    candidates = local_candidates(chosen.base, adapter, chosen.quantization)
    chosen_arms = {arm: who for arm, who in candidates.items() if not chosen.arms or arm in chosen.arms}
    cases, there = store.cases(chosen.study), store.answered(chosen.study)
    if all(who.id in there.get(case.id, ()) for case in cases for who in chosen_arms.values()):
        return 0
    model = LocalModel.load(chosen.base, adapter, quantization=chosen.quantization, keep_warm=False)
    decoding = Decoding(temperature=chosen.temperature, max_tokens=chosen.max_tokens, seed=chosen.seed)

    def tell(case: Any, number: int, count: int, who: Any) -> None:
        print(f"case {number} of {count}: {who.name}", file=sys.stderr, flush=True)

    return draw_answers(store, _pictures(store, chosen), model, chosen_arms, decoding, tell)


def _status(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.studies.progress import progress

    studies = [store.get(chosen.study)] if chosen.study else store.all()
    for study in studies:
        now = progress(store, study.name)
        print(f"{study.name}: {study.status}; {now.cases.total} cases and {now.training} for training,")
        print(f"  {now.answers.done} of {now.answers.total} with answers; {now.ratings} ratings")
        print(f"  {now.cases.done} of {now.cases.total} cases have all their readers")
        for reader, count in now.readers.items():
            print(f"  {reader}: {count.done} of {count.total}")
    print(NOT_FOR_DIAGNOSIS if studies else "There is no study yet; make one with 'study new NAME'.")


def _close(store: "StudyStore", chosen: argparse.Namespace) -> None:
    study = store.set_status(chosen.study, "closed")
    print(f"{study.words} is closed: its results stand in the Ratings tab, and 'study report' writes them.")


def _report(store: "StudyStore", chosen: argparse.Namespace) -> None:
    from medvlm.studies.report import write_report

    print(f"{write_report(store, chosen.study, chosen.file)}: the report of {chosen.study}")


def _pictures(store: "StudyStore", chosen: argparse.Namespace) -> "Pictures":
    from medvlm.privacy import Gate
    from medvlm.studies.pictures import Pictures

    return Pictures(store.get(chosen.study), Gate(chosen.privacy))


_COMMANDS: dict[str, Callable[["StudyStore", argparse.Namespace], None]] = {
    "new": _make,
    "cases": _add_cases,
    "readers": _add_readers,
    "run": _draw,
    "status": _status,
    "close": _close,
    "report": _report,
}
