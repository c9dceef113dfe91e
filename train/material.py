"""What a recipe learns from, ready for the loop: rows, sequences, and the whole run's plan."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from medvlm import datasets
from medvlm.errors import DatasetError, UserError
from medvlm.families import Seen
from medvlm.imaging import render
from train import processes
from train.batches import Collator, Material, Pass, Sequence_, pictures_alike, plan
from train.examples import Dialogue, Mixture, validation
from train.parts import Learned
from train.recipe import Recipe
from train.sights import Sights, features_of
from train.tokens import Encoder, Row, packed


def prepare_material(recipe: Recipe, learned: Learned, mixed: Mixture, folder: Path, parts: int) -> Material:
    """Rows, sequences and the whole run's plan. Raises DatasetError for a bad sample unless those are skipped."""
    learning, seed = recipe.learning, recipe.learning.seed
    encoder = Encoder(learned.inner, learned.processor, learned.family, learning.max_tokens)
    sights = Sights(encoder.see, picture, features_of(recipe, learned, folder.parent, processes.say))
    rows, left_out = encoded(encoder, mixed.dialogues, sights.seen, recipe.data.on_bad_sample, folder / "skipped.jsonl")
    if left_out:
        processes.say(f"{recipe.name}: {left_out} answers behind learning.max_tokens were left out.")
    if not rows:
        raise DatasetError(f"{recipe.name} has no sample left to learn from; see {folder / 'skipped.jsonl'}.")
    epochs = [[n for n in mixed.epoch(e, seed) if n in rows] for e in range(-(-round(learning.epochs * 1000) // 1000))]
    epochs[-1] = epochs[-1][: round(len(epochs[-1]) * (learning.epochs - (len(epochs) - 1)))]
    sequences, orders = in_sequences(rows, epochs, learning.max_tokens if learning.packing else None)
    lengths = [sum(len(row.ids) for row in rows_) for rows_ in sequences]
    answered = [sum(row.answered for row in rows_) for rows_ in sequences]
    passes = plan(lengths, answered, orders, learning.batch * learning.accumulation * recipe.machine.gpus, parts)
    if recipe.machine.sharding == "zero3" and not pictures_alike(passes, sequences):
        raise DatasetError(
            f"{recipe.name} has passes with more pictures than others, for which ZeRO-3 would wait for ever. Set "
            "machine.sharding = 'fsdp', or leave dialogues without a picture out."
        )
    watched = watch(encoder, recipe, sights.seen, folder)
    together = [*sequences, *((row,) for row in watched)]
    looks = looked_at(watched, len(sequences))
    return Material(together, passes, looks, collator_of(recipe, learned, sights), sights)


def collator_of(recipe: Recipe, learned: Learned, sights: Sights) -> Collator:
    config, family = learned.inner.config, learned.family
    return Collator(
        learned.processor.tokenizer.pad_token_id or 0,
        sights.inputs,
        lambda *looks: family.packed(config, *looks),
        recipe.machine.attention == "flash_attention_2",
    )


def picture(name: str) -> Image.Image:
    """As the app shows it to the model."""
    return Image.fromarray(render(datasets.scan(name), 0))


def encoded(
    encoder: Encoder, dialogues: Iterable[Dialogue], seen: Any, on_bad_sample: str, report: Path
) -> tuple[dict[int, Row], int]:
    """Rows by the dialogue's number, and how many answers did not fit. Bad samples are an error, or listed."""
    rows: dict[int, Row] = {}
    bad: list[dict[str, str]] = []
    left_out = 0
    for number, dialogue in enumerate(dialogues):
        try:
            picture_seen: Seen | None = seen(dialogue.picture) if dialogue.picture else None
            rows[number], dropped = encoder.row(dialogue, picture_seen)
            left_out += dropped
        except UserError as error:
            if on_bad_sample == "error":
                raise DatasetError(f"{dialogue.id}: {error} (data.on_bad_sample = 'skip' leaves such out.)") from error
            bad.append({"id": dialogue.id, "why": str(error)})
    if bad:
        processes.say(f"{len(bad)} bad samples were skipped; {report} lists them.")
    if processes.first():
        report.write_text("".join(json.dumps(line) + "\n" for line in bad), encoding="utf-8")
    return rows, left_out


def in_sequences(
    rows: dict[int, Row], epochs: list[list[int]], most: int | None
) -> tuple[list[Sequence_], list[list[int]]]:
    """Sequences, and which of them each epoch has, in its order; packed anew for each epoch where that is wanted."""
    if most is None:
        place = {number: n for n, number in enumerate(rows)}
        return [(row,) for row in rows.values()], [[place[number] for number in epoch] for epoch in epochs]
    sequences: list[Sequence_] = []
    orders = []
    for epoch in epochs:
        made = packed([rows[number] for number in epoch], most)
        orders.append(list(range(len(sequences), len(sequences) + len(made))))
        sequences += made
    return sequences, orders


def watch(encoder: Encoder, recipe: Recipe, seen: Any, folder: Path) -> list[Row]:
    dialogues = validation(recipe.data, recipe.learning.seed)
    rows, _ = encoded(encoder, dialogues, seen, recipe.data.on_bad_sample, folder / "skipped-validation.jsonl")
    return list(rows.values())


def looked_at(rows: list[Row], first: int) -> list[Pass]:
    return [Pass((first + n,), row.answered, 0.0) for n, row in enumerate(rows)]
