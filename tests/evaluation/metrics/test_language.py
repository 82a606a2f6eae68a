import math

import numpy as np
import pytest

from regtune.evaluation.intervals import Interval
from regtune.evaluation.metrics import METRICS, interval_for


@pytest.fixture
def case(answered):
    def make(losses, units):
        nothing = [None] * len(losses)
        return answered(nothing, nothing, losses=np.array(losses), units=np.array(units))

    return make


def test_perplexity_counts_every_token_the_same(case):
    # (2 + 10) nats over (1 + 5) tokens.
    assert METRICS["perplexity"].value(case([2.0, 10.0], [1, 5])) == pytest.approx(math.exp(2))


def test_a_model_that_guesses_among_seven_tokens_has_perplexity_seven(case):
    assert METRICS["perplexity"].value(case([3 * math.log(7)], [3])) == pytest.approx(7)


def test_perplexity_beyond_the_largest_number_is_infinite(case):
    assert METRICS["perplexity"].value(case([710.0], [1])) == math.inf


def test_an_infinite_perplexity_has_an_interval(case):
    interval = interval_for("perplexity", case([1000.0, 700.0, 800.0], [1, 1, 1]), seed=0)

    assert (interval.value, interval.high) == (math.inf, math.inf)


def test_one_row_says_nothing_about_the_spread(case):
    assert interval_for("perplexity", case([2.0], [2]), seed=0) == Interval(pytest.approx(math.e), 1.0, math.inf)


def test_rows_without_a_token_change_nothing(case):
    with_empty = interval_for("perplexity", case([2.0, 0.0, 9.0], [2, 0, 3]), seed=0)

    assert with_empty == interval_for("perplexity", case([2.0, 9.0], [2, 3]), seed=0)


def test_the_interval_is_that_of_the_mean_loss_carried_over(case):
    generator = np.random.default_rng(0)
    losses = generator.normal(3.0, 0.5, size=300)

    interval = interval_for("perplexity", case(losses, np.ones(300, dtype=int)), seed=0)

    half_width = 1.96 * losses.std() / 300**0.5
    assert math.log(interval.high) == pytest.approx(losses.mean() + half_width, abs=0.005)
    assert math.log(interval.low) == pytest.approx(losses.mean() - half_width, abs=0.005)
