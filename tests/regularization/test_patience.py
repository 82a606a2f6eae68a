import math

import pytest

from regtune.regularization.patience import Patience, Verdict, earliest_stop_evaluation, judge

NAN = math.nan


def stop_at(values: list[float], *, patience: int | None, higher: bool = False, min_delta: float = 0.0) -> int | None:
    """Number of the evaluation that stops, from 1; None: none does."""
    for count in range(1, len(values) + 1):
        verdict = judge(values[:count], higher_is_better=higher, patience=patience, min_delta=min_delta)
        if verdict.stops:
            return count
    return None


def best_at(values: list[float], *, higher: bool = False, min_delta: float = 0.0) -> list[int]:
    """Numbers of the evaluations that were a new best, from 1."""
    counts = range(1, len(values) + 1)
    return [n for n in counts if judge(values[:n], higher_is_better=higher, patience=3, min_delta=min_delta).is_best]


@pytest.mark.parametrize(
    ("values", "patience", "stop"),
    [
        ([5.0, 4.0, 3.0, 3.5, 3.6, 3.7, 3.8], 3, 6),
        ([5.0, 4.0, 3.0, 3.5, 3.6, 2.0, 3.8], 3, None),
        ([1.0, 2.0], 1, 2),
        ([5.0, 5.0, 5.0, 5.0], 2, 3),  # ties are misses
        ([NAN, NAN, NAN], 2, 2),
        ([NAN, 5.0, 6.0, 7.0], 2, 4),  # the first finite value is a best
        ([5.0, NAN, 4.0, NAN, NAN], 2, 5),
        ([5.0, 4.0, math.inf, -math.inf], 2, 4),
    ],
)
def test_stops_exactly_at_the_patience_th_miss(values: list[float], patience: int, stop: int | None) -> None:
    assert stop_at(values, patience=patience) == stop


def test_more_is_better_for_a_metric() -> None:
    values = [0.5, 0.7, 0.6, 0.7, 0.9]

    assert best_at(values, higher=True) == [1, 2, 5]
    assert stop_at(values, patience=2, higher=True) == 4


def test_without_patience_nothing_stops() -> None:
    assert stop_at([1.0] + [2.0] * 50, patience=None) is None


def test_without_patience_misses_are_still_counted() -> None:
    assert judge([1.0, 2.0, 3.0], higher_is_better=False, patience=None, min_delta=0.0) == Verdict(False, 2, False)


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([NAN, 3.0, 2.0], [2, 3]),
        ([3.0, NAN, 2.0], [1, 3]),
        ([3.0, NAN, 3.0], [1]),
        ([NAN, NAN], []),
        ([-math.inf, 3.0], [2]),
    ],
)
def test_nan_and_infinity_are_never_best(values: list[float], best: list[int]) -> None:
    assert best_at(values) == best


def test_slow_steady_gains_count_once_their_sum_passes_min_delta() -> None:
    # gain over the best: 0.008 (miss), 0.016 (best), 0.008 (miss), 0.016 (best)
    values = [1.0, 0.992, 0.984, 0.976, 0.968]

    assert best_at(values, min_delta=0.01) == [1, 3, 5]


def test_a_gain_of_exactly_min_delta_is_a_miss() -> None:
    assert best_at([1.0, 0.75, 0.5], min_delta=0.25) == [1, 3]


def test_the_first_finite_value_is_best_whatever_min_delta() -> None:
    assert best_at([NAN, 1e9], min_delta=1e12) == [2]


def test_a_history_that_ended_in_a_stop_still_says_stop() -> None:
    """A resumed finished run must not train on."""
    assert Patience(2).judge([1.0, 2.0, 2.0, 2.0]) == Verdict(is_best=False, patience_used=3, stops=True)


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_a_run_that_only_gets_worse_stops_at_the_earliest_evaluation(patience: int) -> None:
    worse = [float(n) for n in range(20)]

    assert stop_at(worse, patience=patience) == earliest_stop_evaluation(patience)


def test_settings_reach_the_judgement() -> None:
    patience = Patience(1, min_delta=0.1, higher_is_better=True)

    assert patience.judge([0.5, 0.55]) == Verdict(is_best=False, patience_used=1, stops=True)
