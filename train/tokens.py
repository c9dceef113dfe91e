"""Dialogues as rows of tokens in any family's own chat template, with loss on the assistant's words alone.

The text is the one that the app's prompts have, token for token: the same template, the same pictures. What an answer's
tokens are is read off the text itself: from where the prompt for it ends to where the template goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from medvlm import prompts
from medvlm.engine.templates import Template, end_tokens
from medvlm.errors import DatasetError
from medvlm.families import Family, PictureInputs, Seen
from medvlm.types import Conversation, Turn, View
from train.examples import Dialogue

IGNORED = -100


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A dialogue in tokens. `positions`: (3, n) or (1, n); `spans`: (begin, end) that see each other both ways;
    `spots`: places of the picture's features.

    Several dialogues may share the picture (`train.nano.sequences`). `segments`: 0 for what all of them see, from 1 for
    each; `weights`: what each token's loss counts. Empty where the row is one dialogue, all of whose tokens count 1.
    """

    id: str
    picture: str | None
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    positions: Tensor
    spots: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    segments: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def answered(self) -> float:
        """What the tokens that carry loss count: the first one of a row has nothing before it to be told from."""
        weights = self.weights or (1,) * len(self.labels)
        return sum(weight for weight, label in zip(weights[1:], self.labels[1:], strict=True) if label != IGNORED)


class Encoder:
    """Makes rows for one model. `most`: longest row in tokens."""

    def __init__(self, model: Any, processor: Any, family: Family, most: int) -> None:
        self._family, self._processor, self._config = family, processor, model.config
        self._template = Template(processor, family)
        self._ends = end_tokens(model, processor.tokenizer)
        self._eos = int(processor.tokenizer.eos_token_id)
        self._placeholder = family.placeholder(processor)
        self._most = most

    def see(self, image: Image.Image) -> Seen:
        return self._family.see(self._processor, image)

    def row(self, dialogue: Dialogue, seen: Seen | None) -> tuple[Row, int]:
        """The dialogue as far as whole turns fit, and how many answers were left out for that.

        Raises DatasetError where not even the first answer fits: a picture is never cut.
        """
        turns = list(dialogue.turns)
        while True:
            made = self._row(dialogue, turns, seen)
            if len(made.ids) <= self._most:
                return made, (len(dialogue.turns) - len(turns)) // 2
            if len(turns) <= 2:
                raise DatasetError(
                    f"{dialogue.id} takes {len(made.ids)} tokens and learning.max_tokens is {self._most}. "
                    "Raise it, or leave such samples out with data.on_bad_sample = 'skip'."
                )
            turns = turns[:-2]

    def _row(self, dialogue: Dialogue, turns: Sequence[Turn], seen: Seen | None) -> Row:
        conversation = self._conversation(dialogue, turns)
        text = self._expanded(conversation, seen)
        answers = [self._answer(conversation, n, seen, text) for n, t in enumerate(turns) if t.role == "assistant"]
        encoded = self._template.tokens(text, offsets=True)
        ids: list[int] = list(encoded["input_ids"])
        labels = [IGNORED] * len(ids)
        for begin, end in answers:
            self._mark(ids, labels, encoded["offset_mapping"], begin, end)
        spots = tuple(i for i, token in enumerate(ids) if token == self._placeholder) if seen else ()
        inputs: list[PictureInputs] = [seen.inputs] if seen else []
        layout = self._family.layout(self._config, len(ids), [spots] if seen else [], inputs)
        positions = torch.arange(len(ids))[None] if layout.positions is None else layout.positions
        return Row(dialogue.id, dialogue.picture, tuple(ids), tuple(labels), positions, spots, layout.spans)

    def _mark(self, ids: list[int], labels: list[int], offsets: Any, begin: int, end: int) -> None:
        """Put loss on the tokens of one answer and on the one that ends it.

        Where the template writes no end, the tokenizer's own is what must be said there: the history that a later
        question sees stays the template's, only the target is another.
        """
        inside = [i for i, (first, last) in enumerate(offsets) if first < end and last > begin]
        for i in inside:
            labels[i] = ids[i]
        after = inside[-1] + 1 if inside else next(i for i, (first, _) in enumerate(offsets) if first >= end)
        if after == len(ids):
            ids.append(self._eos)
            labels.append(self._eos)
        else:
            labels[after] = ids[after] if ids[after] in self._ends else self._eos

    def _answer(self, conversation: Conversation, number: int, seen: Seen | None, text: str) -> tuple[int, int]:
        """Where one answer begins and ends in the whole text."""
        before = self._expanded(replace(conversation, turns=conversation.turns[:number]), seen)
        assert text.startswith(before), "a chat template writes what was said the same whatever follows"
        said = prompts.harmless(conversation, self._template.special).turns[number].text.strip()
        begin = len(before)
        place = text.find(said, begin)
        assert place >= 0, "a chat template writes what was said"
        return begin, place + len(said)

    def _expanded(self, conversation: Conversation, seen: Seen | None) -> str:
        text = self._template.text(conversation)
        if seen is not None:
            text = text.replace(self._processor.image_token, seen.text, 1)
        return self._family.tidy(self._processor, text)

    def _conversation(self, dialogue: Dialogue, turns: Sequence[Turn]) -> Conversation:
        # A picture stands before the first question, as when somebody asks about it in the app.
        shown = (View(0),) if dialogue.picture else ()
        first = replace(turns[0], views=shown)
        cleaned = [replace(turn, text=turn.text.strip()) for turn in (first, *turns[1:])]
        return Conversation(turns=tuple(cleaned), system=dialogue.system, id="")


def packed(rows: Sequence[Row], most: int) -> list[tuple[Row, ...]]:
    """Rows put together to sequences of at most `most` tokens, the longest first: first fit, in order."""
    bins: list[list[Row]] = []
    room: list[int] = []
    for row in sorted(rows, key=lambda one: -len(one.ids)):
        place = next((n for n, left in enumerate(room) if left >= len(row.ids)), len(bins))
        if place == len(bins):
            bins.append([])
            room.append(most)
        bins[place].append(row)
        room[place] -= len(row.ids)
    return [tuple(rows) for rows in bins]
