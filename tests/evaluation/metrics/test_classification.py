import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from regtune.evaluation.metrics import METRICS, accuracy, compute_metrics, ece, higher_is_better, macro_f1, nll
from regtune.tasks import TASKS

RIGHT_RIGHT_WRONG = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
LABELS = np.array([0, 1, 1])


def random_case(seed, *, rows=40, classes=6):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.full(classes, 0.3), size=rows), generator.integers(classes, size=rows)


def test_accuracy_is_the_share_of_right_rows():
    assert accuracy(RIGHT_RIGHT_WRONG, LABELS) == pytest.approx(2 / 3)


def test_a_tie_goes_to_the_first_class():
    assert accuracy(np.array([[0.5, 0.5]]), np.array([0])) == 1.0


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


def test_compute_metrics_answers_by_name_in_the_order_asked():
    answer = compute_metrics(("nll", "accuracy"), RIGHT_RIGHT_WRONG, LABELS)

    assert list(answer) == ["nll", "accuracy"]
    assert answer["accuracy"] == accuracy(RIGHT_RIGHT_WRONG, LABELS)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_that_answers_no_number_scores_no_number(bad):
    answer = compute_metrics(METRICS, np.array([[bad, 0.5]]), np.array([0]))

    assert all(math.isnan(value) for value in answer.values())


@pytest.mark.parametrize(
    ("monitor", "expected"), [("loss", False), ("accuracy", True), ("macro_f1", True), ("nll", False), ("ece", False)]
)
def test_direction_comes_from_the_metrics_definition(monitor, expected):
    assert higher_is_better(monitor) is expected


def test_every_metric_of_every_task_exists_under_its_own_name():
    assert {name for task in TASKS.values() for name in (*task.metrics, task.headline)} <= set(METRICS)
    assert all(metric.name == name for name, metric in METRICS.items())
