"""One answer at a time: the share that readers found right, partly right or wrong, with n and interval."""

from collections.abc import Iterable, Sequence

from medvlm import resampling
from medvlm.ratings.records import Correctness, Review
from medvlm.statistics import SEED, Figure

JUDGED: tuple[Correctness, ...] = ("right", "partly", "wrong")


def of_candidate(reviews: Iterable[Review], candidate: str) -> list[Review]:
    """The reviews that count for one candidate (by id): blinded first showings outside training."""
    return [r for r in reviews if r.candidate == candidate and r.blinded and not r.training and r.repeat == 0]


def shares(reviews: Sequence[Review], seed: int = SEED) -> dict[Correctness, Figure]:
    """The share of each judgement among the reviews that could judge."""
    judged = [review for review in reviews if review.correctness in JUDGED]
    cases, readers = [r.case for r in judged], [r.reader for r in judged]
    return {
        kind: resampling.mean([float(r.correctness == kind) for r in judged], cases, readers, (0.0, 1.0), seed)
        for kind in JUDGED
    }
