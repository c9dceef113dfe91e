"""The audit of a judge: order, repeats, length, and how far readers agree with it."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.judging import audit as judge_audit
from eval.judging import judge
from medvlm import scores
from medvlm.errors import DatasetError
from medvlm.judging.judgement import Judgement
from medvlm.judging.readers import agreement
from medvlm.judging.records import Judged
from medvlm.judging.verdicts import Errors, FoundError
from medvlm.ratings.records import ErrorTag, RatedAnswer
from medvlm.ratings.store import RatingStore
from tests import judged_runs
from tests.judged_runs import answered, job, script
from tests.rating_cases import BASE, TUNED, simple


def test_the_audit_finds_what_a_judge_is_worth(tmp_path: Path) -> None:
    folder = judged_runs.write(tmp_path / "run")
    # It gives whoever stands first 8 and the other 6, and always says the same.
    judge.judge(job(folder, audit=6), script("8 6"), "http://judge")
    found = judge_audit.audited(folder)["llava-med.first"]
    assert found["order"]["first_bonus"] == 2.0 and found["order"]["same_winner"] == {"hits": 0, "n": 6}
    assert found["repeats"]["variance"] == 0.0 and found["repeats"]["n"] == 6
    assert found["unparsed"]["hits"] == 0 and found["readers"]["matched"] == 0
    assert found["length"]["n"] == 12


def test_the_audit_of_preferences_counts_consistency(tmp_path: Path) -> None:
    folder = judged_runs.write(tmp_path / "run")
    judge.judge(job(folder, "pairwise"), script("Verdict: A"), "http://judge")
    found = judge_audit.audited(folder)["pairwise.first"]["order"]
    assert found["consistent"] == {"hits": 0, "n": 6} and found["first_preferred"] == {"hits": 12, "n": 12}


def test_nobody_judged_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="eval judge"):
        judge_audit.audited(judged_runs.write(tmp_path / "run"))


def test_agreement_with_readers_is_by_the_very_same_answers(tmp_path: Path) -> None:
    folder = judged_runs.write(tmp_path / "run", [p for n in range(12) for p in pair(n)])

    def half(prompt: str) -> str:
        """Prefers the tuned answer to even questions, the base's to odd ones, wherever they stand."""
        number = int(prompt.split("question ")[1].split(".")[0])
        first_is_base = prompt.index("An answer of nano to") < prompt.index("An answer of nano-med to")
        return "Verdict: A" if first_is_base == bool(number % 2) else "Verdict: B"

    judge.judge(job(folder, "pairwise"), script(half), "http://judge")
    # Readers agree with the judge on all but two of twelve; sides vary.
    with RatingStore(tmp_path / "ratings.db") as store:
        for n in range(12):
            tuned_wins, tuned_left = (n % 2 == 0) != (n in (3, 4)), n % 3 == 0
            verdict = "left" if tuned_wins == tuned_left else "right"
            store.add(simple(n, verdict, tuned_left=tuned_left))
        store.add(simple(99, "left"))  # of an answer that is in no run
        found = judge_audit.audited(folder, store.ratings())["pairwise.first"]["readers"]
    # 10 of 12 agree, each says first and second 6 times: kappa = (10/12 - 1/2) / (1 - 1/2).
    assert found["matched"] == 12 and found["preference_kappa"]["value"] == pytest.approx(2 / 3)
    assert found["preference_kappa"]["low"] < 2 / 3 < found["preference_kappa"]["high"]


def pair(number: int) -> list[scores.Prediction]:
    """The answers of which `rating_cases.simple` is a vote."""
    return [
        replace(answered(number, arm), text=f"An answer of {one.name} to question {number}.")
        for arm, one in (("base", BASE), ("tuned", TUNED))
    ]  # type: ignore[misc]


def test_errors_that_readers_tagged_are_held_against_the_judge_s() -> None:
    predictions = [p for n in range(12) for p in pair(n)]
    wrong = Errors((FoundError("side", "mild"),))
    judged = [
        Judged(p.sample_id, p.arm, "forward", 0, Judgement(wrong if p.arm == "base" else Errors(()), ("",)))
        for p in predictions
    ]
    ratings = [tagged(n) for n in range(12)]
    found = agreement(judged, predictions, ratings)
    assert found.faults.value == pytest.approx(1.0) and found.preference.n == 0
    untouched = [simple(n) for n in range(12)]
    assert agreement(judged, predictions, untouched).faults.n == 0, "no tags and no grades say nothing of an answer"


def tagged(number: int) -> object:
    rating = simple(number)
    assert rating.right is not None

    def graded(answer: RatedAnswer, *errors: ErrorTag) -> RatedAnswer:
        return replace(answer, errors=errors, scores=(3, 3, 3, 3, 3))

    return replace(
        rating, left=graded(rating.left, ErrorTag("side", "mild")), right=graded(rating.right)
    )  # the base stands on the left
