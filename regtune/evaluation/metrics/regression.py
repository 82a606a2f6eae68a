"""Metrics of a number: Pearson's and Spearman's correlation, RMSE, and the RMSE of always answering the mean.

A correlation of constant answers, or with constant labels, is undefined; it is given as 0 with the interval −1 to 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array, Interval, Statistic, bootstrap
from regtune.evaluation.metrics.base import Metric, mean_of_rows, of_row_sums, with_row_count

NEGLIGIBLE = 1e-12  # a variance below this share of the mean square is rounding


def pearson(answers: Array, labels: Array) -> float:
    """Correlation of two lists of numbers, (rows,) each, in [−1, 1]; 0 if one of them is constant."""
    return float(_pearson_of(answers, labels)(np.ones((1, len(labels))))[0])


def spearman(answers: Array, labels: Array) -> float:
    """Correlation of the ranks of two lists of numbers, equal numbers sharing the mean of their ranks, in [−1, 1]."""
    return float(_spearman_of(answers, labels)(np.ones((1, len(labels))))[0])


def _pearson_of(answers: Array, labels: Array) -> Statistic:
    """Pearson's correlation of drawn rows: (draws, rows) → (draws,)."""
    x, y = _standardized(answers), _standardized(labels)
    row_values = np.stack([x, y, x * x, y * y, x * y], axis=1)  # (rows, 5)

    def statistic(drawn: Array) -> Array:
        x, y, xx, yy, xy = (drawn @ row_values).T / len(labels)  # means, (draws,) each
        x_variance, y_variance = xx - x * x, yy - y * y
        varies = (x_variance > NEGLIGIBLE * xx) & (y_variance > NEGLIGIBLE * yy)
        return _correlation(xy - x * y, x_variance, y_variance, varies)

    return statistic


def _spearman_of(answers: Array, labels: Array) -> Statistic:
    """Spearman's correlation of drawn rows, ranked anew in every draw: (draws, rows) → (draws,)."""
    rank_answers, rank_labels = _ranks_of(answers), _ranks_of(labels)

    def statistic(drawn: Array) -> Array:
        x, y = rank_answers(drawn), rank_labels(drawn)  # (draws, rows) each
        drawn_x = drawn * x
        xx, yy, xy = (drawn_x * x).sum(axis=1), (drawn * y * y).sum(axis=1), (drawn_x * y).sum(axis=1)
        return _correlation(xy, xx, yy, (xx > 0) & (yy > 0))

    return statistic


def _ranks_of(values: Array) -> Statistic:
    """Twice the distance of every row's rank among the drawn values from the middle rank; equal values share the mean
    of their ranks. values: (rows,); returns a function (draws, rows) → (draws, rows).
    """
    order = np.argsort(values)
    first, end = (np.searchsorted(values[order], values, side=side) for side in ("left", "right"))  # (rows,) each

    def ranks(drawn: Array) -> Array:
        below = np.zeros((len(drawn), len(values) + 1))  # rows drawn among the k smallest, k = 0, 1, …
        np.cumsum(drawn.take(order, axis=1), axis=1, out=below[:, 1:])
        return below.take(first, axis=1) + below.take(end, axis=1) - len(values)

    return ranks


def _correlation(covariance: Array, x_variance: Array, y_variance: Array, varies: NDArray[np.bool_]) -> Array:
    """(draws,) each → (draws,), 0 where one of the two does not vary."""
    result = np.zeros_like(covariance)
    result[varies] = covariance[varies] / np.sqrt(x_variance[varies] * y_variance[varies])
    return result.clip(-1.0, 1.0)


def _standardized(values: Array) -> Array:
    """Mean 0 and largest distance from it 1, so that sums of squares lose no digits; zeros if all are equal."""
    centred = values - values.mean()
    if np.ptp(values) == 0:
        return np.zeros_like(centred)
    scaled: Array = centred / np.abs(centred).max()
    return scaled


def _number_arrays(answered: Answered) -> tuple[Array, Array]:
    """Answers and labels as numbers, (rows,) each."""
    return np.asarray(answered.answers, dtype=np.float64), np.asarray(answered.labels, dtype=np.float64)


def _pearson_interval(answered: Answered, seed: int) -> Interval:
    answers, labels = _number_arrays(answered)
    return _correlation_interval(pearson(answers, labels), _pearson_of(answers, labels), answers, labels, seed)


def _spearman_interval(answered: Answered, seed: int) -> Interval:
    answers, labels = _number_arrays(answered)
    return _correlation_interval(spearman(answers, labels), _spearman_of(answers, labels), answers, labels, seed)


def _correlation_interval(value: float, statistic: Statistic, answers: Array, labels: Array, seed: int) -> Interval:
    # Two points always lie on a line.
    if len(labels) < 3 or np.ptp(answers) == 0 or np.ptp(labels) == 0:
        return Interval(value, -1.0, 1.0)
    return bootstrap(value, len(labels), statistic, seed=seed, lowest=-1.0, highest=1.0)


def _squared_errors(answered: Answered) -> Array:
    answers, labels = _number_arrays(answered)
    return with_row_count((answers - labels) ** 2)


def _squared_errors_of_mean(answered: Answered) -> Array:
    assert answered.baseline is not None, "rmse_of_mean needs Answered.baseline"
    return with_row_count((np.asarray(answered.labels, dtype=np.float64) - answered.baseline) ** 2)


def _root_mean(sums: Array) -> Array:
    return np.sqrt(mean_of_rows(sums))


PEARSON = Metric(
    "pearson",
    lambda answered: pearson(*_number_arrays(answered)),
    _pearson_interval,
    lambda answered: _pearson_of(*_number_arrays(answered)),
    True,
    "Pearson's correlation of answers and labels, −1 to 1",
)
SPEARMAN = Metric(
    "spearman",
    lambda answered: spearman(*_number_arrays(answered)),
    _spearman_interval,
    lambda answered: _spearman_of(*_number_arrays(answered)),
    True,
    "Spearman's rank correlation of answers and labels, −1 to 1",
)
RMSE = of_row_sums(
    "rmse",
    _squared_errors,
    _root_mean,
    higher_is_better=False,
    description="root mean squared error, in the unit of the labels",
    highest=math.inf,
)
RMSE_OF_MEAN = of_row_sums(
    "rmse_of_mean",
    _squared_errors_of_mean,
    _root_mean,
    higher_is_better=False,
    description="root mean squared error of always answering the mean of the training labels",
    highest=math.inf,
)
