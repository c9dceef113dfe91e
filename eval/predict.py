"""Short answers to many questions about many pictures, greedily: what a plain run gives, at a fraction of its work.

The system prompt is read once, each picture once, and its questions share both; questions of several pictures are
answered as one batch, padded on the left, and rows that have ended leave it. Both arms run on one set of weights.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.cache_utils import Cache, DynamicCache

from eval.pictures import Features, named
from medvlm.engine.cache import KeyValues, common
from medvlm.engine.decoding import Chooser
from medvlm.engine.loading import Loaded
from medvlm.engine.templates import Prompt, Template, end_tokens
from medvlm.types import Conversation, Decoding, View

# What answers: the adapter, the base, or the base with nothing of the adapter but its projector.
EvalArm = Literal["tuned", "base", "projector"]
QUESTIONS_AT_ONCE = 64  # read together, so that questions of like length can share a batch
ROWS = 32  # answered as one batch
PICTURES_AT_ONCE = 8
GREEDY = Decoding()


@dataclass(frozen=True, slots=True)
class Item:
    """One question to be put. `picture` is a name as `eval.pictures.scan` takes it, or None for words alone.

    `earlier`: questions and answers that came before it; the picture stands in the first of them.
    """

    id: str
    picture: str | None
    question: str
    system: str
    earlier: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. `yes`, `no`: the probability mass on first tokens with which those words begin."""

    id: str
    text: str
    tokens: int
    yes: float
    no: float


def windows(items: Sequence[Item], size: int = QUESTIONS_AT_ONCE) -> list[list[Item]]:
    """The items in the order in which they are answered: one picture's together, about `size` at once.

    It depends on nothing but the items, so that a run that was killed goes on with the same batches.
    """
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.system, item.picture or ""), []).append(item)
    made: list[list[Item]] = []
    for (system, _), group in groups.items():
        for start in range(0, len(group), size):
            part = group[start : start + size]
            if made and made[-1][0].system == system and len(made[-1]) + len(part) <= size:
                made[-1] += part
            else:
                made.append(list(part))
    return made


