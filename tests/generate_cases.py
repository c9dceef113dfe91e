"""A teacher that says what a test makes it say, sources for it, and what was made of both."""

import threading
from pathlib import Path
from typing import Any

from medvlm.claims.statements import Exchange
from medvlm.engine.queueing import Answer, Channel, Line
from medvlm.errors import UserError
from medvlm.teacher import Teacher
from medvlm.types import Arm, Conversation, Decoding, EndReason, Report
from train.generate.faults import Fault
from train.generate.making import ANY, Request, Shelf, Tally, Task, make
from train.generate.sources import Kind, Source

CYST = Source(
    "cyst", "Figure 2: Axial CT scan of the liver with a 2 cm cyst on the left.", ("It was large (Fig. 2).",), "ct"
)
MASS = Source("mass", "Coronal T1 MRI scan of the brain with a mass in the right frontal lobe.", (), "mri")
GOOD = (
    "Q1: What kind of picture is it?\nA1: The caption says that it is a CT scan.\nQ2: Where is the cyst?\n"
    "A2: On the left.\nQ3: What does the caption add?\nA3: Nothing."
)
Reply = str | UserError | BaseException | tuple[str, EndReason]


class Scripted:
    """A teacher that says one thing after the other, the last one for ever, and may misbehave in every way."""

    name = "scripted"

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Conversation, Decoding]] = []
        self._lock = threading.Lock()

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        with self._lock:
            self.asked.append((conversation, decoding))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Answer(Line(), lambda channel: self._say(channel, reply))

    def _say(self, channel: Channel, reply: Reply) -> None:
        if isinstance(reply, BaseException):
            raise reply
        text, ended = (reply, "end") if isinstance(reply, str) else reply
        channel.put(text)
        channel.end(Report(len(text.split()), 3, 0, 0.0, 0.0, ended))


class Kept:
    """What `make` handed over."""

    def __init__(self) -> None:
        self.all: list[tuple[str, tuple[Exchange, ...]]] = []

    def __call__(self, due: Request, said: tuple[Exchange, ...]) -> Fault | None:
        self.all.append((due.source.id, said))
        return None


def made(
    task: Task, model: Scripted, path: Path, *given: Source, kind: Kind = "conversation", wanted: int = 9, **more: Any
) -> tuple[Tally, Kept]:
    """The task on sources in their order, one question at a time."""
    kept = Kept()
    with Teacher(model, path / "replies.jsonl", 1, **more) as teacher:
        return make(task, Shelf(given, {(ANY, kind): wanted}, None), teacher, kept), kept
