"""Exports say all that was rated, in forms that others read; nothing in them runs in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace

from medvlm import NOT_FOR_DIAGNOSIS
from medvlm.ratings import exports, wire
from medvlm.ratings.records import CRITERIA
from tests.rating_cases import BASE, TUNED, full, simple, single


def rows(lines: Iterable[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(lines), newline="")))


def test_jsonl_gives_every_rating_back() -> None:
    ratings = [full(), simple(1), single()]
    lines = "".join(exports.jsonl(ratings)).splitlines()
    assert [wire.from_record(json.loads(line)) for line in lines] == ratings
    assert all(json.loads(line)["label"] == NOT_FOR_DIAGNOSIS for line in lines)


def test_the_table_has_one_line_a_rating_and_every_column_is_explained() -> None:
    table = rows(exports.table([full(), simple(1), single()]))
    explained = {row["column"]: row for row in rows(exports.dictionary())}
    assert list(table[0]) == list(explained)
    assert all(row["meaning"] and row["values"] for row in explained.values())
    assert [row["form"] for row in table] == ["pair", "pair", "single"]
    assert all(row["label"] == NOT_FOR_DIAGNOSIS for row in table)
    first = table[0]
    assert (first["left_answer"], first["reader"]) == (full().left.text, full().reader)
    assert (first["left_correct"], first["left_relevant"], first["window_level"]) == ("1", "", "40.5")
    assert json.loads(first["left_errors"]) == [["side", "severe", 0, 5], ["other", "none", None, None]]
    assert table[2]["right_answer"] == table[2]["verdict"] == ""


def test_the_table_leaves_nothing_out_but_the_picture() -> None:
    """Each field of a rating, changed, changes its line."""
    plain = "".join(exports.table([full()]))
    rating = full()
    case, left = rating.case, rating.left
    changed = [
        *(replace(rating, **{name: value}) for name, value in {
            "id": "x", "reader": "x", "verdict": "tie", "study": "x", "corrects": "x", "blinded": True,
            "training": False, "repeat": 3, "side_seed": 1, "sureness": 1, "guess": "left", "comment": "x",
            "seconds": 1.0, "source": "x", "software": "x",
        }.items()),
        *(replace(rating, case=replace(case, **{name: value})) for name, value in {
            "id": "x", "question": "x", "domain": "ct", "question_type": "x", "scans": (), "view": None, "window": None,
            "look": "x", "reference": "x",
        }.items()),
        *(replace(rating, left=replace(left, **{name: value})) for name, value in {
            "text": "x", "history": (), "decoding": None, "leaks": (), "scores": (5, 2, None, 4, 5), "errors": (),
            "correctness": "wrong",
        }.items()),
    ]  # type: ignore[misc]  # fmt: skip
    assert all("".join(exports.table([one])) != plain for one in changed)
    without = replace(rating, case=replace(case, picture=None))
    (kept,), (bare,) = rows(exports.table([rating])), rows(exports.table([without]))
    assert {key for key in kept if kept[key] != bare[key]} == {"digest"}


def test_no_cell_runs_as_a_formula() -> None:
    for start in "=+-@\t\r":
        (row,) = rows(exports.table([replace(simple(1), comment=f"{start}SUM(A1)")]))
        assert row["comment"] == f"'{start}SUM(A1)"
    (row,) = rows(exports.table([full()]))
    assert row["comment"].startswith("'=cmd") and row["side_seed"] == str(-(2**62)), "a number stays a number"


def test_mrmc_gives_reader_case_treatment_and_score() -> None:
    ratings = [simple(1, "left"), simple(2, "tie"), simple(3, "neither", reader="r2")]
    left_out = [full(), replace(simple(4), repeat=1), replace(simple(5), blinded=False), single()]
    table = rows(exports.mrmc([*ratings, *left_out], "preference"))
    base, tuned = (f"{c.name} ({c.id[:8]})" for c in (BASE, TUNED))
    assert [(r["reader"], r["case"], r["treatment"], r["score"]) for r in table] == [
        ("r1", "case-1", base, "1.0"), ("r1", "case-1", tuned, "0.0"), ("r1", "case-2", base, "0.5"),
        ("r1", "case-2", tuned, "0.5"), ("r2", "case-3", base, "0.5"), ("r2", "case-3", tuned, "0.5"),
    ]  # fmt: skip
    scored = replace(simple(1), left=replace(simple(1).left, scores=(2, None, 3, 4, 5), correctness="partly"))
    for place, criterion in enumerate(CRITERIA):
        wanted = scored.left.scores[place]
        found = rows(exports.mrmc([scored], criterion))
        assert [row["score"] for row in found] == ([] if wanted is None else [str(wanted)])
    assert [row["score"] for row in rows(exports.mrmc([scored, single()], "correctness"))] == ["0.5", "1.0"]
