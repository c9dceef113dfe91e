"""What can be done at the page, as steps on a seat: open a scan, ask, stop, retry, edit, undo, start anew."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from medvlm.chat import checked
from medvlm.errors import UserError
from medvlm.imaging import STUDY_LIMITS, Limits
from medvlm.page import giving
from medvlm.page.arrival import Admission, Arrival, Files, arriving, draw_thumb, tray_of
from medvlm.page.host import Host, LiveAnswer, PageModel
from medvlm.page.screen import shot
from medvlm.page.seat import Seat
from medvlm.page.session import Choices, Given, Made, Session, Shown
from medvlm.page.suggestions import guessed
from medvlm.page.tray import given_of
from medvlm.privacy import Gate
from medvlm.types import Report, View

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

# How often somebody who waits is told how things stand, and a word in print at most: smooth, and easy on the network.
TICK, FRAME = 0.25, 0.05

Phase = Literal["loading", "queued", "reading", "writing", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Moment:
    """How an answer stands. `text`: so far. `ahead`: who is answered first. `question`: given back to its writer."""

    phase: Phase
    text: str = ""
    ahead: int = 0
    error: str = ""
    question: str = ""


class Desk:
    """The steps that handlers call; it holds the model's host and no state of any person."""

    def __init__(self, host: Host, limits: Limits | None = None, gate: Gate | None = None) -> None:
        """`gate`: what every scan passes before anything of it is shown or kept; without one everything goes on."""
        self.host = host
        self._limits = limits or STUDY_LIMITS
        self._gate = gate or Gate("off")

    def admission(self) -> Admission:
        """The gate for the scans of one drop."""
        return self._gate.admission()

    def open_scan(self, seat: Seat, data: bytes, name: str) -> Session:
        """Read a file and show it. Raises `UserError` for what cannot be read; the session is then as before."""
        for _ in self.take_in(seat, [(name, data)]):
            pass
        return seat.session

    def take_in(self, seat: Seat, files: Files, admission: Admission | None = None) -> Iterator[Arrival]:
        """Read what was dropped, show the series with the most slices and put all of them into the tray.

        Raises `UserError` for what cannot be read and for what the gate keeps back or asks about; the session is then
        as before. `admission` may hold what was answered at the gate.
        """
        began = seat.session
        began.check_room()
        admit = admission or self.admission()
        study = yield from arriving(files, admit, self._limits)
        items, number = tray_of(study, admit)
        seat.change(lambda now: now.with_items(items, number) if _same(now, began) else now)
        yield Arrival(shown=True)
        for item in items:
            draw_thumb(seat, item)
        yield Arrival(shown=True)

    def pick(self, seat: Seat, index: int, beside: bool = False) -> Session:
        """Show an item of the tray, opened if it was not yet. Raises `UserError` for one that cannot be."""
        began = seat.session
        item = began.items[index] if 0 <= index < len(began.items) else None
        if item is None or item.scan is not None:
            return seat.change(lambda now: now.showing(index, beside))
        began.check_room()
        scan = item.source()
        return seat.change(lambda now: now.opened(index, scan).showing(index, beside) if _same(now, began) else now)

    def seen(self, seat: Seat) -> "tuple[Image, ...]":
        """What the model is given of what is shown: the pixels that its processor makes. Nothing while it loads."""
        model, scan, meant = self.host.ready, seat.session.scan, seat.session.meant
        if model is None or scan is None or meant is None:
            return ()
        looks = giving.beside(scan, meant.look) if meant.beside else (meant.look,)
        return tuple(model.seen(shot(scan, look), View(0)) for look in looks)

    def guess(self, seat: Seat) -> Session:
        """Let the model say what kind of picture is shown, where neither the file nor the person has."""
        session, model = seat.session, self.host.ready
        if model is None or session.scan is None or session.shown is None or session.scan.domain_source != "unknown":
            return session
        index = session.shown
        domain = None if seat.busy else guessed(model, seat)
        if domain is None:
            return seat.session
        return seat.change(lambda now: now.as_domain(index, domain, guess=True) if _same(now, session) else now)

    def ask(self, seat: Seat, question: str, choices: Choices, region: int | None = None) -> Iterator[Moment]:
        """Answer a question about the picture shown; the last moment is "done" or "failed".

        `region`: about the part of it that the measurement of that number encloses.
        """
        about = None if region is None else seat.session.about_region(region)
        yield from self._guarded(seat, question, choices, lambda session: session, about)

    def retry(self, seat: Seat, choices: Choices) -> Iterator[Moment]:
        """Answer the last question again, about the same picture, with the next seed.

        The old answer goes when the question is accepted.
        """
        last, question = seat.session.made[-1:], seat.session.question
        if question is None:
            raise UserError("There is no question to ask again; type one first.")
        if last and choices.decoding.temperature > 0:
            choices = replace(choices, decoding=replace(choices.decoding, seed=last[0].decoding.seed + 1))
        about = last[0].shown if last else None
        yield from self._guarded(seat, question, choices, Session.without_last, about)

    def edit(self, seat: Seat, question: str, choices: Choices, region: int | None = None) -> Iterator[Moment]:
        """Ask something else in place of the last question; about the same region, unless there is another one now."""
        session, about = seat.session, None
        if region is not None:
            about = session.about_region(region)
        elif session.asking is not None and session.asking.region is not None:
            about = session.asking
        yield from self._guarded(seat, question, choices, Session.without_last, about)

    def undo(self, seat: Seat) -> str:
        """Take the last question and its answer back; the question, so that it can be typed on."""
        if seat.busy:
            raise UserError("An answer is still being written; stop it first.")
        question = seat.session.question or ""
        seat.change(Session.without_last)
        return question

    def restart(self, seat: Seat) -> Session:
        """A new conversation; whatever is being written stops, and the model forgets the old one."""
        self.forget(seat)
        seat.used()
        return seat.session

    def forget(self, seat: Seat) -> None:
        """Everything of one person goes: scans, conversation, tokens, and what the model worked out from them."""
        # The pictures first: what the model keeps of them goes with the last who holds them.
        old = seat.forget().conversation.id
        if self.host.ready is not None:
            self.host.ready.forget(old)

    def sweep(self) -> None:
        """Let the model forget what was still in use when somebody was forgotten; to be called now and then."""
        if self.host.ready is not None:
            self.host.ready.forget("")

    def prompt_text(self, seat: Seat, choices: Choices, question: str = "") -> str:
        """The prompt as the model gets it, with `question` (or the last one) at its end."""
        session = seat.session
        if question or not session.conversation.turns:
            session = session.asked(question or "(your question)", choices.system)
        conversation = replace(session.conversation, system=choices.system)
        if conversation.turns[-1].role == "assistant":
            conversation = conversation.up_to(len(conversation.turns) - 1)
        model = self.host.model()
        return model.prompt_text(conversation, _arm(model, choices))

    def _guarded(
        self,
        seat: Seat,
        question: str,
        choices: Choices,
        before: Callable[[Session], Session],
        about: Shown | None = None,
    ) -> Iterator[Moment]:
        question = checked(question)
        stopped = threading.Event()
        seat.begin(stopped.set)
        try:
            end = yield from self._whole(
                seat, question, choices, lambda now: before(now).asked(question, choices.system, about), stopped
            )
        finally:
            seat.end()
        # Said last: whoever reads it may ask again at once.
        yield end

    def _whole(
        self,
        seat: Seat,
        question: str,
        choices: Choices,
        step: Callable[[Session], Session],
        stopped: threading.Event,
    ) -> Generator[Moment, None, Moment]:
        old = seat.session
        asked = seat.change(step)
        end, settled = Moment("done", question=question), False
        try:
            model = yield from self._model(stopped)
            if model is not None:
                saw, arm = _saw(model, asked), _arm(model, choices)
                made = Made(asked.asking, model.name, arm, choices.decoding, saw=saw, weights=model.adapter_sha256)
                text, report = yield from _written(model, seat, asked, choices, stopped)
                settled = bool(text) or report.ended != "stopped"
                if settled:
                    end, done = Moment("done"), replace(made, report=report)
                    seat.change(lambda now: now.answered(text, done) if _same(now, asked) else now)
        except UserError as error:
            end = Moment("failed", error=str(error), question=question)
        except Exception as error:
            # The log says where it broke, never what was typed: messages may repeat it, stack lines do not.
            log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            sentence = f"The model failed ({type(error).__name__}); ask again. The terminal says where it broke."
            end = Moment("failed", error=sentence, question=question)
        finally:
            # Also when the reader has gone away: a question without an answer does not stay in the conversation.
            if not settled:
                seat.change(lambda now: _taken_back(now, asked, old))
        return end

    def _model(self, stopped: threading.Event) -> Generator[Moment, None, PageModel | None]:
        while not self.host.wait(TICK):
            if stopped.is_set():
                return None
            yield Moment("loading")
        return self.host.model()


