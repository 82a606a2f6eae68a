"""Numbers that say how good a model's answers are. A new metric is one function and one line in METRICS.

    classification.py   accuracy, macro F1, negative log-likelihood    calibration.py   expected calibration error
    multi_label.py      F1 over labels, exact match, the threshold     regression.py    correlations, RMSE
    entities.py         entity F1, token accuracy                      language.py      perplexity
    texts.py            chrF, ROUGE-L, exact match of generated text   base.py          what a metric is

A share, F1 or correlation that is undefined (nothing to find, nothing found, constant answers) is 0, never NaN: a model
that answers nothing useful scores nothing, and early stopping can go on comparing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from regtune.evaluation.answers import Answered
from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import (
    calibration,
    classification,
    entities,
    language,
    multi_label,
    regression,
    texts,
)
from regtune.evaluation.metrics.base import Metric

__all__ = ["METRICS", "Metric", "compute_metrics", "higher_is_better", "interval_for"]

METRICS: dict[str, Metric] = {
    "accuracy": classification.ACCURACY,
    "macro_f1": classification.MACRO_F1,
    "nll": classification.NLL,
    "ece": calibration.ECE,
    "micro_f1": multi_label.MICRO_F1,
    "macro_f1_labels": multi_label.MACRO_F1_LABELS,
    "exact_match": multi_label.EXACT_MATCH,
    "pearson": regression.PEARSON,
    "spearman": regression.SPEARMAN,
    "rmse": regression.RMSE,
    "rmse_of_mean": regression.RMSE_OF_MEAN,
    "entity_f1": entities.ENTITY_F1,
    "entity_precision": entities.ENTITY_PRECISION,
    "entity_recall": entities.ENTITY_RECALL,
    "token_accuracy": entities.TOKEN_ACCURACY,
    "perplexity": language.PERPLEXITY,
    "chrf": texts.CHRF,
    "rouge_l": texts.ROUGE_L,
    "exact_match_text": texts.EXACT_MATCH_TEXT,
}


def compute_metrics(names: Iterable[str], answered: Answered) -> dict[str, float]:
    """The named metrics of METRICS, in that order; all NaN when an answer is not finite: no answer, no score."""
    if not answered.is_finite:
        return dict.fromkeys(names, math.nan)
    return {name: METRICS[name].value(answered) for name in names}


def interval_for(name: str, answered: Answered, *, seed: int) -> Interval:
    """The metric `name` of METRICS with its 95 % interval. Finite answers; the same seed gives the same bounds.

    Which interval, and what a few rows get: see `regtune.evaluation.intervals`. The upper bound of RMSE and perplexity
    is infinite for one row.
    """
    return METRICS[name].interval(answered, seed)


def higher_is_better(monitor: str) -> bool:
    """Which way a monitored value improves. monitor: "loss", the clean validation loss, or a name in METRICS."""
    return monitor != "loss" and METRICS[monitor].higher_is_better
