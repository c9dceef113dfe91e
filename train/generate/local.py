"""A teacher on this machine: any language model that transformers loads, text alone, several questions in a batch."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from medvlm import catalog, checkpoints
from medvlm.engine.loading import choose_device, choose_dtype, read_config
from medvlm.engine.queueing import Answer, Channel, Line
from medvlm.errors import CheckpointError, UserError
from medvlm.families import FAMILIES
from medvlm.prompts import SYSTEM
from medvlm.teacher import Asked, Said
from medvlm.types import Arm, Conversation, Decoding, EndReason, Report


class TextModel:
    """A ChatModel without eyes. Of a vision-language model it is the language part, as it answers without pictures."""

    def __init__(self, model: Any, tokenizer: Any, name: str, parts: bool = False) -> None:
        """`parts`: the chat template takes lists of parts, as those of vision-language models do."""
        self._model, self._tokenizer, self.name, self._parts = model, tokenizer, name, parts
        self._line = Line()

    @classmethod
    def load(cls, name: str) -> "TextModel":
        """`name`: of the catalog or the hub, or a folder. Raises CheckpointError."""
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer
        from transformers.utils import logging

        import medvlm.tower  # noqa: F401  (registers nano's vision tower)

        logging.disable_progress_bar()
        folder = catalog.resolve(name)
        checkpoints.refuse_code(folder)
        eyes = str(read_config(folder).get("model_type")) in FAMILIES
        kind = AutoModelForImageTextToText if eyes else AutoModelForCausalLM
        device = choose_device("auto")
        try:
            model = kind.from_pretrained(folder, dtype=choose_dtype("auto", device), use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"{folder} cannot be loaded: {error}. Download or assemble the model again."
            ) from error
        if tokenizer.chat_template is None:
            raise CheckpointError(f"{name} has no chat template, so it follows no instructions. Take one that chats.")
        return cls(model.to(device).eval(), tokenizer, catalog.short_name(name), eyes)

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        """The whole answer in one piece."""
        return Answer(self._line, lambda channel: self._alone(channel, Asked(conversation, decoding)))

    def _alone(self, channel: Channel, one: Asked) -> None:
        began = time.monotonic()
        (said,) = self.answer_all([one])
        seconds = time.monotonic() - began
        channel.put(said.text)
        channel.end(Report(said.tokens, 0, 0, seconds, seconds, said.ended))

    @torch.inference_mode()
    def answer_all(self, asked: Sequence[Asked]) -> list[Said]:
        """One batch; every row draws by its own seed, so that it says the same in any company but for rounding.

        Raises UserError where a prompt is too long for the model.
        """
        prompts = [self._tokenizer(self._text(one.conversation), add_special_tokens=False).input_ids for one in asked]
        most = max(one.decoding.max_tokens for one in asked)
        self._check(max(map(len, prompts)) + most)
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._ends()[0]
        width = max(map(len, prompts))
        rows = torch.tensor([[pad] * (width - len(row)) + row for row in prompts], device=self._model.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=self._model.device)
        settings = GenerationConfig(do_sample=False, max_new_tokens=most, eos_token_id=self._ends(), pad_token_id=pad)
        clock = Clock(max(one.decoding.seconds for one in asked))
        made = self._model.generate(
            input_ids=rows,
            attention_mask=mask,
            generation_config=settings,
            logits_processor=LogitsProcessorList([Draws([one.decoding for one in asked])]),
            stopping_criteria=StoppingCriteriaList([clock]),
        )
        return [
            self._said(row[width:].tolist(), len(prompt), one.decoding, clock.over)
            for row, prompt, one in zip(made, prompts, asked, strict=True)
        ]

    def _said(self, row: list[int], prompt: int, decoding: Decoding, late: bool) -> Said:
        ends = [at for at, token in enumerate(row) if token in self._ends()]
        cut = row[: ends[0]] if ends else row
        ended: EndReason = "end" if ends else "time" if late else "length"
        if len(cut) > decoding.max_tokens:
            cut, ended = cut[: decoding.max_tokens], "length"
        return Said(self._tokenizer.decode(cut, skip_special_tokens=True).strip(), ended, prompt + len(cut))

    def _text(self, talk: Conversation) -> str:
        said = [("system", talk.system or SYSTEM), *((turn.role, turn.text) for turn in talk.turns)]
        told = [{"role": role, "content": self._content(text)} for role, text in said]
        text: str = self._tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
        return text

    def _content(self, text: str) -> Any:
        """The words with the model's control words made plain: material must never open or close a turn."""
        for token in self._tokenizer.added_tokens_decoder.values():
            if token.special and len(token.content) > 1:
                text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
        return [{"type": "text", "text": text}] if self._parts else text

    def _ends(self) -> list[int]:
        given = self._model.generation_config.eos_token_id
        ends = given if isinstance(given, list) else [given]
        return [int(one) for one in (*ends, self._tokenizer.eos_token_id) if one is not None]

    def _check(self, needed: int) -> None:
        room = int(self._model.config.get_text_config().max_position_embeddings)
        if needed > room:
            raise UserError(
                f"{self.name} has room for {room} tokens and prompt and reply may take {needed}. Take a teacher with "
                "more room, or captions and mentions that are shorter."
            )


class Draws(LogitsProcessor):  # type: ignore[misc]
    """Makes greedy search draw each row by its own seed: the largest of logits plus Gumbel noise is a draw from their
    softmax (Gumbel 1954); outside the nucleus nothing is drawn. Rows at temperature 0 stay as they are."""

    def __init__(self, decodings: Sequence[Decoding]) -> None:
        self._rows = [(one, torch.Generator().manual_seed(one.seed)) for one in decodings]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        return torch.stack([self._drawn(row, *way) for row, way in zip(scores, self._rows, strict=True)])

    def _drawn(self, logits: Tensor, decoding: Decoding, random: torch.Generator) -> Tensor:
        if decoding.temperature <= 0:
            return logits.float()
        scaled = logits.float() / decoding.temperature
        ordered, places = scaled.softmax(-1).sort(descending=True, stable=True)
        outside = ordered.cumsum(-1) - ordered >= decoding.top_p
        outside[0] = False
        noise = -torch.log(-torch.log(torch.rand(len(scaled), generator=random).clamp(1e-20, 1 - 1e-7)))
        return (scaled + noise.to(scaled.device)).index_fill(0, places[outside], -torch.inf)


class Clock(StoppingCriteria):  # type: ignore[misc]
    """Ends a batch that takes too long."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.over = False

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        self.over = time.monotonic() > self._end
        return torch.full((len(input_ids),), self.over, device=input_ids.device)
