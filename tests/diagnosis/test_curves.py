import math

import pytest

from regtune.diagnosis.curves import (
    at_chance,
    earlier_loss,
    large_gap,
    loss_noise,
    still_falling,
    train_loss_is_high,
    turned_up,
)


def test_noise_shrinks_with_the_root_of_the_validation_rows():
    assert loss_noise(0.5, rows=100) == pytest.approx(0.05)


@pytest.mark.parametrize(("end", "rows", "expected"), [(0.56, 100, True), (0.54, 100, False), (0.54, 400, True)])
def test_a_rise_counts_when_it_exceeds_the_noise(make_facts, end, rows, expected):
    facts = make_facts([0.9, 0.4, 0.3], [1.0, 0.5, end], rows={"train": 80, "validation": rows})

    assert turned_up(facts) is expected


def test_a_rise_of_both_losses_is_no_overfitting(make_facts):
    assert not turned_up(make_facts([0.9, 0.4, 0.6], [1.0, 0.5, 0.8]))


def test_a_tiny_rise_of_a_tiny_loss_is_not_worth_a_word(make_facts):
    facts = make_facts([0.1, 0.003, 0.001], [0.1, 0.005, 0.015], rows={"train": 80, "validation": 100_000})

    assert not turned_up(facts)


@pytest.mark.parametrize(("train", "expected"), [(0.2, True), (0.4, False)])
def test_a_gap_is_large_when_training_rows_are_known_twice_as_well(make_facts, train, expected):
    assert large_gap(make_facts([train], [0.6])) is expected


def test_a_gap_within_three_times_its_noise_is_not_large(make_facts):
    assert not large_gap(make_facts([0.25], [0.6], rows={"train": 20, "validation": 20}))


def test_the_gap_is_read_at_the_kept_weights_not_at_the_end(make_facts):
    assert not large_gap(make_facts([0.9, 0.5, 0.1], [1.0, 0.6, 0.9]))


def test_the_last_quarter_is_one_evaluation_at_least(make_facts):
    assert earlier_loss(make_facts([1.0, 0.9], [1.1, 1.0])) == 1.1


def test_before_the_first_evaluation_the_loss_was_that_of_an_untrained_head(make_facts):
    assert earlier_loss(make_facts([1.0], [1.1])) == pytest.approx(math.log(8))


def test_a_run_is_still_falling_when_its_last_quarter_gained(make_facts, curves):
    assert still_falling(make_facts(**curves["too_short"]))


@pytest.mark.parametrize("more", [{"steps": 10_000}, {"stops": True}])
def test_an_unfinished_or_stopped_run_did_not_run_out_of_epochs(make_facts, curves, more):
    assert not still_falling(make_facts(**curves["too_short"], **more))


@pytest.mark.parametrize(("end", "expected"), [(0.96, True), (0.94, False)])
def test_nothing_was_learnt_within_5_percent_of_chance(make_facts, end, expected):
    assert at_chance(make_facts([end * math.log(8)], [2.0])) is expected


@pytest.mark.parametrize(("smoothing", "expected"), [(0.0, True), (0.3, False)])
def test_the_loss_that_smoothing_demands_is_not_held_against_the_run(make_facts, smoothing, expected):
    facts = make_facts([1.1], [1.1], smoothing=smoothing)

    assert train_loss_is_high(facts) is expected
