"""What a paired comparison says, as plain values. `regtune.evaluation.paired` computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["better", "not distinguishable", "worse"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Candidate minus reference, paired on the same rows, with its 95 % interval, in the measure's own unit."""

    measure: str  # "loss" or a metric
    value: float  # NaN: an answer was not finite
    low: float  # −inf and inf: one row, or NaN
    high: float
    rows: int  # rows that both answered, each counted once per repetition
    repetitions: int  # folds and seeds that both were trained on
    outcome: Outcome  # what the interval says, whichever way the measure improves
