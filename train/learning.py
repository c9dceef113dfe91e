"""A recipe's loop on transformers' Trainer: its plan is fixed, its checkpoints are whole, a kill costs nothing."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import TensorBoardCallback

from medvlm import checkpoints
from medvlm.checkpoints import CheckpointInfo
from medvlm.errors import ConfigError, UserError
from train import processes, watching
from train.batches import Material, Pass
from train.journal import Journal, Terminated
from train.nano.learner import Learner
from train.parts import Learned, load, save
from train.progress import Progress
from train.recipe import Recipe

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
CHECKPOINTS, LOG, STAGING, TENSORBOARD = "checkpoints", "log.jsonl", ".writing", "tensorboard"


class TrainingError(UserError):
    """Training cannot go on; the message says at which step, why, and what is left."""


class PlannedTrainer(Trainer):  # type: ignore[misc]
    """Trainer whose data are passes in a fixed order and whose checkpoints appear whole or not at all."""

    def __init__(
        self,
        recipe: Recipe,
        learned: Learned,
        material: Material,
        accumulation: int,
        record: CheckpointInfo,
        **given: Any,
    ) -> None:
        self.recipe, self.learned, self.material, self.passes_a_step = recipe, learned, material, accumulation
        self.record = record
        self._writing = False
        self._task = watching.task(recipe)
        # Sharded weights and moments, put together for a checkpoint.
        self._whole: tuple[dict[str, Tensor], dict[str, Any]] | None = None
        super().__init__(
            model=Learner(learned, recipe.machine.precision != "fp32", material.sights),
            train_dataset=material.passes,
            eval_dataset=list(material.watched) or None,
            data_collator=self._collate,
            **given,
        )

    def _collate(self, passes: list[Pass]) -> dict[str, Any]:
        (one,) = passes
        return self.material.collator([self.material.sequences[n] for n in one.sequences], one.answered) | {
            "names": [row.id for n in one.sequences for row in self.material.sequences[n]]
        }

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        if processes.count() > 1 and self.recipe.machine.sharding == "fsdp":
            language: Any = self.learned.family.part(self.learned.inner, self.learned.family.language_model)
            processes.configure(self.accelerator.state, type(language.layers[0]).__name__, self.recipe)
            self.is_fsdp_enabled = True

    def get_train_dataloader(self) -> Any:
        """This process's share: the passes of a step go round, so that all have as many."""
        return self._loader(self.material.passes[processes.rank() :: processes.count()])

    def get_eval_dataloader(self, *_: Any) -> Any:
        loader = self._loader(self.material.watched)
        return self.accelerator.prepare(loader) if processes.count() > 1 else loader

    def _loader(self, passes: Sequence[Pass]) -> Any:
        loader: Any = torch.utils.data.DataLoader(
            list(passes),  # type: ignore[arg-type]
            batch_size=1,
            shuffle=False,
            collate_fn=self._collate,
        )
        return loader

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        learning, family = self.recipe.learning, self.learned.family
        named = [(n.removeprefix("model."), p) for n, p in self.model.named_parameters() if p.requires_grad]
        projector = [p for n, p in named if family.place(n) == "projector"]
        rest = [p for n, p in named if family.place(n) != "projector"]
        rate = learning.rate if learning.projector_rate is None else learning.projector_rate
        groups = [{"params": projector, "lr": rate}, {"params": rest, "lr": learning.rate}]
        self.optimizer = torch.optim.AdamW(
            [g for g in groups if g["params"]], betas=(0.9, learning.beta2), weight_decay=learning.decay
        )
        return self.optimizer

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        names = inputs.pop("names")
        loss: Tensor = model(inputs)
        with processes.together():
            if not bool(torch.isfinite(loss.detach())):
                raise TrainingError(
                    f"The loss is {float(loss.detach())} at step {self.state.global_step + 1}, with "
                    f"{', '.join(names[:4])}. "
                    f"{self._left()} Lower learning.rate, or look at these samples, and run the same command."
                )
        # The plan weighs by the whole step's answer tokens. Trainer divides once more by a process's passes of a step,
        # and several processes take the mean of their gradients: together by all passes of a step.
        scaled = loss * self.passes_a_step if self.model.training else loss
        return (scaled, {"loss": scaled}) if return_outputs else scaled

    def evaluation_loop(self, *given: Any, **named: Any) -> Any:
        """The validation loss, and answers to the recipe's questions where it asks some."""
        output = super().evaluation_loop(*given, **named)
        if self._task is not None:
            self.model.eval()
            output.metrics.update(watching.look(self._task, self.learned, self.recipe.machine.precision != "fp32"))
        return output

    def prediction_step(self, model: nn.Module, inputs: Any, *_: Any, **__: Any) -> tuple[Tensor, None, None]:
        with torch.no_grad():
            loss = self.compute_loss(model, self._prepare_inputs(inputs))
        return loss.detach(), None, None

    def _get_output_dir(self, trial: Any) -> str:
        return str(Path(self.args.output_dir) / STAGING) if self._writing else str(self.args.output_dir)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write beside, then rename: a kill or a full disk leaves the older checkpoints and no half of this one."""
        home, name = Path(self.args.output_dir), f"checkpoint-{self.state.global_step}"
        if self.is_fsdp_enabled:
            # All take part in putting weights together; then the first can write, or fail, without the others.
            self._whole = self._weights(), processes.moments(self.optimizer)
        with processes.together():
            if processes.first():
                shutil.rmtree(home / STAGING, ignore_errors=True)
        with processes.together():
            self._write(model, trial, home)
        with processes.together():
            if processes.first():
                shutil.rmtree(home / name, ignore_errors=True)
                (home / STAGING / name).replace(home / name)
                for old in whole(home)[: -self.recipe.keeping.last]:
                    shutil.rmtree(old)

    def _write(self, model: nn.Module, trial: Any, home: Path) -> None:
        self._writing = True
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(home / STAGING, ignore_errors=True)
            raise TrainingError(
                f"The checkpoint of step {self.state.global_step} could not be written to {home}: {error}. "
                f"{self._left()} Free some space and run the same command."
            ) from error
        finally:
            self._writing, self._whole = False, None

    def _weights(self) -> dict[str, Tensor]:
        return processes.weights(self.learned.model, frozen=not self.learned.adapted)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        if self.is_fsdp_enabled:
            self._save(output_dir, None if self._whole is None else self._whole[0])
        else:
            super().save_model(output_dir, _internal_call)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if processes.first():
            folder = Path(output_dir or self.args.output_dir)
            save(self.learned, folder, state_dict)
            checkpoints.write(self.record, folder)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self._whole is None:
            super()._save_optimizer_and_scheduler(output_dir)
        elif processes.first():
            torch.save(self._whole[1], Path(output_dir) / "optimizer.pt")
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not self.is_fsdp_enabled:  # what is sharded was loaded before it was
            load(self.learned, Path(resume_from_checkpoint))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not self.is_fsdp_enabled:
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        state = torch.load(Path(checkpoint) / "optimizer.pt", map_location="cpu", mmap=True, weights_only=True)
        processes.give_moments(getattr(self.optimizer, "optimizer", self.optimizer), state)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / "scheduler.pt", weights_only=True))

    def _left(self) -> str:
        found = whole(Path(self.args.output_dir))
        return f"The last whole checkpoint is {found[-1]}." if found else "There is no checkpoint yet."


def whole(home: Path) -> list[Path]:
    """The checkpoints, oldest first; what stands here was written to its end."""
    return sorted(home.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))


def arguments(recipe: Recipe, folder: Path, accumulation: int) -> TrainingArguments:
    """The recipe's settings as Trainer takes them. `accumulation`: passes of a step in all processes together."""
    learning, keeping = recipe.learning, recipe.keeping
    # Whole gradients of all weights would not fit where the weights do not: they are cut up after each pass.
    each_pass = recipe.machine.sharding == "fsdp" and recipe.parts.language_model == "full"
    return TrainingArguments(
        output_dir=str(folder / CHECKPOINTS), num_train_epochs=1, max_steps=learning.steps or -1, seed=learning.seed,
        per_device_train_batch_size=1, per_device_eval_batch_size=1,
        gradient_accumulation_steps=accumulation // processes.count(),
        accelerator_config={"gradient_accumulation_kwargs": {"sync_each_batch": each_pass}},
        bf16=recipe.machine.sharding.startswith("zero") and recipe.machine.precision != "fp32",
        ddp_find_unused_parameters=False,
        lr_scheduler_type=SCHEDULES[learning.schedule],
        warmup_steps=learning.warmup_steps or learning.warmup_share, max_grad_norm=learning.clip,
        save_strategy="steps", save_steps=keeping.every, save_total_limit=None,
        eval_strategy="steps" if keeping.evaluate_every else "no", eval_steps=keeping.evaluate_every,
        logging_steps=1, logging_nan_inf_filter=False,
        use_cpu=not torch.cuda.is_available(), report_to=[], disable_tqdm=True, remove_unused_columns=False,
        label_names=["labels"], dataloader_num_workers=0, dataloader_pin_memory=False,
    )  # fmt: skip


