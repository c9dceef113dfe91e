"""Our loop against TRL's SFTTrainer: the same LLaVA, data, order and batch; samples a second, memory, loss curves.

Each contender runs in a process of its own, so that peaks of memory can be told apart. `align`: one caption a picture,
the projector takes steps, three epochs; the tower's features are computed in the first and read from disk after it.
`instruct`: several questions a picture; ours puts the turns of a picture into one sequence. TRL's VLM trainer is given
them in the same conversations as well, with the loss on the assistant's words that it offers.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from medvlm.paths import ROOT
from tests.bench.measuring import Row, row

Who = Literal["ours", "trl"]
Task = Literal["align", "instruct"]
TASKS: tuple[Task, ...] = ("align", "instruct")
# What marks the assistant's words for TRL: the same text as the family's template writes.
MARKED = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}<|im_end|>"
    "{% endgeneration %}{% else %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}<|im_end|>"
    "{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STEP = 4
EPOCHS = {"align": 3, "instruct": 1}


def write_base(folder: Path, smoke: bool) -> Path:
    """A LLaVA with random weights: a tower of 86 million, 196 tokens a picture, a decoder of 60 million; or tiny."""
    import torch
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaProcessor
    from transformers import LlavaForConditionalGeneration as Llava

    from tests import tiny_models

    words = tiny_models.tokenizer()
    torch.manual_seed(0)
    size = 32 if smoke else 224
    tower = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, patch_size=8)
    decoder = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, vocab_size=512)
    if not smoke:
        tower = dict(
            hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, patch_size=16
        )
        decoder = dict(
            hidden_size=512, intermediate_size=1376, num_hidden_layers=8, num_attention_heads=8, vocab_size=32_000
        )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=size, **tower),
        text_config=LlamaConfig(
            **decoder, max_position_embeddings=4096, eos_token_id=words.eos_token_id, bos_token_id=None,
            pad_token_id=words.pad_token_id, tie_word_embeddings=False,
        ),
        image_token_id=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-2,
        vision_feature_select_strategy="default", image_seq_length=(size // tower["patch_size"]) ** 2,
    )  # fmt: skip
    model = Llava(config)
    model.generation_config.eos_token_id = words.eos_token_id
    images = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    processor = LlavaProcessor(
        image_processor=images, tokenizer=words, patch_size=tower["patch_size"], image_token="<image>",
        vision_feature_select_strategy="default", num_additional_image_tokens=1, chat_template=tiny_models.TEMPLATE,
    )  # fmt: skip
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_rows(folder: Path, task: Task, pictures: int) -> str:
    """Random pictures, with one caption each or six questions in one conversation; the address of the data set."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    rows = []
    for number in range(pictures):
        pixels = np.random.default_rng(number).integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        turns = 6 if task == "instruct" else 1
        rows += [
            {
                "id": f"{number}-{turn}" if turns > 1 else str(number), "image": f"{number}.png", "split": "train",
                "question": f"What is {turn}?" if turns > 1 else "Describe it.",
                "answer": f"It is {number * 7 + turn}." if turns > 1 else f"Picture {number}, all noise, no finding.",
                "kind": "conversation" if turns > 1 else "caption",
            }
            for turn in range(turns)
        ]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return f"own:{folder / 'rows.jsonl'}"


def recipe_of(base: Path, address: str, task: Task) -> Any:
    """fp32 on one device, a constant rate, no dropout: what both can do exactly alike."""
    from train import recipe as recipes

    one = recipes.read("seed003-align" if task == "align" else "seed003-instruct-10k")
    return replace(
        one,
        name=f"bench-{task}", continues=None,
        model=replace(one.model, base=str(base), vision_tower=None, language_model=None),
        parts=replace(one.parts, language_model="frozen" if task == "align" else "lora", projector="full"),
        lora=replace(one.lora, rank=8, alpha=16, dropout=0.0),
        data=replace(one.data, train=(address,), weights=(), limit=None, validation=None, instruction="own"),
        learning=replace(
            one.learning, rate=1e-3, projector_rate=None, epochs=float(EPOCHS[task]), batch=STEP, accumulation=1,
            warmup_steps=0, warmup_share=0.0, decay=0.0, schedule="constant", clip=1.0, max_tokens=2048, packing=False,
            steps=None,
        ),
        keeping=replace(one.keeping, every=100_000, evaluate_every=None, patience=None),
        machine=replace(
            one.machine, precision="fp32", attention="sdpa", checkpointing=False, sharding="none", gpus=1, gpu="none"
        ),
    )  # fmt: skip


