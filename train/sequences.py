"""Questions and answers about one picture as one row of tokens: the picture is read once, the questions share it.

A row is a prefix (system prompt and picture) and segments behind it. A segment is a dialogue of one or more turns; it
sees the prefix and itself, never a neighbour, and its positions go on from the prefix. So a row teaches exactly what
its dialogues would teach alone, at a fraction of the tokens. Only answers carry loss.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from medvlm.types import Turn

IGNORED = -100
PAD_SEGMENT = -1


@dataclass(frozen=True, slots=True)
class Example:
    """Dialogues about one picture (or about none): each begins with a user's turn and ends with an answer."""

    picture: str | None
    system: str
    dialogues: tuple[tuple[Turn, ...], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids with, for each, its label (or -100), position and segment (0: prefix, from 1: dialogues)."""

    picture: str | None
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    positions: tuple[int, ...]
    segments: tuple[int, ...]


class Encoder:
    """Text to token ids in the assembled nano's chat template."""

    def __init__(self, tokenizer: Any, image_token_id: int, image_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.image = [image_token_id] * image_tokens
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def text(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def prefix(self, example: Example) -> list[int]:
        head = self.text(f"<|im_start|>system\n{example.system}<|im_end|>\n<|im_start|>user\n")
        return head + self.image + self.text("\n") if example.picture else head

    def dialogue(self, turns: tuple[Turn, ...]) -> tuple[list[int], list[int]]:
        """Ids and labels of one dialogue, from the first question's first word to the last answer's end token."""
        ids: list[int] = []
        labels: list[int] = []
        for i, turn in enumerate(turns):
            if turn.role == "user":
                opening = "\n<|im_start|>user\n" if i else ""
                piece = self.text(f"{opening}{turn.text}<|im_end|>\n<|im_start|>assistant\n")
                ids, labels = ids + piece, labels + [IGNORED] * len(piece)
            else:
                piece = [*self.text(turn.text), self.end]
                ids, labels = ids + piece, labels + piece
        return ids, labels

    def rows(self, example: Example, most: int) -> list[Row]:
        """The example as rows of at most `most` tokens; a dialogue too long for any row is left out."""
        prefix = self.prefix(example)
        encoded = [self.dialogue(d) for d in example.dialogues]
        rows: list[Row] = []
        batch: list[tuple[list[int], list[int]]] = []
        for piece in [e for e in encoded if len(prefix) + len(e[0]) <= most]:
            if batch and len(prefix) + sum(len(b[0]) for b in batch) + len(piece[0]) > most:
                rows.append(joined(example.picture, prefix, batch))
                batch = []
            batch.append(piece)
        return [*rows, joined(example.picture, prefix, batch)] if batch else rows


def joined(picture: str | None, prefix: list[int], dialogues: list[tuple[list[int], list[int]]]) -> Row:
    ids, labels = list(prefix), [IGNORED] * len(prefix)
    positions, segments = list(range(len(prefix))), [0] * len(prefix)
    for number, (piece, marks) in enumerate(dialogues, start=1):
        ids, labels = ids + piece, labels + marks
        positions += range(len(prefix), len(prefix) + len(piece))
        segments += [number] * len(piece)
    return Row(picture, tuple(ids), tuple(labels), tuple(positions), tuple(segments))


def visible(segments: Tensor) -> Tensor:
    """(B, L) segments -> (B, 1, L, L) bool: who may look at whom. Padding sees itself, so that no row is empty."""
    length = segments.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = segments[:, :, None] == segments[:, None, :]
    prefix = (segments == 0)[:, None, :] & (segments != PAD_SEGMENT)[:, :, None]
    padding = (segments == PAD_SEGMENT)[:, :, None]
    itself = torch.eye(length, dtype=torch.bool)
    return torch.where(padding, itself, causal & (same | prefix))[:, None]


def answer_weights(labels: Tensor, segments: Tensor) -> Tensor:
    """(B, L) float: an answer of n tokens weighs sqrt(n), so that "yes" is not drowned by a paragraph beside it."""
    answered = (labels != IGNORED).float()
    same = (segments[:, :, None] == segments[:, None, :]).float()
    return answered / (same @ answered[..., None])[..., 0].clamp_min(1).sqrt()


def collate(rows: list[Row], pad: int) -> dict[str, Tensor]:
    """Rows of one batch, padded on the right to the longest."""
    longest = max(len(row.ids) for row in rows)

    def padded(values: tuple[int, ...], fill: int) -> list[int]:
        return [*values, *[fill] * (longest - len(values))]

    segments = torch.tensor([padded(r.segments, PAD_SEGMENT) for r in rows])
    labels = torch.tensor([padded(r.labels, IGNORED) for r in rows])
    return {
        "input_ids": torch.tensor([padded(r.ids, pad) for r in rows]),
        "labels": labels,
        "weights": answer_weights(labels, segments),
        "position_ids": torch.tensor([padded(r.positions, 0) for r in rows]),
        "attention_mask": visible(segments),
    }