def kind_of(recipe: Recipe) -> type[PlannedTrainer]:
    """The trainer of a stage."""
    if recipe.stage != "prefer":
        return PlannedTrainer
    from train.preferring import PreferenceTrainer  # TRL takes seconds to import

    return PreferenceTrainer


def watchers(recipe: Recipe, learned: Learned, folder: Path) -> list[TrainerCallback]:
    """What the looks at the validation set decide, and who else is told of them. Raises ConfigError."""
    keeping = recipe.keeping
    made: list[TrainerCallback] = []
    if keeping.evaluate_every:
        made.append(watching.LastLook())
    # Before patience stops the run: what it stops at may be the best.
    if keeping.best:
        made.append(watching.KeepBest(learned, folder, keeping.metric))
    if keeping.patience:
        made.append(watching.Patience(keeping.patience, keeping.metric))
    if keeping.tensorboard and processes.first():
        made.append(tensorboard(folder))
    return made


def tensorboard(folder: Path) -> TrainerCallback:
    """Writes below the run's folder; `tensorboard --logdir` reads it. Raises ConfigError where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "keeping.tensorboard is on and the package tensorboard is not installed. Install it (pip install "
            "tensorboard) or leave it out: the Scores tab shows the same curves."
        ) from error
    return TensorBoardCallback(SummaryWriter(folder / TENSORBOARD))


def learn(
    recipe: Recipe,
    learned: Learned,
    material: Material,
    accumulation: int,
    record: CheckpointInfo,
    folder: Path,
    quiet: bool,
    lines: TextIO | None = None,
) -> bool:
    """Train to the end, from the last whole checkpoint where there is one; False when SIGTERM stopped it before.

    `lines`: where progress goes as JSON, one object a line, instead of into the terminal.

    Raises TrainingError, and torch.OutOfMemoryError for the caller to try smaller passes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    terminated, progress = Terminated(), Progress(recipe.name, folder, quiet, lines)
    callbacks: list[TrainerCallback] = [Journal(folder / LOG, material, accumulation, progress), terminated]
    callbacks += watchers(recipe, learned, folder)
    trainer = kind_of(recipe)(
        recipe,
        learned,
        material,
        accumulation,
        record,
        args=arguments(recipe, folder, accumulation),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    found = whole(folder / CHECKPOINTS)
    if processes.count() > 1:
        torch.manual_seed(recipe.learning.seed + processes.rank())  # each its own dropout
    if found and trainer.is_fsdp_enabled:
        load(learned, found[-1])
    with processes.others_may_end(), progress:
        trainer.train(resume_from_checkpoint=str(found[-1]) if found else None)
    if processes.first():
        progress.end("stopped" if terminated.asked else "trained")
    return not terminated.asked
