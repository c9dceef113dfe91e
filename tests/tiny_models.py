"""Tiny random models of each family, with their processors, as folders that `from_pretrained` reads; and adapters."""

import json
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from medvlm import checkpoints
from medvlm.catalog import identity
from medvlm.prompts import PROMPT_VERSION
from medvlm.types import Scan

FamilyName = Literal["llava", "llava_next"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|im_end|>", "<|im_start|>", "<image>"]
SIZE = 32  # pixels of a tile's side; 16 patches


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of 259 tokens: every text has one, and one character may take several."""
    bytes_only = Tokenizer(models.BPE())
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=0, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=SPECIAL, show_progress=False
    )
    bytes_only.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_only,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>", "<image>"],
        extra_special_tokens={"image_token": "<image>"},
    )


def write_model(
    folder: Path, family: FamilyName = "llava", context: int = 4096, seed: int = 0, hidden: int = 64
) -> Path:
    """A model folder with random weights. Its answers mean nothing, but they depend on every token and pixel."""
    torch.manual_seed(seed)
    words = tokenizer()
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=hidden, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, initializer_range=0.3, eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id, bos_token_id=None, tie_word_embeddings=False,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=SIZE, patch_size=8,
        initializer_range=0.3,
    )  # fmt: skip
    image_id = words.convert_tokens_to_ids("<image>")
    common: dict[str, Any] = dict(
        vision_config=vision, text_config=text, image_token_id=image_id, vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )  # fmt: skip
    made: dict[str, Any] = dict(
        tokenizer=words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=TEMPLATE, image_token="<image>",
    )  # fmt: skip
    if family == "llava":
        model: Any = LlavaForConditionalGeneration(LlavaConfig(image_seq_length=16, **common))
        images = CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
        processor: Any = LlavaProcessor(image_processor=images, **made)
    else:
        pins = [[SIZE, SIZE * 2], [SIZE * 2, SIZE], [SIZE * 2, SIZE * 2]]
        model = LlavaNextForConditionalGeneration(LlavaNextConfig(image_grid_pinpoints=pins, **common))
        tiles = LlavaNextImageProcessorPil(
            size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}, image_grid_pinpoints=pins
        )
        processor = LlavaNextProcessor(image_processor=tiles, **made)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    model.generation_config.eos_token_id = words.eos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_adapter(folder: Path, base: Path, seed: int = 1, scale: float = 0.3, targets: str | None = None) -> Path:
    """A random LoRA adapter with its own projector, as training writes one."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    import medvlm.tower  # noqa: F401
    from medvlm.families import FAMILIES

    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    family = FAMILIES[model.config.model_type]
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=targets or family.lora_targets, modules_to_save=["multi_modal_projector"]
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
