"""One reader's sitting: sign in with a code, one case after another, each locked once it is rated, and never a name."""

import json
from dataclasses import asdict, dataclass
from io import BytesIO

from PIL import Image

from medvlm.compare.ballot import Ballot, Remarks
from medvlm.compare.comparison import judged
from medvlm.compare.disguise import Disguised, disguised
from medvlm.compare.leaks import names_of
from medvlm.errors import UserError
from medvlm.page.screen import drawn
from medvlm.page.viewing import Look
from medvlm.ratings.records import Case, RatedAnswer, Rating
from medvlm.ratings.studies import StudyStore
from medvlm.studies.codes import GROUP, nobody, parted
from medvlm.studies.design import Given, Role, Showing, Study, StudyCase, rating_id
from medvlm.types import Scan, View

WRONG_CODE = "That code opens no study. Type it as it was given to you; the study's leader can make a new one."


@dataclass(frozen=True, slots=True)
class Pass:
    """Who has signed in, to which study, and as what."""

    study: str
    person: str
    role: Role


@dataclass(frozen=True, slots=True)
class Task:
    """The case that a reader has before them. `key` names the showing; `number` of `total` counts from 1.

    `shown`: the texts as the reader gets them, left and right; whose they are stands in `answers`, which no page is
    told.
    """

    key: str
    study: Study
    reader: str
    case: StudyCase
    showing: Showing
    number: int
    total: int
    shown: tuple[Disguised, Disguised]
    answers: tuple[RatedAnswer, RatedAnswer]

    @property
    def ask(self) -> bool:
        """Whether the reader guesses which answer is the tuned one: only where exactly one of them is."""
        return self.showing.asked and sum(one.candidate.arm == "tuned" for one in self.answers) == 1

    @property
    def rest(self) -> bool:
        """Whether this is a good moment for a break."""
        every = self.study.design.break_every
        return every > 0 and self.number > 1 and (self.number - 1) % every == 0 and not self.showing.training


@dataclass(frozen=True, slots=True)
class Kept:
    """A rating that is on the disk. `feedback`: what a training case teaches; empty for all others."""

    rating: Rating
    feedback: str = ""


class ReadingRoom:
    """What readers do, on the studies of one store; it knows no page, and keeps nothing of anybody."""

    def __init__(self, store: StudyStore) -> None:
        self.store = store
        self._nobody = nobody()

    def sign_in(self, code: str) -> Pass:
        """Who has this code. Raises `UserError`, which takes as long for an unknown code as for a wrong one."""
        key, rest = parted(code)
        found = self.store.person(key) if len(key) == GROUP and rest else None
        study, person, role, lock = found or ("", "", "reader", self._nobody)
        if not lock.opens(code) or found is None:
            raise UserError(WRONG_CODE)
        return Pass(study, person, role)

    def task(self, who: Pass) -> Task | None:
        """The first case that the reader has not rated; None when all are. Raises `UserError` where none may be."""
        study = self._open(who)
        order, done = self.store.order(who.study, who.person), self.store.rated(who.study, who.person)
        for showing in order:
            key = rating_id(who.study, who.person, showing.position)
            if key not in done:
                return self._task(study, who.person, showing, key, len(order))
        return None

    def submit(self, who: Pass, key: str, ballot: Ballot, scan: Scan | None, look: Look | None) -> Kept:
        """Keep the rating of the case that is before the reader; it is locked from then on.

        A vote that was sent twice gives what was kept the first time. `look`: what was on the screen. Raises
        `UserError` for another case than the one whose turn it is, `StoreError` where the database fails.
        """
        task = self.task(who)
        if task is None or task.key != key:
            return self._again(who, key)
        given = (ballot.left, ballot.right or Remarks(""))
        left, right = map(judged, task.answers, given, task.shown)
        rating = Rating(
            id=key,
            reader=who.person,
            case=_case(task, scan, look),
            left=left,
            right=right,
            verdict=ballot.verdict,
            study=who.study,
            training=task.showing.training,
            repeat=task.showing.repeat,
            side_seed=task.showing.side_seed,
            sureness=ballot.sureness,
            guess=ballot.guess if task.ask else None,
            comment=ballot.comment,
            seconds=ballot.seconds,
        )
        return Kept(self.store.ratings.add(rating).rating, _feedback(task.case))

    def _open(self, who: Pass) -> Study:
        study = self.store.get(who.study)
        if who.role != "reader":
            raise UserError("The leader of a study reads no cases. Sign in with a reader's code.")
        if study.status == "draft":
            raise UserError(f"{study.words} is not open yet. Its leader opens it once all answers are there.")
        if study.status == "closed":
            raise UserError(f"{study.words} is closed. Thank you for reading.")
        return study

    def _task(self, study: Study, reader: str, showing: Showing, key: str, total: int) -> Task:
        case = next(one for one in self.store.cases(study.name) if one.id == showing.case)
        given = {one.candidate.id: one for one in self.store.answers(study.name, case.id)}
        names = names_of(one.candidate for one in given.values())
        pair = given[showing.left], given[showing.right]
        shown = disguised(pair[0].text, names), disguised(pair[1].text, names)
        answers = _answer(pair[0], shown[0]), _answer(pair[1], shown[1])
        return Task(key, study, reader, case, showing, showing.position + 1, total, shown, answers)

    def _again(self, who: Pass, key: str) -> Kept:
        there = self.store.ratings.get(key)
        if there is None or (there.reader, there.study) != (who.person, who.study):
            raise UserError("Another case is on by now, perhaps in another window. Reload the page to go on with it.")
        case = next(one for one in self.store.cases(who.study) if one.id == there.case.id)
        return Kept(there, _feedback(case))


def _answer(given: Given, shown: Disguised) -> RatedAnswer:
    return RatedAnswer(given.candidate, given.text, decoding=given.decoding, leaks=shown.leaks)


def _case(task: Task, scan: Scan | None, look: Look | None) -> Case:
    case = task.case
    keep = task.study.design.keep_pictures and scan is not None and look is not None
    return Case(
        id=case.id,
        question=case.question,
        domain=case.domain,
        question_type=case.question_type,
        scans=(case.scan,) if case.scan else (),
        view=None if look is None else View(0, look.slice),
        window=None if look is None else look.window,
        look="" if look is None else look_text(look),
        reference=case.reference,
        picture=picture_of(scan, look) if keep and scan is not None and look is not None else None,
    )


def look_text(look: Look) -> str:
    """The viewer's state as JSON, as a rating holds it."""
    return json.dumps(asdict(look), ensure_ascii=False, sort_keys=True)


def picture_of(scan: Scan, look: Look) -> bytes:
    """What was on the screen, as a PNG without zoom and measurements."""
    out = BytesIO()
    Image.fromarray(drawn(scan, look)).save(out, "PNG")
    return out.getvalue()


def _feedback(case: StudyCase) -> str:
    if not case.training:
        return ""
    return case.feedback or (f"The reference answer: {case.reference}" if case.reference else "This was for practice.")
