import numpy as np
import pytest

from regtune.evaluation.intervals import Interval, interval_for, wilson
from regtune.evaluation.metrics import METRICS, macro_f1, nll


def random_case(seed, *, rows=120, classes=4, sharpness=1.0):
    """Rows whose labels follow the probabilities, then claimed sharper than they are by `sharpness`."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.5), size=rows)
    labels = (probabilities.cumsum(axis=1) > generator.random((rows, 1))).argmax(axis=1)
    claimed = probabilities**sharpness
    return claimed / claimed.sum(axis=1, keepdims=True), labels


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


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("rows", [1, 2, 5, 120])
def test_the_value_is_the_metric_and_lies_inside(name, rows):
    probabilities, labels = random_case(rows, rows=rows)

    interval = interval_for(name, probabilities, labels, seed=0)

    assert interval.value == METRICS[name].function(probabilities, labels)
    assert interval.low <= interval.value <= interval.high


@pytest.mark.parametrize("name", METRICS)
def test_the_same_seed_gives_the_same_interval(name):
    probabilities, labels = random_case(1)

    assert interval_for(name, probabilities, labels, seed=3) == interval_for(name, probabilities, labels, seed=3)


@pytest.mark.parametrize("name", ["macro_f1", "nll", "ece"])
def test_bounds_of_two_seeds_differ_by_little(name):
    probabilities, labels = random_case(1)
    first, second = (interval_for(name, probabilities, labels, seed=seed) for seed in (3, 4))

    assert first != second
    assert first.high == pytest.approx(second.high, abs=0.1 * first.half_width)


@pytest.mark.parametrize("name", METRICS)
def test_more_rows_give_a_narrower_interval(name):
    few, many = (
        interval_for(name, *random_case(0, rows=rows, sharpness=2.0), seed=0).half_width for rows in (100, 1600)
    )

    assert many < 0.5 * few


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_all_rows_right_still_leaves_room_for_the_next_error(name):
    interval = interval_for(name, np.eye(2)[[0, 1] * 10], np.array([0, 1] * 10), seed=0)

    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(0.8389, abs=5e-5)  # as Wilson's for 20 of 20


@pytest.mark.parametrize(("name", "highest"), [("nll", 708.4), ("ece", 1.0)])
def test_one_row_says_nothing_about_the_spread(name, highest):
    interval = interval_for(name, np.array([[0.7, 0.3]]), np.array([0]), seed=0)

    assert (interval.low, interval.high) == (0.0, pytest.approx(highest, abs=0.01))


def test_rows_that_are_certain_and_right_have_no_loss_and_no_spread():
    assert interval_for("nll", np.eye(3), np.arange(3), seed=0) == Interval(0.0, 0.0, 0.0)


def test_one_impossible_row_stays_within_the_largest_loss():
    interval = interval_for("nll", np.eye(2)[[0, 0, 0]], np.array([0, 0, 1]), seed=0)

    assert interval.high <= 708.4


@pytest.mark.parametrize(("name", "metric"), [("macro_f1", macro_f1), ("nll", nll)])
def test_resampling_cells_agrees_with_resampling_rows(name, metric):
    probabilities, labels = random_case(5, sharpness=3.0)
    generator = np.random.default_rng(0)
    draws = [generator.integers(len(labels), size=len(labels)) for _ in range(2000)]
    resampled = np.array([metric(probabilities[rows], labels[rows]) for rows in draws])
    low, high = metric(probabilities, labels) + np.quantile(resampled, [0.025, 0.975]) - resampled.mean()

    interval = interval_for(name, probabilities, labels, seed=0)

    assert (interval.low, interval.high) == (pytest.approx(low, rel=0.03), pytest.approx(high, rel=0.03))


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_about_95_of_100_intervals_hold_the_truth(name, sharpness):
    truth = METRICS[name].function(*random_case(999, rows=200_000, sharpness=sharpness))
    intervals = [interval_for(name, *random_case(seed, rows=200, sharpness=sharpness), seed=seed) for seed in range(60)]

    held = sum(interval.low <= truth <= interval.high for interval in intervals)

    assert held >= 51  # 95 % of 60 is 57; 51 or fewer has probability 0.01


def test_ece_of_a_calibrated_model_may_be_zero():
    assert interval_for("ece", *random_case(0), seed=0).low == 0.0


def test_ece_of_an_overconfident_model_may_not_be_zero():
    assert interval_for("ece", *random_case(0, rows=600, sharpness=4.0), seed=0).low > 0.05


def test_ece_has_more_room_below_than_above_as_few_rows_push_it_up():
    interval = interval_for("ece", *random_case(0, rows=60, sharpness=4.0), seed=0)

    assert interval.value - interval.low > 1.05 * (interval.high - interval.value)


def test_blocks_of_resamples_change_no_bound(monkeypatch):
    probabilities, labels = random_case(2)
    whole = interval_for("macro_f1", probabilities, labels, seed=0)
    monkeypatch.setattr("regtune.evaluation.intervals.BLOCK_NUMBERS", 1)

    assert interval_for("macro_f1", probabilities, labels, seed=0) == whole
