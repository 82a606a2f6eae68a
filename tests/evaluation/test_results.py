"""What of a model's answers goes into run.json: strict JSON, whatever was measured."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from regtune.errors import DataError
from regtune.evaluation.answers import Answered
from regtune.evaluation.results import Results, mean_loss
from regtune.reporting.summary import interval_text
from regtune.tasks import TASKS


def results(answer: float, *, rows: int = 1) -> Results:
    answered = Answered(
        answers=[answer] * rows,
        labels=[2.0] * rows,
        losses=np.full(rows, (answer - 2.0) ** 2),
        units=np.ones(rows, dtype=np.int64),
        baseline=1.5,
    )
    return Results(answered, TASKS["regression"])


def test_an_interval_without_end_is_null_and_shown_as_infinity() -> None:
    """One row says nothing about how large the error can be."""
    summary = results(1.0).summary(seed=0)

    assert summary["metrics"]["rmse"]["high"] is None
    assert "Infinity" not in json.dumps(summary, allow_nan=False)
    assert interval_text(summary["metrics"]["rmse"]) == "1.0000  [0.0000, ∞]"


def test_output_that_is_not_finite_has_no_figures() -> None:
    summary = results(math.nan).summary(seed=0)

    assert summary["loss"] is None
    assert interval_text(summary["metrics"]["pearson"]) == "–  [–, –]"


def test_a_row_without_units_does_not_touch_the_loss() -> None:
    assert mean_loss(np.array([3.0, 0.0]), np.array([2, 0])) == 1.5


def test_rows_without_any_unit_are_an_error_and_not_a_nan() -> None:
    with pytest.raises(DataError, match="none of 2 rows has anything to score"):
        mean_loss(np.zeros(2), np.zeros(2, dtype=np.int64))
