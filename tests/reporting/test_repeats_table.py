"""The lines at the end of repeats."""

from __future__ import annotations

from typing import Any

import pytest

from regtune.reporting.pairs import pair_lines
from regtune.reporting.repeats_table import repeats_pairs

SPREAD = {"mean": 0.81, "std": 0.02, "lowest": 0.78, "highest": 0.83, "runs": 2}


@pytest.fixture
def facts() -> dict[str, Any]:
    """Two of three folds finished, with a test split; one of them has no F1."""
    names = {"fold-1": "completed", "fold-2": "failed", "fold-3": "completed"}
    error = "batches of 16 rows did not fit into memory"
    figures = {"loss": {**SPREAD, "mean": 0.5}, "macro_f1": {**SPREAD, "std": None, "runs": 1}}
    return {
        "seeds": 1,
        "folds": 3,
        "repeats": [{"name": name, "status": status, "error": error} for name, status in names.items()],
        "figures": {"validation": figures, "test": {"loss": SPREAD}},
        "out_of_fold": {
            "rows": 40,
            "loss": 0.5,
            "metrics": {"macro_f1": {"value": 0.8, "low": 0.7, "high": 0.9}},
            "notes": ["20 of 60 rows were held out by no finished run: a.csv:2"],
        },
    }


def test_the_whole_table(facts: dict[str, Any]) -> None:
    lines = pair_lines(repeats_pairs(facts, path="runs/my group"))

    assert lines == [
        "finished     2 of 3 runs",
        "failed       fold-2: batches of 16 rows did not fit into memory",
        "validation   mean ± std, min, max of 2 runs; the best epoch was chosen on these rows, which flatters them",
        "             loss      0.5000 ± 0.0200  0.7800  0.8300",
        "             macro_f1  0.8100 ± –  0.7800  0.8300  (1 run)",
        "test         mean ± std, min, max of 2 runs",
        "             loss  0.8100 ± 0.0200  0.7800  0.8300",
        "out of fold  40 rows, each by the model that did not train on it, 95 % intervals over rows",
        "             macro_f1  0.8000  [0.7000, 0.9000]",
        "             20 of 60 rows were held out by no finished run: a.csv:2",
        "spread       std is the luck of training and of which rows are held out; the runs share training rows, so"
        " std/√runs is no standard error of the mean",
        "             the test rows are the same in every run: its std does not hold their luck",
        "runs         runs/my group (repeats.json, out_of_fold.csv, fold-1/ …)",
        "next         regtune runs 'runs/my group'",
        "             regtune evaluate 'runs/my group/fold-1' --data FILE",
    ]


def test_seeds_say_that_other_rows_would_add_to_the_spread(facts: dict[str, Any]) -> None:
    pairs = dict(repeats_pairs({**facts, "folds": 1, "out_of_fold": None}, path="runs/x"))

    assert pairs["spread"].startswith("std is the luck of training alone (new head, row order, dropout)")
    assert "out of fold" not in pairs
    assert "out_of_fold.csv" not in pairs["runs"]


def test_several_seeds_per_fold_are_said_to_be_averaged(facts: dict[str, Any]) -> None:
    assert dict(repeats_pairs({**facts, "seeds": 2}, path="x"))["out of fold"].endswith("over rows, mean of 2 seeds")
