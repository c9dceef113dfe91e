"""Answers of a run judged one at a time, against their reference and without names: which, in what order, what is kept.

Questions that yes or no answers are left out: scores count those by themselves.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from medvlm.compare.ballot import Ballot
from medvlm.compare.comparison import judged
from medvlm.compare.disguise import Disguised, disguised
from medvlm.compare.leaks import names_of
from medvlm.errors import UserError
from medvlm.page.viewing import Look
from medvlm.privacy import Gate
from medvlm.ratings.records import LONGEST_NAME, Case, Filter, RatedAnswer, Rating
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.board import Board
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.scores import Prediction, RunInfo
from medvlm.studies.cases import candidate_in
from medvlm.studies.design import Study
from medvlm.studies.pictures import Pictures
from medvlm.studies.reading import look_text
from medvlm.types import Arm, Scan, View

GONE = "That run is no longer there, or nothing in it can be judged. Choose another one."


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer before its judge. `key` names it for this judge; `number` of `total` counts from 1.

    `shown`: the text as it may be seen; whose it is stands in `answer`, which no page is told.
    """

    key: str
    run: str
    judge: str
    asked: Prediction
    scan: Scan
    shown: Disguised
    answer: RatedAnswer
    number: int
    total: int


class Reviewing:
    """What judges do, on the runs of a shelf; it keeps nothing of anybody but in the store."""

    def __init__(self, store: RatingStore, shelf: RunShelf, gate: Gate) -> None:
        """`gate`: what pictures pass before they are shown."""
        self._store = store
        self._shelf = shelf
        self._gate = gate

    def runs(self) -> dict[str, int]:
        """The runs with answers that can be judged, and how many those are."""
        counts = {name: len(reviewable(one)) for name, one in self._shelf.look().boards.items()}
        return {name: count for name, count in counts.items() if count}

    def turn(self, run: str, judge: str) -> Turn | None:
        """The next answer that this judge has not judged; None where all are, or their pictures are not here.

        Raises `UserError` for a run that is not there.
        """
        board = self._shelf.look().boards.get(run)
        answers = [] if board is None else reviewable(board)
        if board is None or not answers:
            raise UserError(GONE)
        order = random.Random(f"{run} {judge}").sample(answers, len(answers))
        done = {one.id for one in self._store.reviews(Filter(study=study_of(run), reader=judge))}
        left = [one for one in order if _key(run, judge, one) not in done]
        for one in left:
            scan = self._scan(one)
            if scan is not None:
                return _turn(board.info, run, judge, one, scan, len(order) - len(left) + 1, len(order))
        return None

    def submit(self, turn: Turn, ballot: Ballot, look: Look | None) -> Rating:
        """Keep what was said of the answer; said twice, it is one row. Raises `StoreError` where it cannot be kept."""
        rating = Rating(
            id=turn.key,
            reader=turn.judge,
            case=_case(turn, look),
            left=judged(turn.answer, ballot.left, turn.shown),
            study=study_of(turn.run),
            sureness=ballot.sureness,
            comment=ballot.comment,
            seconds=ballot.seconds,
        )
        return self._store.add(rating).rating

    def _scan(self, one: Prediction) -> Scan | None:
        """The picture, where it is on this machine and may be shown."""
        try:
            scan = Pictures(Study("review"), self._gate).found(one.image or "")
        except (UserError, OSError, ValueError):
            return None
        return scan if one.domain == "other" else scan.as_domain(one.domain, "user")


def reviewable(board: Board) -> list[Prediction]:
    """Answers with a picture and a reference, to questions that take more than yes or no; probes are none."""
    return [] if ":" in board.info.task else list(_reviewable(board.answers))


def _reviewable(answers: Mapping[Arm, Mapping[str, Prediction]]) -> Iterator[Prediction]:
    for given in answers.values():
        for one in given.values():
            words = one.reference.lower().strip(" .").split()
            if words and words[0] not in ("yes", "no") and not one.closed and one.image and one.text.strip():
                yield one


def study_of(run: str) -> str:
    """Under what name the ratings of a run's answers stand in the store."""
    return f"Single answers of {run}"[:LONGEST_NAME]


def _turn(info: RunInfo, run: str, judge: str, one: Prediction, scan: Scan, number: int, total: int) -> Turn:
    shown = disguised(one.text, names_of(candidate_in(info, arm) for arm in info.arms))
    answer = RatedAnswer(candidate_in(info, one.arm), one.text, decoding=info.decoding)
    return Turn(_key(run, judge, one), run, judge, one, scan, shown, answer, number, total)


def _key(run: str, judge: str, one: Prediction) -> str:
    said = "\0".join((run, judge, one.arm, one.sample_id))
    return f"review-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _case(turn: Turn, look: Look | None) -> Case:
    asked = turn.asked
    return Case(
        id=asked.sample_id[:LONGEST_NAME],
        question=asked.question,
        domain=asked.domain,
        question_type=asked.kind,
        scans=(turn.scan.sha256,),
        view=None if look is None else View(0, look.slice),
        window=None if look is None else look.window,
        look="" if look is None else look_text(look),
        reference=asked.reference,
    )
