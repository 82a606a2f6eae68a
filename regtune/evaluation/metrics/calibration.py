"""Whether a classifier is right as often as it claims: the expected calibration error.

Its interval needs one thing more than the others: on few rows the estimate is too high, and above 0 whatever the model.
So its lower bound is moved down by the rise that resampling shows, and to 0 where a calibrated model would score as
high by chance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import RESAMPLES, Array, Interval, Statistic, around, cell_means, resample_cells
from regtune.evaluation.metrics.base import Metric
from regtune.evaluation.metrics.classification import Labels, Probabilities, class_arrays, is_right

ECE_BINS = 15  # as in Guo et al. 2017, table 1
CELLS_PER_BIN = 50  # equal ranges of confidence within an ECE bin


def ece(probabilities: Probabilities, labels: Labels) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over 15 bins of confidence, in [0, 1].

    ECE = Σ_b (rows in b / rows)·|accuracy in b − mean confidence in b|, bins ((b−1)/15, b/15] of the top class's
    probability. With few rows it is above 0 even for a perfectly calibrated model: 15 bins of noise do not average out.
    Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", eq. 3
    (https://arxiv.org/abs/1706.04599).
    """
    confidence = probabilities.max(axis=1)
    surplus = is_right(probabilities, labels) - confidence  # (rows,)
    per_bin = np.bincount(confidence_bin(confidence, ECE_BINS), weights=surplus, minlength=ECE_BINS)
    return float(np.abs(per_bin).sum() / len(labels))


def confidence_bin(confidence: Array, bins: int) -> npt.NDArray[np.intp]:
    """The number, from 0, of the equal-width bin ((b−1)/bins, b/bins] a confidence in [0, 1] lies in."""
    number: npt.NDArray[np.intp] = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.intp)
    return number


def _ece_interval(answered: Answered, seed: int) -> Interval:
    """A cell is a narrow range of confidence, right and wrong rows apart. One row gets the whole range."""
    probabilities, labels = class_arrays(answered)
    value = ece(probabilities, labels)
    if len(labels) == 1:
        return Interval(value, 0.0, 1.0)
    confidence = probabilities.max(axis=1)
    right = is_right(probabilities, labels)
    luck = np.quantile(_calibrated_ece(confidence, seed), 0.975)
    cell = confidence_bin(confidence, ECE_BINS * CELLS_PER_BIN) * 2 + right
    means, counts = cell_means(cell, right - confidence)
    statistic = _ece_of(means, np.unique(cell) // (2 * CELLS_PER_BIN), rows=len(labels))
    resamples = resample_cells(counts, statistic, seed=seed)
    spread = around(value, resamples, highest=1.0)
    rise = max(0.0, float(resamples.mean()) - value)
    return Interval(value, 0.0 if value <= luck else max(0.0, spread.low - rise), spread.high)


def _ece_of(surpluses: Array, bins: npt.NDArray[np.intp], *, rows: int) -> Statistic:
    """ECE of `rows` drawn rows, which come as rows or as cells of like rows: (draws, surpluses) → (draws,).

    surpluses: right (1 or 0) minus confidence of each; bins: the number of the bin each adds to.
    """
    per_bin = np.zeros((len(surpluses), ECE_BINS))
    per_bin[np.arange(len(surpluses)), bins] = surpluses

    def statistic(drawn: Array) -> Array:
        resampled: Array = np.abs(drawn @ per_bin).sum(axis=1) / rows
        return resampled

    return statistic


def _ece_statistic(answered: Answered) -> Statistic:
    probabilities, labels = class_arrays(answered)
    confidence = probabilities.max(axis=1)
    surpluses = is_right(probabilities, labels) - confidence
    return _ece_of(surpluses, confidence_bin(confidence, ECE_BINS), rows=len(labels))


def _calibrated_ece(confidence: Array, seed: int) -> Array:
    """ECE of a calibrated model on rows of these confidences: each is right with the probability it claims.

    (rows,) → (RESAMPLES,). Source: consistency resampling, Bröcker and Smith 2007, "Increasing the Reliability of
    Reliability Diagrams", Weather and Forecasting 22(3).
    """
    cell = confidence_bin(confidence, ECE_BINS * CELLS_PER_BIN)
    claimed, counts = cell_means(cell, confidence)
    right = np.random.default_rng(seed).binomial(counts, claimed.clip(0.0, 1.0), size=(RESAMPLES, len(counts)))
    bins = np.eye(ECE_BINS)[np.unique(cell) // CELLS_PER_BIN]  # (cells, bins)
    surplus: Array = np.abs((right - counts * claimed) @ bins).sum(axis=1) / len(confidence)
    return surplus


ECE = Metric(
    "ece",
    lambda answered: ece(*class_arrays(answered)),
    _ece_interval,
    _ece_statistic,
    False,
    "expected calibration error, 15 bins, 0 to 1",
)
