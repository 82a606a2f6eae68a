"""What a metric is, and the two ways most are made: from a share of rows, and from sums over rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array, Interval, Statistic, interval_of_sums, wilson


@dataclass(frozen=True)
class Metric:
    """A metric's name as configs and tables spell it, how it and its interval are computed, which way is better.

    statistic: the metric of resampled rows, so that two models can be compared on the same draws; see `Statistic`. On
    every row drawn once it is the value, up to rounding.
    """

    name: str
    value: Callable[[Answered], float]
    interval: Callable[[Answered, int], Interval]  # the int is the bootstrap's seed
    statistic: Callable[[Answered], Statistic]
    higher_is_better: bool
    description: str  # what it is, with its range
    unit: str = ""  # empty: a pure number, or the target's own unit


def share_of_rows(name: str, is_right: Callable[[Answered], NDArray[np.bool_]], *, description: str) -> Metric:
    """The share of rows that are right, in [0, 1], with Wilson's interval. is_right: → (rows,)"""

    def value(answered: Answered) -> float:
        return float(is_right(answered).mean())

    def interval(answered: Answered, seed: int) -> Interval:
        right = is_right(answered)
        return wilson(int(right.sum()), len(right))

    def statistic(answered: Answered) -> Statistic:
        right = is_right(answered)
        return lambda drawn: drawn @ right / len(right)

    return Metric(name, value, interval, statistic, True, description)


def of_row_sums(
    name: str,
    row_sums: Callable[[Answered], Array],
    of_sums: Statistic,
    *,
    higher_is_better: bool,
    description: str,
    highest: float = 1.0,
) -> Metric:
    """A metric in [0, highest] that is a function of sums over rows; see `interval_of_sums`."""

    def value(answered: Answered) -> float:
        return float(of_sums(row_sums(answered).sum(axis=0)))

    def interval(answered: Answered, seed: int) -> Interval:
        return interval_of_sums(row_sums(answered), of_sums, seed=seed, highest=highest)

    def statistic(answered: Answered) -> Statistic:
        sums = row_sums(answered)
        return lambda drawn: of_sums(drawn @ sums)

    return Metric(name, value, interval, statistic, higher_is_better, description)


def ratio(above: NDArray[Any], below: NDArray[Any]) -> Array:
    """above / below, and 0 where both are 0: nothing to be right about counts as nothing right. (…,) → (…,)"""
    result: Array = np.divide(above, below, out=np.zeros(below.shape), where=below > 0)
    return result


def mean_of_rows(sums: Array) -> Array:
    """The mean from (sum of the values, number of rows). (…, 2) → (…,)"""
    mean: Array = sums[..., 0] / sums[..., 1]
    return mean


def with_row_count(values: Array) -> Array:
    """What each row adds to (sum of the values, number of rows). (rows,) → (rows, 2)"""
    return np.stack([values, np.ones_like(values)], axis=1)
