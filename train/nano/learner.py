"""The loss of answers: pictures through the frozen tower, one pass through the decoder, logits only where loss is."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from train.parts import Learned
from train.sights import ENCODED, Sights
from train.tokens import IGNORED


class Learner(nn.Module):
    """What the trainer steps: its forward pass is the loss of one batch, as `train.batches.Collator` makes it."""

    def __init__(self, learned: Learned, mixed: bool, sights: Sights | None = None) -> None:
        """`mixed`: compute in bfloat16 whatever the weights are kept in; `sights`: keep what the tower makes."""
        super().__init__()
        self.model = learned.model
        self._sights = sights
        self._learned, self._mixed = learned, mixed
        family = learned.family
        self._tower = [family.part(learned.inner, family.vision_tower)]
        self._projector = [family.part(learned.inner, family.projector)]
        self._language = [family.part(learned.inner, family.language_model)]
        self._head = [family.part(learned.inner, family.head)]

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Sum of the answer tokens' cross entropies, each by its weight, divided by `answered`."""
        ids = batch["ids"]
        mixed = torch.autocast(ids.device.type, torch.bfloat16) if self._mixed else nullcontext()
        with mixed:
            hidden = self._hidden(batch)
            targets = batch["labels"][:, 1:]
            wanted = targets != IGNORED
            logits = self._head[0](hidden[:, :-1][wanted])
        losses = F.cross_entropy(logits.float(), targets[wanted], reduction="none")
        mean: Tensor = (losses * batch["weights"][:, 1:][wanted]).sum() / batch["answered"].clamp_min(1)
        return mean

    def _hidden(self, batch: dict[str, Any]) -> Tensor:
        language: Any = self._language[0]
        outputs = language(
            inputs_embeds=self._embeddings(batch),
            attention_mask=batch["mask"],
            position_ids=batch["positions"],
            use_cache=False,
        )
        hidden: Tensor = outputs.last_hidden_state
        return hidden

    def _embeddings(self, batch: dict[str, Any]) -> Tensor:
        """(B, L, hidden): words, and features in the pictures' places."""
        ids, places = batch["ids"], batch["places"]
        words: Any = self._learned.inner.get_input_embeddings()
        # A picture's token may lie behind the vocabulary: some families give it no row.
        embedded: Tensor = words(ids.masked_fill(ids >= words.num_embeddings, 0))
        if not len(places):
            # Zero, by way of the projector: processes that share weights expect each of them in every pass.
            return embedded + sum(p.sum() * 0 for p in self._projector[0].parameters() if p.requires_grad)
        seen = zip(batch["shown"], batch["pictures"], strict=True)
        features = torch.cat([self._features(name, inputs) for name, inputs in seen])
        return embedded.index_put((places[:, 0], places[:, 1]), features.to(embedded))

    def _features(self, name: str, inputs: dict[str, Tensor]) -> Tensor:
        """(tokens, hidden) of one picture."""
        encoded, given = self.encoded(name, inputs)
        trained = [p for p in self._projector[0].parameters() if p.requires_grad] or list(
            self._projector[0].parameters()
        )
        return self._learned.family.project(self._learned.inner, encoded.to(trained[0].dtype), given)

    def encoded(self, name: str, inputs: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """What the tower makes of one picture, or made of it before, and the picture beside it, where the tower is."""
        like = next(self._tower[0].parameters())
        kept, rest = inputs.get(ENCODED), {n: t for n, t in inputs.items() if n != ENCODED}
        given = {n: t.to(like) if t.is_floating_point() else t.to(like.device) for n, t in rest.items()}
        return (self._encode(name, given) if kept is None else kept.to(like.device)), given

    def _encode(self, name: str, given: dict[str, Tensor]) -> Tensor:
        with torch.no_grad():
            encoded = self._learned.family.encode(self._learned.inner, given)
        if self._sights is not None:
            self._sights.keep(name, encoded)
        return encoded

    def train(self, mode: bool = True) -> "Learner":
        """The tower never trains: no dropout in it and no statistics that move, so that a picture stays what it is."""
        super().train(mode)
        self._tower[0].eval()
        self._projector[0].train(mode)  # It may stand inside the tower.
        return self