def contend(who: Who, task: Task, folder: Path, address: str) -> dict[str, Any]:
    """Train once: seconds of the loop alone, by the clock and of the processors; losses, samples (questions), and the
    process's peak memory in bytes."""
    import torch

    from train import running
    from train.examples import mixture
    from train.learning import learn
    from train.parts import prepare

    recipe = recipe_of(folder / "base", address, task)
    home = folder / who
    home.mkdir()
    mixed = mixture(recipe.data, recipe.learning.seed)
    learned = prepare(recipe, folder / "base", None)
    material = running.prepare_material(recipe, learned, mixed, home, 1)
    orders = [[material.sequences[n][0].id for n in one.sequences] for one in material.passes]
    started, worked = time.perf_counter(), time.process_time()
    if who == "ours":
        record = running.info(recipe, learned, mixed.labels)
        learn(recipe, learned, material, 1, record, home, quiet=True)
        seconds = time.perf_counter() - started
        lines = [json.loads(line) for line in (home / "log.jsonl").read_text().splitlines()]
        losses = [line["loss"] for line in lines if "loss" in line]
    else:
        seconds, losses = theirs(recipe, learned, mixed, orders, home)
    turns = {one.id: len(one.turns) // 2 for one in mixed.dialogues}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated()
    return {
        "seconds": seconds, "work": time.process_time() - worked, "losses": losses, "peak": peak,
        "samples": sum(turns[n] for step in orders for n in step),
        "parameters": sum(p.numel() for p in learned.inner.parameters()),
    }  # fmt: skip


def theirs(recipe: Any, learned: Any, mixed: Any, orders: list[list[str]], home: Path) -> tuple[float, list[float]]:
    """TRL's loop on the same model with the same trainable weights, the same conversations in the same order."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from medvlm import prompts
    from medvlm.types import Conversation, View
    from train.material import picture

    class Quiet(SFTTrainer):  # type: ignore[misc]
        def _send_telemetry(self) -> None:
            """A benchmark tells nobody."""

    def messages(dialogue: Any) -> list[Any]:
        first, *rest = dialogue.turns
        return prompts.messages(Conversation(turns=(replace(first, views=(View(0),)), *rest), system=dialogue.system))

    by_id = {one.id: one for one in mixed.dialogues}
    names = [name for step in orders for name in step]
    data = Dataset.from_dict({"name": names, "images": [[""]] * len(names)})
    data = data.with_transform(
        lambda batch: {
            "messages": [messages(by_id[name]) for name in batch["name"]],
            "images": [[picture(by_id[name].picture)] for name in batch["name"]],
        }
    )
    learned.processor.chat_template = MARKED
    given = SFTConfig(
        output_dir=str(home), num_train_epochs=1, per_device_train_batch_size=STEP, learning_rate=recipe.learning.rate,
        lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0, optim="adamw_torch", logging_steps=1,
        save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=not torch.cuda.is_available(), bf16=False,
        gradient_checkpointing=False, assistant_only_loss=True, max_length=None, train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_num_workers=0, dataloader_pin_memory=False, seed=recipe.learning.seed,
    )  # fmt: skip
    trainer = Quiet(model=learned.model, args=given, train_dataset=data, processing_class=learned.processor)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    return seconds, [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def alone(who: Who, task: Task, folder: Path, address: str) -> dict[str, Any]:
    """`contend` in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_sft", who, task, str(folder), address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run(smoke: bool) -> list[Row]:
    """Raises AssertionError where the curves part, for then not the same was computed."""
    from tests.bench.bench_sft import contend as here

    rows: list[Row] = []
    for task in TASKS:
        with TemporaryDirectory() as name:
            folder = Path(name)
            write_base(folder / "base", smoke)
            address = write_rows(folder / "data", task, 2 * STEP if smoke else 32 * STEP)
            ours, other = ((here if smoke else alone)(who, task, folder, address) for who in ("ours", "trl"))
        assert smoke or ours["parameters"] >= 100_000_000
        apart = max(abs(a - b) / b for a, b in zip(ours["losses"], other["losses"], strict=True))
        assert apart < 0.01, f"{task}: the curves are {apart:.2%} apart: {ours['losses']} and {other['losses']}"
        for of, unit in (("seconds", "/s"), ("work", "/s of processor")):
            speeds = [one["samples"] / one[of] for one in (ours, other)]
            rows.append(row(f"{task}: samples", speeds[0], unit, "TRL's SFTTrainer", speeds[1]))
        rows.append(row(f"{task}: peak memory", ours["peak"] / 1e6, "MB", "TRL's SFTTrainer", other["peak"] / 1e6))
        rows.append(row(f"{task}: largest relative difference of the loss", apart, ""))
    return rows


if __name__ == "__main__":
    print(json.dumps(contend(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])))  # type: ignore[arg-type]
