"""Two answers drawn in one batch on one set of weights: each row its own arm, history, place and end."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from medvlm.engine.cache import KeyValues
from medvlm.engine.decoding import Engine
from medvlm.engine.draft import Draft
from medvlm.engine.joined_cache import JoinedKeyValues
from medvlm.engine.queueing import Channel
from medvlm.errors import UserError
from medvlm.families import Layout
from medvlm.types import Contender, Decoding

Made = TypeVar("Made")


class Row:
    """One of the two: what of its prompt is computed, and the answer as far as it is drawn."""

    def __init__(
        self, side: int, asked: Contender, draft: Draft, layout: Layout, key_values: KeyValues, rest: Tensor
    ) -> None:
        """`rest`: (1, n, hidden), what of its prompt follows `key_values`."""
        self.side, self.arm, self.conversation_id = side, asked.arm, asked.conversation.id
        self.draft, self.layout, self.key_values, self.rest = draft, layout, key_values, rest
        self.logits: Tensor | None = None
        self.token: int | None = None  # Drawn, and not computed yet: there is one more to draw after it.

    def places(self, more: int) -> Tensor:
        """(1, more) or (3, 1, more): where the next tokens stand in the row's text."""
        begin = int(self.key_values.get_seq_length())
        if begin >= self.layout.length:
            return torch.arange(begin, begin + more)[None] + self.layout.shift
        usual = torch.arange(begin, begin + more)[None]
        return self.layout.at(begin, begin + more).get("position_ids", usual)


class Pair:
    """One turn in which two answers are drawn. Whoever makes it holds the model's turn until `draw` is over."""

    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        sides: tuple[Contender, Contender],
        decodings: tuple[Decoding, Decoding],
    ) -> None:
        self._engine = engine
        self._channel = channel
        self._sides = sides
        self._decodings = decodings
        self._began = time.monotonic()
        self._texts = ["", ""]
        self._failed = [False, False]

    def draw(self) -> tuple[str, str]:
        """Draw both into the channel: (side, piece), and at its end (side, Report) or (side, UserError).

        Gives the texts of those that came to their own end, else nothing. Raises what the computation raises.
        """
        # The base is the first row, whichever side it is on: so the rows of a kept pair lie where they lay before.
        order = sorted((0, 1), key=lambda side: self._sides[side].arm)
        rows = [row for side in order if (row := self._attempt(side, partial(self._begin, side))) is not None]
        together = len(rows) == 2 and self._engine.mixes
        if together:
            self._read_together(rows[0], rows[1])
        for row in rows:
            self._read(row)
        if together:
            self._together(rows[0], rows[1])
        for row in rows:
            self._alone(row)
        return self._texts[0], self._texts[1]

    def _begin(self, side: int) -> Row:
        """The side's prompt, as far as it is kept, and what is left to compute. Its pictures are encoded once."""
        engine, asked = self._engine, self._sides[side]
        put = partial(self._put, side)
        draft = engine.draft(asked.conversation, self._decodings[side], self._began, put, self._channel.go_on)
        layout = engine.layout(draft.prompt)
        key_values, draft.reused = engine.kept(asked.conversation.id, asked.arm, draft.prompt, layout)
        with engine.switched(asked.arm):
            rest = engine.embed(draft.prompt, draft.reused, asked.arm)
        return Row(side, asked, draft, layout, key_values, rest)

    def _read_together(self, first: Row, second: Row) -> None:
        """Compute both prompts in one batch as far as they go together: to the shorter one's last whole block, or to
        the end of both. Pictures that look both ways are left to each by itself."""
        rows = (first, second)
        if first.layout.spans or second.layout.spans:
            return
        with self._engine.mixed((first.arm, second.arm)):
            joined = JoinedKeyValues((first.key_values, second.key_values))
            while (more := self._common(rows)) and all(row.draft.go_on() for row in rows):
                hidden = self._pass(rows, joined, torch.cat([row.rest[:, :more] for row in rows]))
                for number, row in enumerate(rows):
                    row.rest = row.rest[:, more:]
                    if not row.rest.shape[1]:
                        row.logits = self._engine.reader.logits(hidden[number : number + 1])

    def _common(self, rows: tuple[Row, Row]) -> int:
        """How many positions of both prompts can be computed next."""
        left, block = [row.rest.shape[1] for row in rows], self._engine.reader.block
        shared = left[0] if left[0] == left[1] else min(left) // block * block
        return min(shared, self._engine.at_once)

    def _read(self, row: Row) -> None:
        """Compute what is left of the row's prompt, by itself, and draw its first token."""
        if row.rest.shape[1]:
            with self._engine.switched(row.arm):
                row.logits = self._engine.reader.read(row.rest, row.key_values, row.draft.go_on, row.layout)
        self._take(row)

    def _together(self, first: Row, second: Row) -> None:
        """Draw both in one batch until one has ended."""
        rows, joined = (first, second), JoinedKeyValues((first.key_values, second.key_values))
        with self._engine.mixed((first.arm, second.arm)):
            while first.token is not None and second.token is not None:
                logits = self._step(rows, joined)
                for number, row in enumerate(rows):
                    row.logits = logits[number : number + 1]
                    self._take(row)

    def _alone(self, row: Row) -> None:
        """Draw the rest of a row whose other has ended, or cannot be batched with it."""
        with self._engine.switched(row.arm):
            while row.token is not None:
                row.logits = self._engine.reader.step(row.token, row.key_values, row.layout.shift)
                self._take(row)

    def _step(self, rows: tuple[Row, Row], joined: JoinedKeyValues) -> Tensor:
        """Compute one token of each row: logits (2, vocabulary)."""
        reader = self._engine.reader
        embeddings = reader.embed(torch.tensor([[row.token] for row in rows]))
        return reader.logits(self._pass(rows, joined, embeddings))

    def _pass(self, rows: tuple[Row, Row], joined: JoinedKeyValues, embeddings: Tensor) -> Tensor:
        """Compute (2, n, hidden), the next of both rows; the last ones' states (2, hidden)."""
        more, device = embeddings.shape[1], embeddings.device
        places = torch.cat([row.places(more) for row in rows], dim=-2).to(device)
        masks = self._engine.masks(joined.lengths, more, device)
        return self._engine.reader.rows(embeddings, joined, masks, places)

    def _take(self, row: Row) -> None:
        """Draw the row's next token; at its end, report and keep what was computed of its prompt."""
        row.token = self._attempt(row.side, lambda: row.draft.take(row.logits))
        if row.token is None and not self._failed[row.side]:
            report = row.draft.finish()
            self._engine.prefixes.put(row.conversation_id, row.arm, row.draft.prompt.marks, row.key_values)
            self._texts[row.side] = row.draft.said
            self._channel.put((row.side, report))

    def _attempt(self, side: int, work: Callable[[], Made]) -> Made | None:
        """What goes wrong on one side is told, and the other goes on."""
        try:
            return work()
        except UserError as error:
            self._failed[side] = True
            self._channel.put((side, error))
            return None

    def _put(self, side: int, piece: str) -> None:
        self._channel.put((side, piece))
