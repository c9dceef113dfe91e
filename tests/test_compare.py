"""Two answers held against each other: the ballot, whose side is whose, the pace, and what becomes a rating."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from medvlm.compare.ballot import GARBLED, Ballot, Remarks, ballot_of
from medvlm.compare.booth import Booth
from medvlm.compare.comparison import Comparison
from medvlm.compare.disguise import MASK
from medvlm.compare.steps import Comparing, Moment
from medvlm.errors import UserError
from medvlm.page.host import Host
from medvlm.page.seat import Seat
from medvlm.ratings.records import CORRECTNESS, CRITERIA, ERROR_KINDS, HARMS, VERDICTS, ErrorTag
from medvlm.types import Report
from medvlm.ui.asking import asking
from medvlm.ui.bench import bench
from medvlm.ui.columns import Column, exchange
from medvlm.ui.judging import Judging, Parts
from medvlm.ui.vote import template, vote
from tests.compare_cases import SECRETS, FakeRatings, Stage, entrants, telling
from tests.fakes import FakeModel

ID = "0123456789abcdef0123456789abcdef"
LEFT, RIGHT = "No mass is seen.", "A mass of 3 cm lies in the left lobe."


def said(**changes: Any) -> dict[str, Any]:
    nothing = {"scores": [None] * 5, "correctness": None, "errors": []}
    return {"id": ID, "verdict": "left", "left": nothing, "right": nothing, "comment": "", "seconds": 3.5, **changes}


def full() -> dict[str, Any]:
    tags = [{"kind": "missed_finding", "harm": "severe", "start": 0, "stop": 7}]
    whole = [{"kind": "other", "harm": "none", "start": None, "stop": None}]
    left = {"scores": [1, 2, None, 4, 5], "correctness": "wrong", "errors": tags}
    right = {"scores": [5] * 5, "correctness": "right", "errors": whole}
    return said(
        verdict="right", left=left, right=right, sureness=4, guess="unsure", comment=" B saw it. ", key="x", look={}
    )


def test_a_ballot_holds_all_that_the_form_asks() -> None:
    assert ballot_of(full(), LEFT, RIGHT) == Ballot(
        id=ID,
        left=Remarks(LEFT, (1, 2, None, 4, 5), "wrong", (ErrorTag("missed_finding", "severe", 0, 7),)),
        right=Remarks(RIGHT, (5, 5, 5, 5, 5), "right", (ErrorTag("other", "none"),)),
        verdict="right",
        sureness=4,
        guess="unsure",
        comment="B saw it.",
        seconds=3.5,
    )


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_alone_is_a_vote(verdict: str) -> None:
    made = ballot_of(said(verdict=verdict), LEFT, RIGHT)
    assert (made.verdict, made.left, made.right) == (verdict, Remarks(LEFT), Remarks(RIGHT))


def test_one_answer_alone_takes_a_correctness_and_no_verdict() -> None:
    left = {"scores": [None] * 5, "correctness": "partly", "errors": []}
    made = ballot_of(said(verdict=None, left=left, right=None), LEFT, None)
    assert (made.verdict, made.right, made.left.correctness) == (None, None, "partly")
    with pytest.raises(UserError, match="how correct"):
        ballot_of(said(verdict=None, right=None), LEFT, None)


def test_a_vote_without_a_verdict_says_what_is_missing() -> None:
    with pytest.raises(UserError, match="which answer is better"):
        ballot_of(said(verdict=None), LEFT, RIGHT)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "short"},
        {"id": 7},
        {"id": "x" * 65},
        {"verdict": "both"},
        {"sureness": 6},
        {"sureness": True},
        {"guess": "base"},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"left": None},
        {"left": {"scores": [1] * 4, "errors": []}},
        {"left": {"scores": [0] * 5, "errors": []}},
        {"left": {"scores": [None] * 5, "errors": [], "correctness": "yes"}},
        *(
            {"right": {"scores": [None] * 5, "errors": [{"kind": "side", "harm": "mild", **wrong}]}}
            for wrong in (
                {"start": 3, "stop": 3},
                {"start": 0, "stop": 400},
                {"start": -1, "stop": 2},
                {"start": 1},
                {"kind": "bad"},
                {"harm": None},
            )
        ),
    ],
)
def test_nonsense_from_the_page_is_refused_in_words(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        ballot_of(said(**changes), LEFT, RIGHT)
    assert str(refused.value) == GARBLED


def test_the_form_offers_every_value_of_every_closed_set() -> None:
    html = template("pair")
    for value in (*VERDICTS, *CORRECTNESS, *ERROR_KINDS, *HARMS):
        assert f'value="{value}"' in html
    for side in ("left", "right"):
        assert all(f'name="{side}-{criterion}"' in html for criterion in (*CRITERIA, "correctness"))
    alone = template("single")
    assert 'name="verdict"' not in alone and "right-" not in alone and 'name="guess"' not in alone
    assert 'name="left-correctness"' in alone


def test_the_form_knows_no_names_and_tells_each_state_from_the_last() -> None:
    first, second = vote("open", "case"), vote("open", "case")
    assert first.pop("number") != second.pop("number") and first == second
    for word in ("base", "nano", "model"):
        assert word not in template("pair")


def test_texts_stand_in_their_columns_as_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    html = exchange(evil, (Column("left", evil, marks=((1, 4),)), Column("right", RIGHT)), about=evil, doing=evil)
    assert "<img" not in html and "&lt;<mark>img</mark> src=x" in html
    assert html.count('data-answer="left"') == html.count('data-answer="right"') == 1
    assert "data-answer" not in exchange("Earlier?", (Column("left", "Yes."), Column("right", "No.")), last=False)


def a_case(rated: bool = False, blinded: bool = True) -> Comparison:
    """One question that both have answered; each answer names its writer."""
    now = Comparison.begun(entrants(FakeModel()), 1, blinded).asked("Is there a mass?", None, None)
    left, right = now.contenders()
    now = now.answered((telling(left), telling(right)), (Report(9, 5, 0, 1.0, 0.1, "length"), None))
    if rated:
        now = replace(now, rating=now.voted(ballot_of(said(), "", ""), "reader-one"))
    return now


def secrets(html: str) -> list[str]:
    return [word for word in (*SECRETS, "data-arm", "tuned", "base") if word in html.lower()]


def test_the_case_as_it_is_drawn_says_no_name_before_the_vote_and_both_after_it() -> None:
    before, after = bench(a_case(), None), bench(a_case(rated=True), None)
    assert secrets(before) == [] and "cut at the longest length" not in before and MASK in before
    for part in ("quokkabase (base)", "wombat-med (tuned)", 'data-arm="tuned"', "masked: ", "cut at the longest"):
        assert part in after
    assert MASK in after.replace("<mark>", "").replace("</mark>", ""), "marks of errors stay where they were"
    assert "You said: A better" in after and "not count" not in after and "<mark>" in after
    assert "not count as a blinded vote" in bench(a_case(rated=True, blinded=False), None)
    assert secrets(bench(a_case(blinded=False), None)) != []


def test_answers_that_contradict_each_other_are_marked_after_the_vote_alone() -> None:
    now = Comparison.begun(entrants(FakeModel()), 1, True)
    for question, left, right in (
        ("Is there an effusion?", "No, there is no effusion.", "Yes, there is an effusion."),
        ("What else?", "There is an effusion.", "Nothing else."),
    ):
        now = now.asked(question, None, None).answered((left, right))
    after = replace(now, rating=now.voted(ballot_of(said(), "", ""), "reader-one"))
    both, own = "The two answers contradict each other", "This contradicts an earlier answer"
    assert both not in bench(now, None) and own not in bench(now, None)
    assert bench(after, None).count(both) == 1 and bench(after, None).count(own) == 1
    assert both in bench(replace(now, blinded=False), None), "where names are shown nothing is given away"


def test_answers_that_are_written_look_alike_and_the_wait_says_for_what() -> None:
    running = Comparison.begun(entrants(FakeModel()), 1, True).asked("Where?", None, None)
    html = bench(running, None, Moment("writing", "It is", "There are"), "Where?")
    assert html.count("spinner") == 1 and "Both are writing" in html and "It is" in html and secrets(html) == []
    assert "Both are reading" in bench(running, None, Moment("writing"), "Where?")
    first = bench(None, None, Moment("loading"), "<i>Where?")
    assert "Waiting for the model" in first and "&lt;i&gt;Where?" in first
    old = bench(a_case(rated=True), None, Moment("loading"), "Where?")
    assert "Is there a mass?" not in old, "after a vote, a question begins a new case"
    assert "Two answers, no names" in bench(None, None)


def test_the_head_tells_each_state_from_the_last() -> None:
    first, second = asking(busy=True), asking(busy=True)
    assert first.pop("number") != second.pop("number") and first == second


def test_what_is_held_here_stands_in_the_receipt_and_can_be_forgotten() -> None:
    model, seat, booth = FakeModel(), Seat(), Booth()
    comparing = Comparing(Host(lambda _: model), lambda _: entrants(model), Stage().duet, FakeRatings().keep)
    do = Judging(comparing, Parts("seat", "booth", "scan", "head", "bench", "form"))
    arrived, request = SimpleNamespace(key="k" * 32), SimpleNamespace(session_hash="one")
    do.hello(seat, booth, arrived, request)  # type: ignore[arg-type]
    assert list(do.holds(seat)) == []
    booth.put(a_case(rated=True), None)
    assert [line.where for line in do.holds(seat)] == ["this machine's memory", "the database of ratings"]
    do.forget(Seat(), "another")
    assert booth.now is not None
    do.forget(seat, "one")
    assert booth.now is None and list(do.holds(seat)) == []
