import math

import numpy as np
import pytest

from regtune.evaluation import intervals
from regtune.evaluation.intervals import Interval, bootstrap, interval_of_sums, resample_cells, resample_rows, wilson


def share(sums):
    return sums[..., 0] / sums[..., 1]


@pytest.mark.parametrize(
    ("successes", "rows", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, rows, low, high):
    interval = wilson(successes, rows)

    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize("rows", [1, 3, 20, 149, 10_000])
def test_wilson_stays_inside_zero_to_one_and_around_the_share(rows):
    for successes in {0, 1, rows // 2, rows}:
        interval = wilson(successes, rows)

        assert 0.0 <= interval.low <= successes / rows <= interval.high <= 1.0


def test_half_width_is_half_of_high_minus_low():
    assert Interval(0.8, 0.7, 0.86).half_width == pytest.approx(0.08)


def test_every_draw_holds_as_many_rows_as_there_are():
    assert (resample_rows(7, lambda drawn: drawn.sum(axis=1), seed=0) == 7).all()


def test_every_row_is_drawn_as_often_as_any_other():
    for row in range(3):
        times = resample_rows(3, lambda drawn, row=row: drawn[:, row], seed=0)

        assert (times.mean(), times.var()) == (pytest.approx(1.0, abs=0.06), pytest.approx(2 / 3, abs=0.06))


def test_a_cell_is_drawn_as_often_as_its_rows():
    times = resample_cells(np.array([30, 10]), lambda drawn: drawn[:, 0], seed=0)

    assert (times.mean(), times.var()) == (pytest.approx(30, abs=0.2), pytest.approx(7.5, abs=0.7))


@pytest.mark.parametrize(("resample", "rows"), [(resample_rows, 9), (resample_cells, np.array([3, 5, 1]))])
def test_blocks_of_resamples_change_nothing(monkeypatch, resample, rows):
    whole = resample(rows, lambda drawn: drawn[:, 0], seed=0)
    monkeypatch.setattr(intervals, "BLOCK_NUMBERS", 31)

    assert (resample(rows, lambda drawn: drawn[:, 0], seed=0) == whole).all()
    assert len(whole) == intervals.RESAMPLES


def test_an_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = np.random.default_rng(0).normal(5.0, 2.0, size=400)
    standard_error = values.std() / math.sqrt(400)

    interval = interval_of_sums(np.stack([values, np.ones(400)], axis=1), share, seed=0, highest=math.inf)

    assert interval.value == pytest.approx(values.mean())
    assert interval.half_width == pytest.approx(1.96 * standard_error, rel=0.08)


def test_rows_that_add_nothing_change_no_interval():
    sums = np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 4.0]])
    with_zeros = np.vstack([sums, np.zeros((50, 2))])

    assert interval_of_sums(with_zeros, share, seed=0) == interval_of_sums(sums, share, seed=0)


@pytest.mark.parametrize(("value", "low", "high"), [(100.0, 83.89, 100.0), (0.0, 0.0, 16.11)])
def test_the_best_and_the_worst_value_get_wilsons_interval_on_the_metrics_range(value, low, high):
    interval = bootstrap(value, 20, lambda drawn: drawn[:, 0], seed=0, highest=100.0)

    assert (interval.low, interval.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_to_resample_get_the_whole_range(rows):
    assert bootstrap(0.5, rows, lambda drawn: drawn[:, 0], seed=0, lowest=-1.0) == Interval(0.5, -1.0, 1.0)


def test_bounds_are_cut_to_the_range():
    sums = np.array([[1.0, 1.0]] * 9 + [[0.0, 1.0]])

    assert interval_of_sums(sums, share, seed=0).high == 1.0
