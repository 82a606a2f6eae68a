import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import METRICS, interval_for
from regtune.evaluation.metrics.multi_label import tune_threshold

# Predicted from ½: {0, 1}, {}, {2}. Right: label 0 of row 0 and label 2 of row 2.
PROBABILITIES = np.array([[0.9, 0.6, 0.1], [0.4, 0.2, 0.3], [0.3, 0.1, 0.8]])
LABELS = np.array([[True, False, False], [True, False, False], [False, False, True]])


def value(name, case):
    return METRICS[name].value(case)


def micro_f1_at(threshold, probabilities, labels):
    predicted = probabilities >= threshold
    return 2 * (predicted & labels).sum() / max(1, predicted.sum() + labels.sum())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("micro_f1", 4 / 6),  # 2 hits, 3 predicted, 3 labelled
        ("macro_f1_labels", (2 / 3 + 0 + 1) / 3),  # label 0: 1 of 2 found; label 1: predicted for nothing; label 2
        ("exact_match", 1 / 3),
    ],
)
def test_by_hand(answered, name, expected):
    assert value(name, answered(PROBABILITIES, LABELS)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_all_equal_scikit_learns(answered, seed, rows):
    generator = np.random.default_rng(seed)
    probabilities, labels = generator.random((rows, 6)), generator.random((rows, 6)) < 0.3
    predicted = probabilities >= 0.7
    occurs = (labels | predicted).any(axis=0)
    case = answered(probabilities, labels, threshold=0.7)
    macro = f1_score(labels[:, occurs], predicted[:, occurs], average="macro", zero_division=0)

    assert value("micro_f1", case) == pytest.approx(f1_score(labels, predicted, average="micro", zero_division=0))
    assert value("macro_f1_labels", case) == pytest.approx(macro)
    assert value("exact_match", case) == pytest.approx(accuracy_score(labels, predicted))


def test_a_probability_at_the_threshold_is_an_answer(answered):
    assert value("exact_match", answered([np.array([0.5])], [np.array([True])])) == 1.0


@pytest.mark.parametrize("name", ["micro_f1", "macro_f1_labels"])
def test_no_label_anywhere_scores_zero_and_says_nothing(answered, name):
    case = answered(np.zeros((4, 3)), np.zeros((4, 3), dtype=bool))

    assert interval_for(name, case, seed=0) == Interval(0.0, 0.0, 1.0)


@pytest.mark.parametrize("name", ["micro_f1", "macro_f1_labels", "exact_match"])
def test_all_rows_right_still_leaves_room_for_the_next_error(answered, name):
    interval = interval_for(name, answered(np.eye(2)[[0, 1] * 10], np.eye(2, dtype=bool)[[0, 1] * 10]), seed=0)

    assert (interval.low, interval.high) == (pytest.approx(0.8389, abs=5e-5), 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_beats_the_tuned_one(seed):
    generator = np.random.default_rng(seed)
    probabilities = np.round(generator.random((12, 3)), 1)  # ties
    labels = generator.random((12, 3)) < 0.4
    best = max(micro_f1_at(threshold, probabilities, labels) for threshold in np.linspace(-0.01, 1.01, 103))

    assert micro_f1_at(tune_threshold(probabilities, labels), probabilities, labels) == pytest.approx(best)


def test_the_threshold_lies_midway_between_the_two_probabilities_it_parts():
    assert tune_threshold(np.array([[0.1, 0.2, 0.4]]), np.array([[False, False, True]])) == pytest.approx(0.3)


def test_of_equally_good_thresholds_one_half_is_taken():
    assert tune_threshold(np.array([[0.1, 0.9]]), np.array([[False, True]])) == 0.5


def test_of_equally_good_thresholds_the_nearest_to_one_half_is_taken():
    # From 0.15 both labels are found with one wrong (F1 0.8); from 0.45 one is found with none wrong (F1 0.667);
    # three predicted, 2 right: 0.8; four predicted, 2 right: 0.667.
    probabilities, labels = np.array([[0.7, 0.4, 0.2, 0.1]]), np.array([[True, False, True, False]])

    assert tune_threshold(probabilities, labels) == pytest.approx(0.15)


@pytest.mark.parametrize("labels", [np.zeros((2, 2), dtype=bool), np.ones((2, 2), dtype=bool)])
def test_no_label_or_every_label_has_a_threshold_too(labels):
    probabilities = np.array([[0.3, 0.2], [0.1, 0.4]])

    assert tune_threshold(probabilities, labels) == (0.5 if not labels.any() else 0.1)


def test_neighbouring_floats_are_told_apart():
    low = 0.3
    high = np.nextafter(low, 1.0)

    assert tune_threshold(np.array([[low, high]]), np.array([[False, True]])) == high
