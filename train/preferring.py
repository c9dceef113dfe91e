"""Preference training (DPO): the loss is TRL's, the rows are ours, token for token what the app sends.

TRL's own collator writes prompts with its own rendering of the chat template and cannot take rows that are ready, nor
features that are kept; so its trainer gets a batch that is already made, and the body of the model computes it as
`train.nano.learner` does. The reference is the adapter that training began with.
"""

import json
import warnings
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import TrainingArguments
from transformers.modeling_outputs import BaseModelOutput
from trl import DPOConfig, DPOTrainer

from medvlm.errors import DatasetError, UserError
from train import processes
from train.batches import Material, Pass, plan
from train.examples import Dialogue
from train.learning import PlannedTrainer, TrainingError
from train.material import collator_of
from train.nano.learner import Learner
from train.parts import ADAPTER, Learned
from train.recipe import Recipe
from train.sights import Sights, features_of
from train.tokens import IGNORED, Encoder, Row
from train.votes import Votes, votes

REFERENCE = "ref"  # as TRL calls the copy


def mixture(recipe: Recipe) -> Votes:
    """The recipe's votes; says what was left out. Raises DatasetError."""
    found = votes(recipe.data, recipe.data.train)
    for reason, count in found.left_out.items():
        processes.say(f"{recipe.name}: {count} {reason} left out.")
    return found


def prepare_material(recipe: Recipe, learned: Learned, mixed: Votes, folder: Path, parts: int) -> Material:
    """Pairs of rows, the preferred one first, and the whole run's plan: a pass names the preferred ones."""
    learning = recipe.learning
    encoder = Encoder(learned.inner, learned.processor, learned.family, learning.max_tokens)
    sights = Sights(encoder.see, mixed.pictures.image, features_of(recipe, learned, folder.parent, processes.say))
    rows = pairs(encoder, mixed, sights, recipe, folder / "skipped.jsonl")
    if not rows:
        raise DatasetError(f"{recipe.name} has no pair left to learn from; see {folder / 'skipped.jsonl'}.")
    place = {number: 2 * n for n, number in enumerate(rows)}
    orders = [[place[n] for n in epoch if n in rows] for epoch in epochs_of(mixed, recipe)]
    watched = watch(encoder, recipe, sights, folder)
    sequences = [(row,) for both in (*rows.values(), *watched) for row in both]
    lengths = [len(row.ids) for (row,) in sequences]
    step = learning.batch * learning.accumulation * recipe.machine.gpus
    passes = plan(lengths, [row.answered for (row,) in sequences], orders, step, parts)
    looks = [Pass((2 * (len(rows) + n),), 1, 0.0) for n in range(len(watched))]
    return Material(sequences, passes, looks, collator_of(recipe, learned, sights), sights)


