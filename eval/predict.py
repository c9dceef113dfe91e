"""Short answers to many questions about many pictures, greedily: what a plain run gives, at a fraction of its work.

The system prompt is read once, each picture once, and its questions share both; questions of several pictures are
answered as one batch, padded on the left, and rows that have ended leave it. Both arms run on one set of weights and,
where the adapter is plain LoRA, in one batch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.cache_utils import DynamicCache

from eval.items import Answer, EvalArm, EvalPut, Item
from eval.pictures import Features, named
from eval.rows import Draws, Rows, counted, joined, rows_within
from medvlm.engine.cache import common
from medvlm.engine.loading import Loaded
from medvlm.engine.row_adapter import RowAdapter
from medvlm.engine.templates import Prompt, Template, end_tokens
from medvlm.types import Conversation, Decoding, View

ARMS = get_args(EvalArm)
ROWS = 128  # answered as one batch: a window of both arms
PICTURES_AT_ONCE = 16  # read as one batch
PROMPTS_AT_ONCE = 32  # likewise what follows the picture: more would only be padded to a longer one
GREEDY = Decoding()
# What is read before the question: a picture or none, by the projector and the LoRA of an arm.
Seen = tuple[str | None, EvalArm]
PutTo = TypeVar("PutTo", bound=EvalPut)


class Predictor:
    """Answers questions with one loaded model."""

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
        self._row_adapter = RowAdapter(loaded.adapted, self._head)
        self._openings: dict[str, tuple[int, ...]] = {}
        self._opened: dict[tuple[str, bool], Rows] = {}

    @torch.inference_mode()
    def answer(self, asked: Sequence[EvalPut], limit: int, decoding: Decoding = GREEDY) -> list[Answer]:
        """The answers of at most `limit` tokens, in order. All items share one system prompt; arms may be mixed.

        With a temperature, each question draws from a stream of its own, made of the decoding's seed and its id.
        """
        answers: dict[EvalPut, Answer] = {}
        for part in self.parts(asked, limit):
            answers |= self._together(part, limit, decoding)
        return [answers[put] for put in asked]

    @torch.inference_mode()
    def parts(self, asked: Sequence[PutTo], limit: int) -> list[list[PutTo]]:
        """What is answered together: one picture's questions side by side, no more rows than memory holds; one arm
        after the other where the adapter is not plain LoRA."""
        prompts = self._prompts(asked)
        longest = max(len(prompt.tokens) for prompt in prompts.values()) + limit
        opening = self._opening(asked[0][0].system, False)
        room = rows_within(self._loaded.device, opening.position_bytes, longest)
        place = {name: at for at, name in enumerate(dict.fromkeys(item.picture for item, _ in asked))}
        ordered = sorted(dict.fromkeys(asked), key=lambda put: place[put[0].picture])
        switches = [(False, True)] if self._row_adapter.plain else [(False,), (True,)]
        made: list[list[PutTo]] = []
        for group in switches:
            puts = [put for put in ordered if with_lora(put) in group]
            made += [puts[start : start + room] for start in range(0, len(puts), room)]
        return made

    def _together(self, asked: Sequence[EvalPut], limit: int, decoding: Decoding) -> dict[EvalPut, Answer]:
        """Answers to questions whose pictures are read first, once for each arm."""
        prompts = self._prompts(asked)
        shared = min(self._shared(prompts[item], item.system) for item, _ in asked)
        read, row = self._read_pictures(sorted(asked, key=with_lora), prompts, shared)
        rests = {item: prompts[item].tokens[after_picture(prompts[item], shared) :] for item, _ in asked}
        by_length = sorted(asked, key=lambda put: len(rests[put[0]]))
        answers: dict[EvalPut, Answer] = {}
        for start in range(0, len(by_length), self._rows):
            part = sorted(by_length[start : start + self._rows], key=with_lora)
            rows, logits = self._ask(read, [row[seen(put)] for put in part], [rests[item] for item, _ in part], limit)
            draws = Draws(decoding, self._never, [item.id for item, _ in part])
            drawn = self._draw(rows, logits, limit, draws)
            answers |= {put: self._named(put[0].id, *one) for put, one in zip(part, drawn, strict=True)}
        return answers

    def _named(self, name: str, tokens: list[int], yes: float, no: float) -> Answer:
        # As the chat does: bytes that never became a character are dropped.
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).rstrip("\ufffd").strip()
        return Answer(name, text, len(tokens), round(yes, 6), round(no, 6))

    def _prompts(self, asked: Sequence[EvalPut]) -> dict[Item, Prompt]:
        return {item: self._prompt(item) for item in dict.fromkeys(item for item, _ in asked)}

    def _prompt(self, item: Item) -> Prompt:
        conversation = Conversation(system=item.system, id="")
        views: tuple[View, ...] = ()
        if item.picture is not None:
            conversation, views = conversation.with_scan(named(item.picture)), (View(0),)
        for question, answer in item.earlier:
            conversation, views = conversation.asked(question, views).answered(answer), ()
        asked = conversation.asked(item.question, views)
        return self._template.fitting(asked, lambda scan, _: self._features.picture(scan.name), 1 << 20)

    def _opens(self, system: str) -> tuple[int, ...]:
        """The tokens that every prompt behind this system prompt begins with."""
        if system not in self._openings:
            one, other = (self._prompt(Item("", None, text, system)).tokens for text in ("A", "?"))
            self._openings[system] = one[: common(one, other)]
        return self._openings[system]

    def _opening(self, system: str, lora: bool) -> Rows:
        """One row in which these tokens are read."""
        if (system, lora) not in self._opened:
            tokens = torch.tensor([self._opens(system)])
            rows = Rows(DynamicCache(), torch.ones_like(tokens), slice(0 if lora else 1, 1))
            self._states(self._embed(tokens), rows)
            self._opened[system, lora] = rows
        return self._opened[system, lora]

    def _shared(self, prompt: Prompt, system: str) -> int:
        """How much of the opening this prompt begins with; its last token is always left to read."""
        return min(common(self._opens(system), prompt.marks), len(prompt.tokens) - 1)

    def _read_pictures(
        self, asked: Sequence[EvalPut], prompts: Mapping[Item, Prompt], shared: int
    ) -> tuple[Rows, dict[Seen, int]]:
        """Each picture (and none, as a picture of its own) read once for each arm behind the first `shared` tokens; and
        in which row. What is put to the tuned model comes last in `asked`."""
        firsts = {seen(put): put for put in asked}
        features = {one: made for arm in ARMS for one, made in self._projected(arm, firsts)}
        segments = [self._picture_segment(prompts[put[0]], shared, features.get(one)) for one, put in firsts.items()]
        longest = max(len(segment) for segment in segments)
        padded = torch.stack([F.pad(s, (0, 0, longest - len(s), 0)) for s in segments])
        mask = torch.stack([counted(longest, len(segment)) for segment in segments])
        opening = joined([self._opening(asked[0][0].system, lora).cut(shared) for lora in (False, True)])
        rows = [int(with_lora(put)) for put in firsts.values()]
        parts = []
        for start in range(0, len(rows), PICTURES_AT_ONCE):
            some = slice(start, start + PICTURES_AT_ONCE)
            parts.append(opening.take(rows[some]).before(mask[some]))
            if longest:
                self._states(padded[some], parts[-1])
        return joined(parts), {one: row for row, one in enumerate(firsts)}

    def _projected(self, arm: EvalArm, wanted: Iterable[Seen]) -> Iterator[tuple[Seen, Tensor]]:
        """(tokens, hidden) for each picture of that arm, by the projector that it has."""
        family, model = self._loaded.family, self._loaded.model
        projector: Any = family.part(model, family.projector)
        like = next(projector.parameters())
        with self._adapter(arm != "base"):
            for name in (name for name, whose in wanted if whose == arm and name is not None):
                encoded = self._features.encoded(name).to(like)
                yield (name, arm), family.project(model, encoded, self._features.picture(name).inputs)

    def _picture_segment(self, prompt: Prompt, shared: int, features: Tensor | None) -> Tensor:
        """(n, hidden): what stands between the opening and the question; empty without a picture."""
        end = after_picture(prompt, shared)
        embeddings = self._embed(torch.tensor([prompt.tokens[shared:end]], dtype=torch.long))[0]
        for picture, place in zip(prompt.pictures, prompt.places, strict=True):
            assert features is not None
            embeddings[place - shared : place - shared + picture.tokens] = features.to(embeddings.dtype)
        return embeddings

    def _ask(self, read: Rows, of: Sequence[int], rests: Sequence[tuple[int, ...]], limit: int) -> tuple[Rows, Tensor]:
        """Each question read behind that row of what was read: rows in which answers can grow, and logits
        (n, vocabulary) before the first token."""
        parts, logits = [], []
        for start in range(0, len(rests), PROMPTS_AT_ONCE):
            some = slice(start, start + PROMPTS_AT_ONCE)
            longest = max(map(len, rests[some]))
            ids = torch.tensor([[0] * (longest - len(rest)) + list(rest) for rest in rests[some]])
            mask = torch.stack([counted(longest, len(rest)) for rest in rests[some]])
            parts.append(read.take(of[some]).before(mask))
            logits.append(self._logits(self._embed(ids), parts[-1]))
        return joined(parts, limit), torch.cat(logits)

    def _draw(self, rows: Rows, logits: Tensor, limit: int, draws: Draws) -> list[tuple[list[int], float, float]]:
        """Answers behind what was asked: tokens, and the mass on "yes" and "no" as a first token."""
        first = torch.softmax(logits.float(), -1)
        yes, no = first[:, self._yes].sum(-1).tolist(), first[:, self._no].sum(-1).tolist()
        answers: list[list[int]] = [[] for _ in logits]
        still = list(range(len(logits)))
        for step in range(limit):
            tokens = draws(logits, still)
            going = [k for k, token in enumerate(tokens) if token not in self._ends]
            for k in going:
                answers[still[k]].append(tokens[k])
            if not going or step == limit - 1:
                break
            if len(going) < len(still):
                rows, going = rows.narrowed(going)
                still = [still[k] for k in going]
            rows = rows.before(torch.ones(len(going), 1, dtype=torch.long))
            logits = self._logits(self._embed(torch.tensor([[tokens[k]] for k in going])), rows)
        return list(zip(answers, yes, no, strict=True))

    def _embed(self, ids: Tensor) -> Tensor:
        table = self._language_model.get_input_embeddings()
        embeddings: Tensor = table(ids.to(table.weight.device))
        return embeddings

    def _logits(self, embeddings: Tensor, rows: Rows) -> Tensor:
        """The logits (rows, vocabulary) after the last of the positions, which are computed."""
        states = self._states(embeddings, rows)
        with self._lora(rows.tuned):
            logits: Tensor = self._head(states)
        return logits

    def _states(self, embeddings: Tensor, rows: Rows) -> Tensor:
        """Compute (rows, n, hidden), the positions that the mask has beyond the keys and values; the last state of each
        row, (rows, hidden)."""
        places = (rows.mask.cumsum(-1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
        with self._lora(rows.tuned):
            states: Tensor = self._language_model(
                inputs_embeds=embeddings,
                past_key_values=rows.key_values,
                use_cache=True,
                attention_mask=rows.mask.to(embeddings.device),
                position_ids=places.to(embeddings.device),
            ).last_hidden_state
        return states[:, -1]

    @contextmanager
    def _lora(self, rows: slice) -> Iterator[None]:
        """LoRA in these rows; where it is not plain, in all or in none."""
        plain = self._row_adapter.plain
        with self._row_adapter.on(rows) if plain else self._adapter(rows.start < rows.stop):
            yield

    @contextmanager
    def _adapter(self, on: bool) -> Iterator[None]:
        """The whole adapter, projector included, on or off."""
        adapted: Any = self._loaded.adapted
        if adapted is None or on:
            yield
            return
        adapted.base_model.disable_adapter_layers()
        try:
            yield
        finally:
            adapted.base_model.enable_adapter_layers()


def with_lora(put: EvalPut) -> bool:
    return put[1] == "tuned"


def seen(put: EvalPut) -> Seen:
    return put[0].picture, put[1]


def after_picture(prompt: Prompt, shared: int) -> int:
    """Where the question begins: behind the picture, or behind the opening."""
    return prompt.places[-1] + prompt.pictures[-1].tokens if prompt.pictures else shared
