"""The training loop: transformers' Trainer over rows, with cached features and answer-only loss."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from train.features import FeatureStore
from train.progress import Progress
from train.sequences import IGNORED, Row, collate


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast one stage learns. `tokens` is the most padded tokens of one step."""

    epochs: float
    rate: float
    projector_rate: float
    tokens: int = 768
    warmup: float = 0.05
    seed: int = 0


class TokenBatches(torch.utils.data.Sampler[list[int]]):
    """Batches of rows of like length, at most so many padded tokens each; another order in every epoch, by seed."""

    def __init__(self, rows: list[Row], tokens: int, seed: int) -> None:
        self.lengths = [len(row.ids) for row in rows]
        self.tokens, self.seed, self.epoch = tokens, seed, 0
        self.size = len(self._batches(0))

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def _batches(self, epoch: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 1000 + epoch)
        order: list[int] = torch.randperm(len(self.lengths), generator=generator).tolist()
        batches: list[list[int]] = []
        # Sorted within windows only: rows of like length meet, yet every batch is another mixture in every epoch.
        for start in range(0, len(order), 256):
            batches += self._cut(sorted(order[start : start + 256], key=lambda i: self.lengths[i]))
        shuffle: list[int] = torch.randperm(len(batches), generator=generator).tolist()
        return [batches[i] for i in shuffle]

    def _cut(self, order: list[int]) -> list[list[int]]:
        batches: list[list[int]] = [[]]
        for i in order:
            if batches[-1] and (len(batches[-1]) + 1) * self.lengths[i] > self.tokens:
                batches.append([])
            batches[-1].append(i)
        return batches

    def __iter__(self) -> Iterator[list[int]]:
        # One size for every epoch, since the schedule counts steps: what is over is left out, what is short repeats.
        batches = self._batches(self.epoch)
        self.epoch += 1
        return iter([batches[i % len(batches)] for i in range(self.size)])

    def __len__(self) -> int:
        return self.size


class RowTrainer(Trainer):  # type: ignore[misc]
    """Trainer that knows rows: feeds cached features through the projector and takes logits at answers alone."""

    def __init__(self, *, rows: list[Row], store: FeatureStore, schedule: Schedule, pad: int, **kwargs: Any) -> None:
        self.rows, self.store, self.schedule, self.pad = rows, store, schedule, pad
        self._shown = 0
        super().__init__(train_dataset=rows, data_collator=self._collate, **kwargs)

    def shown(self) -> int:
        """How many rows were put into batches since this was last asked."""
        shown, self._shown = self._shown, 0
        return shown

    def _collate(self, rows: list[Row]) -> dict[str, Any]:
        self._shown += len(rows)
        batch: dict[str, Any] = dict(collate(rows, self.pad))
        names = [row.picture for row in rows if row.picture]
        if names:
            batch["features"] = self.store.batch(names)
        return batch

    def get_train_dataloader(self) -> torch.utils.data.DataLoader[Row]:
        sampler = TokenBatches(self.rows, self.schedule.tokens, self.schedule.seed)
        return torch.utils.data.DataLoader(self.rows, batch_sampler=sampler, collate_fn=self._collate)  # type: ignore[arg-type]

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        groups = [
            {"params": [p for n, p in named if "projector" in n], "lr": self.schedule.projector_rate},
            {"params": [p for n, p in named if "projector" not in n], "lr": self.schedule.rate},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], weight_decay=0.01, betas=(0.9, 0.98))
        return self.optimizer

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        loss = answer_loss(model, inputs)
        return (loss, {"loss": loss}) if return_outputs else loss


def unwrapped(model: nn.Module) -> nn.Module:
    """The LlavaForConditionalGeneration inside, with or without PEFT around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]


def embedded(model: Any, ids: Tensor, features: Tensor | None) -> Tensor:
    """(B, L) ids and (P, N, width) features -> (B, L, hidden), picture tokens replaced by projected features."""
    embeds: Tensor = model.get_input_embeddings()(ids)
    if features is None:
        return embeds
    projected = model.model.multi_modal_projector(features).to(embeds)
    places = (ids == model.config.image_token_id)[..., None].expand_as(embeds)
    return embeds.masked_scatter(places, projected)


def answer_loss(model: nn.Module, inputs: dict[str, Any]) -> Tensor:
    """Weighted mean cross entropy of answer tokens; the vocabulary's logits are made for these positions only."""
    llava: Any = unwrapped(model)
    embeds = embedded(llava, inputs["input_ids"], inputs.get("features"))
    hidden = llava.model.language_model(
        inputs_embeds=embeds,
        attention_mask=inputs["attention_mask"],
        position_ids=inputs["position_ids"],
        use_cache=False,
    ).last_hidden_state
    targets = inputs["labels"][:, 1:]
    wanted = targets != IGNORED
    losses = F.cross_entropy(llava.lm_head(hidden[:, :-1][wanted]).float(), targets[wanted], reduction="none")
    weights = inputs["weights"][:, 1:][wanted]
    mean: Tensor = (losses * weights).sum() / weights.sum()
    return mean


class Log(TrainerCallback):  # type: ignore[misc]
    """One JSON line a logging step, appended, so that a resumed run continues its own log."""

    def __init__(self, path: Path, trainer: RowTrainer, progress: Progress) -> None:
        self.path, self.trainer, self.progress = path, trainer, progress

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.progress.begin(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            line = {"step": state.global_step, "of": state.max_steps, "epoch": state.epoch, "loss": logs["loss"]}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**line, "rate": logs.get("learning_rate")}) + "\n")
            self.progress.step(state.global_step, state.max_steps, logs["loss"], self.trainer.shown())


def train(
    model: nn.Module,
    rows: list[Row],
    store: FeatureStore,
    schedule: Schedule,
    folder: Path,
    pad: int,
    progress: Progress,
) -> None:
    """Train what requires gradients; resumes from the last checkpoint in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = TrainingArguments(
        output_dir=str(folder / "checkpoints"), num_train_epochs=schedule.epochs, seed=schedule.seed,
        lr_scheduler_type="cosine", warmup_steps=schedule.warmup, logging_steps=5, save_steps=100, save_total_limit=1,
        report_to=[], disable_tqdm=True, use_cpu=not torch.cuda.is_available(), max_grad_norm=1.0,
        remove_unused_columns=False, label_names=["labels"], dataloader_num_workers=0,
    )  # fmt: skip
    trainer = RowTrainer(
        rows=rows,
        store=store,
        schedule=schedule,
        pad=pad,
        model=model,
        args=arguments,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Log(folder / "log.jsonl", trainer, progress))
    resume = any((folder / "checkpoints").glob("checkpoint-*"))
    with progress:
        trainer.train(resume_from_checkpoint=resume or None)
    progress.end("trained")
