"""Numbers about a finished model on labelled rows: each metric with its 95 % interval, and every row's answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from regtune.data.encode import EncodedRows
from regtune.errors import DataError
from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import compute_metrics, interval_for
from regtune.evaluation.metrics.multi_label import tune_threshold
from regtune.evaluation.scoring import Scorer
from regtune.tasks import Task

NO_INTERVAL = Interval(math.nan, math.nan, math.nan)
PLAIN_THRESHOLD = 0.5  # of a task that tunes none


@dataclass(frozen=True)
class Results:
    """A model's answers on labelled rows."""

    answered: Answered
    task: Task

    @property
    def loss(self) -> float:
        """Mean clean loss, in the task's `loss_unit`."""
        return mean_loss(self.answered.losses, self.answered.units)

    @property
    def threshold(self) -> float:
        return self.answered.threshold

    def metrics(self) -> dict[str, float]:
        """The task's metrics by name; NaN where the model's output was not finite."""
        return compute_metrics(self.task.metrics, self.answered)

    def summary(self, *, seed: int) -> dict[str, Any]:
        """For run.json: {"rows", "loss", "metrics": {name: {"value", "low", "high"}}}. seed: of the bootstrap.

        None stands for what JSON has no number for: an infinite high, or all three where the output was not finite.
        """
        loss = self.loss  # raises where there is nothing to score
        metrics: dict[str, dict[str, float | None]] = {}
        for name in self.task.metrics:
            bounds = interval_for(name, self.answered, seed=seed) if self.answered.is_finite else NO_INTERVAL
            metrics[name] = {"value": _json(bounds.value), "low": _json(bounds.low), "high": _json(bounds.high)}
        return {"rows": len(self.answered.labels), "loss": _json(loss), "metrics": metrics}


def score(
    scorer: Scorer,
    rows: EncodedRows,
    *,
    threshold: float | None = None,
    baseline: float | None = None,
    poll: Callable[[], None] | None = None,
) -> Results:
    """Run the model on labelled rows, dropout off (asserted by the scorer). poll: see `Scorer`.

    Training evaluations, the restored best, the test split and `regtune evaluate` all come through here. threshold:
    chosen on validation rows; None: these are the validation rows, and it is chosen here. baseline: what always
    answering with the training rows' mean would say, in regression.
    """
    scored = scorer(rows, poll=poll)
    if threshold is None:
        tunes = scorer.task.tunes_threshold and all(np.isfinite(answer).all() for answer in scored.answers)
        threshold = tune_threshold(np.stack(scored.answers), np.stack(rows.gold)) if tunes else PLAIN_THRESHOLD
    answered = Answered(
        answers=scored.answers,
        labels=rows.gold,
        losses=scored.losses,
        units=scored.units,
        threshold=threshold,
        baseline=baseline,
    )
    return Results(answered, scorer.task)


def clean_loss(scorer: Scorer, rows: EncodedRows, *, poll: Callable[[], None] | None = None) -> float:
    """The mean clean loss alone, of labelled rows."""
    scored = scorer(rows, with_answers=False, poll=poll)
    return mean_loss(scored.losses, scored.units)


def mean_loss(losses: Any, units: Any) -> float:
    """Summed losses over counted units: a row with more tokens counts more. (rows,) twice.

    Raises DataError when there is no unit at all.
    """
    if not units.any():
        raise DataError(
            f"none of {len(units)} rows has anything to score: their prompts fill data.max_length",
            hint="raise data.max_length, or shorten the prompts",
        )
    return float(losses.sum() / units.sum())


def _json(number: float) -> float | None:
    return number if math.isfinite(number) else None
