"""Tiny random models of each family, with their processors, as folders that `from_pretrained` reads; and adapters."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Gemma3TextConfig,
    Idefics2Config,
    Idefics2ForConditionalGeneration,
    Idefics2ImageProcessorPil,
    Idefics2Processor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    SiglipVisionConfig,
)

from medvlm import checkpoints
from medvlm.catalog import identity
from medvlm.chat import whole
from medvlm.engine.loading import Loaded, load_weights
from medvlm.families.qwen import pictures_only
from medvlm.model import LocalModel
from medvlm.prompts import PROMPT_VERSION
from medvlm.types import Arm, ChatModel, Conversation, Decoding, Scan, View

FamilyName = Literal["llava", "llava_next", "idefics2", "idefics3", "qwen2_5_vl", "gemma3"]
ARMS: tuple[Arm, Arm] = ("base", "tuned")
SHORT = Decoding(max_tokens=12)
SIZE = 32  # pixels of a tile's side; 16 patches

# Chat templates in the format of each family's published models.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Vicuna's: the template itself writes no end behind an answer.
VICUNA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'] | upper }}: {% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
MISTRAL = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "<<SYS>>\n{{ message['content'][0]['text'] }}\n<</SYS>>\n\n{% elif message['role'] == 'user' %}[INST] "
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %} [/INST]"
    "{% else %} {{ message['content'][0]['text'] }}</s>{% endif %}{% endfor %}"
)
IDEFICS = (
    "{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}:{% else %}: {% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<image>{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
QWEN = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Gemma knows no system turn: its text opens the first question.
GEMMA = (
    "<bos>{% set first = messages[0]['content'][0]['text'] + '\n\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for message in messages if message['role'] != 'system' %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else 'user' }}\n{{ first if loop.first else '' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] | trim }}"
    "{% else %}<start_of_image>{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def tokenizer(*special: str, end: str = "<|im_end|>", **named: str) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of 256 tokens and special ones: every text has one, a character may take several."""
    special = special or ("<|im_end|>", "<|im_start|>", "<image>")
    bytes_only = Tokenizer(models.BPE())
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=0,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(special),
        show_progress=False,
    )
    bytes_only.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_only,
        eos_token=end,
        pad_token=end,
        additional_special_tokens=[word for word in special if word != end],
        extra_special_tokens=named or {"image_token": "<image>"},
        **({"bos_token": "<bos>"} if "<bos>" in special else {}),
    )


@dataclass(frozen=True, slots=True)
class Tiny:
    """What a family's maker is told: how many positions, how wide, and how many layers."""

    context: int
    hidden: int
    layers: int


def language(tiny: Tiny, words: PreTrainedTokenizerFast) -> dict[str, Any]:
    """What all decoders have in common."""
    return dict(
        vocab_size=len(words), hidden_size=tiny.hidden, intermediate_size=2 * tiny.hidden,
        num_hidden_layers=tiny.layers, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=tiny.context, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        bos_token_id=None, tie_word_embeddings=False,
    )  # fmt: skip


def vision(**more: Any) -> dict[str, Any]:
    """What all towers have in common: two layers, 16 patches a tile."""
    return dict(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=SIZE, patch_size=8,
        **more,
    )  # fmt: skip


def llava_parts(tiny: Tiny, words: PreTrainedTokenizerFast, template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    config = dict(
        vision_config=CLIPVisionConfig(**vision()), text_config=LlamaConfig(**language(tiny, words)),
        image_token_id=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )  # fmt: skip
    made = dict(
        tokenizer=words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=template, image_token="<image>",
    )  # fmt: skip
    return config, made


def llava(tiny: Tiny) -> tuple[Any, Any]:
    config, made = llava_parts(tiny, tokenizer(), TEMPLATE)
    images = CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
    model = LlavaForConditionalGeneration(LlavaConfig(image_seq_length=16, **config))
    return model, LlavaProcessor(image_processor=images, **made)


def llava_next(tiny: Tiny) -> tuple[Any, Any]:
    config, made = llava_parts(tiny, tokenizer("</s>", "<image>", end="</s>", image_token="<image>"), MISTRAL)
    pins = [[SIZE, SIZE * 2], [SIZE * 2, SIZE], [SIZE * 2, SIZE * 2]]
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}, image_grid_pinpoints=pins
    )
    model = LlavaNextForConditionalGeneration(LlavaNextConfig(image_grid_pinpoints=pins, **config))
    return model, LlavaNextProcessor(image_processor=images, **made)


