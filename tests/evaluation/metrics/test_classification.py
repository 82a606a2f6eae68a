import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import METRICS, interval_for
from regtune.evaluation.metrics.classification import macro_f1, nll

RIGHT_RIGHT_WRONG = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
LABELS = np.array([0, 1, 1])


def random_case(seed, *, rows=40, classes=6):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.full(classes, 0.3), size=rows), generator.integers(classes, size=rows)


def test_accuracy_is_the_share_of_right_rows(answered):
    assert METRICS["accuracy"].value(answered(RIGHT_RIGHT_WRONG, LABELS)) == pytest.approx(2 / 3)


def test_answers_may_be_a_list_of_rows(answered):
    case = answered(list(RIGHT_RIGHT_WRONG), LABELS.tolist())

    assert METRICS["accuracy"].value(case) == pytest.approx(2 / 3)


def test_a_tie_goes_to_the_first_class(answered):
    assert METRICS["accuracy"].value(answered(np.array([[0.5, 0.5]]), np.array([0]))) == 1.0


def test_macro_f1_by_hand():
    # class 0: 1 hit, labelled 1, predicted 2: 2/3. class 1: 1 hit, labelled 2, predicted 1: 2/3.
    assert macro_f1(RIGHT_RIGHT_WRONG, LABELS) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rows", [1, 4, 40])
def test_macro_f1_equals_scikit_learns_also_when_classes_are_absent(seed, rows):
    probabilities, labels = random_case(seed, rows=rows)
    expected = f1_score(labels, probabilities.argmax(axis=1), average="macro", zero_division=0)

    assert macro_f1(probabilities, labels) == pytest.approx(expected, abs=1e-12)


def test_nll_is_the_mean_log_loss_in_nats():
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3

    assert nll(RIGHT_RIGHT_WRONG, LABELS) == pytest.approx(expected)


def test_nll_of_a_certain_and_wrong_row_is_finite():
    assert nll(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(708.4, abs=0.01)


def test_nll_is_never_negative_when_a_rounded_row_sums_above_one():
    assert nll(np.array([[1.0000001, 0.0]]), np.array([0])) == 0.0


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_all_rows_right_still_leaves_room_for_the_next_error(answered, name):
    interval = interval_for(name, answered(np.eye(2)[[0, 1] * 10], np.array([0, 1] * 10)), seed=0)

    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(0.8389, abs=5e-5)  # as Wilson's for 20 of 20


def test_one_row_says_nothing_about_the_spread_of_the_loss(answered):
    interval = interval_for("nll", answered(np.array([[0.7, 0.3]]), np.array([0])), seed=0)

    assert (interval.low, interval.high) == (0.0, pytest.approx(708.4, abs=0.01))


def test_rows_that_are_certain_and_right_have_no_loss_and_no_spread(answered):
    assert interval_for("nll", answered(np.eye(3), np.arange(3)), seed=0) == Interval(0.0, 0.0, 0.0)


def test_one_impossible_row_stays_within_the_largest_loss(answered):
    interval = interval_for("nll", answered(np.eye(2)[[0, 0, 0]], np.array([0, 0, 1])), seed=0)

    assert interval.high <= 708.4


@pytest.mark.parametrize(("name", "metric"), [("macro_f1", macro_f1), ("nll", nll)])
def test_resampling_cells_agrees_with_resampling_rows(random_answered, name, metric):
    case = random_answered(name, 5, rows=120)
    probabilities, labels = case.answers, case.labels
    generator = np.random.default_rng(0)
    draws = [generator.integers(len(labels), size=len(labels)) for _ in range(2000)]
    resampled = np.array([metric(probabilities[rows], labels[rows]) for rows in draws])
    low, high = metric(probabilities, labels) + np.quantile(resampled, [0.025, 0.975]) - resampled.mean()

    interval = interval_for(name, case, seed=0)

    assert (interval.low, interval.high) == (pytest.approx(low, rel=0.03), pytest.approx(high, rel=0.03))


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "nll"])
def test_about_95_of_100_intervals_hold_the_truth(random_answered, name):
    truth = METRICS[name].value(random_answered(name, 999, rows=200_000))
    intervals = [interval_for(name, random_answered(name, seed, rows=200), seed=seed) for seed in range(40)]

    held = sum(interval.low <= truth <= interval.high for interval in intervals)

    assert held >= 33  # 95 % of 40 is 38; 33 or fewer has probability 0.003
