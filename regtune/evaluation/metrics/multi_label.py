"""Metrics of any number of labels out of K, and the threshold from which a label is answered.

A label is predicted when its probability is at least `Answered.threshold`. Micro F1 counts every (row, label) pair the
same, macro F1 every label that occurs in the truth or in the predictions. Both equal scikit-learn's f1_score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Array
from regtune.evaluation.metrics.base import of_row_sums, ratio, share_of_rows
from regtune.evaluation.metrics.classification import macro_f1_from_counts

Indicator = NDArray[np.bool_]  # (rows, labels)

NEUTRAL = 0.5  # a label as likely as not


def tune_threshold(probabilities: Array, labels: Indicator) -> float:
    """The one threshold for all labels with the highest micro F1 on these rows: validation rows only, never test.

    probabilities, labels: (rows, labels), finite. Among equally good thresholds the one nearest to ½, then the lower;
    candidates are ½ and the middles between neighbouring probabilities, so that a small change flips no answer.
    """
    every, positive = np.sort(probabilities, axis=None), np.sort(probabilities[np.asarray(labels, dtype=bool)])
    distinct = np.unique(every)
    middles = (distinct[:-1] + distinct[1:]) / 2
    middles = np.where(middles > distinct[:-1], middles, distinct[1:])  # two neighbouring floats have no middle
    candidates = np.concatenate([[NEUTRAL], distinct[:1], middles])
    predicted = len(every) - np.searchsorted(every, candidates)
    hits = len(positive) - np.searchsorted(positive, candidates)
    f1 = ratio(2 * hits, predicted + len(positive))
    best: list[float] = candidates[f1 == f1.max()].tolist()
    return min(best, key=lambda threshold: (abs(threshold - NEUTRAL), threshold))


def predicted_and_labelled(answered: Answered) -> tuple[Indicator, Indicator]:
    """Which labels are answered and which are right. → (rows, labels) ×2"""
    probabilities = np.asarray(answered.answers, dtype=np.float64)
    return probabilities >= answered.threshold, np.asarray(answered.labels, dtype=bool)


def micro_f1_from_sums(sums: Array) -> Array:
    """F1 = 2·hits / (predicted + labelled) from (hits, predicted + labelled). (…, 2) → (…,); 0 if nothing is either."""
    return ratio(2 * sums[..., 0], sums[..., 1])


def _is_exact(answered: Answered) -> NDArray[np.bool_]:
    predicted, labelled = predicted_and_labelled(answered)
    exact: NDArray[np.bool_] = (predicted == labelled).all(axis=1)
    return exact


def _counts_per_label(answered: Answered) -> Array:
    """Hits of each label, then predicted plus labelled of each. → (rows, 2·labels)"""
    predicted, labelled = predicted_and_labelled(answered)
    return np.concatenate([predicted & labelled, predicted.astype(np.int8) + labelled], axis=1).astype(np.float64)


def _counts(answered: Answered) -> Array:
    """Hits, and predicted plus labelled, of each row. → (rows, 2)"""
    predicted, labelled = predicted_and_labelled(answered)
    hits, occurrences = (predicted & labelled).sum(axis=1), predicted.sum(axis=1) + labelled.sum(axis=1)
    return np.stack([hits, occurrences], axis=1).astype(np.float64)


def _macro_f1_from_sums(sums: Array) -> Array:
    hits, occurrences = np.split(sums, 2, axis=-1)
    return macro_f1_from_counts(hits, occurrences)


MICRO_F1 = of_row_sums(
    "micro_f1",
    _counts,
    micro_f1_from_sums,
    higher_is_better=True,
    description="F1 of all labels of all rows together, 0 to 1",
)
MACRO_F1_LABELS = of_row_sums(
    "macro_f1_labels",
    _counts_per_label,
    _macro_f1_from_sums,
    higher_is_better=True,
    description="mean F1 of the labels, each counting the same, 0 to 1",
)
EXACT_MATCH = share_of_rows("exact_match", _is_exact, description="share of rows with every label right, 0 to 1")
