"""Hand-written stand-ins for what is slow or needs weights; each says and does what the real one would."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from medvlm import prompts
from medvlm.engine.queueing import Answer, Channel, Line
from medvlm.errors import UserError
from medvlm.types import Arm, Conversation, Decoding, DomainSource, Report, Scan, View, Window

Script = Callable[[Conversation, Arm], str]


def echo(conversation: Conversation, arm: Arm) -> str:
    """The default script: which arm was asked what, so that mixed-up answers show."""
    return f"{arm}: {conversation.turns[-1].text}"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_scan(slices: int = 1, source: DomainSource = "file", name: str = "0") -> Scan:
    """A CT stack of so many even slices; `name`: a digit that its hash is made of."""
    pixels = tuple(np.full((6, 8), n, np.int16) for n in range(slices))
    notes = ("header removed",)
    return Scan(pixels, "ct", source, name * 64, "CT stack", "DICOM CT", None, Window(400, 40), notes=notes)


class FakeModel:
    """A ChatModel, and all else that the page asks of the local one: answers word by word from a script.

    It queues, stops, reports and fails as the real one does, because it answers through the same `Answer`.
    `seconds` a word; `error` is raised instead of the answer, once, after its first word.
    """

    def __init__(
        self,
        script: Script = echo,
        *,
        seconds: float = 0.0,
        error: UserError | None = None,
        arms: tuple[Arm, ...] = ("base", "tuned"),
        queue_size: int = 32,
    ) -> None:
        self.asked: list[tuple[Conversation, Arm, Decoding]] = []
        self.forgotten: list[str] = []
        self.error = error
        self.arms = arms
        self.verified = "tuned" in arms
        self.adapter_sha256 = ""
        self._script = script
        self._seconds = seconds
        self._line = Line(queue_size)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return "fake + fake-med" if "tuned" in self.arms else "fake"

    @property
    def badge(self) -> str:
        return f"{self.name} · NF4 · CPU"

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        if arm not in self.arms:
            raise UserError("There is no tuned model here, only the base.")
        with self._lock:
            self.asked.append((conversation, arm, decoding))
        return Answer(self._line, lambda channel: self._say(channel, conversation, arm, decoding))

    def waiting(self, answer: Answer) -> int:
        return answer.ahead

    def forget(self, conversation_id: str) -> None:
        self.forgotten.append(conversation_id)

    def seen(self, scan: Scan, view: View) -> Image.Image:
        return Image.fromarray(np.full((16, 16, 3), view.slice % 256, np.uint8))

    def prompt_text(self, conversation: Conversation, arm: Arm) -> str:
        return prompts.plain(conversation)

    def next_token_probabilities(
        self, conversation: Conversation, arm: Arm, words: tuple[str, ...]
    ) -> dict[str, float]:
        return {word: 1 / (len(words) + 1) for word in words}

    def generate_batch(self, conversations: Sequence[Conversation], arm: Arm, decoding: Decoding) -> list[str]:
        return [self._script(conversation, arm) for conversation in conversations]

    def _say(self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding) -> None:
        began = time.monotonic()
        words = self._script(conversation, arm).split(" ")[: decoding.max_tokens]
        count, first = 0, 0.0
        for word in words:
            if not channel.go_on():
                break
            time.sleep(self._seconds)
            first = first or time.monotonic() - began
            channel.put(word if not count else f" {word}")
            count += 1
            self._fail_once()
        ended = "end" if count == len(words) else "stopped"
        prompt = len(prompts.plain(conversation).split())
        channel.end(Report(count, prompt, 0, time.monotonic() - began, first, ended))

    def _fail_once(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
