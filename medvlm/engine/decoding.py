"""How one answer is drawn, token by token, with all that was kept of the conversation before."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from medvlm import prompts
from medvlm.engine.cache import KeyValues, PrefixCache
from medvlm.engine.draft import Draft
from medvlm.engine.loading import Loaded
from medvlm.engine.queueing import Channel
from medvlm.engine.row_adapter import RowAdapter
from medvlm.engine.sights import Pictures
from medvlm.engine.templates import Prompt, Template, TextPieces, end_tokens
from medvlm.errors import UserError
from medvlm.families import Layout
from medvlm.families.reader import Reader
from medvlm.types import Arm, Conversation, Decoding, Scan, View

# Whole blocks of so many positions are computed at once and used again. Small ones keep more of a conversation; on a
# GPU a forward pass has a fixed cost that small ones would pay too often.
BLOCK = {"cpu": 32, "cuda": 256}
# Operations in one pass over two prompts: two cores do about 1e11 a second.
PASS = 4e11


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


class Engine:
    """One loaded model with all that it keeps between questions. Not safe for threads: its callers take turns."""

    def __init__(self, loaded: Loaded, context: int | None, cache_bytes: int) -> None:
        family, model, processor = loaded.family, loaded.model, loaded.processor
        config: Any = model.config
        text = config.get_text_config()
        self.context = min(context or text.max_position_embeddings, text.max_position_embeddings)
        self.tokenizer = processor.tokenizer
        self.template = Template(processor, family)
        self._family, self._config = family, config
        self.pictures = Pictures(model, family, processor, cache_bytes // 4)
        self.reader = Reader(
            family.part(model, family.language_model),
            family.part(model, family.head),
            BLOCK[loaded.device.type],
            family,
            config,
        )
        self.prefixes = PrefixCache(text.num_hidden_layers, self.reader.block, cache_bytes)
        self.row_adapter = RowAdapter(loaded.adapted, family.part(model, family.head))
        self.at_once = at_once(model, self.reader.block)
        # Rows of different lengths need masks of our own, which FlashAttention does not take.
        self.mixes = self.row_adapter.plain and text._attn_implementation == "sdpa"
        self._adapted = loaded.adapted
        self._ends = end_tokens(model, self.tokenizer)
        self._never = tuple({int(processor.image_token_id), family.placeholder(processor)})

    @contextmanager
    def switched(self, arm: Arm) -> Iterator[None]:
        """The adapter on or off, for the whole process: only while one's turn in the line lasts."""
        adapted: Any = self._adapted
        if adapted is None or arm == "tuned":
            yield
            return
        adapted.base_model.disable_adapter_layers()
        try:
            yield
        finally:
            adapted.base_model.enable_adapter_layers()

    @contextmanager
    def mixed(self, arms: Sequence[Arm]) -> Iterator[None]:
        """Each row of a batch its own arm, base before tuned, for the whole process like `switched`."""
        with self.row_adapter.on(slice(list(arms).count("base"), len(arms))):
            yield

    def draw(self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding) -> str:
        """Draw one answer into the channel; its text when it came to its own end, else nothing."""
        draft = self.draft(conversation, decoding, time.monotonic(), channel.put, channel.go_on)
        logits, key_values, draft.reused = self.read(conversation.id, arm, draft.prompt, draft.go_on)
        shift = self.layout(draft.prompt).shift
        while (token := draft.take(logits)) is not None:
            logits = self.reader.step(token, key_values, shift)
        report = draft.finish()
        self.prefixes.put(conversation.id, arm, draft.prompt.marks, key_values)
        channel.end(report)
        return draft.said

    def draft(
        self,
        conversation: Conversation,
        decoding: Decoding,
        began: float,
        put: Callable[[str], None],
        wanted: Callable[[], bool],
    ) -> Draft:
        """An answer whose work `began` then; its pieces are `put` while it is `wanted`. Raises UserError when it is too
        long."""
        prompt = self.fitting(conversation, decoding.max_tokens)
        choose, pieces = Chooser(decoding, self._never), TextPieces(self.tokenizer)
        return Draft(prompt, decoding, choose, self._ends, pieces, began, put, wanted)

    def probe(self, arm: Arm) -> tuple[Tensor, list[int]]:
        """Logits (n, vocabulary) before each token of a known answer about a known picture, and these tokens (n)."""
        grey = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (1, 64, 3))
        scan = Scan((grey,), "other", "unknown", "probe", "probe")
        prompt = self.fitting(Conversation((scan,)).asked(prompts.PROBE_QUESTION, (View(0),)), 64)
        answer: list[int] = self.tokenizer.encode(prompts.PROBE_ANSWER, add_special_tokens=False)
        embeddings = torch.cat([self.embed(prompt, 0, arm), self.reader.embed(torch.tensor([answer]))], 1)
        layout = self.layout(prompt, len(answer))
        return self.reader.after_each(embeddings, len(answer) + 1, layout)[:-1].float(), answer

    def first_words(self, conversation: Conversation, arm: Arm, words: tuple[str, ...]) -> dict[str, float]:
        """The probability that the answer begins with each word."""
        prompt = self.fitting(conversation, 1)
        logits, key_values, _ = self.read(conversation.id, arm, prompt, lambda: True)
        self.prefixes.put(conversation.id, arm, prompt.marks, key_values)
        assert logits is not None
        probabilities = torch.softmax(logits[0].float(), -1)
        return {word: float(probabilities[self.template.first_tokens(word)].sum()) for word in words}

    def batch(self, conversations: Sequence[Conversation], arm: Arm, decoding: Decoding) -> list[str]:
        """Answer several conversations at once."""
        fitted = [self.fitting(c, decoding.max_tokens) for c in conversations]
        rows, layouts = [self.embed(p, 0, arm)[0] for p in fitted], [self.layout(p) for p in fitted]
        answers = self.reader.batch(rows, layouts, Chooser(decoding, self._never), self._ends, decoding.max_tokens)
        return [self.tokenizer.decode(tokens, skip_special_tokens=True).strip() for tokens in answers]

    def warm(self, conversation: Conversation, arm: Arm, idle: Callable[[], bool]) -> None:
        """Compute the whole blocks of an answered conversation that the next question will begin with, while `idle`.

        Nothing is done for a conversation that was forgotten.
        """
        prompt = self.fitting(conversation, 0)
        layout = self.layout(prompt)
        key_values, kept = self.kept(conversation.id, arm, prompt, layout)
        whole = layout.cut(len(prompt.marks), self.reader.block)
        if kept < whole:
            self.reader.read(self.embed(prompt, kept, arm)[:, : whole - kept], key_values, idle, layout)
        if kept:
            self.prefixes.put(conversation.id, arm, prompt.marks, key_values)

    def make_room(self) -> None:
        """Drop all that is kept between questions."""
        self.prefixes.clear()
        self.pictures.clear()

    def read(
        self, conversation_id: str, arm: Arm, prompt: Prompt, go_on: Callable[[], bool]
    ) -> tuple[Tensor | None, KeyValues, int]:
        """Compute what is not kept of a prompt: logits at its end, keys and values, length of what was kept."""
        layout = self.layout(prompt)
        key_values, reused = self.kept(conversation_id, arm, prompt, layout)
        logits = self.reader.read(self.embed(prompt, reused, arm), key_values, go_on, layout)
        return logits, key_values, reused

    def layout(self, prompt: Prompt, more: int = 0) -> Layout:
        """Where the prompt's tokens lie, and those of `more` behind it."""
        inputs = [picture.inputs for picture in prompt.pictures]
        return self._family.layout(self._config, len(prompt.tokens) + more, prompt.spots, inputs)

    def masks(self, lengths: Sequence[int], more: int, device: torch.device) -> Any:
        """Where `more` tokens behind each row's end look: (rows, 1, more, keys) bool, or one of each kind of layer."""
        text = self._config.get_text_config()
        kinds, window = set(getattr(text, "layer_types", None) or ()), getattr(text, "sliding_window", None)
        far, near = (look_back(lengths, more, width).to(device) for width in (None, window))
        if len(kinds) > 1:
            return {"full_attention": far, "sliding_attention": near}
        return far if kinds == {"full_attention"} else near

    def kept(self, conversation_id: str, arm: Arm, prompt: Prompt, layout: Layout) -> tuple[KeyValues, int]:
        """What is kept of the prompt's beginning, up to a place where it may be cut."""
        key_values, kept = self.prefixes.take(conversation_id, arm, prompt.marks)
        key_values.keep(kept := layout.cut(kept, self.reader.block))
        return key_values, kept

    def embed(self, prompt: Prompt, start: int, arm: Arm) -> Tensor:
        """(1, n - start, hidden): the prompt from `start` on, pictures in their places."""
        embeddings = self.reader.embed(torch.tensor([prompt.tokens[start:]]))
        for picture, spots in zip(prompt.pictures, prompt.spots, strict=True):
            if spots[-1] >= start:
                places = torch.tensor(spots)
                wanted = places >= start
                features = self.pictures.features(picture, arm)[wanted.to(embeddings.device)]
                embeddings[0, (places[wanted] - start).to(embeddings.device)] = features.to(embeddings.dtype)
        return embeddings

    def fitting(self, conversation: Conversation, answer: int) -> Prompt:
        return self.template.fitting(conversation, self.pictures.picture, self.context - answer)


def look_back(lengths: Sequence[int], more: int, window: int | None) -> Tensor:
    """(rows, 1, more, keys) bool: each token behind a row's end looks at itself and at those before it in its row, at
    most `window` in all."""
    keys = torch.arange(max(lengths) + more)
    places = (torch.tensor(lengths)[:, None] + torch.arange(more))[..., None]
    seen = (keys <= places) & (keys > places - (window or len(keys)))
    return seen[:, None]


def at_once(model: nn.Module, block: int) -> int:
    """How many positions of two prompts are computed in one pass: whole blocks, the more the better the processor is
    used, but no more than can be stopped within a few seconds on two cores."""
    weights = sum(m.in_features * m.out_features for m in model.modules() if isinstance(m, nn.Linear))
    return block * int(min(4, max(1, PASS // (4 * max(weights, 1) * block))))


def advice(error: Exception) -> UserError:
    """What a failure inside the computation means for the person who asked."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in text:
        return UserError("The machine ran out of memory while answering. Start a new conversation, or close programs.")
    return UserError(f"The model failed while answering ({text}). Ask again; if it repeats, start a new conversation.")
