"""One answer while it is drawn: which token comes next, the text so far, and what it cost."""

import time
from collections.abc import Callable, Collection

from torch import Tensor

from medvlm.engine.templates import Prompt, TextPieces
from medvlm.types import Decoding, EndReason, Report

Choose = Callable[[Tensor], list[int]]


class Draft:
    """What is drawn of one answer. `began`: when work on it began, by `time.monotonic`.

    `put` is given the pieces of its text; `wanted` says whether anybody still waits for them.
    """

    def __init__(
        self,
        prompt: Prompt,
        decoding: Decoding,
        choose: Choose,
        ends: Collection[int],
        pieces: TextPieces,
        began: float,
        put: Callable[[str], None],
        wanted: Callable[[], bool],
    ) -> None:
        self.prompt = prompt
        self.count = 0
        self.reused = 0
        self.ended: EndReason = "length"
        self._text = ""
        self._limit = decoding.max_tokens
        self._deadline = began + decoding.seconds
        self._began, self._first = began, 0.0
        self._choose, self._ends, self._pieces = choose, ends, pieces
        self._put, self._wanted = put, wanted

    def go_on(self) -> bool:
        """Whether the answer is still wanted and within its time; asked before every token."""
        return self._wanted() and time.monotonic() < self._deadline

    def take(self, logits: Tensor | None) -> int | None:
        """Draw a token from logits (1, vocabulary; None: stopped before they were computed) and write its text.

        It is given back when there is one more to draw after it; None when the answer is over.
        """
        if self.count >= self._limit:
            return None
        if logits is None or not self.go_on():
            self.ended = "stopped"
            return None
        (token,) = self._choose(logits)
        if token in self._ends:
            self.ended = "end"
            return None
        self.count += 1
        self._first = self._first or time.monotonic()
        self._write(self._pieces.add(token))
        return token if self.count < self._limit else None

    def finish(self) -> Report:
        """Write what was held back, and say what it cost."""
        self._write(self._pieces.finish())
        if self.ended == "stopped" and self._wanted():
            self.ended = "time"
        now = time.monotonic()
        return Report(
            tokens=self.count,
            prompt_tokens=len(self.prompt.tokens),
            reused_tokens=self.reused,
            seconds=now - self._began,
            seconds_to_first_token=(self._first or now) - self._began,
            ended=self.ended,
            notes=self.prompt.notes,
        )

    @property
    def said(self) -> str:
        """The whole text when the answer came to its own end or to its limit, else nothing."""
        return self._text.strip() if self.ended in ("end", "length") else ""

    def _write(self, piece: str) -> None:
        self._text += piece
        if piece:
            self._put(piece)
