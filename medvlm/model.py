"""The model on this machine: loaded once, answering as two arms, base and tuned, one question at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from medvlm import catalog, prompts
from medvlm.cache import KeyValues, Pictures, PrefixCache
from medvlm.decoding import Chooser, Drawn, Prompt, Reader, Template, TextPieces, end_tokens
from medvlm.errors import UserError
from medvlm.loading import (
    ComputeType,
    Device,
    Loaded,
    Progress,
    Quantization,
    Unpack,
    attach,
    choose_device,
    choose_dtype,
    free_memory,
    load_base,
    should_unpack,
    unpack as unpack_layers,
)
from medvlm.queueing import Answer, Channel, Line
from medvlm.types import Arm, Conversation, Decoding, Report, Scan, View

# Whole blocks of so many positions are computed at once and used again. Small ones keep more of a conversation; on a
# GPU a forward pass has a fixed cost that small ones would pay too often.
BLOCK = {"cpu": 32, "cuda": 256}
QUANTIZATION_NAMES: dict[Quantization, str] = {"nf4": "NF4", "int8": "int8", "none": ""}
DTYPE_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def _silent(_: str, __: float) -> None:
    """Progress that nobody watches."""


class LocalModel:
    """A ChatModel: one set of weights in memory, the adapter switched off for "base" and on for "tuned"."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        name: str = "model",
        adapter_name: str | None = None,
        verified: bool = False,
        queue_size: int = 32,
        context: int | None = None,
        cache_bytes: int = 1 << 30,
    ) -> None:
        """`context`: at most so many tokens for prompt and answer (default: what the model was made for)."""
        self.loaded = loaded
        self.base_name = name
        self.adapter_name = adapter_name
        self.verified = verified
        family, model = loaded.family, loaded.model
        config: Any = model.config
        text = config.get_text_config()
        self.context = min(context or text.max_position_embeddings, text.max_position_embeddings)
        self._tokenizer = loaded.processor.tokenizer
        self._reader = Reader(
            family.part(model, family.language_model), family.part(model, family.head), BLOCK[loaded.device.type]
        )
        self._prefixes = PrefixCache(text.num_hidden_layers, self._reader.block, cache_bytes)
        self._pictures = Pictures(model, family, loaded.processor, cache_bytes // 4)
        self._line = Line(queue_size)
        self._template = Template(loaded.processor)
        self._ends = end_tokens(model, self._tokenizer)
        self._never = (int(loaded.processor.image_token_id),)

    @classmethod
    def load(
        cls,
        base: str,
        adapter: str | None = None,
        *,
        device: Device = "auto",
        quantization: Quantization = "nf4",
        compute_dtype: ComputeType = "auto",
        unpack: Unpack = "auto",
        progress: Progress = _silent,
        queue_size: int = 32,
        context: int | None = None,
        cache_bytes: int | None = None,
        self_check: bool = True,
    ) -> "LocalModel":
        """Load `base` (catalog name, folder or hub name) and, on top, `adapter` (catalog name or folder).

        Raises CheckpointError when weights are missing, damaged, of a refused kind, or do not fit each other.
        """
        progress("Looking for the weights", 0.0)
        folder = catalog.resolve(base, progress)
        adapter_folder = catalog.resolve_adapter(adapter) if adapter else None
        where = choose_device(device)
        dtype = choose_dtype(compute_dtype, where)
        progress("Loading the model", 0.2)
        model, processor, family = load_base(folder, where, dtype, quantization)
        adapted = None
        if adapter_folder is not None:
            progress("Putting the adapter on", 0.6)
            adapted = attach(model, adapter_folder, dtype)
        unpacked = should_unpack(unpack, model, where, dtype)
        if unpacked:
            progress("Unpacking 4-bit weights", 0.8)
            unpack_layers(model, dtype)
        loaded = Loaded(model, adapted, processor, family, where, dtype, quantization, unpacked)
        progress("Ready", 1.0)
        return cls(
            loaded,
            name=catalog.short_name(base),
            adapter_name=catalog.short_name(adapter) if adapter else None,
            queue_size=queue_size,
            context=context,
            cache_bytes=cache_bytes or min(1 << 30, free_memory() // 8),
        )

    @property
    def name(self) -> str:
        return self.base_name if self.adapter_name is None else f"{self.base_name} + {self.adapter_name}"

    @property
    def arms(self) -> tuple[Arm, ...]:
        return ("base",) if self.loaded.adapted is None else ("base", "tuned")

    @property
    def badge(self) -> str:
        """Such as "nano + nano-med · NF4, unpacked · CPU"."""
        numbers = QUANTIZATION_NAMES[self.loaded.quantization] or DTYPE_NAMES[self.loaded.dtype]
        place = "CPU" if self.loaded.device.type == "cpu" else "GPU"
        return f"{self.name} · {numbers}{', unpacked' if self.loaded.unpacked else ''} · {place}"

    def stream(self, conversation: Conversation, arm: Arm, decoding: Decoding) -> Answer:
        """Begin to answer the conversation's last question. Raises UserError at once when that is impossible."""
        self._check(conversation, arm)
        return Answer(self._line, lambda channel: self._answer(channel, conversation, arm, decoding))

    def waiting(self, answer: Answer) -> int:
        """How many are answered before this one."""
        return answer.ahead

    def forget(self, conversation_id: str) -> None:
        """Drop what is kept of a conversation."""
        self._prefixes.forget(conversation_id)

    def seen(self, scan: Scan, view: View) -> Image.Image:
        """What the model sees of a slice: the very pixels that the processor made, shown in grey levels of a screen."""
        with self._line.turn(), torch.inference_mode():
            return Image.fromarray(self._pictures.seen(self._pictures.picture(scan, view.slice)))

    def prompt_text(self, conversation: Conversation, arm: Arm) -> str:
        """The prompt as the model gets it, each picture as one mark. Both arms get the same."""
        self._check(conversation, arm)
        return self._template.text(conversation)

    def next_token_probabilities(
        self, conversation: Conversation, arm: Arm, words: tuple[str, ...]
    ) -> dict[str, float]:
        """The probability that the answer begins with each word (any case, with or without a space before it)."""
        self._check(conversation, arm)
        firsts = {word: self._template.first_tokens(word) for word in words}
        with self._line.turn(), self._switched(arm), torch.inference_mode():
            prompt = self._fitting(conversation, 1)
            logits, key_values, _ = self._read(conversation.id, arm, prompt, lambda: True)
            self._prefixes.put(conversation.id, arm, prompt.marks, key_values)
            assert logits is not None
            probabilities = torch.softmax(logits[0].float(), -1)
            return {word: float(probabilities[tokens].sum()) for word, tokens in firsts.items()}

    def generate_batch(self, conversations: list[Conversation], arm: Arm, decoding: Decoding) -> list[str]:
        """Answer several conversations at once, as one batch padded on the left; for evaluation."""
        for conversation in conversations:
            self._check(conversation, arm)
        with self._line.turn(), self._switched(arm), torch.inference_mode():
            made = [self._fitting(c, decoding.max_tokens) for c in conversations]
            rows = [self._embed(prompt, 0, arm)[0] for prompt in made]
            answers = self._reader.batch(rows, Chooser(decoding, self._never), self._ends, decoding.max_tokens)
        return [self._tokenizer.decode(tokens, skip_special_tokens=True).strip() for tokens in answers]

    def _answer(self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding) -> None:
        """The whole work for one answer, in the worker's thread."""
        try:
            with self._switched(arm), torch.inference_mode():
                self._draw(channel, conversation, arm, decoding)
        except (RuntimeError, MemoryError) as error:
            self._prefixes.clear()
            raise _advice(error) from error

    def _draw(self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding) -> None:
        began = time.monotonic()
        deadline = began + decoding.seconds
        prompt = self._fitting(conversation, decoding.max_tokens)

        def go_on() -> bool:
            return channel.go_on() and time.monotonic() < deadline

        logits, key_values, reused = self._read(conversation.id, arm, prompt, go_on)
        choose, pieces = Chooser(decoding, self._never), TextPieces(self._tokenizer)
        drawn = Drawn(self._reader, key_values, choose, self._ends, decoding.max_tokens)
        first = 0.0
        for token in drawn.after(logits, go_on):
            first = first or time.monotonic() - began
            channel.put(pieces.add(token))
        channel.put(pieces.finish())
        self._prefixes.put(conversation.id, arm, prompt.marks, key_values)
        ended = drawn.ended if drawn.ended != "stopped" or not channel.go_on() else "time"
        notes = prompt.notes
        seconds = time.monotonic() - began
        channel.end(Report(drawn.count, len(prompt.tokens), reused, seconds, first or seconds, ended, notes))

    def _read(
        self, conversation_id: str, arm: Arm, prompt: Prompt, go_on: Callable[[], bool]
    ) -> tuple[Tensor | None, KeyValues, int]:
        """Compute a prompt, as much of it as is not kept: logits at its end, keys and values, length of what was kept."""
        key_values, reused = self._prefixes.take(conversation_id, arm, prompt.marks)
        logits = self._reader.read(self._embed(prompt, reused, arm), key_values, go_on)
        return logits, key_values, reused

    def _embed(self, prompt: Prompt, start: int, arm: Arm) -> Tensor:
        """(1, n - start, hidden): the prompt from `start` on, pictures in their places."""
        embeddings = self._reader.embed(torch.tensor([prompt.tokens[start:]]))
        end = 0
        for picture, begin in zip(prompt.pictures, prompt.places, strict=True):
            end = begin + picture.tokens
            if end > start:
                features = self._pictures.features(picture, arm)[max(start - begin, 0) :]
                at = max(begin, start) - start
                embeddings[0, at : at + len(features)] = features.to(embeddings.dtype)
        return embeddings

    def _fitting(self, conversation: Conversation, answer: int) -> Prompt:
        return self._template.fitting(conversation, self._pictures.picture, self.context - answer)

    @contextmanager
    def _switched(self, arm: Arm) -> Iterator[None]:
        """The adapter on or off, for the whole process: only while one's turn in the line lasts."""
        adapted: Any = self.loaded.adapted
        if adapted is None or arm == "tuned":
            yield
            return
        adapted.base_model.disable_adapter_layers()
        try:
            yield
        finally:
            adapted.base_model.enable_adapter_layers()

    def _check(self, conversation: Conversation, arm: Arm) -> None:
        if arm not in self.arms:
            raise UserError("There is no tuned model here, only the base. Start with --adapter to get one.")
        if not conversation.turns or conversation.turns[-1].role != "user":
            raise UserError("There is no question to answer. Ask one first.")
        for view in prompts.views(conversation):
            if view.scan >= len(conversation.scans) or view.slice >= len(conversation.scans[view.scan].slices):
                raise UserError(
                    f"Picture {view.slice + 1} of scan {view.scan + 1} is not in this conversation. Add it."
                )


def _advice(error: Exception) -> UserError:
    """What a failure inside the computation means for the person who asked."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    starved = isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in text
    if starved:
        return UserError("The machine ran out of memory while answering. Start a new conversation, or close programs.")
    return UserError(f"The model failed while answering ({text}). Ask again; if it repeats, start a new conversation.")
