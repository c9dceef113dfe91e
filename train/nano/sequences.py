"""Dialogues about one picture as rows of tokens that share it: the picture is read once, the dialogues share it.

A row is a prefix (system prompt, picture, and whatever words all its dialogues begin with) and segments behind it, one
for each dialogue. A segment sees the prefix and itself, never a neighbour, and its positions go on from the prefix. So
a row teaches exactly what its dialogues would teach alone, at a fraction of the tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile

import torch

from medvlm.errors import DatasetError
from medvlm.families import Seen
from medvlm.types import Turn
from train.examples import Dialogue
from train.tokens import IGNORED, Encoder, Row


@dataclass(frozen=True, slots=True)
class Example:
    """Dialogues about one picture (or about none): each begins with a user's turn and ends with an answer."""

    picture: str | None
    system: str
    dialogues: tuple[tuple[Turn, ...], ...]


def rows(example: Example, encoder: Encoder, seen: Seen | None, most: int) -> list[Row]:
    """The example as rows of at most `most` tokens; a dialogue too long for any row is left out."""
    groups: list[list[Row]] = []
    for row in alone(example, encoder, seen):
        if not groups or len(shared([*groups[-1], row]).ids) > most:
            groups.append([])
        groups[-1].append(row)
    return [shared(group) for group in groups]


def alone(example: Example, encoder: Encoder, seen: Seen | None) -> Iterator[Row]:
    """Each dialogue as a row of its own, up to the last token that is learnt."""
    for number, turns in enumerate(example.dialogues):
        name = f"{example.picture or 'talk'}:{number}"
        with suppress(DatasetError):  # not even its first answer fits
            row, _ = encoder.row(Dialogue(name, example.picture, example.system, turns), seen)
            end = len(row.labels) - len(list(takewhile(lambda label: label == IGNORED, reversed(row.labels))))
            yield replace(row, ids=row.ids[:end], labels=row.labels[:end], positions=row.positions[:, :end])


def shared(together: Sequence[Row]) -> Row:
    """One row of several about the same picture; an answer of n tokens counts sqrt(n), so that "yes" is not drowned by
    a paragraph beside it."""
    first = together[0]
    prefix = common(together)
    assert all(spot < prefix for spot in first.spots), "dialogues of one row share their picture"
    segments, weights = [0] * prefix, [0.0] * prefix
    for number, row in enumerate(together, start=1):
        behind = len(row.ids) - prefix
        segments += [number] * behind
        weights += [sum(label != IGNORED for label in row.labels) ** -0.5] * behind
    return replace(
        first,
        ids=first.ids[:prefix] + tuple(token for row in together for token in row.ids[prefix:]),
        labels=first.labels[:prefix] + tuple(label for row in together for label in row.labels[prefix:]),
        positions=torch.cat([first.positions[:, :prefix], *(row.positions[:, prefix:] for row in together)], dim=1),
        segments=tuple(segments),
        weights=tuple(weights),
    )


def common(together: Sequence[Row]) -> int:
    """How many tokens all begin with; what an answer's first token is told from is each dialogue's own."""
    same = takewhile(lambda tokens: len(set(tokens)) == 1, zip(*(row.ids for row in together), strict=False))
    answers = (next(n for n, label in enumerate(row.labels) if label != IGNORED) for row in together)
    return min(sum(1 for _ in same), min(answers) - 1)
