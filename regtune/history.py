"""One record per evaluation. Early stopping, the live table, the report and the diagnosis all read this, nobody
passes numbers around. Pure Python: reading an old run needs neither torch nor transformers.

On disk it is `history.jsonl`: one JSON object a line, strict JSON (a NaN metric is written as null).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was measured at one moment of a run.

    train_loss and validation_loss are the *clean* task loss: eval mode, hard labels, mean per row, the same function
    for both. objective is what AdamW minimised since the previous evaluation (dropout on, smoothed targets, penalties):
    never compare it with the other two.
    """

    step: int  # optimizer steps done
    epoch: float  # passes over the training rows done
    train_loss: float  # in the task's unit (nats per row, …), on a fixed sample of the training rows
    validation_loss: float  # in the same unit
    objective: float  # in the same unit, in train mode
    metrics: dict[str, float]  # validation metrics by name, e.g. {"accuracy": 0.81, "macro_f1": 0.78}
    learning_rate: float  # of the step just made
    patience_used: int  # evaluations since the best one; 0 at a new best
    is_best: bool
    stops: bool  # early stopping fires here
    elapsed_seconds: float  # since the run began, interruptions left out

    @property
    def gap(self) -> float:
        """validation_loss − train_loss; positive when the model knows the training rows better."""
        return self.validation_loss - self.train_loss

    def value(self, monitor: str) -> float:
        """The number early stopping watches: "loss" is the clean validation loss, any other name a metric."""
        return self.validation_loss if monitor == "loss" else self.metrics[monitor]

    def to_json(self) -> str:
        """One strict JSON object, no newline."""
        return json.dumps(_nan_to_null(asdict(self)), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Evaluation:
        """The inverse of `to_json`. Raises ValueError on anything else, KeyError on a missing field."""
        raw = json.loads(line)
        values = {f.name: raw[f.name] for f in fields(cls)}
        for name in ("train_loss", "validation_loss", "objective"):
            values[name] = math.nan if values[name] is None else values[name]
        values["metrics"] = {k: math.nan if v is None else v for k, v in values["metrics"].items()}
        return cls(**values)


@dataclass
class History:
    """The evaluations of a run, in step order."""

    evaluations: list[Evaluation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def append(self, evaluation: Evaluation) -> None:
        assert not self.evaluations or evaluation.step > self.evaluations[-1].step
        self.evaluations.append(evaluation)

    @property
    def last(self) -> Evaluation:
        return self.evaluations[-1]

    @property
    def best(self) -> Evaluation | None:
        """The latest evaluation marked best, the one whose weights are restored; None before the first."""
        return next((e for e in reversed(self.evaluations) if e.is_best), None)

    def to_jsonl(self) -> str:
        return "".join(e.to_json() + "\n" for e in self.evaluations)

    @classmethod
    def from_jsonl(cls, text: str) -> History:
        return cls([Evaluation.from_json(line) for line in text.splitlines() if line])


def _nan_to_null(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _nan_to_null(v) for k, v in value.items()}
    return value
