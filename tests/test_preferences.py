"""Training data from ratings: what a majority prefers, and the cases where both failed."""

import json
from dataclasses import replace

from medvlm.outcomes.preferences import hard_cases, preferences
from medvlm.ratings.records import ErrorTag, Rating, Verdict
from medvlm.types import Turn
from tests.rating_cases import BASE, NOON, TUNED, simple


def judged(*verdicts: Verdict) -> list[Rating]:
    """One case by several readers; every second one saw the sides swapped."""
    swap: dict[Verdict, Verdict] = {"left": "right", "right": "left", "tie": "tie", "neither": "neither"}
    return [
        simple(1, swap[verdict] if number % 2 else verdict, reader=f"r{number}", tuned_left=bool(number % 2))
        for number, verdict in enumerate(verdicts)
    ]


def test_a_majority_makes_a_preference_in_the_form_that_trl_takes() -> None:
    (record,) = preferences(judged("right", "right", "left", "tie"))
    base, tuned = simple(1).left.text, simple(1).answers[1].text
    assert record["images"] == ["sha256:" + "0" * 64]
    assert record["prompt"] == [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Question 1?"}]}
    ]
    assert record["chosen"] == [{"role": "assistant", "content": [{"type": "text", "text": tuned}]}]
    assert record["rejected"] == [{"role": "assistant", "content": [{"type": "text", "text": base}]}]
    assert (record["votes"], record["for"], record["against"]) == (4, 2, 1)
    assert (record["chosen_candidate"], record["rejected_candidate"]) == (TUNED.id, BASE.id)
    assert json.loads(json.dumps(record)) == record


def test_what_prefers_nothing_gives_nothing() -> None:
    assert list(preferences(judged("left", "right"))) == []
    assert list(preferences(judged("tie", "neither"))) == []
    one = simple(1)
    for change in (
        {"training": True},
        {"repeat": 1},
        {"blinded": False},
        {"right": replace(one.left, candidate=TUNED)},
    ):
        assert list(preferences([replace(one, **change)])) == []  # type: ignore[arg-type]


def test_earlier_turns_stand_in_the_prompt_only_where_both_share_them() -> None:
    one = simple(1)
    assert one.right is not None
    history = (Turn("user", "What is it?"), Turn("assistant", "A CT."))
    shared = replace(one, left=replace(one.left, history=history), right=replace(one.right, history=history))
    (record,) = preferences([shared])
    assert [message["role"] for message in record["prompt"]] == ["user", "assistant", "user"]
    assert [part["type"] for part in record["prompt"][0]["content"]] == ["image", "text"]
    assert [part["type"] for part in record["prompt"][2]["content"]] == ["text"]
    (record,) = preferences([replace(one, left=replace(one.left, history=history))])
    assert len(record["prompt"]) == 1


def test_hard_cases_are_those_where_both_failed_or_harm_is_severe() -> None:
    severe = replace(
        simple(2), left=replace(simple(2).left, errors=(ErrorTag("side", "severe", 0, 2),)), comment="Wrong side!"
    )
    mild = replace(simple(3), left=replace(simple(3).left, errors=(ErrorTag("side", "moderate"),)))
    neither, other = simple(1, "neither"), simple(1, "left", reader="r2")
    again = replace(neither, id="again", repeat=1)
    found = {record["case"]: record for record in hard_cases([neither, again, other, severe, mild])}
    assert set(found) == {"case-1", "case-2"}
    assert (found["case-1"]["readers"], found["case-1"]["both_unacceptable"]) == (2, 1)
    assert len(found["case-1"]["answers"]) == 2
    (answer,) = found["case-2"]["answers"]
    assert answer["errors"] == [{"kind": "side", "harm": "severe", "words": "An"}]
    assert found["case-2"]["comments"] == ["Wrong side!"]
    assert list(hard_cases([replace(neither, training=True)])) == []


def test_no_picture_of_the_hard_cases_is_on_both_sides_of_the_split() -> None:
    ratings = []
    for number in range(300):
        one = simple(number, "neither")
        ratings.append(replace(one, case=replace(one.case, scans=(f"{number // 3:064d}",)), created=NOON))
    splits: dict[str, set[str]] = {}
    for record in hard_cases(ratings):
        splits.setdefault(record["scan"], set()).add(record["split"])
    assert all(len(sides) == 1 for sides in splits.values())
    assert 20 <= sum(sides == {"test"} for sides in splits.values()) <= 47


def test_cases_of_one_name_in_two_studies_are_two() -> None:
    rows = [replace(simple(1, "neither"), id=study, study=study) for study in ("one", "other")]
    found = list(hard_cases(rows))
    assert [record["study"] for record in found] == ["one", "other"] and found[0]["id"] != found[1]["id"]
