"""The rows of a run as its model reads them: encoded once, or, with augmentation, anew in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch.utils.data import Dataset

from regtune.config.schema import DataSettings
from regtune.data.batches import LengthGroupedBatches
from regtune.data.encode import EncodedRows
from regtune.data.example import Example
from regtune.errors import ConfigError
from regtune.regularization import Augmentation
from regtune.tasks import Task
from regtune.tasks.base import Processor
from regtune.training.augmented_rows import AugmentedRows

LOOKED_AT = 100  # training rows asked whether augmentation changes them
EPOCHS_LOOKED_AT = 3


@dataclass(frozen=True)
class Encoder:
    """Examples to model inputs, the same way on every side."""

    task: Task
    processor: Processor
    label_names: tuple[str, ...]
    settings: DataSettings

    def __call__(self, examples: Sequence[Example]) -> EncodedRows:
        return self.task.encode_labelled(
            [example.inputs for example in examples],
            [example.target for example in examples],
            label_names=self.label_names,
            processor=self.processor,
            settings=self.settings,
        )

    def augmented(
        self, examples: Sequence[Example], augmentation: Augmentation, batches: LengthGroupedBatches
    ) -> Dataset[dict[str, Any]]:
        """Training rows that change with the epoch of `batches`."""

        def augment(original: Example, *, epoch: int, row: int) -> Example:
            inputs, target = self.task.augmented(original.inputs, original.target, augmentation, epoch=epoch, row=row)
            return replace(original, inputs=inputs, target=target)

        return AugmentedRows(
            examples, augment=augment, encode=lambda example: self([example]).features[0], batches=batches
        )


def count_augmented(examples: Sequence[Example], task: Task, augmentation: Augmentation) -> tuple[int, int]:
    """(rows that an epoch changes, rows looked at), evenly spread. Raises ConfigError when no row can change."""
    rows = range(0, len(examples), max(1, len(examples) // LOOKED_AT))
    for epoch in range(EPOCHS_LOOKED_AT):
        changed = sum(
            tuple(task.augmented(example.inputs, example.target, augmentation, epoch=epoch, row=row)[0])
            != example.inputs
            for row, example in ((row, examples[row]) for row in rows)
        )
        if changed:
            return changed, len(rows)
    raise ConfigError(
        f"regularization.augmentation: none of {len(rows)} training rows changes in {EPOCHS_LOOKED_AT}"
        " epochs, they are too short for it",
        hint="a larger strength acts on shorter rows; `regtune explain augmentation` says what each operation does",
    )
