"""A LLaVA-type model with another vision tower or language model, and a fresh projector between them.

The parts are folders or hub names of ordinary transformers models: CLIP or SigLIP towers, Llama or Mistral decoders.
BiomedCLIP is published for another library (open_clip); give a conversion of its image encoder to CLIPVisionModel.
"""

from pathlib import Path
from typing import Any

import torch

from medvlm import catalog, checkpoints, folders, paths
from medvlm.engine.loading import read_config
from medvlm.errors import CheckpointError, ConfigError
from train.recipe import Model

TOWERS = ("clip", "clip_vision_model", "siglip", "siglip_vision_model")
DECODERS = ("llama", "mistral", "qwen2")
IMAGE = "<image>"


def exchanged(model: Model) -> Path:
    """The folder of the model put together, made once. Raises CheckpointError and ConfigError."""
    base = catalog.resolve(model.base)
    if read_config(base).get("model_type") != "llava":
        raise ConfigError(f"model.base is {model.base}: parts can be exchanged in LLaVA 1.5's type only.")
    tower = _part(model.vision_tower, TOWERS, "vision_tower")
    decoder = _part(model.language_model, DECODERS, "language_model")
    made_of = {"base": checkpoints.base_revision(base)}
    made_of |= {
        name: checkpoints.base_revision(part) for name, part in (("tower", tower), ("decoder", decoder)) if part
    }
    names = [catalog.short_name(part) for part in (model.vision_tower, model.language_model) if part]
    target = paths.models() / "-".join([catalog.short_name(model.base), "with", *names])
    folders.build(target, made_of, lambda work: _write(work, base, tower, decoder))
    return target


def _part(name: str | None, kinds: tuple[str, ...], key: str) -> Path | None:
    if name is None:
        return None
    folder = catalog.resolve(name)
    kind = read_config(folder).get("model_type")
    if kind not in kinds:
        raise CheckpointError(f"model.{key} is {name}, a model of type {kind!r}. Choose one of: {', '.join(kinds)}.")
    checkpoints.refuse_code(folder)
    checkpoints.weight_files(folder)
    return folder


def _write(work: Path, base: Path, tower: Path | None, decoder: Path | None) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor, LlavaConfig, LlavaForConditionalGeneration

    old: Any = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    processor: Any = AutoProcessor.from_pretrained(base)
    vision, images = (old.model.vision_tower, processor.image_processor) if tower is None else _tower(tower)
    text, head, words = _decoder(decoder) if decoder else (old.model.language_model, old.lm_head, processor.tokenizer)
    config = LlavaConfig(
        vision_config=vision.config, text_config=text.config, image_token_id=words.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-2, vision_feature_select_strategy=_strategy(vision),
        image_seq_length=(vision.config.image_size // vision.config.patch_size) ** 2,
    )  # fmt: skip
    torch.manual_seed(0)  # The fresh projector is the same wherever it is made.
    made: Any = LlavaForConditionalGeneration(config)
    made.model.vision_tower.load_state_dict(vision.state_dict())
    made.model.language_model.load_state_dict(text.state_dict())
    made.lm_head.load_state_dict(head.state_dict())
    made.generation_config = old.generation_config
    made.generation_config.eos_token_id = words.eos_token_id
    made.save_pretrained(work)
    _processor(processor, images, words, config).save_pretrained(work)


def _strategy(vision: Any) -> str:
    # CLIP has a class token before its patches, SigLIP has none.
    return "default" if vision.config.model_type.split("_")[0] == "clip" else "full"


def _tower(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoImageProcessor, CLIPVisionModel, SiglipVisionModel

    kind = AutoConfig.from_pretrained(folder).model_type
    made: Any = SiglipVisionModel if kind.startswith("siglip") else CLIPVisionModel
    return made.from_pretrained(folder, dtype=torch.float32), AutoImageProcessor.from_pretrained(folder)


def _decoder(folder: Path) -> tuple[Any, Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words: Any = AutoTokenizer.from_pretrained(folder)
    words.add_special_tokens({"additional_special_tokens": [IMAGE]}, replace_extra_special_tokens=False)
    if words.pad_token is None:
        words.pad_token = words.eos_token
    whole: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    whole.resize_token_embeddings(max(len(words), whole.config.vocab_size), mean_resizing=False)
    return whole.model, whole.lm_head, words


def _processor(old: Any, images: Any, words: Any, config: Any) -> Any:
    from transformers import LlavaProcessor

    return LlavaProcessor(
        image_processor=images, tokenizer=words, patch_size=config.vision_config.patch_size, image_token=IMAGE,
        vision_feature_select_strategy=config.vision_feature_select_strategy, chat_template=old.chat_template,
        num_additional_image_tokens=int(config.vision_feature_select_strategy == "default"),
    )  # fmt: skip
