"""Computes prompts on the language part of a model: block by block, token by token, or several as one batch."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from medvlm.families.family import Family, Layout, span_groups

# One prompt, ready for the language model: (1, n, hidden).
Embeddings = Tensor


class Reader:
    """Computes prompts block by block and answers token by token, on the language part of one model."""

    def __init__(self, language_model: Any, head: Any, block: int, family: Family, config: Any) -> None:
        self._language_model = language_model
        self._head = head
        self._family = family
        self._config = config
        self.block = block

    def read(self, embeddings: Embeddings, key_values: Any, go_on: Callable[[], bool], layout: Layout) -> Tensor | None:
        """Compute what follows `key_values` (which end at a cut of `layout`); the logits (1, vocabulary) at its end.

        None when `go_on` said no before a block.
        """
        hidden, start = None, key_values.get_seq_length()
        for begin, end in layout.blocks(start, start + embeddings.shape[1], self.block):
            if not go_on():
                return None
            piece = embeddings[:, begin - start : end - start]
            hidden = self._hidden(piece, key_values, **self._laid(layout, begin, end, piece, key_values))
        assert hidden is not None
        return self.logits(hidden[:, -1])

    def after_each(self, embeddings: Embeddings, last: int, layout: Layout) -> Tensor:
        """The logits (last, vocabulary) after each of the last positions, computed in one go and not kept."""
        cache = DynamicCache()
        laid = self._laid(layout, 0, embeddings.shape[1], embeddings, cache)
        return self.logits(self._hidden(embeddings, cache, **laid)[0, -last:])

    def step(self, token: int, key_values: Any, shift: int = 0) -> Tensor:
        """Compute one more token; the logits (1, vocabulary) after it. `shift`: of the prompt's layout."""
        embedding = self.embed(torch.tensor([[token]]))
        place = key_values.get_seq_length() + shift
        where = {"position_ids": torch.tensor([[place]], device=embedding.device)} if shift else {}
        return self.logits(self._hidden(embedding, key_values, **where)[:, -1])

    def rows(self, embeddings: Tensor, key_values: Any, masks: Any, places: Tensor) -> Tensor:
        """Compute n tokens of each of several rows: (rows, n, hidden) -> the last ones' states (rows, hidden).

        `masks`: (rows, 1, n, keys) bool, true where a token looks, or one of each kind of layer; `places`: (rows, n)
        or (3, rows, n), where in its own text each stands.
        """
        return self._hidden(embeddings, key_values, attention_mask=masks, position_ids=places)[:, -1]

    def _laid(self, layout: Layout, begin: int, end: int, piece: Tensor, key_values: Any) -> dict[str, Any]:
        """What the language model must be told of a piece of a prompt: positions, and who looks both ways."""
        told: dict[str, Any] = {name: t.to(piece.device) for name, t in layout.at(begin, end).items()}
        if any(first < end and last > begin for first, last in layout.spans):
            groups = span_groups(layout, end, piece.device)
            told["attention_mask"] = self._family.masks(self._config, piece, key_values, groups, None)
        return told

    def embed(self, tokens: Tensor) -> Embeddings:
        """(1, n) token numbers -> (1, n, hidden)."""
        table = self._language_model.get_input_embeddings()
        embeddings: Tensor = table(tokens.to(table.weight.device))
        return embeddings

    def logits(self, hidden: Tensor) -> Tensor:
        result: Tensor = self._head(hidden)
        return result

    def _hidden(self, embeddings: Embeddings, key_values: Any, **more: Any) -> Tensor:
        outputs = self._language_model(
            inputs_embeds=embeddings, past_key_values=key_values, use_cache=True, return_dict=True, **more
        )
        hidden: Tensor = outputs.last_hidden_state
        return hidden

    def batch(
        self,
        rows: Sequence[Embeddings],
        layouts: Sequence[Layout],
        choose: Callable[[Tensor], list[int]],
        ends: Collection[int],
        limit: int,
    ) -> list[list[int]]:
        """Answer several prompts (each (n, hidden)) as one batch, padded on the left: the tokens of each answer."""
        longest = max(len(row) for row in rows)
        embeddings = torch.stack([nn.functional.pad(row, (0, 0, longest - len(row), 0)) for row in rows])
        mask = torch.stack([(torch.arange(longest) >= longest - len(row)).long() for row in rows]).to(embeddings.device)
        answers: list[list[int]] = [[] for _ in rows]
        open_rows = set(range(len(rows)))
        cache = DynamicCache()
        shifts = torch.tensor([[layout.shift] for layout in layouts], device=embeddings.device)
        for number in range(limit):
            places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -embeddings.shape[1] :] + (shifts if number else 0)
            masks: Any = mask
            if number == 0:
                places = padded_positions(layouts, places)
                groups = padded_groups(layouts, longest, embeddings.device)
                masks = self._family.masks(self._config, embeddings, cache, groups, mask)
            hidden = self._hidden(embeddings, cache, attention_mask=masks, position_ids=places)
            tokens = choose(self.logits(hidden[:, -1]))
            open_rows -= {row for row in open_rows if tokens[row] in ends}
            for row in open_rows:
                answers[row].append(tokens[row])
            if not open_rows:
                break
            embeddings = self.embed(torch.tensor(tokens)[:, None])
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)
        return answers


def padded_positions(layouts: Sequence[Layout], usual: Tensor) -> Tensor:
    """(B, n) usual positions of rows padded on the left, or (3, B, n) where the layouts have positions of their own."""
    if all(layout.positions is None for layout in layouts):
        return usual
    placed = usual.expand(3, *usual.shape).clone()
    for row, layout in enumerate(layouts):
        if layout.positions is not None:
            placed[:, row, usual.shape[1] - layout.length :] = layout.positions.to(usual.device)
    return placed


def padded_groups(layouts: Sequence[Layout], length: int, device: torch.device) -> Tensor:
    """(B, length) the number of the span each place belongs to, -1 outside, rows padded on the left."""
    rows = [span_groups(layout, layout.length, device) for layout in layouts]
    return torch.cat([nn.functional.pad(row, (length - row.shape[1], 0), value=-1) for row in rows])
