import numpy as np
import pytest

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import interval_for
from regtune.evaluation.metrics.calibration import ece

RIGHT_RIGHT_WRONG = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
LABELS = np.array([0, 1, 1])


def random_case(seed, *, rows=120, sharpness=1.0):
    """Rows whose labels follow the probabilities, then claimed sharper than they are by `sharpness`."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(4, 0.5), size=rows)
    labels = (probabilities.cumsum(axis=1) > generator.random((rows, 1))).argmax(axis=1)
    claimed = probabilities**sharpness
    return claimed / claimed.sum(axis=1, keepdims=True), labels


def test_ece_by_hand():
    # Confidences 0.9, 0.8, 0.6 lie in three bins: (|1 − 0.9| + |1 − 0.8| + |0 − 0.6|) / 3 = 0.3.
    assert ece(RIGHT_RIGHT_WRONG, LABELS) == pytest.approx(0.3)


def test_rows_of_one_ece_bin_are_averaged_before_they_are_compared():
    # Confidences 0.81 and 0.85 share the bin (0.8, 0.867]: |(1 + 0 − 0.81 − 0.85) / 2| = 0.33, not (0.19 + 0.85) / 2.
    assert ece(np.array([[0.81, 0.19], [0.85, 0.15]]), np.array([0, 1])) == pytest.approx(0.33)


def test_an_ece_bin_holds_its_upper_edge():
    # 0.6 = 9/15 belongs to (8/15, 9/15] with 0.55: |(1 + 0 − 0.6 − 0.55) / 2| = 0.075.
    assert ece(np.array([[0.6, 0.4], [0.55, 0.45]]), np.array([0, 1])) == pytest.approx(0.075)


def test_ece_of_certain_and_right_rows_is_zero():
    assert ece(np.eye(3), np.arange(3)) == 0.0


def test_one_row_says_nothing_about_the_spread(answered):
    interval = interval_for("ece", answered(np.array([[0.7, 0.3]]), np.array([0])), seed=0)

    assert interval == Interval(pytest.approx(0.3), 0.0, 1.0)


@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_about_95_of_100_intervals_hold_the_truth(answered, sharpness):
    truth = ece(*random_case(999, rows=200_000, sharpness=sharpness))
    cases = [answered(*random_case(seed, rows=200, sharpness=sharpness)) for seed in range(40)]

    intervals = [interval_for("ece", case, seed=seed) for seed, case in enumerate(cases)]

    assert sum(interval.low <= truth <= interval.high for interval in intervals) >= 33  # of 40; by chance 3 in 1000


def test_ece_of_a_calibrated_model_may_be_zero(answered):
    assert interval_for("ece", answered(*random_case(0)), seed=0).low == 0.0


def test_ece_of_an_overconfident_model_may_not_be_zero(answered):
    assert interval_for("ece", answered(*random_case(0, rows=600, sharpness=4.0)), seed=0).low > 0.05


def test_ece_has_more_room_below_than_above_as_few_rows_push_it_up(answered):
    interval = interval_for("ece", answered(*random_case(0, rows=60, sharpness=4.0)), seed=0)

    assert interval.value - interval.low > 1.05 * (interval.high - interval.value)
