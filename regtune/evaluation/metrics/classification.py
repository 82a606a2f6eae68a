"""Metrics of one class out of K: accuracy, macro F1, negative log-likelihood.

The functions take probabilities (rows, classes) float64, rows summing to 1, and labels (rows,) class numbers, at least
one row. The prediction is the most probable class, the first one at a tie.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array, Interval, Statistic, around, cell_means, resample_cells, wilson
from regtune.evaluation.metrics.base import Metric, ratio, share_of_rows

Probabilities = npt.NDArray[np.float64]  # (rows, classes)
Labels = npt.NDArray[np.integer]  # (rows,)

SMALLEST_PROBABILITY = float(np.finfo(np.float64).tiny)  # 2.2e-308: the loss of one row never exceeds 708.4 nats
NLL_CELLS = 1000  # equal ranges of row loss; moves a bound by far less than the bootstrap's own noise


def class_arrays(answered: Answered) -> tuple[Probabilities, Labels]:
    """Probabilities (rows, classes) and class numbers (rows,) of a classification's answers."""
    return np.asarray(answered.answers, dtype=np.float64), np.asarray(answered.labels, dtype=np.int64)


def is_right(probabilities: Probabilities, labels: Labels) -> npt.NDArray[np.bool_]:
    """Whether the most probable class is the label. → (rows,)"""
    right: npt.NDArray[np.bool_] = probabilities.argmax(axis=1) == labels
    return right


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Mean F1 over the classes that occur among labels or predictions, each counting the same, in [0, 1].

    Equal to scikit-learn's f1_score(labels, predictions, average="macro", zero_division=0), without its cost per call.
    """
    classes = probabilities.shape[1]
    predictions = probabilities.argmax(axis=1)
    hits = np.bincount(labels[predictions == labels], minlength=classes)
    occurrences = np.bincount(labels, minlength=classes) + np.bincount(predictions, minlength=classes)
    return float(macro_f1_from_counts(hits, occurrences))


def macro_f1_from_counts(hits: npt.NDArray[Any], occurrences: npt.NDArray[Any]) -> Array:
    """Macro F1 from counts per class: rightly predicted, and labelled plus predicted. (…, classes) each → (…).

    F1 = 2·hits / occurrences; a class that does not occur is left out of the mean; 0 if none does.
    """
    f1 = ratio(2 * hits, occurrences)
    return ratio(f1.sum(axis=-1), np.sum(occurrences > 0, axis=-1))


def nll(probabilities: Probabilities, labels: Labels) -> float:
    """Mean negative log-likelihood of the labels, nats per row, from 0 (certain and right) to 708.4 (see row_nll)."""
    return float(row_nll(probabilities, labels).mean())


def row_nll(probabilities: Probabilities, labels: Labels) -> Array:
    """Negative log-likelihood of each row, nats. → (rows,)

    A probability below SMALLEST_PROBABILITY counts as that, so that one certain and wrong row does not make the mean
    infinite.
    """
    of_label = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]  # (rows,)
    # A softmax in float32 may sum to a hair above 1; a negative loss would be nonsense.
    losses: Array = -np.log(of_label.clip(SMALLEST_PROBABILITY, 1.0))
    return losses


def _macro_f1_interval(answered: Answered, seed: int) -> Interval:
    """A cell is a (label, prediction) pair: exact. All rows right, or all wrong: accuracy's interval."""
    probabilities, labels = class_arrays(answered)
    predictions = probabilities.argmax(axis=1)
    right = int((predictions == labels).sum())
    if right in (0, len(labels)):
        return wilson(right, len(labels))
    classes = probabilities.shape[1]
    cells, counts = np.unique(labels * classes + predictions, return_counts=True)
    statistic = _macro_f1_of(cells // classes, cells % classes, classes=classes)
    return around(macro_f1(probabilities, labels), resample_cells(counts, statistic, seed=seed), highest=1.0)


def _macro_f1_of(labels: Labels, predictions: Labels, *, classes: int) -> Statistic:
    """Macro F1 of drawn rows, or cells, with these labels and predictions: (draws, rows) → (draws,)."""
    identity = np.eye(classes)
    is_label, is_prediction = identity[labels], identity[predictions]  # (rows, classes) each

    def statistic(drawn: Array) -> Array:
        return macro_f1_from_counts(drawn @ (is_label * is_prediction), drawn @ (is_label + is_prediction))

    return statistic


def _macro_f1_statistic(answered: Answered) -> Statistic:
    probabilities, labels = class_arrays(answered)
    return _macro_f1_of(labels, probabilities.argmax(axis=1), classes=probabilities.shape[1])


def _nll_interval(answered: Answered, seed: int) -> Interval:
    """A cell is a narrow range of row loss, with its mean. One row gets the whole range."""
    losses = row_nll(*class_arrays(answered))
    value, largest = float(losses.mean()), float(losses.max())
    highest = -math.log(SMALLEST_PROBABILITY)
    if len(losses) == 1:
        return Interval(value, 0.0, highest)
    # Every loss 0 (certain and right) is one cell whatever the range is divided by.
    cell = np.minimum(losses * (NLL_CELLS / max(largest, SMALLEST_PROBABILITY * NLL_CELLS)), NLL_CELLS - 1)
    means, counts = cell_means(cell.astype(np.intp), losses)
    return around(value, resample_cells(counts, _mean_of(means, rows=len(losses)), seed=seed), highest=highest)


def _mean_of(losses: Array, *, rows: int) -> Statistic:
    """Mean loss of `rows` drawn rows, which come as rows or as cells of like rows: (draws, losses) → (draws,)."""

    def statistic(drawn: Array) -> Array:
        mean: Array = drawn @ losses / rows
        return mean

    return statistic


def _nll_statistic(answered: Answered) -> Statistic:
    losses = row_nll(*class_arrays(answered))
    return _mean_of(losses, rows=len(losses))


ACCURACY = share_of_rows(
    "accuracy", lambda answered: is_right(*class_arrays(answered)), description="share of rows predicted right, 0 to 1"
)
MACRO_F1 = Metric(
    "macro_f1",
    lambda answered: macro_f1(*class_arrays(answered)),
    _macro_f1_interval,
    _macro_f1_statistic,
    True,
    "mean F1 of the classes, each counting the same, 0 to 1",
)
NLL = Metric(
    "nll",
    lambda answered: nll(*class_arrays(answered)),
    _nll_interval,
    _nll_statistic,
    False,
    "negative log-likelihood of the labels, nats per row",
    "nats",
)
