"""What a task must answer: which model class, what a label is, the clean loss per row, which metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor


class Task(ABC):
    """One kind of prediction. Stateless; `regtune.tasks.TASKS` holds one instance of each."""

    name: ClassVar[str]  # as written in the config
    auto_class: ClassVar[str]  # the transformers Auto class that builds the model
    metrics: ClassVar[tuple[str, ...]]  # names in regtune.evaluation.metrics.METRICS
    headline: ClassVar[str]  # the metric of the live table

    @abstractmethod
    def clean_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss that is reported: hard labels, no weighting, one value per row, nats. (rows, …) → (rows,)."""

    @abstractmethod
    def hard_targets(self, labels: Tensor, classes: int) -> Tensor:
        """Labels as target distributions that techniques may soften. (rows,) → (rows, classes)."""

    @abstractmethod
    def objective(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss that is minimised, for possibly soft targets, one value per row. (rows, classes) → (rows,)."""

    @abstractmethod
    def probabilities(self, logits: Tensor) -> Tensor:
        """What predict writes. (rows, classes) → (rows, classes), each row summing to 1."""