class Predictor:
    """Answers windows of items with one loaded model."""

    def __init__(self, loaded: Loaded, features: Features, rows: int = ROWS) -> None:
        self._loaded, self._features, self._rows = loaded, features, rows
        family, model = loaded.family, loaded.model
        self._language_model: Any = family.part(model, family.language_model)
        self._head: Any = family.part(model, family.head)
        self._tokenizer = loaded.processor.tokenizer
        self._template = Template(loaded.processor)
        self._ends = end_tokens(model, self._tokenizer)
        self._never = (int(loaded.processor.image_token_id),)
        self._yes, self._no = (self._template.first_tokens(word) for word in ("yes", "no"))
        self._heads: dict[tuple[str, EvalArm], tuple[tuple[int, ...], Cache]] = {}

    @torch.inference_mode()
    def answer(self, window: Sequence[Item], arm: EvalArm, limit: int, decoding: Decoding = GREEDY) -> list[Answer]:
        """The answers of at most `limit` tokens, in the window's order. All items share one system prompt.

        With a temperature, all rows of a window draw from one stream of its seed: the same window, the same answers.
        """
        choose = Chooser(decoding, self._never)
        prompts = [self._prompt(item) for item in window]
        tokens, head = self._system(window[0].system, arm)
        features = self._projected(window, arm)
        with self._lora(arm == "tuned"):
            shared = min(self._shared(tokens, prompt) for prompt in prompts)
            pictures, prefix, mask = self._read_pictures(cut(head, shared), shared, window, prompts, features)
            by_length = sorted(range(len(window)), key=lambda i: len(prompts[i].tokens))
            answers: dict[int, Answer] = {}
            for start in range(0, len(by_length), self._rows):
                part = by_length[start : start + self._rows]
                rows = [pictures[window[i].picture] for i in part]
                rests = [prompts[i].tokens[self._after_picture(prompts[i], shared) :] for i in part]
                drawn = self._draw(select(prefix, rows), mask[rows], rests, limit, choose)
                answers |= {i: self._named(window[i].id, *one) for i, one in zip(part, drawn, strict=True)}
        return [answers[i] for i in range(len(window))]

    def _named(self, name: str, tokens: list[int], yes: float, no: float) -> Answer:
        # As the chat does: bytes that never became a character are dropped.
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).rstrip("\ufffd").strip()
        return Answer(name, text, len(tokens), round(yes, 6), round(no, 6))

    def _prompt(self, item: Item) -> Prompt:
        conversation = Conversation(system=item.system, id="")
        views: tuple[View, ...] = ()
        if item.picture is not None:
            conversation, views = conversation.with_scan(named(item.picture)), (View(0),)
        for question, answer in item.earlier:
            conversation, views = conversation.asked(question, views).answered(answer), ()
        asked = conversation.asked(item.question, views)
        return self._template.fitting(asked, lambda scan, _: self._features.picture(scan.name), 1 << 20)

    def _system(self, system: str, arm: EvalArm) -> tuple[tuple[int, ...], Cache]:
        """The tokens that every prompt behind this system prompt begins with, and their keys and values."""
        if (system, arm) not in self._heads:
            one, other = (self._prompt(Item("", None, text, system)).tokens for text in ("A", "?"))
            tokens = one[: common(one, other)]
            kept = DynamicCache()
            with self._lora(arm == "tuned"):
                self._forward(self._embed(torch.tensor([tokens])), kept, torch.ones(1, len(tokens), dtype=torch.long))
            self._heads[system, arm] = tokens, kept
        return self._heads[system, arm]

    def _shared(self, tokens: tuple[int, ...], prompt: Prompt) -> int:
        """How much of the system prompt's tokens this prompt begins with; its last token is always left to read."""
        return min(common(tokens, prompt.marks), len(prompt.tokens) - 1)

    def _after_picture(self, prompt: Prompt, shared: int) -> int:
        return prompt.places[-1] + prompt.pictures[-1].tokens if prompt.pictures else shared

    def _projected(self, window: Sequence[Item], arm: EvalArm) -> dict[str, Tensor]:
        """(tokens, hidden) for each picture, by the projector that the arm has."""
        family, model = self._loaded.family, self._loaded.model
        projector: Any = family.part(model, family.projector)
        like = next(projector.parameters())
        made: dict[str, Tensor] = {}
        with self._lora(arm != "base"):
            for name in dict.fromkeys(item.picture for item in window if item.picture is not None):
                encoded = self._features.encoded(name).to(like)
                made[name] = family.project(model, encoded, self._features.picture(name).inputs)
        return made

    def _read_pictures(
        self,
        head: Cache,
        shared: int,
        window: Sequence[Item],
        prompts: Sequence[Prompt],
        features: dict[str, Tensor],
    ) -> tuple[dict[str | None, int], Cache, Tensor]:
        """Each picture (and none, as a picture of its own) read once behind the head.

        Gives the row of each picture, keys and values of all rows, and (rows, length): which positions count.
        """
        firsts = {item.picture: prompt for item, prompt in zip(window, prompts, strict=True)}
        segments = [self._picture_segment(prompt, name, shared, features) for name, prompt in firsts.items()]
        longest = max(len(segment) for segment in segments)
        mask = torch.stack([counted(shared, longest, len(segment)) for segment in segments])
        if longest == 0:
            return {name: 0 for name in firsts}, head, mask[:1]
        parts = []
        padded = torch.stack([F.pad(s, (0, 0, longest - len(s), 0)) for s in segments])
        for start in range(0, len(segments), PICTURES_AT_ONCE):
            rows = padded[start : start + PICTURES_AT_ONCE]
            kept = select(head, [0] * len(rows), growing=False)
            self._forward(rows, kept, mask[start : start + PICTURES_AT_ONCE])
            parts.append(kept)
        return {name: row for row, name in enumerate(firsts)}, joined(parts), mask

    def _picture_segment(self, prompt: Prompt, name: str | None, shared: int, features: dict[str, Tensor]) -> Tensor:
        """(n, hidden): what stands between the head and the question; empty without a picture."""
        end = self._after_picture(prompt, shared)
        embeddings = self._embed(torch.tensor([prompt.tokens[shared:end]], dtype=torch.long))[0]
        for picture, place in zip(prompt.pictures, prompt.places, strict=True):
            assert name is not None
            embeddings[place - shared : place - shared + picture.tokens] = features[name].to(embeddings.dtype)
        return embeddings

    def _draw(
        self, key_values: Cache, mask: Tensor, rests: Sequence[tuple[int, ...]], limit: int, choose: Chooser
    ) -> list[tuple[list[int], float, float]]:
        """Answers to questions behind what was read: tokens, and the mass on "yes" and "no" as a first token."""
        longest = max(map(len, rests))
        ids = torch.tensor([[0] * (longest - len(rest)) + list(rest) for rest in rests])
        mask = torch.cat([mask, torch.stack([counted(0, longest, len(rest)) for rest in rests])], dim=1)
        logits = self._forward(self._embed(ids), key_values, mask)
        first = torch.softmax(logits.float(), -1)
        yes, no = first[:, self._yes].sum(-1).tolist(), first[:, self._no].sum(-1).tolist()
        answers: list[list[int]] = [[] for _ in rests]
        open_rows = list(range(len(rests)))
        for step in range(limit):
            tokens = choose(logits)
            going = [k for k, token in enumerate(tokens) if token not in self._ends]
            for k in going:
                answers[open_rows[k]].append(tokens[k])
            if not going or step == limit - 1:
                break
            if len(going) < len(open_rows):
                key_values, mask = select(key_values, going), mask[going]
                open_rows = [open_rows[k] for k in going]
            mask = torch.cat([mask, mask.new_ones(len(going), 1)], dim=1)
            logits = self._forward(self._embed(torch.tensor([[tokens[k]] for k in going])), key_values, mask)
        return list(zip(answers, yes, no, strict=True))

    def _embed(self, ids: Tensor) -> Tensor:
        table = self._language_model.get_input_embeddings()
        embeddings: Tensor = table(ids.to(table.weight.device))
        return embeddings

    def _forward(self, embeddings: Tensor, key_values: Cache, mask: Tensor) -> Tensor:
        """Compute positions behind `key_values`; the logits (rows, vocabulary) after the last of them."""
        places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
        hidden = self._language_model(
            inputs_embeds=embeddings,
            past_key_values=key_values,
            use_cache=True,
            attention_mask=mask.to(embeddings.device),
            position_ids=places.to(embeddings.device),
        ).last_hidden_state
        logits: Tensor = self._head(hidden[:, -1])
        return logits

    @contextmanager
    def _lora(self, on: bool) -> Iterator[None]:
        """The adapter, projector included, on or off."""
        adapted: Any = self._loaded.adapted
        if adapted is None or on:
            yield
            return
        adapted.base_model.disable_adapter_layers()
        try:
            yield
        finally:
            adapted.base_model.enable_adapter_layers()