def _written(
    model: PageModel, seat: Seat, asked: Session, choices: Choices, stopped: threading.Event
) -> Generator[Moment, None, tuple[str, Report]]:
    """Draw the answer; returns (text, report). A reader that goes away closes the answer."""
    answer = model.stream(asked.conversation, _arm(model, choices), choices.decoding)
    seat.stoppable(stopper(stopped, answer))
    text = ""
    try:
        shown = 0.0
        for phase, piece in _pieces(answer, stopped):
            text += piece
            if not piece or time.monotonic() - shown > FRAME:
                yield Moment(phase, text, answer.ahead if phase == "queued" else 0)
                shown = time.monotonic()
    finally:
        answer.close()
    answer.join(2.0)
    return text.strip(), answer.report or _lost(text)


def _pieces(answer: LiveAnswer, stopped: threading.Event) -> Iterator[tuple[Phase, str]]:
    started = False
    while not stopped.is_set():
        if answer.wait(TICK):
            piece = next(answer, None)
            if piece is None:
                return
            started = True
            yield "writing", piece
        else:
            yield ("writing" if started else "queued" if answer.ahead else "reading"), ""


def stopper(stopped: threading.Event, answer: LiveAnswer) -> Callable[[], None]:
    """Says stop to whoever draws the answer and to whoever waits for it."""

    def stop() -> None:
        stopped.set()
        answer.close()

    return stop


def _lost(text: str) -> Report:
    """For an answer whose worker did not stop in time: what is known of it."""
    return Report(len(text.split()), 0, 0, 0.0, 0.0, "stopped")


def _arm(model: PageModel, choices: Choices) -> Literal["base", "tuned"]:
    return choices.arm if choices.arm in model.arms else "base"


def _same(now: Session, before: Session) -> bool:
    return now.conversation.id == before.conversation.id


def _taken_back(now: Session, asked: Session, old: Session) -> Session:
    """Without the question that was not answered, with what else happened meanwhile (scans, slices) kept."""
    if not _same(now, asked):
        return now
    conversation = replace(now.conversation, turns=old.conversation.turns, system=old.conversation.system)
    return replace(now, conversation=conversation, questions=old.questions, made=old.made)


def _saw(model: PageModel, asked: Session) -> tuple[Given, ...]:
    """The very pixels that the model's processor made of each picture asked about."""
    scans, sent = asked.conversation.scans, asked.sent
    return tuple(given_of(model.seen(scans[view.scan], view), asked.about(sent[view.scan])) for view in asked.given)
