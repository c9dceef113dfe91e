"""Small reader studies to test with: on phantoms, with answers of a model that stands in for a real one."""

from dataclasses import replace
from pathlib import Path

from medvlm.compare.ballot import Ballot, Remarks
from medvlm.privacy import Gate
from medvlm.ratings.records import Verdict
from medvlm.ratings.store import RatingStore
from medvlm.ratings.studies import StudyStore
from medvlm.studies import cases
from medvlm.studies.answering import add_reader, draw_answers, make_study, open_study
from medvlm.studies.design import Design, Study
from medvlm.studies.pictures import Pictures
from medvlm.studies.reading import Pass, ReadingRoom, Task
from medvlm.types import Arm, Conversation, Decoding
from tests.fakes import FakeModel
from tests.rating_cases import BASE, TUNED

NAME = "pilot"
CANDIDATES = {"base": BASE, "tuned": TUNED}


def script(conversation: Conversation, arm: Arm) -> str:
    """The tuned one is short, and the base names itself."""
    question = conversation.turns[-1].text
    return f"Left, as to {question}" if arm == "tuned" else f"As a base model, I cannot tell, as to {question}"


def store(folder: Path) -> StudyStore:
    return StudyStore(RatingStore(folder / "ratings.sqlite3"))


def drafted(kept: StudyStore, count: int = 6, training: int = 0, design: Design | None = None) -> str:
    """A study on phantoms with its cases and no answers; the leader's code."""
    code = make_study(kept, Study(NAME, design or Design(repeats=0.0)))
    batch = cases.from_phantoms(count, training=training)
    kept.add_cases(NAME, cases.with_scans(batch.cases, pictures(kept)))
    return code


def pictures(kept: StudyStore, name: str = NAME) -> Pictures:
    return Pictures(kept.get(name), Gate("off"))


def opened(
    kept: StudyStore, readers: tuple[str, ...] = ("r1", "r2"), count: int = 6, training: int = 0,
    design: Design | None = None,
) -> dict[str, str]:  # fmt: skip
    """A study that can be read; the code of each reader, and of the leader under "leader"."""
    codes = {"leader": drafted(kept, count, training, design)}
    codes |= {reader: add_reader(kept, NAME, reader) for reader in readers}
    draw_answers(kept, pictures(kept), FakeModel(script), CANDIDATES, Decoding())  # type: ignore[arg-type]
    open_study(kept, NAME)
    return codes


def ballot(task: Task, verdict: Verdict = "left", **said: object) -> Ballot:
    left, right = (Remarks(one.text) for one in task.shown)
    return replace(Ballot("0" * 32, left, right, verdict), **said)  # type: ignore[arg-type]


def read_all(room: ReadingRoom, who: Pass, most: int | None = None) -> int:
    """Vote for the tuned answer on every case that is left, or on so many; how many there were."""
    count = 0
    while (most is None or count < most) and (task := room.task(who)) is not None:
        verdict: Verdict = "left" if task.showing.left == TUNED.id else "right"
        room.submit(who, task.key, ballot(task, verdict), None, None)
        count += 1
    return count
