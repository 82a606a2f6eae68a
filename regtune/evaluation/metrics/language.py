"""Metrics of a language model: perplexity."""

from __future__ import annotations

import math

import numpy as np

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array, Interval, Statistic, interval_of_sums
from regtune.evaluation.metrics.base import Metric


def perplexity(answered: Answered) -> float:
    """exp(Σ losses / Σ units): the number of equally likely next tokens the model hesitates between, from 1 (certain).

    Per token over all rows, so a long row counts for more than a short one; at least one row has a token. Infinite
    above 1.8e308, a mean loss of 709.8 nats.
    """
    return _exp(float(_mean_loss(_losses_and_units(answered).sum(axis=0))))


def _interval(answered: Answered, seed: int) -> Interval:
    """The interval of the mean loss, which is far less skewed, carried over."""
    loss = interval_of_sums(_losses_and_units(answered), _mean_loss, seed=seed, highest=math.inf)
    return Interval(_exp(loss.value), _exp(loss.low), _exp(loss.high))


def mean_loss_statistic(answered: Answered) -> Statistic:
    """The clean loss of drawn rows, per unit, of any task. A draw of rows without any unit says as much as all rows."""
    sums = _losses_and_units(answered)
    of_all = float(_mean_loss(sums.sum(axis=0)))

    def statistic(drawn: Array) -> Array:
        losses, units = (drawn @ sums).T  # (draws,) each
        mean: Array = np.divide(losses, units, out=np.full(len(drawn), of_all), where=units > 0)
        return mean

    return statistic


def _perplexity_statistic(answered: Answered) -> Statistic:
    loss = mean_loss_statistic(answered)

    def statistic(drawn: Array) -> Array:
        with np.errstate(over="ignore"):  # infinite, as `_exp` has it
            perplexities: Array = np.exp(loss(drawn))
        return perplexities

    return statistic


def _losses_and_units(answered: Answered) -> Array:
    return np.stack([answered.losses, answered.units], axis=1, dtype=np.float64)  # (rows, 2)


def _mean_loss(sums: Array) -> Array:
    mean: Array = sums[..., 0] / sums[..., 1]
    return mean


def _exp(loss: float) -> float:
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


PERPLEXITY = Metric(
    "perplexity", perplexity, _interval, _perplexity_statistic, False, "exp of the mean loss per token, from 1"
)