def idefics_words() -> PreTrainedTokenizerFast:
    rows = [f"<row_{i}_col_{j}>" for i in (1, 2) for j in (1, 2)]
    special = ("<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>", *rows)
    return tokenizer(*special, end="<end_of_utterance>", unused="<global-img>")


def idefics2(tiny: Tiny) -> tuple[Any, Any]:
    words = idefics_words()
    images = Idefics2ImageProcessorPil(size={"shortest_edge": SIZE // 2, "longest_edge": SIZE})
    processor = Idefics2Processor(images, words, image_seq_len=8, chat_template=IDEFICS)
    config = Idefics2Config(
        text_config=MistralConfig(**language(tiny, words)),
        vision_config=vision(),
        perceiver_config=dict(
            hidden_size=tiny.hidden, resampler_n_latents=8, resampler_depth=1, resampler_n_heads=4,
            resampler_head_dim=16, num_key_value_heads=2, rms_norm_eps=1e-6,
        ),
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return Idefics2ForConditionalGeneration(config), processor


def idefics3(tiny: Tiny) -> tuple[Any, Any]:
    words = idefics_words()
    images = Idefics3ImageProcessorPil(size={"longest_edge": 2 * SIZE}, max_image_size={"longest_edge": SIZE})
    processor = Idefics3Processor(images, words, image_seq_len=4, chat_template=IDEFICS)
    config = Idefics3Config(
        text_config=LlamaConfig(**language(tiny, words)), vision_config=vision(), scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), tie_word_embeddings=False,
    )  # fmt: skip
    return Idefics3ForConditionalGeneration(config), processor


def qwen2_5_vl(tiny: Tiny) -> tuple[Any, Any]:
    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    words = tokenizer("<|im_end|>", "<|im_start|>", *marks, unused="<|video_pad|>")
    images = Qwen2VLImageProcessorPil(
        patch_size=8, merge_size=2, size={"shortest_edge": SIZE**2 // 4, "longest_edge": 4 * SIZE**2}
    )
    start, end, image, video = words.convert_tokens_to_ids(list(marks))
    head = tiny.hidden // 4 // 2
    config = Qwen2_5_VLConfig(
        text_config=dict(
            **language(tiny, words),
            rope_parameters=dict(rope_type="default", rope_theta=1e4, mrope_section=[head - 6, 3, 3]),
        ),
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=64, num_heads=2, patch_size=8, spatial_merge_size=2,
            window_size=32, out_hidden_size=tiny.hidden, fullatt_block_indexes=[1],
        ),
        image_token_id=image, video_token_id=video, vision_start_token_id=start, vision_end_token_id=end,
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config), pictures_only()(images, words, chat_template=QWEN)


def gemma3(tiny: Tiny) -> tuple[Any, Any]:
    named = dict(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>")
    words = tokenizer(
        "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", *named.values(), end="<eos>", **named
    )  # fmt: skip
    images = Gemma3ImageProcessorPil(size={"height": SIZE, "width": SIZE})
    processor = Gemma3Processor(images, words, chat_template=GEMMA, image_seq_length=4)
    kinds = ["sliding_attention", "full_attention"] * tiny.layers
    text = Gemma3TextConfig(
        **language(tiny, words), head_dim=tiny.hidden // 4, query_pre_attn_scalar=tiny.hidden // 4, sliding_window=24,
        layer_types=kinds[: tiny.layers],
    )  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=SiglipVisionConfig(**vision(vision_use_head=False)), mm_tokens_per_image=4,
        image_token_index=words.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=words.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=words.convert_tokens_to_ids("<end_of_image>"), tie_word_embeddings=False,
    )  # fmt: skip
    return Gemma3ForConditionalGeneration(config), processor


MAKERS: dict[FamilyName, Callable[[Tiny], tuple[Any, Any]]] = {
    "llava": llava,
    "llava_next": llava_next,
    "idefics2": idefics2,
    "idefics3": idefics3,
    "qwen2_5_vl": qwen2_5_vl,
    "gemma3": gemma3,
}
# What ends an answer beside the tokenizer's own end.
ENDS: dict[str, str] = {"gemma3": "<end_of_turn>"}


def write_model(
    folder: Path,
    family: FamilyName = "llava",
    context: int = 4096,
    seed: int = 0,
    hidden: int = 64,
    layers: int = 2,
    spread: float = 0.3,
) -> Path:
    """A model folder with random weights. Its answers mean nothing, but they depend on every token and pixel."""
    torch.manual_seed(seed)
    model, processor = MAKERS[family](Tiny(context, hidden, layers))
    words = processor.tokenizer
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, spread)
    ends = [words.eos_token_id] + ([words.convert_tokens_to_ids(ENDS[family])] if family in ENDS else [])
    model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def weights(base: Path, adapter: Path | None = None) -> Loaded:
    """The weights of a model's folder in full precision, with an adapter's where there is one."""
    return load_weights(base, adapter, torch.device("cpu"), torch.float32, "none", "no")


def load(folders: tuple[Path, Path], **more: object) -> LocalModel:
    """The model of a model's folder and an adapter's, in full precision; `more`: other settings."""
    settings = {"quantization": "none", "compute_dtype": "float32", "device": "cpu", "self_check": False, **more}
    return LocalModel.load(str(folders[0]), str(folders[1]), **settings)  # type: ignore[arg-type]


def write_adapter(
    folder: Path, base: Path, seed: int = 1, scale: float = 0.3, targets: str | None = None, use_dora: bool = False
) -> Path:
    """A random LoRA adapter with its own projector, as training writes one."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    import medvlm.tower  # noqa: F401
    from medvlm.families import FAMILIES

    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    family = FAMILIES[model.config.model_type]
    projector = family.projector.split(".")[-1]
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=targets or family.lora_targets,
        modules_to_save=[projector],
        use_dora=use_dora,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 for a retired name
        adapted = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, scale * 0.1)
            elif "modules_to_save" in name:
                parameter.add_(torch.randn_like(parameter) * parameter.std().nan_to_num(0.1) * scale)
    adapted.save_pretrained(folder)
    checkpoints.write(info(base), folder)
    return folder


def info(base: Path) -> checkpoints.CheckpointInfo:
    """What training on that base would record."""
    return checkpoints.CheckpointInfo(
        base_model=identity(str(base)),
        base_revision=checkpoints.base_revision(base),
        family=str(json.loads((base / "config.json").read_text())["model_type"]),
        stage="instruct",
        prompt_version=PROMPT_VERSION,
        datasets=("random",),
        git_commit="0" * 40,
        created="2026-01-01T00:00:00Z",
    )


def picture(seed: int = 0, height: int = 40, width: int = 48) -> Scan:
    """A scan of random colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Scan((pixels,), "other", "unknown", f"{seed:064x}", f"picture-{seed}.png")


def asked(question: str = "What is it?", seed: int = 0) -> Conversation:
    """A question about such a scan."""
    return Conversation().with_scan(picture(seed)).asked(question, (View(0),))


def said(model: ChatModel, conversation: Conversation, arm: Arm, decoding: Decoding = SHORT) -> str:
    return whole(model, conversation, arm, decoding).text
