"""Two who answer, and how they do so at once, without weights: for tests of comparing."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from medvlm.compare.booth import Booth
from medvlm.compare.comparison import Comparison, Entrant, Seen
from medvlm.compare.steps import Comparing, Moment
from medvlm.errors import StoreError, UserError
from medvlm.page.host import Host
from medvlm.page.screen import at_first
from medvlm.page.session import Choices
from medvlm.ratings.records import Candidate, Rating
from medvlm.types import Contender, Decoding, Report
from tests.fakes import FakeModel, a_scan

# Names that stand nowhere else in the page, so that one that gets out is found.
BASE = Candidate("quokkabase", "base", model="quokkabase", model_sha256="b4se" * 16, quantisation="nf4")
TUNED = Candidate("wombat-med", "tuned", model="quokkabase", adapter="wombat-med", adapter_sha256="7uned" * 12)
SECRETS = ("quokka", "wombat", "b4se", "7uned")
Script = Callable[[Contender], str]


def telling(contender: Contender) -> str:
    """Both name themselves, and say which turn it is."""
    turn = sum(one.role == "user" for one in contender.conversation.turns)
    if contender.arm == "base":
        return f"As quokkabase I see a **round mass** of 3 cm on the left, {turn} time."
    return f"- The lungs are clear, says wombat-med, {turn} time. A mass of 3 cm lies in the right lobe."


class FakeDuet:
    """A PairStream: word by word from a script, `seconds` a word for each arm.

    `error` is raised after some words; with `one_side` it is that side's alone.
    """

    def __init__(
        self,
        left: Contender,
        right: Contender,
        script: Script = telling,
        seconds: dict[str, float] | None = None,
        error: UserError | None = None,
        one_side: bool = False,
    ) -> None:
        self._texts = [script(one).split(" ") for one in (left, right)]
        self._paces = [(seconds or {}).get(one.arm, 0.0) for one in (left, right)]
        self._error, self._one_side = error, one_side
        self._half: str | None = None
        self._stop = threading.Event()
        self._reports: list[Report | None] = [None, None]
        self._pieces = self._run()

    @property
    def reports(self) -> tuple[Report | None, Report | None]:
        return self._reports[0], self._reports[1]

    @property
    def errors(self) -> tuple[str | None, str | None]:
        return None, self._half

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        return next(self._pieces)

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> Iterator[tuple[int, str]]:
        done, due = [0, 0], list(self._paces)
        while any(report is None for report in self._reports):
            side = min((s for s in (0, 1) if self._reports[s] is None), key=lambda s: due[s])
            wait = max(0.0, due[side] - max(0.0, *(due[s] - self._paces[s] for s in (0, 1) if s != side)))
            if self._stop.wait(min(wait, self._paces[side])) or self._stop.is_set():
                self._reports = [one or Report(0, 9, 0, 0.0, 0.0, "stopped") for one in self._reports]
                return
            word = self._texts[side][done[side]]
            done[side] += 1
            due[side] += self._paces[side]
            if self._error is not None and sum(done) > 3:
                if not self._one_side:
                    raise self._error
                self._half = str(self._error)
            if done[side] == len(self._texts[side]):
                self._reports[side] = Report(done[side], 9, 0, due[side], self._paces[side], "end")
            yield side, word if done[side] == 1 else f" {word}"


@dataclass(slots=True)
class Stage:
    """What a test sets up and looks at: how the next pair answers, and who was asked what."""

    script: Script = telling
    seconds: dict[str, float] = field(default_factory=dict)
    error: UserError | None = None
    one_side: bool = False
    asked: list[tuple[Contender, Contender]] = field(default_factory=list)

    def duet(self, left: Contender, right: Contender, _: tuple[Decoding, Decoding]) -> FakeDuet:
        self.asked.append((left, right))
        return FakeDuet(left, right, self.script, self.seconds, self.error, self.one_side)


@dataclass(slots=True)
class FakeRatings:
    """A store in memory, as idempotent as the real one; `full`: fails as a full disk does."""

    kept: dict[str, Rating] = field(default_factory=dict)
    full: bool = False
    seconds: float = 0.0

    def keep(self, rating: Rating) -> Rating:
        time.sleep(self.seconds)
        if self.full:
            raise StoreError("The ratings could not take the rating: the disk is full. Free some space on it.")
        return self.kept.setdefault(rating.id, rating)


def entrants(model: FakeModel) -> tuple[Entrant, Entrant]:
    return Entrant(model, BASE, model.forget), Entrant(model, TUNED, model.forget)


NOTHING = {"scores": [None] * 5, "correctness": None, "errors": []}


def seen(name: str = "0", slice_: int = 1) -> Seen:
    scan = a_scan(3, name=name)
    return Seen(scan, replace(at_first(scan), slice=slice_), f"slice {slice_ + 1} of 3")


class Room:
    """A reading room with all that a test looks at."""

    def __init__(self, seed: int = 4, keep: Any = None) -> None:
        self.stage, self.ratings, self.model = Stage(), FakeRatings(), FakeModel()
        host = Host(lambda _: self.model)
        host.start()
        host.wait(10)
        self.seeds = iter(range(seed, seed + 1000))
        self.comparing = Comparing(
            host, lambda _: entrants(self.model), self.stage.duet, keep or self.ratings.keep, lambda: next(self.seeds)
        )
        self.booth = Booth()

    def ask(self, question: str = "Is there a mass?", about: Seen | None = None) -> list[Moment]:
        return list(self.comparing.ask(self.booth, question, about or seen(), Choices(decoding=Decoding(seed=3))))

    @property
    def now(self) -> Comparison:
        assert self.booth.now is not None
        return self.booth.now

    def payload(self, number: int = 1, **changes: Any) -> dict[str, Any]:
        ballot = {"id": f"{number:032d}", "key": self.now.key, "verdict": "left", "left": NOTHING, "right": NOTHING}
        return ballot | {"reader": "reader-one", "seconds": 2.0} | changes

    def vote(self, number: int = 1, **changes: Any) -> Any:
        return self.comparing.vote(self.booth, self.payload(number, **changes))


def secret(text: str) -> list[str]:
    return [word for word in SECRETS if word in text.lower()]
