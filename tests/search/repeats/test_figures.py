"""Mean and spread over runs, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from regtune.search.repeats.figures import figures_of, spread_of


def run(loss: float | None, f1: float | None, *, test: bool = False) -> dict[str, Any]:
    side = {"rows": 9, "loss": loss, "metrics": {"f1": {"value": f1, "low": None, "high": None}}}
    return {"validation": side, "test": side if test else None}


def test_spread_of_three_values() -> None:
    spread = spread_of([1.0, 2.0, 6.0])  # mean 3, squares 4 + 1 + 9 = 14, over n − 1 = 2

    assert (spread.mean, spread.std) == (3.0, pytest.approx(7**0.5))
    assert (spread.lowest, spread.highest, spread.runs) == (1.0, 6.0, 3)


def test_one_value_has_no_spread() -> None:
    assert spread_of([2.0]).std is None


def test_a_number_that_a_run_lacks_is_left_out_and_counted() -> None:
    figures = figures_of([run(1.0, 0.5), run(3.0, None)])

    assert figures["validation"]["loss"]["runs"] == 2
    assert (figures["validation"]["f1"]["mean"], figures["validation"]["f1"]["runs"]) == (0.5, 1)


def test_a_number_that_no_run_has_is_absent() -> None:
    assert "f1" not in figures_of([run(1.0, None)])["validation"]


@pytest.mark.parametrize("test", [True, False])
def test_test_figures_are_there_where_the_runs_have_a_test_split(test: bool) -> None:
    assert ("test" in figures_of([run(1.0, 0.5, test=test)])) == test
