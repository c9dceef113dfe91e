"""From judgements to scores: points of an answer and its reference, their ratio, wins, errors; unparsed is unscored."""

from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from medvlm.judging.judgement import BothOrders
from medvlm.judging.records import Judged, pairs
from medvlm.judging.rubrics import Shape
from medvlm.judging.verdicts import Choice, Errors, OneScore, TwoScores, Unparsed, Verdict
from medvlm.metrics.relative import Pair
from medvlm.scores import Score

WON: dict[Choice, float] = {"first": 0.0, "tie": 0.5, "second": 1.0}
NEITHER = "neither answer is acceptable"


def counting(judged: Sequence[Judged]) -> dict[tuple[str, str, str, int], Judged]:
    """By key; of two rows with the same key the later one (a case that was asked again after a failure)."""
    return {one.key: one for one in judged}


def scored(judged: Sequence[Judged], prefix: str, shape: Shape) -> list[Score]:
    """Every score that counts: first askings, in the order given. Names begin with `prefix`."""
    by_key = counting(judged)
    firsts = [one for one in by_key.values() if one.order == "forward" and one.repeat == 0]
    if shape != "preference":
        return [score for one in firsts for score in _single(one, prefix, shape)]
    both = dict(pairs(by_key))
    return [_pair(one, both.get((one.sample_id, one.arm)), prefix) for one in firsts]


# What follows the prefix in the names of a rubric's scores.
PARTS: dict[Shape, tuple[str, ...]] = {
    "one score": ("",),
    "two scores": ("", "_reference", "_relative"),
    "preference": ("_won",),
    "errors": ("_errors", "_severe", "_faultless"),
}


def _single(one: Judged, prefix: str, shape: Shape) -> Iterator[Score]:
    """Every score of one verdict; where it is none, each of them is unscored with its reason."""
    values = _values(one.judgement.verdict)
    reason = one.judgement.verdict.reason if isinstance(one.judgement.verdict, Unparsed) else "the reference got 0"
    for part in PARTS[shape]:
        value = values.get(part)
        yield Score(one.sample_id, one.arm, f"{prefix}{part}", value, reason if value is None else "")


def _values(verdict: Verdict) -> dict[str, float]:
    match verdict:
        case OneScore(points):
            return {"": points}
        case TwoScores(reference, answer):
            ratio = {"_relative": answer / reference} if reference else {}
            return {"": answer, "_reference": reference, **ratio}
        case Errors(found):
            severe = sum(error.harm == "severe" for error in found)
            return {"_errors": float(len(found)), "_severe": float(severe), "_faultless": float(not found)}
        case _:
            return {}


def _pair(one: Judged, both: BothOrders | None, prefix: str) -> Score:
    """A pair in both orders: what the tuned arm won (a half for a tie, which orders that disagree are)."""
    name, choice = f"{prefix}{PARTS['preference'][0]}", None if both is None else both.choice
    if both is None:
        return Score(one.sample_id, one.arm, name, None, "judged in one order only")
    if choice is None:
        reasons = [v.reason for v in (both.forward.verdict, both.backward.verdict) if isinstance(v, Unparsed)]
        return Score(one.sample_id, one.arm, name, None, "; ".join(dict.fromkeys(reasons)))
    won = WON.get(choice)
    return Score(one.sample_id, one.arm, name, won, NEITHER if won is None else "")


def relative_pairs(judged: Sequence[Judged], arm: str) -> dict[str, Pair | None]:
    """Sample id -> the two scores of an arm's answer, None where there are none; for `relative.by_group`."""
    made: dict[str, Pair | None] = {}
    for one in counting(judged).values():
        if one.arm == arm and one.order == "forward" and one.repeat == 0:
            verdict = one.judgement.verdict
            made[one.sample_id] = Pair(verdict.first, verdict.second) if isinstance(verdict, TwoScores) else None
    return made


def pooled_scores(parts: Sequence[Sequence[Judged]], prefix: str) -> list[Score]:
    """Several judges' points of each answer: their mean, and their sample standard deviation where there are two.

    An answer that any of them left unscored is unscored: the mean of fewer judges would be another number.
    """
    points = [
        {(s.sample_id, s.arm): s for s in scored(part, prefix, "one score") if s.metric == prefix} for part in parts
    ]
    shared = [key for key in points[0] if all(key in part for part in points[1:])] if points else []
    made: list[Score] = []
    for key in shared:
        given = [part[key] for part in points]
        values = [one.value for one in given if one.value is not None]
        whole = len(values) == len(given)
        reason = "" if whole else "; ".join(dict.fromkeys(one.reason for one in given if one.value is None))
        made.append(Score(key[0], given[0].arm, prefix, mean(values) if whole else None, reason))
        deviation = stdev(values) if whole and len(values) > 1 else None
        made.append(
            Score(key[0], given[0].arm, f"{prefix}_deviation", deviation, "" if deviation is not None else reason)
        )
    return made
