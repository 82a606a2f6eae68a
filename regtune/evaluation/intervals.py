"""How far a metric could have come out otherwise on as many rows drawn from the same source: 95 % intervals.

Accuracy has Wilson's interval. The others are bootstrapped over rows (Efron and Tibshirani 1993, "An Introduction to
the Bootstrap", ch. 13), with two departures:

- Like rows are resampled as one cell: how often each of C cells is drawn is one multinomial, so the cost depends on C
  (at most a few thousand) and not on the rows. For macro F1 a cell is a (label, prediction) pair, which is exact; for
  NLL and ECE it is a narrow range of loss or confidence with the cell's mean, which moves a bound by far less than the
  bootstrap's own noise.
- The resamples are shifted so that their mean is the metric's value. Resampling adds noise to noise, which moves ECE
  up and macro F1 (rare classes drop out) either way; unshifted, the value itself can lie outside its own interval.

ECE's interval needs one thing more: on few rows the estimate is too high, and above 0 whatever the model. So its lower
bound is moved down by the rise that resampling shows, and to 0 where a calibrated model would score as high by chance.

An interval covers the luck of these evaluation rows only: not the training seed, and not the choice of this run among
several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regtune.evaluation.metrics import (
    ECE_BINS,
    SMALLEST_PROBABILITY,
    Array,
    Labels,
    Probabilities,
    confidence_bin,
    ece,
    macro_f1,
    macro_f1_from_counts,
    row_nll,
)

Counts = npt.NDArray[np.int64]

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the standard normal distribution
RESAMPLES = 2000  # the 2.5 % and 97.5 % points are then the 50th values from the ends
NLL_CELLS = 1000  # equal ranges of row loss
CELLS_PER_BIN = 50  # equal ranges of confidence within an ECE bin
BLOCK_NUMBERS = 4_000_000  # resampled counts held at once: 32 MB as integers, as much again as floats


@dataclass(frozen=True)
class Interval:
    """A measured value and its 95 % interval, low ≤ value ≤ high, in the metric's unit."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """For "±": half the interval's width."""
        return (self.high - self.low) / 2


def interval_for(name: str, probabilities: Probabilities, labels: Labels, *, seed: int) -> Interval:
    """The metric `name` of METRICS with its 95 % interval. Finite probabilities; the same seed gives the same bounds.

    One row cannot show a spread: its NLL and ECE get the metric's whole range. Macro F1 with every row right, or every
    row wrong, cannot be resampled into anything else: it gets accuracy's interval, which knows how many rows that was.
    """
    return _INTERVALS[name](probabilities, labels, seed)


def wilson(successes: int, rows: int) -> Interval:
    """Interval of a share successes/rows, rows ≥ 1; honest at 0, at 1 and for few rows, where ±1.96·SE is not.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22(158).
    """
    share = successes / rows
    shrink = 1 + Z_95**2 / rows
    centre = (share + Z_95**2 / (2 * rows)) / shrink
    half_width = Z_95 / shrink * math.sqrt(share * (1 - share) / rows + Z_95**2 / (4 * rows**2))
    # At share 0 and 1 one bound equals the share up to rounding: min and max keep the share inside.
    return Interval(share, min(max(0.0, centre - half_width), share), max(min(1.0, centre + half_width), share))


def _accuracy_interval(probabilities: Probabilities, labels: Labels, seed: int) -> Interval:
    return wilson(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def _macro_f1_interval(probabilities: Probabilities, labels: Labels, seed: int) -> Interval:
    predictions = probabilities.argmax(axis=1)
    right = int((predictions == labels).sum())
    if right in (0, len(labels)):
        return wilson(right, len(labels))
    classes = probabilities.shape[1]
    cells, counts = np.unique(labels * classes + predictions, return_counts=True)
    identity = np.eye(classes)
    is_label, is_prediction = identity[cells // classes], identity[cells % classes]  # (cells, classes) each

    def statistic(drawn: Array) -> Array:
        return macro_f1_from_counts(drawn @ (is_label * is_prediction), drawn @ is_label, drawn @ is_prediction)

    return _around(macro_f1(probabilities, labels), _resample(counts, statistic, seed), highest=1.0)


def _nll_interval(probabilities: Probabilities, labels: Labels, seed: int) -> Interval:
    losses = row_nll(probabilities, labels)
    value, largest = float(losses.mean()), float(losses.max())
    highest = -math.log(SMALLEST_PROBABILITY)
    if len(losses) == 1:
        return Interval(value, 0.0, highest)
    # Every loss 0 (certain and right) is one cell whatever the range is divided by.
    cell = np.minimum(losses * (NLL_CELLS / max(largest, SMALLEST_PROBABILITY * NLL_CELLS)), NLL_CELLS - 1)
    means, counts = _cell_means(cell.astype(np.intp), losses)

    def statistic(drawn: Array) -> Array:
        resampled: Array = drawn @ means / len(losses)
        return resampled

    return _around(value, _resample(counts, statistic, seed), highest=highest)


def _ece_interval(probabilities: Probabilities, labels: Labels, seed: int) -> Interval:
    value = ece(probabilities, labels)
    if len(labels) == 1:
        return Interval(value, 0.0, 1.0)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    luck = np.quantile(_calibrated_ece(confidence, seed), 0.975)
    cell = confidence_bin(confidence, ECE_BINS * CELLS_PER_BIN) * 2 + right
    means, counts = _cell_means(cell, right - confidence)
    surplus = np.zeros((len(means), ECE_BINS))  # (cells, bins): a cell adds to its bin only
    surplus[np.arange(len(means)), np.unique(cell) // (2 * CELLS_PER_BIN)] = means

    def statistic(drawn: Array) -> Array:
        resampled: Array = np.abs(drawn @ surplus).sum(axis=1) / len(labels)
        return resampled

    resamples = _resample(counts, statistic, seed)
    spread = _around(value, resamples, highest=1.0)
    rise = max(0.0, float(resamples.mean()) - value)
    return Interval(value, 0.0 if value <= luck else max(0.0, spread.low - rise), spread.high)


def _calibrated_ece(confidence: Array, seed: int) -> Array:
    """ECE of a calibrated model on rows of these confidences: each is right with the probability it claims.

    (rows,) → (RESAMPLES,). Source: consistency resampling, Bröcker and Smith 2007, "Increasing the Reliability of
    Reliability Diagrams", Weather and Forecasting 22(3).
    """
    cell = confidence_bin(confidence, ECE_BINS * CELLS_PER_BIN)
    claimed, counts = _cell_means(cell, confidence)
    right = np.random.default_rng(seed).binomial(counts, claimed.clip(0.0, 1.0), size=(RESAMPLES, len(counts)))
    bins = np.eye(ECE_BINS)[np.unique(cell) // CELLS_PER_BIN]  # (cells, bins)
    surplus: Array = np.abs((right - counts * claimed) @ bins).sum(axis=1) / len(confidence)
    return surplus


_INTERVALS: dict[str, Callable[[Probabilities, Labels, int], Interval]] = {
    "accuracy": _accuracy_interval,
    "macro_f1": _macro_f1_interval,
    "nll": _nll_interval,
    "ece": _ece_interval,
}


def _cell_means(cell: npt.NDArray[np.intp], values: Array) -> tuple[Array, Counts]:
    """The mean value and the number of rows of every cell that occurs, in cell order. (rows,), (rows,) → (cells,) ×2"""
    _, index, counts = np.unique(cell, return_inverse=True, return_counts=True)
    return np.bincount(index, weights=values) / counts, counts


def _resample(counts: Counts, statistic: Callable[[Array], Array], seed: int) -> Array:
    """The metric of RESAMPLES draws of all rows with replacement. → (RESAMPLES,)

    counts: rows per cell, (cells,). statistic: the metric of drawn counts, (draws, cells) → (draws,).
    """
    generator = np.random.default_rng(seed)
    rows = int(counts.sum())
    block = max(1, BLOCK_NUMBERS // len(counts))
    parts = [
        statistic(generator.multinomial(rows, counts / rows, size=min(block, RESAMPLES - start)).astype(np.float64))
        for start in range(0, RESAMPLES, block)
    ]
    return np.concatenate(parts)


def _around(value: float, resamples: Array, *, highest: float) -> Interval:
    """The middle 95 % of the resamples, shifted so that their mean is the value, cut to [0, highest]."""
    low, high = np.quantile(resamples, [0.025, 0.975]) - resamples.mean()
    return Interval(value, max(0.0, value + min(0.0, float(low))), min(highest, value + max(0.0, float(high))))
