"""What can be done where two answers are compared, as steps on a booth: ask both, vote, correct, next case."""

import json
import logging
import secrets
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from medvlm.chat import checked
from medvlm.compare.ballot import ballot_of
from medvlm.compare.booth import BUSY, Booth
from medvlm.compare.comparison import Comparison, Entrant, Seen
from medvlm.compare.duet import TICK, Relay, Reports, Texts, written
from medvlm.errors import UserError
from medvlm.page.host import Host, PageModel
from medvlm.page.session import Choices
from medvlm.ratings.records import Candidate, Rating
from medvlm.types import Arm, Contender, Decoding, PairStream

log = logging.getLogger(__name__)

LONGEST_READER = 40
MOST_SEED = 2**62
CLOSED = "This case is no longer open here, so the vote could not be kept. Ask the question again and vote anew."

Phase = Literal["loading", "writing", "done", "failed"]
Duet = Callable[[Contender, Contender, tuple[Decoding, Decoding]], PairStream]
# Keeps one rating and returns what stands in the database.
Keep = Callable[[Rating], Rating]


def arms_of(candidates: Callable[[], Mapping[Arm, Candidate]]) -> Callable[[PageModel], tuple[Entrant, ...]]:
    """Who can answer where one model is loaded: its arms. `candidates` says who they are for the record.

    It is asked once, when the first case begins: hashing weights takes a second for each gigabyte.
    """
    known = cache(candidates)

    def entrants(model: PageModel) -> tuple[Entrant, ...]:
        return tuple(Entrant(model, one, model.forget) for arm, one in known().items() if arm in model.arms)

    return entrants


def _seed() -> int:
    return secrets.randbelow(MOST_SEED)


