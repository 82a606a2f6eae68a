"""Everything a run needs before its first step, built from the config alone, so that a resumed run builds the same."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import set_seed

from regtune.config.schema import Config
from regtune.data.batches import LengthGroupedBatches
from regtune.data.dataset import Splits, load_splits
from regtune.data.encode import Collator, EncodedRows, encode_examples
from regtune.data.splits import stratified_sample
from regtune.errors import ConfigError
from regtune.evaluation.metrics import higher_is_better
from regtune.evaluation.scoring import Scorer
from regtune.models.load import LoadedModel, load_model
from regtune.regularization import Dropout, Patience, Smoothing, Techniques, WeightDecay
from regtune.regularization.smoothing import check as check_smoothing
from regtune.tasks import TASKS, Task
from regtune.training.conductor import evaluation_steps
from regtune.training.devices import choose_device
from regtune.training.trackers import check_trackers


@dataclass(frozen=True)
class Setup:
    """A run, ready for its first step."""

    config: Config
    task: Task
    splits: Splits
    device: torch.device
    loaded: LoadedModel
    scorer: Scorer
    train: EncodedRows
    train_sample: EncodedRows  # fixed, stratified, as large as the validation set
    validation: EncodedRows
    test: EncodedRows | None
    batches: LengthGroupedBatches
    techniques: Techniques
    notes: tuple[str, ...]

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


def prepare(config: Config) -> Setup:
    """Read and split the data, load the model, place the techniques. Trains nothing, writes nothing.

    Raises ConfigError, DataError or EnvironmentFault: everything that can be wrong is found here, before time is spent.
    """
    settings = config.training
    device = choose_device(settings)
    check_trackers(settings.report_to)
    splits = load_splits(config.data, seed=settings.seed)
    task = TASKS[config.task]
    check_smoothing(config.regularization.smoothing, len(splits.label_names))
    set_seed(settings.seed)
    loaded = load_model(
        config.model,
        task=task,
        label_names=splits.label_names,
        texts=[example.text for example in splits.train],
        max_length=config.data.max_length,
        seed=settings.seed,
    )
    sides = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    rows = {
        name: encode_examples(
            examples, splits.label_names, tokenizer=loaded.tokenizer, max_length=config.data.max_length
        )
        for name, examples in sides.items()
        if examples  # no test split: no test rows
    }
    labels = [example.label for example in splits.train]
    sample = stratified_sample(labels, min(len(splits.validation), len(labels)), seed=settings.seed)
    collate = Collator(loaded.tokenizer)
    techniques = build_techniques(config, loaded)
    for technique in techniques:
        technique.adjust_model(loaded.model, collate([rows["train"][i] for i in (0, 1)]))
    torch.nn.Module.to(loaded.model, device)  # PreTrainedModel.to is annotated wrongly
    setup = Setup(
        config=config,
        task=task,
        splits=splits,
        device=device,
        loaded=loaded,
        scorer=Scorer(loaded.model, collate, bfloat16=settings.precision == "bfloat16"),
        train=rows["train"],
        train_sample=rows["train"].take(sample),
        validation=rows["validation"],
        test=rows.get("test"),
        batches=LengthGroupedBatches(rows["train"].lengths, batch_size=settings.batch_size, seed=settings.seed),
        techniques=techniques,
        notes=(*splits.notes, *truncation_notes(rows, config.data.max_length)),
    )
    if settings.evaluations_per_epoch > setup.steps_per_epoch:
        raise ConfigError(
            f"training.evaluations_per_epoch: {settings.evaluations_per_epoch} is more than the "
            f"{setup.steps_per_epoch} optimizer steps of an epoch",
            hint=f"use at most training.evaluations_per_epoch={setup.steps_per_epoch}",
        )
    return setup


def build_techniques(config: Config, loaded: LoadedModel) -> Techniques:
    settings = config.regularization
    return Techniques(
        dropout=Dropout(settings.dropout),
        weight_decay=WeightDecay(
            settings.weight_decay, target=settings.weight_decay_target, new_parameters=loaded.new_parameters
        ),
        patience=Patience(
            settings.patience,
            min_delta=settings.min_delta,
            higher_is_better=higher_is_better(settings.monitor),
        ),
        smoothing=Smoothing(settings.smoothing),
    )


def truncation_notes(rows: dict[str, EncodedRows], max_length: int) -> list[str]:
    return [
        f"{encoded.truncated} of {len(encoded)} {name} texts are longer than {max_length} tokens and were cut"
        for name, encoded in rows.items()
        if encoded.truncated
    ]
