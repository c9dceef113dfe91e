"""Two answers at once against one after the other: a half-billion-parameter model, and nano in 4 bits."""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from medvlm import paths
from medvlm.assemble import assemble
from medvlm.chat import whole
from medvlm.engine.aside import aside
from medvlm.engine.loading import ADAPTER, Loaded, choose_dtype
from medvlm.engine.pairing import stream
from medvlm.families import FAMILIES
from medvlm.model import LocalModel
from medvlm.types import Arm, Contender, Conversation, Decoding, Report, View
from tests import tiny_models
from tests.bench.measuring import Row

NANO_MED = paths.ASSETS / "adapters" / "nano-med"
ARMS: tuple[Arm, Arm] = ("base", "tuned")
QUESTION = "Describe what you see in this picture, as fully as you can."


def measured(name: str, unit: str, against: str, ours: list[float], theirs: list[float]) -> Row:
    """The medians of runs that took turns; the ratio is the median of each run's own."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return {"name": name, "value": statistics.median(ours), "unit": unit, "against": against, "ratio": ratio}


@contextmanager
def endless(model: LocalModel) -> Iterator[None]:
    """Answers go on to their limit."""
    engine: Any = model._engine
    ends, engine._ends = engine._ends, frozenset()
    try:
        yield
    finally:
        engine._ends = ends


def fresh(model: LocalModel, talk: Conversation, run: str) -> Conversation:
    """Asked for the first time: nothing is kept of it, the picture neither."""
    model.make_room()
    return replace(talk, id=run)


def apart(model: LocalModel, talk: Conversation, decoding: Decoding) -> list[Report]:
    talk = fresh(model, talk, "apart")
    return [whole(model, talk, arm, decoding).report for arm in ARMS]


def together(model: LocalModel, talk: Conversation, decoding: Decoding) -> list[Report]:
    talk = fresh(model, talk, "together")
    pair = stream(Contender(model, "base", talk), Contender(model, "tuned", talk), (decoding, decoding))
    for _ in pair:
        pass
    return [report for report in pair.reports if report is not None]


def seconds(work: Callable[..., list[Report]], *arguments: Any) -> tuple[float, list[Report]]:
    start = time.perf_counter()
    reports = work(*arguments)
    assert len(reports) == 2
    return time.perf_counter() - start, reports


def half_billion(smoke: bool) -> LocalModel:
    """A LLaVA of 0.5 billion random parameters (in small: 0.1 million) with LoRA of rank 32 and its own projector."""
    from peft import LoraConfig, get_peft_model
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tiny_models.tokenizer()
    side = 28 if smoke else 294
    tokens = (side // 14) ** 2
    sizes: dict[str, int] = (
        dict(vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
        if smoke
        else dict(
            vocab_size=49152, hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16
        )
    )
    eyes: dict[str, int] = (
        dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2)
        if smoke
        else dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    )
    config = LlavaConfig(
        text_config=LlamaConfig(
            num_key_value_heads=sizes["num_attention_heads"] // 2, max_position_embeddings=1024, bos_token_id=None,
            eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, tie_word_embeddings=True, **sizes,
        ),
        vision_config=CLIPVisionConfig(image_size=side, patch_size=14, **eyes), image_seq_length=tokens,
        image_token_id=words.convert_tokens_to_ids("<image>"), tie_word_embeddings=True,
    )  # fmt: skip
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
        tokenizer=words, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=tiny_models.TEMPLATE, image_token="<image>",
    )  # fmt: skip
    device = torch.device("cpu")
    dtype, family = choose_dtype("auto", device), FAMILIES["llava"]
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config).eval().to(dtype)
    lora = LoraConfig(
        r=32, lora_alpha=64, target_modules=family.lora_targets, modules_to_save=["multi_modal_projector"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 for a retired name
        adapted = get_peft_model(model, lora, adapter_name=ADAPTER).eval().requires_grad_(False)
    for name, parameter in adapted.named_parameters():
        if f".{ADAPTER}." in name:
            parameter.data = parameter.data.to(dtype)
            if "lora_B" in name:
                parameter.data.normal_(0, 0.02)
    return LocalModel(Loaded(model, adapted, processor, family, device, dtype, "none", False), name="half a billion")


def of_length(model: LocalModel, tokens: int) -> Conversation:
    """A question about a picture whose prompt has so many tokens; a letter is a token."""

    def asked(question: str) -> Conversation:
        return Conversation().with_scan(tiny_models.picture(0, 300, 300)).asked(question, (View(0),))

    missing = tokens - len(model._engine.fitting(asked(""), 0).tokens)
    talk = asked((QUESTION * 9)[:missing])
    assert len(model._engine.fitting(talk, 0).tokens) == tokens
    return talk


def large(smoke: bool) -> list[Row]:
    model = aside(lambda: half_billion(smoke))  # where the app loads: see `aside`
    prompt, decoding, times = (160, Decoding(max_tokens=6), 2) if smoke else (640, Decoding(max_tokens=64), 3)
    talk, number = of_length(model, prompt), {torch.float32: "fp32", torch.bfloat16: "bf16"}[model.loaded.dtype]
    ours: list[float] = []
    theirs: list[float] = []
    with endless(model):
        together(model, talk, replace(decoding, max_tokens=2))  # whatever the first run pays for
        for _ in range(times):
            theirs.append(seconds(apart, model, talk, decoding)[0])
            ours.append(seconds(together, model, talk, decoding)[0])
    name = f"both of half a billion in {number}, {prompt} tokens read and {decoding.max_tokens} drawn"
    return [measured(name, "s", "one after the other", ours, theirs)]


def small(smoke: bool) -> list[Row]:
    with TemporaryDirectory() as scratch:
        base = tiny_models.write_model(Path(scratch) / "base") if smoke else assemble()
        adapter = tiny_models.write_adapter(Path(scratch) / "adapter", base) if smoke else NANO_MED
        model = LocalModel.load(str(base), str(adapter), device="cpu", self_check=False, keep_warm=False)
    talk = Conversation().with_scan(tiny_models.picture(0, 256, 256)).asked(QUESTION, (View(0),))
    decoding, times = (Decoding(max_tokens=4), 1) if smoke else (Decoding(max_tokens=32), 5)
    firsts: tuple[list[float], list[float]] = ([], [])
    speeds: tuple[list[float], list[float]] = ([], [])
    with endless(model):
        together(model, talk, Decoding(max_tokens=2))
        for _ in range(times):
            alone, both = apart(model, talk, decoding), together(model, talk, decoding)
            firsts[0].append(max(r.seconds_to_first_token for r in both))
            firsts[1].append(sum(r.seconds_to_first_token for r in alone))
            drawn = sum(r.tokens - 1 for r in both)
            speeds[0].append(drawn / (max(r.seconds for r in both) - firsts[0][-1]))
            speeds[1].append(drawn / sum(r.seconds - r.seconds_to_first_token for r in alone))
    return [
        measured("nano, NF4: both first tokens", "s", "two prefills one after the other", *firsts),
        measured("nano, NF4: both streaming", "tokens/s", "one after the other", *speeds),
        adapters(model, 4 if smoke else 24),
    ]


def adapters(model: LocalModel, steps: int) -> Row:
    """A step of two rows, with our way of adding the adapter to one of them and with PEFT's."""
    from medvlm.engine.cache import KeyValues
    from medvlm.engine.joined_cache import JoinedKeyValues

    engine: Any = model._engine
    token = engine.reader.embed(torch.tensor([[5], [7]]))

    def run(mixing: Any) -> float:
        rows = [KeyValues(engine.reader._language_model.config.num_hidden_layers) for _ in ARMS]
        joined = JoinedKeyValues((rows[0], rows[1]))
        with mixing, torch.inference_mode():
            start = time.perf_counter()
            for step in range(steps):
                masks = engine.masks(joined.lengths, 1, token.device)
                engine.reader.rows(token, joined, masks, torch.tensor([[step], [step]]))
            return (time.perf_counter() - start) / steps

    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(5):
        ours.append(run(engine.mixed(ARMS)) * 1000)
        theirs.append(
            run(
                model.loaded.adapted.base_model._enable_peft_forward_hooks(  # type: ignore[union-attr,operator]
                    adapter_names=["__base__", ADAPTER]
                )
            )
            * 1000
        )
    return measured("nano, NF4: a step of two rows", "ms", "with PEFT's adapter_names", ours, theirs)


def run(smoke: bool) -> list[Row]:
    return [*large(smoke), *small(smoke)]
