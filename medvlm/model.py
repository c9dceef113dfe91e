"""The model on this machine: loaded once, answering as two arms, base and tuned, one question at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from medvlm import catalog, checkpoints, prompts
from medvlm.engine.aside import Made, aside
from medvlm.engine.decoding import Engine, advice
from medvlm.engine.loading import (
    ComputeType,
    Device,
    Loaded,
    Progress,
    Quantization,
    Unpack,
    affordable,
    choose_device,
    choose_dtype,
    family_in,
    load_weights,
)
from medvlm.engine.paired_decoding import Pair
from medvlm.engine.queueing import Answer, Channel, Line, PairAnswer
from medvlm.errors import UserError
from medvlm.packages import sha256_of
from medvlm.page.memory import free_memory
from medvlm.types import Arm, Contender, Conversation, Decoding, Scan, View

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
        queue_size: int = 32,
        context: int | None = None,
        cache_bytes: int = 1 << 30,
        keep_warm: bool = False,
    ) -> None:
        """`context`: at most so many tokens for prompt and answer (default: what the model was made for).

        `keep_warm`: compute an answer's part of the next prompt while its reader reads, when nobody waits.
        """
        self._keep_warm = keep_warm
        self.loaded = loaded
        self.base_name = name
        self.adapter_name = adapter_name
        self.verified = False
        self.adapter_sha256 = ""
        self._engine = Engine(loaded, context, cache_bytes)
        self._line = Line(queue_size)

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
        keep_warm: bool = True,
    ) -> "LocalModel":
        """Load `base` (catalog name, folder or hub name) and, on top, `adapter` (catalog name or folder).

        Raises CheckpointError when weights are missing, damaged, of a refused kind, or do not fit each other.
        """
        progress("Looking for the weights", 0.0)
        folder = catalog.resolve(base, progress)
        adapter_folder = catalog.resolve_adapter(adapter) if adapter else None
        if adapter_folder is not None:
            progress("Checking that the adapter fits", 0.05)
            checkpoints.verify(
                checkpoints.read(adapter_folder),
                base_model=catalog.identity(base),
                revision=checkpoints.base_revision(folder),
                family=family_in(folder).name,
                prompt_version=prompts.PROMPT_VERSION,
            )
        where = choose_device(device)
        dtype = choose_dtype(compute_dtype, where)
        progress("Loading the model", 0.1)
        loaded = aside(partial(load_weights, folder, adapter_folder, where, dtype, quantization, unpack))
        model = cls(
            loaded,
            name=catalog.short_name(base),
            adapter_name=catalog.short_name(adapter) if adapter else None,
            queue_size=queue_size,
            context=context,
            cache_bytes=cache_bytes or min(1 << 30, free_memory() // 8),
            keep_warm=keep_warm,
        )
        if adapter_folder is not None:
            model.adapter_sha256 = sha256_of(checkpoints.weight_files(adapter_folder)[0])
        if self_check:
            progress("Trying the model", 0.8)
            model.check(folder, adapter_folder)
        progress("Ready", 1.0)
        return model

    def check(self, folder: Path, adapter: Path | None) -> None:
        """Try the model on probe prompts; raises CheckpointError for gibberish, an adapter without effect, or 4 bits
        that stray from full precision (looked at where a second copy is affordable)."""
        probes = {arm: self._probe(arm) for arm in self.arms}
        for arm, (logits, answer) in probes.items():
            checkpoints.check_fluent(logits, answer, f"{self.name} ({arm})")
        if "tuned" in probes:
            checkpoints.check_differ(probes["base"][0], probes["tuned"][0], str(self.adapter_name))
        if self.loaded.quantization != "none" and affordable(self.loaded.model):
            self._compare(folder, adapter, {arm: logits for arm, (logits, _) in probes.items()})
        self.verified = "tuned" in probes

    def _compare(self, folder: Path, adapter: Path | None, quantised: dict[Arm, Tensor]) -> None:
        """Hold the quantised logits against full precision, once for the same weights on the same machine."""
        own = self.loaded
        seal = checkpoints.seal(folder, adapter, own.quantization, own.dtype, prompts.PROMPT_VERSION)
        if checkpoints.agreed(seal):
            return
        whole = LocalModel(aside(partial(load_weights, folder, adapter, own.device, own.dtype, "none", "no")))
        pairs = {arm: (whole._probe(arm)[0], logits) for arm, logits in quantised.items()}
        numbers = {arm: checkpoints.check_agree(*pair, f"{self.name} ({arm})") for arm, pair in pairs.items()}
        checkpoints.remember(seal, {str(arm): found for arm, found in numbers.items()})

    @property
    def name(self) -> str:
        return self.base_name if self.adapter_name is None else f"{self.base_name} + {self.adapter_name}"

    @property
    def context(self) -> int:
        """How many tokens a prompt and its answer may have together."""
        return int(self._engine.context)

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

    def stream_pair(self, left: Contender, right: Contender, decodings: tuple[Decoding, Decoding]) -> PairAnswer:
        """Begin to answer both sides' last questions together, in one turn of the line.

        Each text is what `stream` gives for its side alone, but for near-ties of rounding. Raises UserError at once
        when either is impossible.
        """
        for side in (left, right):
            self._check(side.conversation, side.arm)
        return PairAnswer(self._line, lambda channel: self._answer_pair(channel, (left, right), decodings))

    def waiting(self, answer: Answer | PairAnswer) -> int:
        """How many are answered before this one."""
        return answer.ahead

    def forget(self, conversation_id: str) -> None:
        """Drop what is kept of a conversation, and of pictures that nobody holds any more."""
        self._engine.prefixes.forget(conversation_id)
        self._engine.pictures.sweep()

    def seen(self, scan: Scan, view: View) -> Image.Image:
        """What the model sees of a slice: the very pixels that the processor made, shown in grey levels of a screen."""
        return Image.fromarray(self._engine.pictures.seen(scan, view.slice))

    def prompt_text(self, conversation: Conversation, arm: Arm) -> str:
        """The prompt as the model gets it, each picture as one mark. Both arms get the same."""
        self._check(conversation, arm)
        return self._engine.template.text(conversation)

    def next_token_probabilities(
        self, conversation: Conversation, arm: Arm, words: tuple[str, ...]
    ) -> dict[str, float]:
        """The probability that the answer begins with each word (any case, with or without a space before it)."""
        self._check(conversation, arm)
        return self._in_turn(arm, lambda: self._engine.first_words(conversation, arm, words))

    def generate_batch(self, conversations: list[Conversation], arm: Arm, decoding: Decoding) -> list[str]:
        """Answer several conversations at once, as one batch padded on the left; for evaluation."""
        for conversation in conversations:
            self._check(conversation, arm)
        return self._in_turn(arm, lambda: self._engine.batch(conversations, arm, decoding))

    def make_room(self) -> None:
        """Drop all that is kept between questions."""
        self._engine.make_room()

    @property
    def kept_bytes(self) -> int:
        """How much memory the kept parts of conversations take."""
        return self._engine.prefixes.nbytes

    def _answer(
        self, channel: Channel, conversation: Conversation, arm: Arm, decoding: Decoding
    ) -> Callable[[], None] | None:
        """The whole work for one answer, in the worker's thread; what to do once others have had their turn."""
        with self._advising(), self._engine.switched(arm), torch.inference_mode():
            text = self._engine.draw(channel, conversation, arm, decoding)
        return partial(self._warm, conversation.answered(text), arm) if self._keep_warm and text else None

    def _answer_pair(
        self, channel: Channel, sides: tuple[Contender, Contender], decodings: tuple[Decoding, Decoding]
    ) -> Callable[[], None] | None:
        with self._advising(), torch.inference_mode():
            texts = Pair(self._engine, channel, sides, decodings).draw()
        said = [(side.conversation.answered(text), side.arm) for side, text in zip(sides, texts, strict=True) if text]
        return partial(self._warm_each, said) if self._keep_warm else None

    @contextmanager
    def _advising(self) -> Iterator[None]:
        """A failure inside the computation becomes advice, and makes room."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            self.make_room()
            raise advice(error) from error

    def _warm_each(self, said: list[tuple[Conversation, Arm]]) -> None:
        for conversation, arm in said:
            self._warm(conversation, arm)

    def _warm(self, conversation: Conversation, arm: Arm) -> None:
        """Get ready for the next question while the answer is being read; gives way to anybody who asks."""
        if len(self._line):
            return
        try:
            with self._turn(arm):
                self._engine.warm(conversation, arm, self._idle)
        except (RuntimeError, MemoryError, UserError):
            self.make_room()  # It was only a favour; the next question finds its way without.

    def _idle(self) -> bool:
        return len(self._line) <= 1 and threading.main_thread().is_alive()

    @contextmanager
    def _turn(self, arm: Arm) -> Iterator[None]:
        """One's turn in the line, whole in this thread, with the arm switched on."""
        with self._line.turn(), self._engine.switched(arm), torch.inference_mode():
            yield

    def _in_turn(self, arm: Arm, work: Callable[[], Made]) -> Made:
        """What the work gives in its turn; for callers whose thread lives on."""

        def whole() -> Made:
            with self._turn(arm):
                return work()

        return aside(whole)

    def _probe(self, arm: Arm) -> tuple[Tensor, list[int]]:
        return self._in_turn(arm, lambda: self._engine.probe(arm))

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
