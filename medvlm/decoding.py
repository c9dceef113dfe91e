"""How one answer is drawn, token by token, and turned into text that can be shown while it grows."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from medvlm import prompts
from medvlm.cache import Picture
from medvlm.errors import UserError
from medvlm.types import Conversation, Decoding, EndReason, Scan

# One prompt, ready for the language model: (1, n, hidden).
Embeddings = Tensor


class TextPieces:
    """Tokens in, whole characters out: a character whose bytes come in several tokens waits for the last of them."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._begin = 0  # Decoding starts here: a token's text depends on the ones just before it.
        self._shown = 0  # Tokens before this one have been given out.

    def add(self, token: int) -> str:
        """The text that this token completes; empty while a character is not whole."""
        self._tokens.append(token)
        return self._new(whole=True)

    def finish(self) -> str:
        """What was held back; bytes that never became a character are dropped."""
        return self._new(whole=False).rstrip("\ufffd")

    def _new(self, whole: bool) -> str:
        before = self._decode(self._tokens[self._begin : self._shown])
        now = self._decode(self._tokens[self._begin :])
        if len(now) <= len(before) or (whole and now.endswith("\ufffd")):
            return ""
        self._begin, self._shown = self._shown, len(self._tokens)
        return now[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


class Chooser:
    """Draws the next token from logits (n, vocabulary): greedy at temperature 0, else by the answer's own seed."""

    def __init__(self, decoding: Decoding, never: Sequence[int] = ()) -> None:
        self._decoding = decoding
        self._never = list(never)
        # On the CPU and of its own: the same seed gives the same draw whatever else runs, on any device.
        self._random = torch.Generator("cpu").manual_seed(decoding.seed)

    def __call__(self, logits: Tensor) -> list[int]:
        logits = logits.float()
        if not bool(torch.isfinite(logits).all()):
            raise UserError(
                "The model computed numbers that are not numbers. Ask again; if it repeats, load it with "
                "--quantization none or another --compute-dtype."
            )
        logits[:, self._never] = -torch.inf
        if self._decoding.temperature <= 0:
            return [int(i) for i in logits.argmax(-1)]
        return [self._draw(row) for row in logits.cpu()]

    def _draw(self, logits: Tensor) -> int:
        probabilities, tokens = torch.softmax(logits / self._decoding.temperature, -1).sort(
            descending=True, stable=True
        )
        # The nucleus: the fewest tokens whose probabilities sum to top_p, at least one (Holtzman et al. 2020).
        outside = probabilities.cumsum(-1) - probabilities >= self._decoding.top_p
        outside[0] = False
        probabilities = probabilities.masked_fill(outside, 0.0)
        return int(tokens[torch.multinomial(probabilities, 1, generator=self._random)])


class Reader:
    """Computes prompts block by block and answers token by token, on the language part of one model."""

    def __init__(self, language_model: Any, head: Any, block: int) -> None:
        self._language_model = language_model
        self._head = head
        self.block = block

    def read(self, embeddings: Embeddings, key_values: Any, go_on: Callable[[], bool]) -> Tensor | None:
        """Compute what follows `key_values` (a multiple of `block` positions); the logits (1, vocabulary) at its end.

        None when `go_on` said no before a block.
        """
        hidden = None
        for block in embeddings.split(self.block, dim=1):
            if not go_on():
                return None
            hidden = self._hidden(block, key_values)
        assert hidden is not None
        return self.logits(hidden[:, -1])

    def step(self, token: int, key_values: Any) -> Tensor:
        """Compute one more token; the logits (1, vocabulary) after it."""
        embedding = self.embed(torch.tensor([[token]]))
        return self.logits(self._hidden(embedding, key_values)[:, -1])

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

    def batch(self, rows: Sequence[Embeddings], choose: Chooser, ends: Collection[int], limit: int) -> list[list[int]]:
        """Answer several prompts (each (n, hidden)) as one batch, padded on the left: the tokens of each answer."""
        longest = max(len(row) for row in rows)
        embeddings = torch.stack([nn.functional.pad(row, (0, 0, longest - len(row), 0)) for row in rows])
        mask = torch.stack([(torch.arange(longest) >= longest - len(row)).long() for row in rows]).to(embeddings.device)
        answers: list[list[int]] = [[] for _ in rows]
        open_rows = set(range(len(rows)))
        cache = DynamicCache()
        for _ in range(limit):
            places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
            hidden = self._hidden(embeddings, cache, attention_mask=mask, position_ids=places)
            tokens = choose(self.logits(hidden[:, -1]))
            open_rows -= {row for row in open_rows if tokens[row] in ends}
            for row in open_rows:
                answers[row].append(tokens[row])
            if not open_rows:
                break
            embeddings = self.embed(torch.tensor(tokens)[:, None])
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)
        return answers