@dataclass(frozen=True, slots=True)
class Moment:
    """How a pair of answers stands. `left`, `right`: what may be seen so far. `question`: given back to its writer."""

    phase: Phase
    left: str = ""
    right: str = ""
    error: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One question on its way: what is put, with which settings, and the sign to stop."""

    question: str
    seen: Seen | None
    choices: Choices
    stopped: threading.Event


class Comparing:
    """The steps that handlers call; it holds no state of any reader."""

    def __init__(
        self,
        host: Host,
        entrants: Callable[[PageModel], Sequence[Entrant]],
        duet: Duet,
        keep: Keep,
        draw: Callable[[], int] = _seed,
    ) -> None:
        """`entrants`: who can answer; `duet`: how two do so at once; `keep`: puts a rating on the disk.

        `draw`: the next seed for sides, each of which is recorded with its vote.
        """
        self.host = host
        self._entrants = entrants
        self._duet = duet
        self._keep = keep
        self._draw = draw

    def ask(self, booth: Booth, question: str, seen: Seen | None, choices: Choices) -> Iterator[Moment]:
        """Both answer the question; the last moment is "done" or "failed". After a vote it begins a new case."""
        asked = _Asked(checked(question), seen, choices, threading.Event())
        booth.begin(asked.stopped.set)
        try:
            end = yield from self._whole(booth, asked)
        finally:
            booth.end()
        # Said last: whoever reads it may vote at once.
        yield end

    def vote(self, booth: Booth, payload: Mapping[str, Any]) -> Rating:
        """Keep the vote that the page sent; when this returns, it is on the disk, and only then may names be shown.

        The same ballot again changes nothing. Another one for a case that has been voted on corrects the vote. Raises
        `UserError` where it cannot be kept; the same ballot may then be handed in again.
        """
        with booth.voting:
            now = booth.now
            if booth.busy or now is None or payload.get("key") != now.key:
                raise UserError(CLOSED)
            if now.rating is not None and now.rating.id == payload.get("id"):
                return now.rating
            kept = self._keep(_rating(now, payload))
            booth.put(replace(now, rating=kept), now)
            return kept

    def next_case(self, booth: Booth) -> None:
        """Leave the case, voted on or not, for an empty one; answers that are being written stop."""
        booth.stop()
        now = booth.now
        booth.put(None, now)
        self._forget(now)

    def blind(self, booth: Booth, blinded: bool) -> None:
        """Whether names are hidden from now on. Raises `UserError` in the middle of a case."""
        if booth.busy:
            raise UserError(BUSY)
        if booth.now is not None and booth.now.rating is None:
            raise UserError("A case is open that has no vote yet. Vote, or begin a new case, then change this.")
        booth.blinded = blinded

    def _whole(self, booth: Booth, asked: _Asked) -> Generator[Moment, None, Moment]:
        try:
            done = yield from self._answered(booth, asked)
            return Moment("done") if done else Moment("failed", question=asked.question)
        except UserError as error:
            return Moment("failed", error=str(error), question=asked.question)
        except Exception as error:
            # The log says where it broke, never what was typed: messages may repeat it, stack lines do not.
            log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            sentence = f"A model failed ({type(error).__name__}); ask again. The terminal says where it broke."
            return Moment("failed", error=sentence, question=asked.question)

    def _answered(self, booth: Booth, asked: _Asked) -> Generator[Moment, None, bool]:
        """Whether there are two answers now; without them the booth is as it was before."""
        before = booth.now
        if not (yield from self._loaded(asked.stopped)):
            return False
        now = self._case(booth, before).asked(asked.question, asked.seen, asked.choices.system)
        now = replace(now, decoding=asked.choices.decoding)
        settled = False
        try:
            if not booth.put(now, before):
                return False
            texts, reports = yield from self._written(booth, now, asked.stopped)
            if not asked.stopped.is_set() or _whole_ones(reports):
                settled = booth.put(now.answered(texts, reports), now)
        finally:
            # Also when the reader has gone away: a question without two answers does not stay.
            if not settled:
                booth.put(before, now)
            elif before is not None and before.rating is not None:
                self._forget(before)
        return settled

    def _loaded(self, stopped: threading.Event) -> Generator[Moment, None, bool]:
        while not self.host.wait(TICK):
            if stopped.is_set():
                return False
            yield Moment("loading")
        return True

    def _case(self, booth: Booth, before: Comparison | None) -> Comparison:
        """The case that the question belongs to: the open one, or after a vote a new one, its sides drawn anew."""
        if before is not None and before.rating is None:
            return before
        return Comparison.begun(self._entrants(self.host.model()), self._draw(), booth.blinded)

    def _written(
        self, booth: Booth, now: Comparison, stopped: threading.Event
    ) -> Generator[Moment, None, tuple[Texts, Reports]]:
        left, right = now.contenders()
        relay = Relay(self._duet(left, right, (now.decoding, now.decoding)))

        def stop() -> None:
            stopped.set()
            relay.close()

        booth.stoppable(stop)
        try:
            shown = written(relay, lambda text, whole: now.shown(text, whole).text, stopped)
            while True:
                try:
                    glimpse = next(shown)
                except StopIteration as end:
                    texts, reports = end.value
                    return texts, reports
                yield Moment("writing", glimpse.left, glimpse.right)
        finally:
            relay.close()
            relay.join(2.0)

    def _forget(self, old: Comparison | None) -> None:
        """The models need not keep anything of a case that is over."""
        if old is None:
            return
        for entrant, conversation in zip(old.entrants, old.conversations, strict=True):
            entrant.forget(conversation.id)


def _rating(now: Comparison, payload: Mapping[str, Any]) -> Rating:
    ballot = ballot_of(payload, now.as_voted(0).text, now.as_voted(1).text)
    reader = now.rating.reader if now.rating is not None else reader_name(payload.get("reader"))
    look = payload.get("look")
    return now.voted(ballot, reader, json.dumps(look, sort_keys=True) if isinstance(look, dict) else "")


def reader_name(name: Any) -> str:
    """The pseudonym that votes are kept under. Raises `UserError` for none, or one that is too long."""
    said = " ".join(str(name or "").split())
    if not said or len(said) > LONGEST_READER or not said.isprintable():
        raise UserError(f"A vote needs a reader's name of 1 to {LONGEST_READER} letters. Give one; it may be made up.")
    return said


def _whole_ones(reports: Reports) -> bool:
    return all(report is not None and report.ended != "stopped" for report in reports)