def counted(before: int, room: int, used: int) -> Tensor:
    """(before + room,): 1 for positions that count, 0 for the padding on the left of the last `room`."""
    return torch.tensor([1] * before + [0] * (room - used) + [1] * used)


def cut(key_values: Cache, length: int) -> Cache:
    """The first `length` positions."""
    kept = DynamicCache()
    for number, layer in enumerate(key_values.layers):
        kept.update(layer.keys[..., :length, :], layer.values[..., :length, :], number)
    return kept


def select(key_values: Cache, rows: list[int], growing: bool = True) -> Cache:
    """A copy of these rows; `growing`: room is left behind them, so that a new token copies nothing."""
    kept: Cache = KeyValues(len(key_values.layers)) if growing else DynamicCache()
    index = torch.tensor(rows)
    for number, layer in enumerate(key_values.layers):
        at = index.to(layer.keys.device)
        kept.update(layer.keys.index_select(0, at), layer.values.index_select(0, at), number)
    return kept


def joined(parts: Sequence[Cache]) -> Cache:
    """The rows of all parts, one below the other."""
    kept = DynamicCache()
    for number, layers in enumerate(zip(*(part.layers for part in parts), strict=True)):
        kept.update(torch.cat([layer.keys for layer in layers]), torch.cat([layer.values for layer in layers]), number)
    return kept