class Drawn:
    """The tokens of one answer as they are drawn; `ended` and `count` tell how it went, once it is over."""

    def __init__(self, reader: Reader, key_values: Any, choose: Chooser, ends: Collection[int], limit: int) -> None:
        self.ended: EndReason = "length"
        self.count = 0
        self._reader = reader
        self._key_values = key_values
        self._choose = choose
        self._ends = ends
        self._limit = limit

    def after(self, logits: Tensor | None, go_on: Callable[[], bool]) -> Iterator[int]:
        """Token by token, from the logits at the prompt's end (None: it was stopped there). Stops when `go_on` says no."""
        while self.count < self._limit:
            if logits is None or not go_on():
                self.ended = "stopped"
                return
            (token,) = self._choose(logits)
            if token in self._ends:
                self.ended = "end"
                return
            self.count += 1
            yield token
            if self.count < self._limit:
                logits = self._reader.step(token, self._key_values)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in tokens. `marks` tell what each stands for, `places` where each picture begins."""

    tokens: tuple[int, ...]
    marks: tuple[Hashable, ...]
    pictures: tuple[Picture, ...]
    places: tuple[int, ...]
    notes: tuple[str, ...] = ()


class Template:
    """Makes prompts of conversations, by the chat template and the tokens of one model."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        words = {*processor.tokenizer.all_special_tokens, processor.image_token}
        self._special = tuple(sorted((word for word in words if len(word) > 1), key=len, reverse=True))

    def text(self, conversation: Conversation) -> str:
        """The prompt as text, up to where the answer begins; one image mark a picture."""
        text: str = self._processor.apply_chat_template(
            prompts.messages(prompts.harmless(conversation, self._special)), tokenize=False, add_generation_prompt=True
        )
        return text

    def fitting(self, conversation: Conversation, picture: Callable[[Scan, int], Picture], room: int) -> Prompt:
        """The prompt within `room` tokens: the oldest questions go first, pictures and system prompt never.

        Raises UserError when the last question alone is too long.
        """
        questions = sum(turn.role == "user" for turn in conversation.turns)
        for dropped in range(questions):
            rest = prompts.without_oldest(conversation, dropped)
            prompt = self._prompt(rest, picture, _dropped_note(dropped))
            if len(prompt.tokens) <= room:
                return prompt
        raise UserError(
            f"The question with its pictures takes {len(prompt.tokens)} tokens and there is room for {max(room, 0)}. "
            "Shorten it, show fewer pictures, or allow a shorter answer."
        )

    def first_tokens(self, word: str) -> list[int]:
        """The tokens with which an answer that begins with the word can begin."""
        ways = {space + form for space in ("", " ") for form in (word, word.lower(), word.capitalize(), word.upper())}
        encoded = (self._tokenizer.encode(way, add_special_tokens=False) for way in ways)
        return sorted({tokens[0] for tokens in encoded if tokens})

    def _prompt(
        self, conversation: Conversation, picture: Callable[[Scan, int], Picture], notes: tuple[str, ...]
    ) -> Prompt:
        shown = [picture(conversation.scans[view.scan], view.slice) for view in prompts.views(conversation)]
        image_token = self._processor.image_token
        parts = self.text(conversation).split(image_token)
        assert len(parts) == len(shown) + 1, "the chat template shows every picture once"
        text = parts[0] + "".join(image_token * p.tokens + part for p, part in zip(shown, parts[1:], strict=True))
        # As ProcessorMixin does: a template that writes the beginning mark itself must not get a second one.
        bos = self._tokenizer.bos_token
        tokens = self._tokenizer.encode(text, add_special_tokens=not (bos and text.startswith(bos)))
        return _marked(tokens, tuple(shown), self._processor.image_token_id, notes)


def _marked(tokens: Sequence[int], pictures: tuple[Picture, ...], image: int, notes: tuple[str, ...]) -> Prompt:
    """Tell which tokens stand for which picture; each run of image tokens is one or more pictures, in order."""
    marks: list[Hashable] = list(tokens)
    spots = [i for i, token in enumerate(tokens) if token == image]
    names = [(picture.key, k) for picture in pictures for k in range(picture.tokens)]
    for spot, name in zip(spots, names, strict=True):
        marks[spot] = name
    places, used = [], 0
    for picture in pictures:
        places.append(spots[used])
        used += picture.tokens
    return Prompt(tuple(tokens), tuple(marks), pictures, tuple(places), notes)


def _dropped_note(questions: int) -> tuple[str, ...]:
    if not questions:
        return ()
    which = "oldest question and its answer" if questions == 1 else f"{questions} oldest questions and their answers"
    return (f"The conversation is too long for the model: the {which} were left out. Pictures stay in view.",)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: those of the generation settings and the tokenizer's own."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)
