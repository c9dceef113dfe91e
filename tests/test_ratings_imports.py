"""Vote files of our own, of MT-bench and of FastChat become ratings, the same ones however often they are read."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from medvlm.errors import DatasetError
from medvlm.ratings import exports, imports
from medvlm.ratings.records import Rating
from tests.rating_cases import full, simple, single

TALK = [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "A lung."}]


def arena(kind: str, models: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """A line of the arena's log, in the form that FastChat writes."""
    states = [
        {
            "template_name": name,
            "roles": ["USER", "ASSISTANT"],
            "messages": [["USER", ["Where?", ["d41d8"]]], ["ASSISTANT", f"{name} says left."]],
            "conv_id": f"{name}-1",
            "model_name": name,
        }
        for name in ("alpha", "beta")
    ]
    return {"tstamp": 1700000000.25, "type": kind, "models": list(models), "states": states, "ip": "192.0.2.7"}


def battle(winner: str, **more: Any) -> dict[str, Any]:
    talk = {"conversation_a": TALK, "conversation_b": [TALK[0], {"role": "assistant", "content": "A liver."}]}
    return {"question_id": 81, "model_a": "alpha", "model_b": "beta", "winner": winner, "turn": 1, **talk, **more}


def judged(first: str, second: str) -> dict[str, Any]:
    return {
        "question_id": 81, "model_1": "alpha", "model_2": "beta", "g1_winner": first, "g2_winner": second,
        "judge": ["gpt-4", "pair-v2"], "turn": 2, "tstamp": 1687222800.5,
    }  # fmt: skip


def read(folder: Path, records: Iterable[Any]) -> imports.Read:
    file = folder / "votes.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return imports.read(file)


def test_our_own_export_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "ratings.jsonl"
    ratings = (full(), simple(1), single())
    file.write_text("".join(exports.jsonl(ratings)), encoding="utf-8")
    assert imports.read(file) == imports.Read(ratings, {})


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("leftvote", "left"), ("rightvote", "right"), ("tievote", "tie"), ("bothbad_vote", "neither")],
)
def test_an_arena_vote_keeps_its_sides_and_forgets_the_address(tmp_path: Path, kind: str, verdict: str) -> None:
    (rating,) = read(tmp_path, [arena(kind)]).ratings
    assert (rating.verdict, rating.blinded, rating.source) == (verdict, True, "fastchat")
    assert (rating.left.candidate.name, rating.left.text) == ("alpha", "alpha says left.")
    assert rating.case.question == "Where?" and rating.created.year == 2023
    assert "192.0.2.7" not in "".join(exports.jsonl([rating]))
    (named,) = read(tmp_path, [arena(kind, ("alpha", "beta"))]).ratings
    assert not named.blinded


@pytest.mark.parametrize(
    ("winner", "verdict"),
    [("model_a", "left"), ("model_b", "right"), ("tie", "tie"), ("tie (bothbad)", "neither")],
)
def test_a_battle_becomes_a_rating(tmp_path: Path, winner: str, verdict: str) -> None:
    (rating,) = read(tmp_path, [battle(winner, judge="expert_0")]).ratings
    assert (rating.verdict, rating.reader, rating.source, rating.case.id) == (
        verdict, "expert_0", "mt-bench", "mt-bench/81/1",
    )  # fmt: skip
    assert (rating.left.text, rating.case.question) == ("A lung.", "What is it?")


def test_mt_benchs_judge_must_say_the_same_in_both_orders(tmp_path: Path) -> None:
    found = read(tmp_path, [judged("model_1", "model_1"), judged("model_1", "model_2"), judged("tie", "error")])
    assert [rating.verdict for rating in found.ratings] == ["left", "tie"]
    assert found.ratings[0].reader == "gpt-4"
    assert found.left_out == {"the judge's answer could not be read": 1}


def test_what_is_no_vote_is_left_out_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, [arena("share"), arena("upvote"), {"type": "chat", "model": "alpha"}, battle("anony")])
    assert found.ratings == () and sum(found.left_out.values()) == 4


def test_the_same_line_is_the_same_rating(tmp_path: Path) -> None:
    def ids(ratings: tuple[Rating, ...]) -> list[str]:
        return [rating.id for rating in ratings]

    lines = [battle("model_a"), battle("model_b"), arena("leftvote"), judged("tie", "tie")]
    first, again = read(tmp_path, lines), read(tmp_path, lines)
    assert ids(first.ratings) == ids(again.ratings) and len(set(ids(first.ratings))) == 4
    moved = read(tmp_path, [{**arena("leftvote"), "ip": "192.0.2.99"}])
    assert ids(moved.ratings)[0] in ids(first.ratings), "from another address it is the same vote"


def test_a_list_is_read_as_well_as_lines(tmp_path: Path) -> None:
    file = tmp_path / "votes.json"
    file.write_text(json.dumps([battle("model_a"), battle("tie")], indent=1))
    assert len(imports.read(file).ratings) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{broken\n", "line 1, is no JSON"),
        ('\n{"a": 1}\n', "entry 2: it is none of ours, MT-bench's or FastChat's"),
        (json.dumps({**battle("tie"), "model_a": None, "conversation_a": 3}), "entry 1, is malformed"),
        (json.dumps({"schema": 99}), "schema 99 cannot be read"),
        ("[1, 2]", "entry 1"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(content)
    with pytest.raises(DatasetError, match=says):
        imports.read(file)
    with pytest.raises(DatasetError, match="cannot be read"):
        imports.read(tmp_path / "absent.jsonl")


def test_imports_stand_the_fields_that_we_do_not_know_and_miss_the_ones_we_do(tmp_path: Path) -> None:
    record = json.loads("".join(exports.jsonl([simple(1)])))
    record["novelty"] = 1
    del record["comment"], record["left"]["leaks"]
    assert read(tmp_path, [record]).ratings == (simple(1),)
