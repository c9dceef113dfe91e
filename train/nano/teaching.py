"""One of nano's stages on the recipes' loop: against NF4's own numbers, with dialogues that share their picture."""

import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from medvlm import assemble
from medvlm.scoreboard.training_runs import PARTS
from train import curves, learning
from train.batches import Material, plan_by_tokens
from train.material import collator_of
from train.nano import mixtures, nf4, publish, sequences, words
from train.nano.learner import Learner
from train.nano.sequences import Example
from train.nano.stages import PREVIOUS, Stage
from train.parts import Learned, prepare, printed, save, table
from train.recipe import Data, Keeping, Learning, Lora, Machine, Model, Parts, Recipe
from train.sights import Sights, features_of
from train.tokens import Encoder, Row

if TYPE_CHECKING:
    from train.nano.pipeline import Plan

ROW_TOKENS = 448
STEP_TOKENS = 768  # the most padded tokens of a step
WORD_STEPS = 600
SMOKE_EXAMPLES, SMOKE_LAYERS = 4, 3


def recipe_of(chosen: "Plan", stage: Stage) -> Recipe:
    """The stage as the loop takes it: LoRA and the projector's copy, which alone learns in the first stages."""
    own = chosen.of(stage)
    first = stage in ("shapes", "base", "align")
    return Recipe(
        name=stage,
        source="none: docs/model-card-nano.md",
        stage="align" if first else "instruct",
        model=Model(base="nano"),
        data=Data(train=publish.DATASETS[stage]),
        parts=Parts(language_model="frozen" if first else "lora", projector="full"),
        lora=Lora(rank=32, alpha=64),
        learning=Learning(
            rate=own["rate"], projector_rate=own["projector_rate"], epochs=own["epochs"], warmup_share=0.05,
            decay=0.01, beta2=0.98, max_tokens=ROW_TOKENS,
        ),
        keeping=Keeping(every=100, last=1),
        machine=Machine(precision="fp32", checkpointing=False, gpu="none"),
    )  # fmt: skip


def prepared(chosen: "Plan", stage: Stage) -> Learned:
    """The assembled nano in fp32 with NF4's numbers in its language model, and the adapter that the stage trains."""
    before = chosen.folder(PREVIOUS[stage]) / "adapter" if stage in PREVIOUS else None
    base = assemble.assemble(chosen.parts, chosen.nano_folder, small if chosen.smoke else None)
    learned = prepare(recipe_of(chosen, stage), base, before)
    nf4.as_quantised(learned.family.part(learned.inner, learned.family.language_model), chosen.rounded)
    return learned


def small(parts: Path, folder: Path) -> None:
    """What assembling writes, but with a few of the language model's layers: the base of a smoke run.

    From the nano that is here: unpacking the language model anew takes 25 seconds.
    """
    source = assemble.assemble()
    model = AutoModelForImageTextToText.from_pretrained(source, dtype=torch.float32)
    for part, module in (("tower", model.model.vision_tower), ("projector", model.model.multi_modal_projector)):
        module.load_state_dict({name: one.float() for name, one in load_file(parts / f"{part}.safetensors").items()})
    model.model.language_model.layers = model.model.language_model.layers[:SMOKE_LAYERS]
    model.config.text_config.num_hidden_layers = SMOKE_LAYERS
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoProcessor.from_pretrained(source).save_pretrained(folder)


def adapted(
    chosen: "Plan",
    stage: Stage,
    examples: list[Example],
    warmth: Sequence[Example] = (),
    told: words.ToldTokens | None = None,
) -> dict[str, Any]:
    """Train a stage of nano-med and keep its adapter; returns what was learnt from."""
    learned = prepared(chosen, stage)
    facts = learn(chosen, stage, learned, examples, warmth, told)
    part, target = chosen.folder(stage) / "adapter.part", chosen.folder(stage) / "adapter"
    shutil.rmtree(part, ignore_errors=True)
    save(learned, part)
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)
    return facts


def learn(
    chosen: "Plan",
    stage: Stage,
    learned: Learned,
    examples: list[Example],
    warmth: Sequence[Example] = (),
    told: words.ToldTokens | None = None,
) -> dict[str, Any]:
    """Train what the stage trains and draw its curve; returns what was learnt from.

    `warmth` are the examples whose words the projector learns first, with what is `told` (train/nano/words.py).
    """
    recipe, folder = recipe_of(chosen, stage), chosen.folder(stage)
    encoder = Encoder(learned.inner, learned.processor, learned.family, ROW_TOKENS)
    sights = Sights(encoder.see, mixtures.load, features_of(recipe, learned, chosen.runs, print))
    if warmth and not learning.whole(folder / learning.CHECKPOINTS):
        losses = warm(chosen, learned, sights, rows_of(warmth, encoder, sights), told)
        print(f"{stage}: words {losses[0]:.2f} -> {losses[-1]:.2f}", flush=True)
    material = material_of(recipe, learned, sights, rows_of(few(chosen, examples), encoder, sights))
    (folder / PARTS).write_text(printed(table(learned)) + "\n", encoding="utf-8")
    record = publish.info(stage, learned.base)
    if not learning.learn(recipe, learned, material, 1, record, folder, quiet=False, lines=chosen.lines):
        raise SystemExit(f"{stage}: stopped and saved; the same command goes on from {folder}.")
    curves.draw(folder / learning.LOG, folder)
    shutil.rmtree(folder / learning.CHECKPOINTS, ignore_errors=True)
    made = [row for (row,) in material.sequences]
    pictures, tokens = {row.picture for row in made if row.picture}, sum(len(row.ids) for row in made)
    return {"examples": len(examples), "pictures": len(pictures), "rows": len(made), "tokens": tokens}


def rows_of(examples: Iterable[Example], encoder: Encoder, sights: Sights) -> list[Row]:
    seen = ((one, sights.seen(one.picture) if one.picture else None) for one in examples)
    return [row for one, picture in seen for row in sequences.rows(one, encoder, picture, ROW_TOKENS)]


def material_of(recipe: Recipe, learned: Learned, sights: Sights, rows: Sequence[Row]) -> Material:
    """Every row once an epoch, in steps of like length."""
    orders = [random.Random(f"{recipe.name}:{number}") for number in range(round(recipe.learning.epochs))]
    epochs = [order.sample(range(len(rows)), len(rows)) for order in orders]
    passes = plan_by_tokens([len(row.ids) for row in rows], [row.answered for row in rows], epochs, STEP_TOKENS)
    return Material([(row,) for row in rows], passes, (), collator_of(recipe, learned, sights), sights)


def warm(
    chosen: "Plan", learned: Learned, sights: Sights, rows: Sequence[Row], told: words.ToldTokens | None
) -> list[float]:
    """The projector learns where the language model has its words; the loss of each step."""
    learner = Learner(learned, mixed=False, sights=sights)
    embedding = learned.inner.get_input_embeddings().weight
    phrases = (told, words.embedded(told.phrases, learned.processor.tokenizer, embedding)) if told else None

    def features(names: Sequence[str]) -> torch.Tensor:
        return torch.cat([learner.encoded(name, sights.inputs(name))[0] for name in names])

    projector = learned.family.part(learned.inner, learned.family.projector)
    return words.warm(projector, embedding, rows, features, 3 if chosen.smoke else WORD_STEPS, phrases)


def few(chosen: "Plan", examples: list[Example]) -> list[Example]:
    """In a smoke run some examples from all over the mixture, else all of them."""
    every = max(1, len(examples) // SMOKE_EXAMPLES)
    return examples[::every][:SMOKE_EXAMPLES] if chosen.smoke else examples
