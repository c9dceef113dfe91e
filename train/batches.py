"""Which rows come together, in which order, and as which tensors: the whole run's plan is known before it begins.

The plan is a list of passes. A killed run goes on at the next one, and a pass that was too large for the memory is cut
in two without changing what a step learns: each row's loss is weighed by its step's answer tokens, not by its pass's.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from medvlm.families import PictureInputs
from train.tokens import IGNORED, Row

if TYPE_CHECKING:
    from train.sights import Sights

# Rows are put beside others of like length within windows of so many steps: every batch is another mixture each epoch.
WINDOW = 32
# The same where steps are counted in tokens: rows in a window.
TOKEN_WINDOW = 256
# One sequence: a row, or several that are packed and do not see each other.
Sequence_ = tuple[Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """What goes through the model at once. `answered`: what all tokens with loss count in the step it belongs to."""

    sequences: tuple[int, ...]
    answered: float
    epoch: float


def plan(
    lengths: Sequence[int], answered: Sequence[float], epochs: Sequence[list[int]], step: int, parts: int
) -> list[Pass]:
    """Passes for all epochs: steps of `step` sequences of like length, each cut into `parts` passes.

    `epochs`: which sequences each epoch has, in its order. The last, short step of an epoch is filled from its begin.
    """
    made: list[Pass] = []
    for number, order in enumerate(epochs):
        filled = order + order[: -len(order) % step] if len(order) >= step else (order * step)[:step]
        steps = _alike(filled, lengths, step * WINDOW, lambda rows: _by_count(rows, step), number)
        made += _passes(steps, answered, number, parts)
    return made


def plan_by_tokens(
    lengths: Sequence[int], answered: Sequence[float], epochs: Sequence[list[int]], most: int
) -> list[Pass]:
    """As `plan`, but a step has as many sequences as `most` padded tokens hold, one at least, in one pass."""
    made: list[Pass] = []
    for number, order in enumerate(epochs):
        steps = _alike(order, lengths, TOKEN_WINDOW, lambda rows: _by_tokens(rows, lengths, most), number)
        made += _passes(steps, answered, number, 1)
    return made


def _passes(steps: list[list[int]], answered: Sequence[float], epoch: int, parts: int) -> Iterator[Pass]:
    for place, rows in enumerate(steps):
        counted = sum(answered[row] for row in rows)
        yield from (Pass(tuple(rows[n::parts]), counted, epoch + place / len(steps)) for n in range(parts))


def pictures_alike(passes: Sequence[Pass], sequences: Sequence[Sequence_]) -> bool:
    """Whether every pass has as many pictures as any other."""
    return len({sum(row.picture is not None for n in one.sequences for row in sequences[n]) for one in passes}) <= 1


def _alike(
    order: list[int],
    lengths: Sequence[int],
    window: int,
    cut: Callable[[list[int]], list[list[int]]],
    seed: int,
) -> list[list[int]]:
    """Steps of sequences of like length, in an order by seed."""
    steps: list[list[int]] = []
    for start in range(0, len(order), window):
        steps += cut(sorted(order[start : start + window], key=lambda row: lengths[row]))
    random.Random(seed).shuffle(steps)
    return steps


def _by_count(rows: list[int], step: int) -> list[list[int]]:
    return [rows[n : n + step] for n in range(0, len(rows), step)]


def _by_tokens(rows: list[int], lengths: Sequence[int], most: int) -> list[list[int]]:
    """`rows`: the shortest first, so that the last of a step says how long all are padded."""
    steps: list[list[int]] = []
    for row in rows:
        if not steps or (len(steps[-1]) + 1) * lengths[row] > most:
            steps.append([])
        steps[-1].append(row)
    return steps


class Collator:
    """Sequences to tensors, padded on the right. `inputs` gives a picture by name."""

    def __init__(
        self, pad: int, inputs: Callable[[str], PictureInputs], masks: Callable[..., Any], plain: bool
    ) -> None:
        """`plain`: a mask of known places is enough, as FlashAttention takes it; never with packing."""
        self._pad, self._inputs, self._masks, self._plain = pad, inputs, masks, plain

    def __call__(self, sequences: Sequence[Sequence_], answered: float) -> dict[str, Any]:
        longest = max(sum(len(row.ids) for row in rows) for rows in sequences)
        count = len(sequences)
        ids, labels = torch.full((count, longest), self._pad), torch.full((count, longest), IGNORED)
        groups, spans = torch.full((count, longest), -1), torch.full((count, longest), -1)
        segments, weights = torch.zeros((count, longest), dtype=torch.long), torch.ones((count, longest))
        depth = max(row.positions.shape[0] for rows in sequences for row in rows)
        positions = torch.zeros(depth, count, longest, dtype=torch.long)
        places: list[tuple[int, int]] = []
        shown: list[str] = []
        for number, rows in enumerate(sequences):
            at = 0
            for group, row in enumerate(rows):
                end = at + len(row.ids)
                ids[number, at:end], labels[number, at:end] = torch.tensor(row.ids), torch.tensor(row.labels)
                # What a packed row's first token would be told from is another row's end.
                labels[number, at] = IGNORED
                groups[number, at:end], positions[:, number, at:end] = group, row.positions
                if row.segments:
                    segments[number, at:end] = torch.tensor(row.segments)
                    weights[number, at:end] = torch.tensor(row.weights)
                for span, (first, last) in enumerate(row.spans):
                    spans[number, at + first : at + last] = group * 1000 + span
                if row.picture is not None:
                    places += [(number, at + spot) for spot in row.spots]
                    shown.append(row.picture)
                at = end
        return {
            "ids": ids,
            "labels": labels,
            "weights": weights,
            "positions": positions if depth == 3 else positions[0],
            "mask": (
                (groups >= 0).long() if self._plain else self._masks(*looks(groups, segments, positions[0], spans))
            ),
            "places": torch.tensor(places, dtype=torch.long).view(-1, 2),
            "shown": shown,
            "pictures": [self._inputs(name) for name in shown],
            "answered": torch.tensor(answered),
        }


def looks(groups: Tensor, segments: Tensor, positions: Tensor, spans: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L) groups (-1: padding), segments, positions and spans -> (B, 1, L, L) who may look at whom, (B, L) places of
    a row's own, and (B, 1, L, L) who is in one span.

    A row sees no other; a segment sees itself and the row's segment 0. Padding sees itself, so that no row of the mask
    is empty."""
    length = groups.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = (groups[:, :, None] == groups[:, None, :]) & (groups >= 0)[:, :, None]
    same &= (segments[:, :, None] == segments[:, None, :]) | (segments == 0)[:, None, :]
    padding = (groups < 0)[:, :, None] & torch.eye(length, dtype=torch.bool)
    both = (spans[:, :, None] == spans[:, None, :]) & (spans >= 0)[:, :, None]
    return ((causal & same) | padding)[:, None], positions, both[:, None]


@dataclass(frozen=True, slots=True)
class Material:
    """What is learnt: sequences and the passes that show them; `watched` passes are only looked at."""

    sequences: Sequence[Sequence_]
    passes: Sequence[Pass]
    watched: Sequence[Pass]
    collator: Collator
    sights: "Sights | None" = None
