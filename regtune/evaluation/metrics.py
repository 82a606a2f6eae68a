"""Numbers that say how good predicted probabilities are. A new metric is one function and one line in METRICS.

Every function takes probabilities (rows, classes) float64, rows summing to 1, and labels (rows,) class numbers, at
least one row. The prediction is the most probable class, the first one at a tie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]  # (rows, classes)
Labels = npt.NDArray[np.integer]  # (rows,)
Array = npt.NDArray[np.float64]

ECE_BINS = 15  # as in Guo et al. 2017, table 1
SMALLEST_PROBABILITY = float(np.finfo(np.float64).tiny)  # 2.2e-308: the loss of one row never exceeds 708.4 nats


@dataclass(frozen=True)
class Metric:
    """A metric's name as configs and tables spell it, how it is computed, and which direction is better."""

    name: str
    function: Callable[[Probabilities, Labels], float]
    higher_is_better: bool
    description: str  # what it is, with its unit and range


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of rows whose most probable class is the label, in [0, 1]."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Mean F1 over the classes that occur among labels or predictions, each counting the same, in [0, 1].

    Equal to scikit-learn's f1_score(labels, predictions, average="macro", zero_division=0), without its cost per call.
    """
    classes = probabilities.shape[1]
    predictions = probabilities.argmax(axis=1)
    hits = np.bincount(labels[predictions == labels], minlength=classes)
    labelled = np.bincount(labels, minlength=classes)
    predicted = np.bincount(predictions, minlength=classes)
    return float(macro_f1_from_counts(hits, labelled, predicted))


def macro_f1_from_counts(hits: npt.NDArray[Any], labelled: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> Array:
    """Macro F1 from rows per class: rightly predicted, labelled, predicted as such. (…, classes) each → (…).

    F1 = 2·hits / (labelled + predicted); a class with neither is left out of the mean.
    """
    occurrences = np.asarray(labelled + predicted, dtype=np.float64)
    occurs = occurrences > 0
    f1 = np.divide(2.0 * hits, occurrences, out=np.zeros_like(occurrences), where=occurs)
    mean: Array = f1.sum(axis=-1) / occurs.sum(axis=-1)
    return mean


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


def ece(probabilities: Probabilities, labels: Labels) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over 15 bins of confidence, in [0, 1].

    ECE = Σ_b (rows in b / rows)·|accuracy in b − mean confidence in b|, bins ((b−1)/15, b/15] of the top class's
    probability. With few rows it is above 0 even for a perfectly calibrated model: 15 bins of noise do not average out.
    Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", eq. 3
    (https://arxiv.org/abs/1706.04599).
    """
    confidence = probabilities.max(axis=1)
    surplus = (probabilities.argmax(axis=1) == labels) - confidence  # (rows,)
    per_bin = np.bincount(confidence_bin(confidence, ECE_BINS), weights=surplus, minlength=ECE_BINS)
    return float(np.abs(per_bin).sum() / len(labels))


def confidence_bin(confidence: Array, bins: int) -> npt.NDArray[np.intp]:
    """The number, from 0, of the equal-width bin ((b−1)/bins, b/bins] a confidence in [0, 1] lies in."""
    number: npt.NDArray[np.intp] = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.intp)
    return number


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", accuracy, True, "share of rows predicted right, 0 to 1"),
    "macro_f1": Metric("macro_f1", macro_f1, True, "mean F1 of the classes, each counting the same, 0 to 1"),
    "nll": Metric("nll", nll, False, "negative log-likelihood of the labels, nats per row"),
    "ece": Metric("ece", ece, False, "expected calibration error, 15 bins, 0 to 1"),
}


def compute_metrics(names: Iterable[str], probabilities: Probabilities, labels: Labels) -> dict[str, float]:
    """The named metrics of METRICS, in that order; all NaN when a probability is not finite: no answer, no score."""
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(names, math.nan)
    return {name: METRICS[name].function(probabilities, labels) for name in names}


def higher_is_better(monitor: str) -> bool:
    """Which way a monitored value improves. monitor: "loss", the clean validation loss, or a name in METRICS."""
    return monitor != "loss" and METRICS[monitor].higher_is_better
