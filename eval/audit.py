"""`python -m eval audit TRAIN TEST`: what of a test stands in training, and which test rows are clean of it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from eval.task_list import at_split
from medvlm import paths

if TYPE_CHECKING:
    from eval.leakage import Audit

EXAMPLES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("train", metavar="TRAIN", help="a data set, as in vqa_rad@train (its train split by default)")
    parser.add_argument("test", metavar="TEST", help="a data set, as in vqa_rad@test (its test split by default)")
    parser.add_argument("--out", type=Path, help="folder for the lists (default: runs/audits/TRAIN-TEST)")
    parser.add_argument("--runs", type=Path, default=paths.ROOT / "runs", help="where hashes of pictures are kept")


def run(chosen: argparse.Namespace) -> int:
    """Compare, print the counts with examples, and write everything with the list of clean test rows."""
    from eval.leakage import audit
    from eval.picture_hashes import Looks
    from medvlm import datasets

    train = datasets.load(*at_split(chosen.train, "train"))
    test = datasets.load(*at_split(chosen.test, "test"))
    found = audit(train, test, Looks(chosen.runs / "features" / "looks.jsonl"))
    plain = f"{train.label}-{test.label}".replace("/", "-").replace(":", "-")
    out = chosen.out or chosen.runs / "audits" / plain
    write(found, out)
    print("\n".join(lines(found)))
    print(f"{out}: audit.json has everything, clean.txt the {len(found.clean)} test rows that are clean.")
    return 0


def lines(found: "Audit") -> list[str]:
    """Counts and examples, for people."""
    pictures = f"of {len(found.pictures)} test pictures"
    rows = f"of {found.test_rows} test rows"
    like = [f"{name} ~ {other} ({bits} of 256 bits)" for name, (other, bits) in found.like_pictures.items()]
    counted = [
        (f"{len(found.same_pictures)} {pictures} are in training, pixel for pixel", list(found.same_pictures)),
        (f"{len(like)} {pictures} are copies of one in training", like),
        (f"{len(found.seen_picture)} {rows} ask about a picture that is in training", []),
        (f"{len(found.same_question_here)} {rows} ask what training asks about that picture", found.same_question_here),
        (f"{len(found.same_row)} {rows} have the same picture, question and answer as one in training", found.same_row),
        (f"{len(found.same_question)} {rows} have a question that training has about some picture", []),
        (f"{len(found.same_pair)} {rows} have a question and answer that training has about some picture", []),
        (f"{len(found.clean)} {rows} are clean: neither picture nor question about it is in training", []),
    ]
    made = [f"{found.test} against {found.train} ({found.train_rows} rows)"]
    for text, examples in counted:
        shown = f": {', '.join(examples[:EXAMPLES])}{', ...' if len(examples) > EXAMPLES else ''}" if examples else ""
        made.append(f"- {text}{shown}")
    if found.unseen:
        made.append(f"- {found.unseen} pictures could not be read and were not compared")
    return made


def write(found: "Audit", out: Path) -> None:
    """The whole audit, and the ids of the clean test rows, one a line."""
    from dataclasses import asdict

    from medvlm import scores

    scores.write(out / "audit.json", asdict(found))
    scores.write_text(out / "clean.txt", "".join(f"{name}\n" for name in found.clean))
