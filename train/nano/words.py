"""Bring a projector to where the language model's own words are, before the language model itself is asked.

A picture's projected tokens are compared with the embeddings of all words that training's answers use; the words of its
own answers must come out first. A told token (train/nano/telling.py) is compared with all that can be told, and must
come nearest to its own phrase. No pass through the language model is needed for either.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from train.tokens import IGNORED, Row

BATCH = 32
SHARPNESS = 20.0
TOO_COMMON = 0.4  # a token in more answers than this share says nothing of the picture


@dataclass(frozen=True, slots=True)
class ToldTokens:
    """(N, told, width) float16 tokens of the teller, their phrases as places in `phrases` (-1: not known)."""

    tokens: Tensor
    wanted: Tensor
    phrases: tuple[str, ...]

    def batch(self, count: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(count, told, width) float32 as the tower gives them, with zeros in front, and (count, told) phrases."""
        chosen = torch.randint(len(self.tokens), (count,), generator=generator)
        tokens = self.tokens[chosen].float()
        return nn.functional.pad(tokens, (width - tokens.shape[-1], 0)), self.wanted[chosen]


def embedded(phrases: Sequence[str], tokenizer: Any, embedding: Tensor) -> Tensor:
    """(P, hidden): each phrase as the mean of its words' embeddings."""
    ids = [tokenizer(f" {phrase}", add_special_tokens=False)["input_ids"] for phrase in phrases]
    return torch.stack([embedding[one].mean(0) for one in ids]).detach()


def spoken(row: Row) -> set[int]:
    return {label for label in row.labels if label != IGNORED}


def vocabulary(rows: Sequence[Row]) -> list[int]:
    """Token ids of the answers that tell pictures apart: in two rows at least, in not too many."""
    counts = Counter(token for row in rows for token in spoken(row))
    return sorted(t for t, n in counts.items() if 2 <= n <= TOO_COMMON * len(rows))


def targets(rows: Sequence[Row], ids: list[int]) -> Tensor:
    """(N, len(ids)) float: which words are true of which picture; each row sums to one where it has any."""
    place = {token: i for i, token in enumerate(ids)}
    table = torch.zeros(len(rows), len(ids))
    for i, row in enumerate(rows):
        table[i, [place[t] for t in spoken(row) if t in place]] = 1
    return table / table.sum(1, keepdim=True).clamp_min(1)


def likeness(tokens: Tensor, words: Tensor, centre: Tensor) -> Tensor:
    """(B, N, hidden) tokens and (V, hidden) words -> (B, V): how near the nearest tokens come, as a soft maximum."""
    directions = nn.functional.normalize(tokens - centre, dim=-1)
    return (SHARPNESS * directions @ nn.functional.normalize(words - centre, dim=-1).T).logsumexp(1)


def told_loss(projector: nn.Module, tokens: Tensor, wanted: Tensor, phrases: Tensor, centre: Tensor) -> Tensor:
    """Cross entropy of each told token's own phrase among all phrases, by the angle between them."""
    directions = nn.functional.normalize(projector(tokens) - centre, dim=-1)
    logits = SHARPNESS * directions @ nn.functional.normalize(phrases - centre, dim=-1).T
    return nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-1)


def warm(
    projector: nn.Module,
    embedding: Tensor,
    rows: Sequence[Row],
    features: Callable[[Sequence[str]], Tensor],
    steps: int,
    told: tuple[ToldTokens, Tensor] | None = None,
) -> list[float]:
    """Train the projector's free parameters for so many steps; returns the loss of each.

    `features`: what the tower made of pictures, by name, (B, N, width), where the embedding is.
    `told` are the tower's told tokens with their phrases' embeddings, for a model that is to know them as words.
    """
    rows = [row for row in rows if row.picture]
    ids = vocabulary(rows)
    wanted, words = targets(rows, ids), embedding[ids].detach()
    centre, length = embedding.mean(0).detach(), (words - embedding.mean(0)).norm(dim=-1).mean().item()
    parameters = [p for p in projector.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, max(2, steps), pct_start=0.1)
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(steps):
        chosen = torch.randint(len(rows), (BATCH,), generator=generator)
        seen = features([rows[i].picture or "" for i in chosen.tolist()])
        tokens = projector(seen)
        said = -(wanted[chosen].to(words) * likeness(tokens, words, centre).log_softmax(-1)).sum(-1).mean()
        # As long as words are, too: the language model expects it.
        size = ((tokens - centre).norm(dim=-1) / length - 1).square().mean()
        loss = said + size
        if told is not None:
            shown, due = told[0].batch(BATCH, seen.shape[-1], generator)
            loss = loss + told_loss(projector, shown.to(words), due.to(words.device), told[1], centre)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(said.item())
    return losses
