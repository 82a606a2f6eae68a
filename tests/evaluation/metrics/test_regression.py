import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import root_mean_squared_error

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import METRICS, interval_for
from regtune.evaluation.metrics.regression import _spearman_of, pearson, spearman


def random_case(seed, *, rows):
    """Both on a coarse scale, so that they tie."""
    generator = np.random.default_rng(seed)
    labels = np.round(generator.normal(3.0, 2.0, size=rows))
    return np.round(labels + generator.normal(size=rows), 1), labels


def test_pearson_by_hand():
    # Centred: (−1, 0, 1) and (−1, 1, 0): 1 / (√2·√2).
    assert pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)


def test_spearman_shares_the_mean_rank_among_ties():
    # Ranks (1.5, 1.5, 3) and (1, 2, 3), centred (−½, −½, 1) and (−1, 0, 1): 1.5 / √(1.5·2).
    assert spearman(np.array([5.0, 5.0, 9.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(1.5 / math.sqrt(3))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rows", [6, 200])
def test_both_correlations_equal_scipys(seed, rows):
    answers, labels = random_case(seed, rows=rows)

    assert pearson(answers, labels) == pytest.approx(scipy.stats.pearsonr(answers, labels).statistic, abs=1e-12)
    assert spearman(answers, labels) == pytest.approx(scipy.stats.spearmanr(answers, labels).statistic, abs=1e-12)


def test_spearman_of_a_draw_is_spearman_of_the_drawn_rows():
    answers, labels = random_case(0, rows=30)
    drawn = np.bincount(np.random.default_rng(0).integers(30, size=30), minlength=30)
    expected = scipy.stats.spearmanr(np.repeat(answers, drawn), np.repeat(labels, drawn)).statistic

    assert _spearman_of(answers, labels)(drawn[None].astype(float))[0] == pytest.approx(expected)


def test_pearson_keeps_its_digits_far_from_zero():
    answers, labels = random_case(0, rows=50)

    assert pearson(answers + 1e9, labels) == pytest.approx(pearson(answers, labels), abs=1e-6)


def test_rmse_by_hand(answered):
    assert METRICS["rmse"].value(answered([1.0, 2.0], [4.0, 6.0])) == pytest.approx(math.sqrt((9 + 16) / 2))


def test_rmse_equals_scikit_learns(answered):
    answers, labels = random_case(0, rows=50)

    assert METRICS["rmse"].value(answered(answers, labels)) == pytest.approx(root_mean_squared_error(labels, answers))


def test_the_mean_baseline_answers_the_training_mean_whatever_the_model_says(answered):
    case = answered([100.0, -100.0], [1.0, 5.0], baseline=2.0)

    assert METRICS["rmse_of_mean"].value(case) == pytest.approx(math.sqrt((1 + 9) / 2))


@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.parametrize(
    ("answers", "labels"), [([0.1, 0.1, 0.1, 0.1], [1.0, 2.0, 3.0, 5.0]), ([1.0, 2.0, 3.0, 5.0], [0.7] * 4)]
)
def test_a_constant_correlates_with_nothing_and_nothing_is_known(answered, name, answers, labels):
    assert interval_for(name, answered(answers, labels), seed=0) == Interval(0.0, -1.0, 1.0)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_two_rows_always_lie_on_a_line_and_say_nothing(answered, name):
    interval = interval_for(name, answered([1.0, 2.0], [3.0, 9.0]), seed=0)

    assert interval == Interval(pytest.approx(1.0), -1.0, 1.0)


def test_few_rows_in_perfect_order_leave_room(answered):
    interval = interval_for("spearman", answered([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 4.0, 9.0, 16.0, 25.0]), seed=0)

    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(2 * 0.5655 - 1, abs=1e-3)  # Wilson's 5 of 5, from 0…1 to −1…1


def test_pearsons_interval_agrees_with_fishers_on_normal_numbers(answered):
    generator = np.random.default_rng(0)
    labels = generator.normal(size=500)
    answers = labels + generator.normal(size=500)
    fisher = scipy.stats.pearsonr(answers, labels).confidence_interval(0.95)

    interval = interval_for("pearson", answered(answers, labels), seed=0)

    assert interval.half_width == pytest.approx((fisher.high - fisher.low) / 2, rel=0.1)


@pytest.mark.parametrize("name", ["rmse", "rmse_of_mean"])
def test_one_error_has_no_upper_bound(answered, name):
    assert interval_for(name, answered([1.0], [3.0], baseline=1.0), seed=0) == Interval(2.0, 0.0, math.inf)
