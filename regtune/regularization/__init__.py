"""The techniques. Each is one file here, whose docstring is its method card, and one line in Techniques."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from regtune.regularization.augmentation import Augmentation
from regtune.regularization.base import Regularizer
from regtune.regularization.drop_path import DropPath
from regtune.regularization.dropout import Dropout
from regtune.regularization.patience import Patience
from regtune.regularization.smoothing import Smoothing
from regtune.regularization.weight_decay import WeightDecay

__all__ = ["Augmentation", "DropPath", "Dropout", "Patience", "Regularizer", "Smoothing", "Techniques", "WeightDecay"]


@dataclass(frozen=True)
class Techniques:
    """A run's techniques by config key, in the order they act; one at strength zero is there and changes nothing."""

    augmentation: Augmentation
    drop_path: DropPath  # before dropout, whose hooks may sit on modules that it replaces
    dropout: Dropout
    weight_decay: WeightDecay
    patience: Patience
    smoothing: Smoothing

    def __iter__(self) -> Iterator[Regularizer]:
        return (getattr(self, field.name) for field in fields(self))
