"""The two honest numbers: clean loss on a fixed sample of the training rows, and on the validation rows.

One function for both, eval mode, hard labels, no weighting. The training sample is as large as the validation set, so
that the gap between the two means something and costs no more than the validation itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regtune.data.encode import EncodedRows
from regtune.evaluation.answers import Answered
from regtune.evaluation.results import clean_loss, score
from regtune.evaluation.scoring import Scorer


@dataclass(frozen=True)
class Measured:
    """train_loss, validation_loss: in the task's `loss_unit`. metrics: on the validation rows, by name."""

    train_loss: float
    validation_loss: float
    metrics: dict[str, float]
    answered: Answered  # the validation rows


@dataclass(frozen=True)
class Measure:
    """Calling it measures the model as it is now and leaves it, and all random state, untouched."""

    scorer: Scorer
    train_sample: EncodedRows
    validation: EncodedRows
    baseline: float | None  # see `regtune.evaluation.results.score`

    def __call__(self, *, poll: Callable[[], None]) -> Measured:
        """Whatever poll raises passes through."""
        train_loss = clean_loss(self.scorer, self.train_sample, poll=poll)
        validation = score(self.scorer, self.validation, baseline=self.baseline, poll=poll)
        return Measured(train_loss, validation.loss, validation.metrics(), validation.answered)
