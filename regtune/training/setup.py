"""Everything a run needs before its first step, built from the config alone, so that a resumed run builds the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import set_seed

from regtune.config.schema import Config
from regtune.data.batches import LengthGroupedBatches
from regtune.data.dataset import Splits, load_splits
from regtune.data.encode import EncodedRows
from regtune.data.splits import stratified_sample
from regtune.errors import ConfigError
from regtune.evaluation.metrics import higher_is_better
from regtune.evaluation.scoring import Scorer
from regtune.models.finetune import hold_in_evaluation
from regtune.models.load import LoadedModel, load_model
from regtune.regularization import Augmentation, Dropout, DropPath, Patience, Smoothing, Techniques, WeightDecay
from regtune.regularization.augmentation import operations
from regtune.regularization.smoothing import check as check_smoothing
from regtune.tasks import Task
from regtune.tasks.infer import resolve_task
from regtune.training.capacity import Capacity, limit_capacity, with_features
from regtune.training.conductor import evaluation_steps
from regtune.training.devices import choose_device
from regtune.training.encoded import Encoder, count_augmented
from regtune.training.trackers import check_trackers


@dataclass(frozen=True)
class Setup:
    """A run, ready for its first step."""

    config: Config
    task: Task
    splits: Splits
    device: torch.device
    loaded: LoadedModel
    capacity: Capacity
    scorer: Scorer
    train: EncodedRows
    training_rows: Dataset[dict[str, Any]]  # the same rows, as each epoch sees them
    augmented: tuple[int, int]  # rows that the first epoch changes, of how many looked at
    train_sample: EncodedRows  # fixed, stratified, as large as the validation set
    validation: EncodedRows
    test: EncodedRows | None
    batches: LengthGroupedBatches
    techniques: Techniques
    notes: tuple[str, ...]

    @property
    def classes(self) -> int:
        """K of the smoothing formula: the classes of a unit of the loss."""
        return self.task.smoothing_classes(self.splits.label_names, self.loaded.model)

    @property
    def chance_loss(self) -> float:
        """Clean loss of always answering with the class shares of the training rows, in the task's `loss_unit`."""
        return self.task.chance_loss(self.train)

    @property
    def baseline(self) -> float | None:
        """See `Task.baseline`."""
        return self.task.baseline([example.target for example in self.splits.train])

    @property
    def class_weights(self) -> Tensor | None:
        """(classes,) by class id, or None where every row counts the same."""
        if self.config.training.class_weights == "none":
            return None
        return self.task.balanced_weights(self.train, classes=len(self.splits.label_names))

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps; the last accumulation group of an epoch may be smaller."""
        return -(-len(self.batches) // self.config.training.accumulation)

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.config.training.epochs

    @property
    def due(self) -> frozenset[int]:
        """Steps after which an evaluation is due."""
        return evaluation_steps(
            steps_per_epoch=self.steps_per_epoch,
            epochs=self.config.training.epochs,
            evaluations_per_epoch=self.config.training.evaluations_per_epoch,
        )


def prepare(config: Config, *, scores_test: bool = True) -> Setup:
    """Read and split the data, load the model, place the techniques. Trains nothing, writes nothing.

    scores_test: False leaves the test rows unread by the model, for a trial, which must not look at them. Raises
    ConfigError, DataError or EnvironmentFault: everything that can be wrong is found here, before time is spent.
    """
    settings = config.training
    device = choose_device(settings)
    check_trackers(settings.report_to)
    config, task, reason = resolve_task(config)
    splits = load_splits(config.data, rules=task, seed=config.split_seed)
    set_seed(settings.seed)
    inputs, targets = [example.inputs for example in splits.train], [example.target for example in splits.train]
    loaded = load_model(
        config.model_settings.name,
        task=task,
        label_names=splits.label_names,
        texts=task.vocabulary_texts(inputs, targets),
        max_length=task.positions(config.data),
        seed=settings.seed,
    )
    task.prepare_model(loaded.model, new_parameters=loaded.new_parameters, targets=targets, settings=config.data)
    sides = {"train": splits.train, "validation": splits.validation, "test": splits.test if scores_test else ()}
    encode = Encoder(task, loaded.processor, splits.label_names, config.data)
    rows = {name: encode(examples) for name, examples in sides.items() if examples}  # no test split: no test rows
    row_notes = [
        note for side, encoded in rows.items() for note in task.row_notes(encoded, side=side, settings=config.data)
    ]
    sample = stratified_sample(splits.train, min(len(splits.validation), len(splits.train)), seed=settings.seed)
    collate = task.collator(loaded.processor, loaded.model)
    probe = task.model_inputs(collate([rows["train"][i] for i in (0, 1)]))
    capacity = limit_capacity(loaded, config.model_settings, probe, seed=settings.seed)
    techniques, technique_notes = build_techniques(config, task, loaded, new_parameters=capacity.new_parameters)
    for technique in techniques:  # dropout is placed in train mode, so before frozen modules are held out of it
        technique.adjust_model(loaded.model, probe)
    torch.nn.Module.to(loaded.model, device)  # PreTrainedModel.to is annotated wrongly
    hold_in_evaluation(loaded.model, capacity.trained.held)
    batches = LengthGroupedBatches(rows["train"].lengths, batch_size=settings.batch_size, seed=settings.seed)
    is_augmented = bool(techniques.augmentation.strengths)
    if config.model_settings.finetune == "head" and not is_augmented:
        rows, note = with_features(loaded, capacity, rows, task, collate, bfloat16=settings.precision == "bfloat16")
        technique_notes = (*technique_notes, note)
    setup = Setup(
        config=config,
        task=task,
        splits=splits,
        device=device,
        loaded=loaded,
        capacity=capacity,
        scorer=Scorer(loaded.model, task, loaded.processor, collate, bfloat16=settings.precision == "bfloat16"),
        train=rows["train"],
        training_rows=encode.augmented(splits.train, techniques.augmentation, batches)
        if is_augmented
        else rows["train"],
        augmented=count_augmented(splits.train, task, techniques.augmentation) if is_augmented else (0, 0),
        train_sample=rows["train"].take(sample),
        validation=rows["validation"],
        test=rows.get("test"),
        batches=batches,
        techniques=techniques,
        notes=(
            *([reason] if reason else []),
            *splits.notes,
            *row_notes,
            *technique_notes,
        ),
    )
    if config.regularization.smoothing:
        check_smoothing(config.regularization.smoothing, setup.classes)
    if settings.evaluations_per_epoch > setup.steps_per_epoch:
        raise ConfigError(
            f"training.evaluations_per_epoch: {settings.evaluations_per_epoch} is more than the "
            f"{setup.steps_per_epoch} optimizer steps of an epoch",
            hint=f"use at most training.evaluations_per_epoch={setup.steps_per_epoch}",
        )
    return setup


def build_techniques(
    config: Config, task: Task, loaded: LoadedModel, *, new_parameters: Sequence[str]
) -> tuple[Techniques, tuple[str, ...]]:
    """The techniques with this run's settings, and notes on what of them cannot act."""
    settings = config.regularization
    augmentation = settings.augmentation
    strengths, notes = operations(
        augmentation if isinstance(augmentation, float) else augmentation.model_dump(),
        task=task.name,
        mask_token=None if task.reads_images else loaded.processor.mask_token,
    )
    techniques = Techniques(
        augmentation=Augmentation(
            strengths,
            seed=config.training.seed,
            mask_token=None if task.reads_images else loaded.processor.mask_token,
        ),
        drop_path=DropPath(settings.drop_path),
        dropout=Dropout(settings.dropout),
        weight_decay=WeightDecay(
            settings.weight_decay, target=settings.weight_decay_target, new_parameters=new_parameters
        ),
        patience=Patience(
            settings.patience,
            min_delta=settings.min_delta,
            higher_is_better=higher_is_better(settings.monitor),
        ),
        smoothing=Smoothing(settings.smoothing),
    )
    return techniques, notes
