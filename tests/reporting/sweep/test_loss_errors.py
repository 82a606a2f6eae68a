from dataclasses import replace

import numpy as np
import pytest

from regtune.errors import EnvironmentFault
from regtune.evaluation.answers import Answered
from regtune.reporting.sweep.loss_errors import LossErrors, loss_error
from tests.reporting.sweep.sweep_pieces import answers_of, record_of


def answered(losses, units=None):
    units = np.ones(len(losses), int) if units is None else np.array(units)
    return Answered(answers=losses, labels=losses, losses=np.array(losses, float), units=units)


def test_the_error_of_a_mean_is_the_deviation_over_the_root_of_the_rows():
    """Losses 1 2 3 4: variance with n − 1 is 5/3, so √(5/3) / √4."""
    assert loss_error(answered([1, 2, 3, 4])) == pytest.approx((5 / 3) ** 0.5 / 2)


def test_rows_with_several_tokens_are_drawn_whole():
    """Every token costs 0.5: rows of any length leave no residual."""
    assert loss_error(answered([0.5, 1.0, 2.0], units=[1, 2, 4])) == pytest.approx(0.0)


@pytest.mark.parametrize("losses", [[1.0], [1.0, np.inf], [1.0, np.nan]])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_no_error_where_there_is_none(losses):
    assert loss_error(answered(losses)) is None


def test_folds_hold_different_rows():
    one, two = record_of("2", 0.5), record_of("2", 0.5, fold=2)
    errors = LossErrors()

    assert errors.of_mean([one, two]) == pytest.approx(errors.of(one) / 2**0.5)


def test_seeds_of_a_fold_have_the_same_rows():
    one, two = record_of("2", 0.5), record_of("2", 0.5)
    errors = LossErrors()

    assert errors.of_mean([one, two]) == pytest.approx(errors.of(one))


def test_answers_are_read_once():
    reads = []
    record = replace(record_of("2", 0.5), load_answers=lambda: reads.append(1) or answers_of(0.5))
    errors = LossErrors()

    assert errors.of(record) == errors.of(record)
    assert len(reads) == 1


def test_answers_that_cannot_be_read_leave_the_table_alone():
    def lost():
        raise EnvironmentFault("answers are gone")

    assert LossErrors().of(replace(record_of("2", 0.5), load_answers=lost)) is None


def test_a_running_job_has_no_error_yet():
    assert LossErrors().of(record_of("2", 0.5, status="running")) is None
