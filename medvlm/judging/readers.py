"""A judge's work beside readers' ratings of the same answers: the same question and the very same words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medvlm.agreement import cohen
from medvlm.judging.audit import numbered, with_readers
from medvlm.judging.records import Judged, pairs
from medvlm.judging.scoring import counting
from medvlm.judging.verdicts import Choice, Errors, OneScore, TwoScores
from medvlm.metrics.text import normalised
from medvlm.ratings.records import RatedAnswer, Rating
from medvlm.scores import Prediction
from medvlm.statistics import Figure
from medvlm.types import Arm

_READ: dict[tuple[str, bool], Choice] = {
    ("left", True): "first",
    ("left", False): "second",
    ("right", True): "second",
    ("right", False): "first",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa with readers. `matched`: ratings that are of answers in the run."""

    preference: Figure
    faults: Figure
    matched: int


def agreement(judged: Sequence[Judged], predictions: Sequence[Prediction], ratings: Iterable[Rating]) -> Agreement:
    """Kappa of preferences (base first) and of "has an error" between a judge and blinded, current ratings.

    A rating belongs to an answer where question and answer are the same words. Where readers of one pair differ, each
    counts; intervals are over cases.
    """
    said = Said(predictions)
    kept = [one for one in ratings if one.blinded and not one.training]
    choices, faulty = preferences(judged), faults(judged)
    pairs_ = [(sample, choice, case) for one in kept for sample, choice, case in said.choices(one) if sample in choices]
    answers = [
        (key, wrong, case) for one in kept for key, wrong, case in said.faulty(one) if key in faulty
    ]  # fmt: skip
    preference = with_readers(
        [choices[sample] for sample, _, _ in pairs_],
        [choice for _, choice, _ in pairs_],
        [case for _, _, case in pairs_],
    )
    columns = [int(faulty[key]) for key, _, _ in answers], [int(wrong) for _, wrong, _ in answers]
    fault = cohen(columns[0], columns[1], 2, clusters=numbered([case for _, _, case in answers]))
    return Agreement(preference, fault, len(pairs_) + len(answers))


class Said:
    """The answers of a run by their words."""

    def __init__(self, predictions: Sequence[Prediction]) -> None:
        self._by_words = {
            (normalised(p.question), normalised(p.text), p.arm): p.sample_id for p in predictions
        }  # fmt: skip

    def sample(self, question: str, text: str, arm: Arm) -> str | None:
        return self._by_words.get((normalised(question), normalised(text), arm))

    def choices(self, rating: Rating) -> list[tuple[str, Choice, str]]:
        """(sample, reader's choice, case) of a pair of the run's base and tuned answer; base is the first."""
        if rating.right is None or rating.verdict is None:
            return []
        question = rating.case.question
        for first, second, base_left in ((rating.left, rating.right, True), (rating.right, rating.left, False)):
            sample = self.sample(question, first.text, "base")
            if sample is not None and sample == self.sample(question, second.text, "tuned"):
                return [(sample, chosen(rating.verdict, base_left), rating.case.id)]
        return []

    def faulty(self, rating: Rating) -> list[tuple[tuple[str, Arm], bool, str]]:
        """((sample, arm), whether the reader tagged an error, case) for each rated answer of the run."""
        made = []
        for answer in rating.answers:
            for arm in ARMS:
                sample = self.sample(rating.case.question, answer.text, arm)
                if sample is not None and looked_at(answer):
                    made.append(((sample, arm), bool(answer.errors), rating.case.id))
        return made


ARMS: tuple[Arm, ...] = ("base", "tuned")


def looked_at(answer: RatedAnswer) -> bool:
    """Whether the reader said something of this answer alone; else a lack of tags says nothing."""
    return bool(answer.errors) or answer.correctness is not None or any(score is not None for score in answer.scores)


def chosen(verdict: str, base_left: bool) -> Choice:
    if verdict == "tie":
        return "tie"
    return "neither" if verdict == "neither" else _READ[verdict, base_left]


def preferences(judged: Sequence[Judged]) -> dict[str, Choice]:
    """Sample id -> which of base and tuned the judge prefers: by choice in both orders, or by more points."""
    by_key = counting(judged)
    made: dict[str, Choice] = {
        sample: both.choice for (sample, _), both in pairs(by_key) if both.choice is not None
    }  # fmt: skip
    points: dict[str, dict[str, float]] = {}
    for one in by_key.values():
        verdict = one.judgement.verdict
        if one.order == "forward" and one.repeat == 0 and isinstance(verdict, OneScore | TwoScores):
            given = verdict.value if isinstance(verdict, OneScore) else verdict.second
            points.setdefault(one.sample_id, {})[one.arm] = given
    for sample, arms in points.items():
        if len(arms) == 2:
            difference = arms["base"] - arms["tuned"]
            made[sample] = "first" if difference > 0 else "second" if difference < 0 else "tie"
    return made


def faults(judged: Sequence[Judged]) -> dict[tuple[str, Arm], bool]:
    """(sample id, arm) -> whether the judge found an error, where it was asked for errors."""
    return {
        (one.sample_id, one.arm): bool(one.judgement.verdict.found)
        for one in counting(judged).values()
        if one.order == "forward" and one.repeat == 0 and isinstance(one.judgement.verdict, Errors)
    }
