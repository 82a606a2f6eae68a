"""Numbers about a finished model on labelled rows: each metric with its 95 % interval, and every row's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from regtune.data.encode import EncodedRows
from regtune.evaluation.intervals import interval_for
from regtune.evaluation.scoring import Scorer
from regtune.tasks import Task


@dataclass(frozen=True)
class Results:
    """A model's answers on labelled rows. probabilities: (rows, classes); losses: (rows,) nats, clean."""

    probabilities: NDArray[Any]
    labels: NDArray[Any]  # (rows,) class ids
    losses: NDArray[Any]
    task: Task

    @property
    def loss(self) -> float:
        """Mean clean loss, nats per row."""
        return float(torch.from_numpy(self.losses).double().mean().item())

    def summary(self, *, seed: int) -> dict[str, Any]:
        """For run.json: {"rows", "loss", "metrics": {name: {"value", "low", "high"}}}. seed: of the bootstrap."""
        metrics = {}
        for name in self.task.metrics:
            interval = interval_for(name, self.probabilities, self.labels, seed=seed)
            metrics[name] = {"value": interval.value, "low": interval.low, "high": interval.high}
        return {"rows": len(self.labels), "loss": self.loss, "metrics": metrics}


def score(scorer: Scorer, task: Task, rows: EncodedRows, *, poll: Callable[[], None] | None = None) -> Results:
    """Run the model on labelled rows, dropout off (asserted by the scorer). poll: see `Scorer.logits`.

    Training evaluations, the restored best, the test split and `regtune evaluate` all come through here.
    """
    logits = scorer.logits(rows, poll=poll)  # (rows, classes)
    labels = torch.tensor([feature["labels"] for feature in rows.features])  # (rows,)
    return Results(
        probabilities=task.probabilities(logits).double().numpy(),
        labels=labels.numpy(),
        losses=task.clean_loss(logits, labels).numpy(),
        task=task,
    )
