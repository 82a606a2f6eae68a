import math

import pytest

from regtune.search.study.halving import Rung, confirm_candidates, rungs, values_on
from tests.search.made_records import folds, record

FIRST, SECOND, *FURTHER = folds(5)


def best_of(values, *, count):
    """Who goes on after the search. values: candidate → loss."""
    records = [record(name, FIRST, value, number=number) for number, (name, value) in enumerate(values.items())]
    return confirm_candidates(records, objective="loss", count=count, repetitions=[FIRST])


def test_default_rungs_are_nine_on_a_second_fold_and_three_on_the_rest():
    assert rungs(folds(5), confirm=9) == [
        Rung(count=9, judged_on=(FIRST,), runs_on=(SECOND,)),
        Rung(count=3, judged_on=(FIRST, SECOND), runs_on=tuple(FURTHER)),
    ]


def test_ten_confirmed_leave_four():
    assert [rung.count for rung in rungs(folds(5), confirm=10)] == [10, 4]


@pytest.mark.parametrize("confirm", [1, 2, 3])
def test_own_is_never_confirmed_alone(confirm):
    assert [rung.count for rung in rungs(folds(5), confirm=confirm)] == [max(2, confirm), 2]


def test_confirm_zero_or_a_single_repetition_ends_with_the_search():
    assert rungs(folds(5), confirm=0) == []
    assert rungs(folds(1), confirm=9) == []


def test_two_repetitions_have_one_rung():
    assert [rung.runs_on for rung in rungs(folds(2), confirm=9)] == [(folds(2)[1],)]


def test_the_lowest_loss_comes_first():
    assert best_of({"own": 0.6, "2": 0.7, "3": 0.5}, count=3) == ["3", "own", "2"]


def test_own_takes_the_last_place_when_it_is_not_among_the_best():
    assert best_of({"own": 0.9, "2": 0.7, "3": 0.5, "4": 0.6}, count=3) == ["3", "4", "own"]


def test_a_failed_own_goes_on_all_the_same():
    records = [record("own", FIRST, 0.5, status="failed"), record("2", FIRST, 0.7), record("3", FIRST, 0.6)]

    assert confirm_candidates(records, objective="loss", count=2, repetitions=[FIRST]) == ["3", "own"]


@pytest.mark.parametrize("status", ["failed", "pruned", "running", "waiting"])
def test_only_a_done_trial_goes_on(status):
    records = [record("own", FIRST, 0.5), record("2", FIRST, 0.1, status=status)]

    assert confirm_candidates(records, objective="loss", count=2, repetitions=[FIRST]) == ["own"]


def test_a_metric_is_ranked_its_own_way_and_ties_go_to_the_lower_loss():
    records = [
        record("own", FIRST, 0.9, accuracy=0.5),
        record("2", FIRST, 0.7, accuracy=0.8),
        record("3", FIRST, 0.6, accuracy=0.8),
    ]

    assert confirm_candidates(records, objective="accuracy", count=3, repetitions=[FIRST]) == ["3", "2", "own"]


def test_own_wins_a_tie_and_then_the_earlier_trial():
    assert best_of({"2": 0.5, "3": 0.5, "own": 0.5}, count=3) == ["own", "2", "3"]


def test_the_mean_over_the_repetitions_decides_and_a_missing_one_puts_out():
    records = [
        record("own", FIRST, 0.5),
        record("own", SECOND, 0.5),
        record("2", FIRST, 0.2),
        record("2", SECOND, 0.9),
        record("3", FIRST, 0.1),
        record("4", FIRST, 0.6),
        record("4", SECOND, 0.1),
    ]

    found = confirm_candidates(records, objective="loss", count=9, repetitions=[FIRST, SECOND])

    assert found == ["4", "own", "2"]


def test_a_loss_that_is_not_finite_is_no_value():
    assert values_on([FIRST], [record("2", FIRST, math.nan), record("3", FIRST, 0.5)], measure="loss") == {"3": [0.5]}


def test_the_same_changes_are_confirmed_once():
    same = {"regularization.dropout": 0.3, "training.layers": [1, 2]}
    records = [
        record("own", FIRST, 0.9),
        record("2", FIRST, 0.5, changes=same),
        record("3", FIRST, 0.5, changes=dict(same)),
        record("4", FIRST, 0.6),
    ]

    assert confirm_candidates(records, objective="loss", count=3, repetitions=[FIRST]) == ["2", "4", "own"]
