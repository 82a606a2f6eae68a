"""Hugging Face's Trainer with regtune's meaning of loss, batches and resume. The only file that overrides the Trainer.

What is overridden, and what it relies on (tests/training/test_trainer_canaries.py fails when an upgrade changes it):

- `compute_loss`: the objective is the sum over units (rows, labels or tokens, as the task has it) of the task's loss on
  softened targets, divided by the units of the whole accumulation group, which `_get_num_items_in_batch` counts. The
  stock classification heads drop `num_items_in_batch`, so with accumulation their gradients come out multiplied by the
  number of batches.
- `_get_grad_norm`: runs once per optimizer step, before the step; a non-finite loss or norm ends the run there.
- `create_optimizer`: parameter groups are the weight-decay technique's.
- `get_train_dataloader`: our batches, and a generator of our own, so that data order reads no global random state.
- `_wrap_model`, `training_step`: several processes, see `regtune.training.processes`.
- `_load_from_checkpoint`, `_load_optimizer_and_scheduler`, `_load_rng_state`: from a verified `Checkpoint`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainingArguments

from regtune.config.schema import TrainingSettings
from regtune.data.batches import LengthGroupedBatches
from regtune.data.encode import Collator
from regtune.errors import DivergedError
from regtune.models.finetune import restore_trained, trained_state
from regtune.regularization.base import Regularizer
from regtune.tasks import Task
from regtune.training.checkpoints import Checkpoint
from regtune.training.gradients import sum_gradients
from regtune.training.processes import Processes
from regtune.training.shares import ShareCollator, ShareOfBatches

ADAM_EPSILON = 1e-6  # Mosbach et al. 2021, as in the original BERT; torch's 1e-8 makes early steps larger
TRAINER_STATE = "trainer_state"  # the document name the Trainer reads on resume


class RegtuneTrainer(Trainer):
    """One run's Trainer. Evaluation, checkpoints and stopping belong to `regtune.training.conductor`, not to it."""

    def __init__(
        self,
        *,
        model: PreTrainedModel,
        arguments: TrainingArguments,
        rows: Dataset[dict[str, Any]],
        batches: LengthGroupedBatches,
        collate: Collator,
        task: Task,
        regularizers: Sequence[Regularizer],
        class_weights: Tensor | None,
        processes: Processes,
    ) -> None:
        super().__init__(model=model, args=arguments, train_dataset=rows)
        self.remove_callback(PrinterCallback)  # the live table is a listener's work
        # Makes the Trainer count the labels of the whole accumulation group and hand us the count.
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True
        self.network, self.rows = model, rows  # what the Trainer calls model and train_dataset, typed
        self.batches, self.collate, self.task = batches, collate, task
        self.regularizers, self.class_weights = regularizers, class_weights  # (classes,) or None
        self.processes = processes
        self.step_objective = torch.zeros((), device=arguments.device)  # of the step in progress, nats per row
        self.last_objective = math.nan  # of the last finished step
        self.resumed_from: str | None = None  # checkpoint folder

    def get_train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.rows,
            batch_sampler=ShareOfBatches(self.batches, self.processes.place),
            collate_fn=ShareCollator(self.collate, spare=self.rows[0]),
            generator=torch.Generator(),
            pin_memory=self.args.device.type == "cuda",
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            answers = [r.parameter_groups(self.network) for r in self.regularizers]
            groups = next(groups for groups in answers if groups is not None)
            # fused: 8.6 ms a step against 29.6 (foreach) for 11 M parameters on a CPU
            self.optimizer = torch.optim.AdamW(groups, lr=self.args.learning_rate, eps=ADAM_EPSILON, fused=True)
        return self.optimizer

    def _wrap_model(self, model: nn.Module, training: bool = True, dataloader: Any = None) -> nn.Module:
        """Autocast and the like, but not DistributedDataParallel: gradients are summed in `training_step`."""
        prepared: nn.Module = self.accelerator.prepare_model(model, evaluation_mode=True)
        return prepared

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        loss = torch.zeros_like(self.step_objective)
        if len(inputs["labels"]) > 0:  # 0: a last batch smaller than the number of processes
            loss = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:  # the last batch before an optimizer step
            self._sum_over_processes()
        return loss

    def _sum_over_processes(self) -> None:
        if self.processes.count > 1:
            sum_gradients(self.network.parameters(), sum_numbers=self.processes.sum_numbers)
            self.processes.sum_numbers(self.step_objective)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The objective of one batch: its share of the accumulation group's mean. Training only."""
        outputs = model(**self.task.model_inputs(inputs))
        units = self.task.units(outputs.logits, inputs["labels"])
        targets = self.task.hard_targets(units)  # (units, classes)
        for regularizer in self.regularizers:
            targets = regularizer.soften_targets(targets)
        losses = self.task.objective(units.logits, targets)  # (units,)
        if self.class_weights is not None:
            losses = losses * self.class_weights.to(losses.device)[units.labels]
        for regularizer in self.regularizers:
            penalty = regularizer.penalty(units.logits, targets)
            losses = losses if penalty is None else losses + penalty
        assert num_items_in_batch is not None, "the Trainer no longer counts the units of an accumulation group"
        objective = losses.sum() / num_items_in_batch
        self.step_objective += objective.detach()
        return (objective, outputs) if return_outputs else objective

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> int:
        units = self.processes.total(sum(self.task.count_units(batch["labels"]) for batch in batch_samples))
        return max(
            1, units
        )  # a batch whose prompts leave no room for an answer teaches nothing, and divides by nothing

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> float:
        norm = float(super()._get_grad_norm(model, grad_norm=grad_norm))  # type: ignore[no-untyped-call] # not annotated
        self.last_objective = float(self.step_objective)
        self.step_objective.zero_()
        if not (math.isfinite(norm) and math.isfinite(self.last_objective)):
            raise DivergedError(
                f"training diverged at step {self.state.global_step + 1}: objective {self.last_objective}, "
                f"gradient norm {norm}, learning rate {self.current_learning_rate():.3g}; that step was not made"
            )
        return norm

    def current_learning_rate(self) -> float:
        """Of the optimizer step in progress, or of the next one between steps."""
        assert self.lr_scheduler is not None
        return float(self.lr_scheduler.get_last_lr()[0])

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Nobody reads it here, and counting walks over all parameters at every step."""
        return 0

    # ---- resume ------------------------------------------------------------------------------------------------------

    def state_to_save(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, dict[str, Any]]]:
        """(tensors, documents) that `resume` needs for a bit-identical continuation."""
        assert self.optimizer is not None
        assert self.lr_scheduler is not None
        optimizer = self.optimizer.state_dict()
        moments = {f"{i}.{name}": value for i, state in optimizer["state"].items() for name, value in state.items()}
        random_state = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random_state["cuda"] = torch.cuda.get_rng_state(self.args.device)
        random_states = {
            f"{name}.{rank}": state
            for rank, states in enumerate(self.processes.gathered(random_state))
            for name, state in states.items()
        }
        tensors = {"model": _unshared(trained_state(self.network)), "optimizer": moments, "random": random_states}
        documents = {
            "optimizer_groups": {"param_groups": optimizer["param_groups"]},
            "schedule": self.lr_scheduler.state_dict(),
            TRAINER_STATE: _plain_state(self),
        }
        return tensors, documents

    def restore_random_state(self) -> None:
        """Before the first step of a resumed run; the Trainer itself does so only when that step begins."""
        self._load_rng_state(self.resumed_from)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        self.resumed_from = resume_from_checkpoint
        restore_trained(self.network, _verified(resume_from_checkpoint).tensors("model"))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        assert self.optimizer is not None
        assert self.lr_scheduler is not None
        saved = _verified(checkpoint)
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in saved.tensors("optimizer").items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = value
        groups = saved.document("optimizer_groups")["param_groups"]
        for group in groups:
            group["betas"] = tuple(group["betas"])
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.lr_scheduler.load_state_dict(saved.document("schedule"))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        random_states = _verified(checkpoint).tensors("random")
        rank = self.processes.place.rank
        if f"cpu.{rank}" in random_states:  # not in a process that the run did not have before
            torch.set_rng_state(random_states[f"cpu.{rank}"])
        if f"cuda.{rank}" in random_states and torch.cuda.is_available():
            torch.cuda.set_rng_state(random_states[f"cuda.{rank}"], self.args.device)


def training_arguments(
    settings: TrainingSettings, *, output: Path, steps: int, device: torch.device, report_to: Sequence[str]
) -> TrainingArguments:
    """The Trainer's arguments for these settings; saving, evaluating and stopping are switched off: they are ours."""
    arguments = TrainingArguments(
        output_dir=str(output),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=schedule_name(settings),
        warmup_steps=warmup_steps(settings, steps=steps),
        max_grad_norm=settings.clip_norm or 0.0,
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=settings.precision == "bfloat16",
        use_cpu=device.type == "cpu",
        report_to=list(report_to) or "none",
        run_name=output.name,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        log_level="error",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one device a run: DataParallel would split the batch and its mean
    return arguments


def schedule_name(settings: TrainingSettings) -> str:
    """The name transformers has for this schedule after warm-up."""
    return "constant_with_warmup" if settings.schedule == "constant" else settings.schedule


def warmup_steps(settings: TrainingSettings, *, steps: int) -> int:
    """Optimizer steps over which the learning rate rises. An integer, since the Trainer reads 0.1 and 1.0 otherwise."""
    return round(settings.warmup * steps)


def _verified(path: str) -> Checkpoint:
    folder = Path(path)
    return Checkpoint(folder, int(folder.name.removeprefix("step-")))


def _unshared(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tied weights as separate copies: safetensors refuses two names for one memory. No other tensor is copied."""
    seen: set[int] = set()
    result = {}
    for name, value in state.items():
        tied = value.data_ptr() in seen
        seen.add(value.data_ptr())
        result[name] = value.clone() if tied else value.contiguous()
    return result


def _plain_state(trainer: Trainer) -> dict[str, Any]:
    """What the Trainer needs to know where it was; its own log and callback records are not ours to keep."""
    state = trainer.state
    return {
        "global_step": state.global_step,
        "epoch": state.epoch,
        "max_steps": state.max_steps,
        "num_train_epochs": state.num_train_epochs,
        "train_batch_size": state.train_batch_size,
    }
