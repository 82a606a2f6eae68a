"""Early stopping: keep the weights of the best evaluation, and stop when it stays the best for too long.

What it does
    After each evaluation compares the monitored validation value with the best so far. A new best has its weights
    saved; after `patience` evaluations in a row without one, training stops and the best weights come back.

Formula
    gain = best − value (value − best for a metric of which more is better). gain > min_delta: new best, count 0;
    otherwise count + 1, and stop at count = patience. Everything is recomputed from all values each time, so the
    history is the only state, and a resumed run stops exactly where an uninterrupted one does.

Settings and defaults
    patience: evaluations, 1 or more; null never stops, and the best weights come back all the same. Default 3: on
    small data the validation loss of a few dozen rows jumps by its own sampling noise, so one or two bad evaluations
    say little, and past the minimum each further epoch only memorises.
    min_delta: default 0, any gain counts. The best moves only on a gain above min_delta, so slow steady gains add up
    and count once their sum passes it (the Trainer moves it on every gain, and stops a model that still improves).
    monitor: default "loss", the clean validation loss: on few rows it moves when accuracy, a step function, does not.
    A tie is a miss. NaN or infinity is a miss and never the best.

Interactions
    Counts evaluations, not epochs: evaluations_per_epoch 2 halves the patience in epochs. Stopping in warm-up, when
    nothing is learnt yet, is possible with little patience. The learning rate falls over all `epochs`, also when the
    run stops long before. The best of many noisy evaluations looks better than it is: trust the test split.

Source
    Prechelt 1998, "Early Stopping - But When?", https://doi.org/10.1007/3-540-49430-8_3. Training up to 20 epochs on
    small sets: Mosbach, Andriushchenko and Klakow 2021, https://arxiv.org/abs/2006.04884.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from regtune.regularization.base import Regularizer


@dataclass(frozen=True)
class Verdict:
    """What the newest evaluation means."""

    is_best: bool
    patience_used: int  # evaluations since the best one, or since the start while none was finite
    stops: bool


def judge(values: Sequence[float], *, higher_is_better: bool, patience: int | None, min_delta: float) -> Verdict:
    """Judge the newest of `values`, the monitored value of every evaluation so far, oldest first, at least one.

    patience: evaluations, None never stops. min_delta: in the unit of the values, 0 or more.
    """
    assert values
    sign = 1.0 if higher_is_better else -1.0
    best, misses = -math.inf, 0
    for value in values:
        # `best` starts below every finite value, so the first finite one gains more than any min_delta.
        if math.isfinite(value) and sign * value - best > min_delta:
            best, misses = sign * value, 0
        else:
            misses += 1
    return Verdict(is_best=misses == 0, patience_used=misses, stops=patience is not None and misses >= patience)


def earliest_stop_evaluation(patience: int) -> int:
    """Number of the first evaluation (from 1) that can stop a healthy run: evaluation 1 is the best, the rest miss."""
    return patience + 1


class Patience(Regularizer):
    """Early stopping's settings for one run. patience: evaluations; None never stops."""

    def __init__(self, patience: int | None, *, min_delta: float = 0.0, higher_is_better: bool = False) -> None:
        self.patience = patience
        self.min_delta = min_delta
        self.higher_is_better = higher_is_better

    def judge(self, values: Sequence[float]) -> Verdict:
        """`judge` with these settings."""
        return judge(values, higher_is_better=self.higher_is_better, patience=self.patience, min_delta=self.min_delta)