def epochs_of(mixed: Votes, recipe: Recipe) -> list[list[int]]:
    """The pairs of each epoch in its order, the last one as far as `learning.epochs` goes."""
    count = recipe.learning.epochs
    orders = [mixed.epoch(number, recipe.learning.seed) for number in range(-(-round(count * 1000) // 1000))]
    orders[-1] = orders[-1][: max(round(len(orders[-1]) * (count - (len(orders) - 1))), 1)]
    return orders


def watch(encoder: Encoder, recipe: Recipe, sights: Sights, folder: Path) -> list[tuple[Row, Row]]:
    """Pairs whose loss is watched; nothing is learnt from them."""
    if recipe.data.validation is None:
        return []
    limited = replace(recipe.data, limit=recipe.data.validation_limit, weights=())
    found = votes(limited, [recipe.data.validation])
    sights = Sights(encoder.see, found.pictures.image, None)
    return list(pairs(encoder, found, sights, recipe, folder / "skipped-validation.jsonl").values())


def pairs(encoder: Encoder, mixed: Votes, sights: Sights, recipe: Recipe, report: Path) -> dict[int, tuple[Row, Row]]:
    """Both rows of each pair by its number. A bad one is an error, or listed and left out."""
    rows: dict[int, tuple[Row, Row]] = {}
    bad: list[dict[str, str]] = []
    for number, both in enumerate(zip(mixed.dialogues, mixed.rejected, strict=True)):
        try:
            chosen, rejected = (judged(encoder, dialogue, sights) for dialogue in both)
            rows[number] = (chosen, rejected)
        except UserError as error:
            if recipe.data.on_bad_sample == "error":
                hint = "(data.on_bad_sample = 'skip' leaves such pairs out.)"
                raise DatasetError(f"{both[0].id}: {error} {hint}") from error
            bad.append({"id": both[0].id, "why": str(error)})
    if bad:
        processes.say(f"{len(bad)} bad pairs were skipped; {report} lists them.")
    if processes.first():
        report.write_text("".join(json.dumps(line) + "\n" for line in bad), encoding="utf-8")
    return rows


def judged(encoder: Encoder, dialogue: Dialogue, sights: Sights) -> Row:
    """The conversation in tokens; only the answer that was judged carries loss. Raises DatasetError where it is cut."""
    row, dropped = encoder.row(dialogue, sights.seen(dialogue.picture) if dialogue.picture else None)
    if dropped:
        raise DatasetError("The answer that was judged does not fit in learning.max_tokens. Raise it.")
    begin = len(row.labels)
    while row.labels[begin - 1] == IGNORED:
        begin -= 1
    while begin and row.labels[begin - 1] != IGNORED:
        begin -= 1
    return replace(row, labels=(IGNORED,) * begin + row.labels[begin:])


def config_of(recipe: Recipe, given: TrainingArguments) -> DPOConfig:
    """The same arguments as TRL takes them; it changes nothing of what the plan fixes."""
    same = {one.name: getattr(given, one.name) for one in fields(TrainingArguments) if one.init}
    chosen = recipe.preference
    return DPOConfig(**same, beta=chosen.beta, loss_type=[chosen.loss], max_length=None)


class Stepped(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer on a body that computes our batches."""

    learned: Learned
    recipe: Recipe

    def __init__(self, model: Learner, args: TrainingArguments, train_dataset: Any, **given: Any) -> None:
        self._learner = model
        started = {name: p.detach().clone() for name, p in self._named() if p.requires_grad}
        given |= {"eval_dataset": marked(given["eval_dataset"]) if given["eval_dataset"] else None}
        super().__init__(
            model=self.learned.model,
            args=config_of(self.recipe, args),
            train_dataset=marked(train_dataset),
            processing_class=self.learned.processor,
            **given,
        )
        # TRL rounds 4-bit models' adapters to bfloat16 and lets the copy take steps; ours stay what they were.
        for name, parameter in self._named():
            copied = started.get(name.replace(f".{REFERENCE}.", f".{ADAPTER}."))
            if copied is not None:
                parameter.data = copied.clone()
            parameter.requires_grad_(name in started)
        self.learned.inner.base_model.forward = self._states

    def _named(self) -> list[tuple[str, Tensor]]:
        return list(self.learned.model.named_parameters())

    def _send_telemetry(self) -> None:
        """Nothing of a training is told to anybody."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The card is written once, at the end, by `train.made.cards`."""

    def _states(self, rows: dict[str, Any], **_: Any) -> BaseModelOutput:
        """What the body of the model gives for one of our batches."""
        self._learner.train(self.model.training)
        mixed = self.recipe.machine.precision != "fp32"
        device = rows["ids"].device.type
        with torch.autocast(device, torch.bfloat16) if mixed else nullcontext():
            hidden = self._learner._hidden(rows)
        return BaseModelOutput(last_hidden_state=hidden.to(self.learned.inner.get_output_embeddings().weight.dtype))


def marked(passes: Any) -> Dataset:
    """As many rows as there are passes: TRL wants a data set, and a column of pictures to leave it as it is."""
    return Dataset.from_dict({"images": [[""]] * len(passes)})


class PreferenceTrainer(PlannedTrainer, Stepped):
    """Our plan, checkpoints and rows with TRL's loss."""

    def _collate(self, passes: list[Pass]) -> dict[str, Any]:
        """The preferred rows, then the rejected ones, as TRL halves a batch."""
        (one,) = passes
        chosen, rejected = ([self.material.sequences[n + k] for n in one.sequences] for k in (0, 1))
        rows = self.material.collator([*chosen, *rejected], one.answered)
        wanted = rows["labels"] != IGNORED
        padded = [[1] * sum(len(row.ids) for row in group) for group in (*chosen, *rejected)]
        longest = rows["ids"].shape[1]
        return {
            # What is to be said, which at an answer's end may be another token than the template's.
            "input_ids": rows["ids"].where(~wanted, rows["labels"]),
            "attention_mask": torch.tensor([row + [0] * (longest - len(row)) for row in padded]),
            "completion_mask": wanted.long(),
            "rows": rows,
            "names": [row.id for group in chosen for row in group],
        }

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        names = inputs.pop("names")
        with warnings.catch_warnings():
            # TRL 1.16 asks transformers 5.23 for a retired name.
            warnings.simplefilter("ignore", FutureWarning)
            loss: Tensor = DPOTrainer.compute_loss(self, model, inputs)
        if not bool(torch.isfinite(loss.detach())):
            raise TrainingError(
                f"The loss is {float(loss.detach())} at step {self.state.global_step + 1}, with "
                f"{', '.join(names[:4])}. {self._left()} Lower learning.rate, or look at these votes, and run the "
                "same command."
            )
        return (loss, {"loss": loss}) if return_outputs else loss

    def train(self, *given: Any, **more: Any) -> Any:
        try:
            return super().train(*given, **more)
        finally:
            if REFERENCE in self.learned.model.peft_config:
                self.learned.model.delete_adapter(REFERENCE)
