"""Answers of several models as those of one. The whole path is tested in tests/search/repeats/test_carrying_out.py."""

from __future__ import annotations

import numpy as np
import pytest

from regtune.evaluation.answers import Answered
from regtune.evaluation.metrics import compute_metrics
from regtune.evaluation.out_of_fold import average, cut_answers, pool


def answered(answers: list[object], labels: list[object], **more: float) -> Answered:
    rows = len(labels)
    return Answered(answers=answers, labels=labels, losses=np.ones(rows), units=np.ones(rows, dtype=np.int64), **more)


def test_pooled_rows_are_in_the_order_of_the_parts() -> None:
    pooled = pool([answered(["a", "b"], ["x", "y"]), answered(["c"], ["z"])])

    assert (pooled.answers, pooled.labels) == (["a", "b", "c"], ["x", "y", "z"])
    assert (len(pooled.losses), len(pooled.units)) == (3, 3)


def test_models_with_other_thresholds_are_pooled_by_what_they_answer() -> None:
    """0.4 is a yes from 0.3 up and a no from 0.6 up: one hit, one miss, both labelled yes. F1 = 2·1 / (1 + 2)."""
    yes = np.array([True])
    parts = [answered([np.array([0.4])], [yes], threshold=threshold) for threshold in (0.3, 0.6)]

    pooled = pool([cut_answers(part) for part in parts])

    assert compute_metrics(["micro_f1"], pooled)["micro_f1"] == pytest.approx(2 / 3)


def test_the_pooled_baseline_is_weighted_by_rows() -> None:
    parts = [answered([0.0], [1.0], baseline=2.0), answered([0.0] * 3, [1.0] * 3, baseline=6.0)]

    assert pool(parts).baseline == 5.0  # (1·2 + 3·6) / 4


def test_rounds_are_averaged_number_by_number() -> None:
    rounds = [
        {"rows": rows, "loss": loss, "metrics": {"f1": {"value": 0.5, "low": low, "high": high}}}
        for rows, loss, low, high in ((10, 1.0, 0.2, 0.8), (8, 2.0, 0.4, None))
    ]

    both = average(rounds)

    assert (both["rows"], both["loss"]) == (8, 1.5)
    assert both["metrics"]["f1"] == {"value": 0.5, "low": pytest.approx(0.3), "high": None}
