"""The two honest numbers: clean loss on a fixed sample of the training rows, and on the validation rows.

One function for both, eval mode, hard labels, no weighting. The training sample is as large as the validation set, so
that the gap between the two means something and costs no more than the validation itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regtune.data.encode import EncodedRows
from regtune.evaluation.metrics import compute_metrics
from regtune.evaluation.results import score
from regtune.evaluation.scoring import Scorer
from regtune.tasks import Task


@dataclass(frozen=True)
class Measured:
    """train_loss, validation_loss: nats per row. metrics: on the validation rows, by name."""

    train_loss: float
    validation_loss: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class Measure:
    """Calling it measures the model as it is now and leaves it, and all random state, untouched."""

    scorer: Scorer
    task: Task
    train_sample: EncodedRows
    validation: EncodedRows

    def __call__(self, *, poll: Callable[[], None]) -> Measured:
        """Whatever poll raises passes through."""
        train_loss = score(self.scorer, self.task, self.train_sample, poll=poll).loss
        validation = score(self.scorer, self.task, self.validation, poll=poll)
        metrics = compute_metrics(self.task.metrics, validation.probabilities, validation.labels)
        return Measured(train_loss, validation.loss, metrics)
