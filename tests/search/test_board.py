import math
from dataclasses import replace

import pytest

from regtune.history import History
from tests.reporting.sweep.sweep_pieces import board_of, history_of, record_of, search_records, with_status

NAN = replace(history_of(0.5).best, validation_loss=math.nan)


def names(board):
    return [candidate.name for candidate in board.candidates]


def test_candidates_are_ranked_by_their_loss_then_running_failed_and_waiting_ones():
    assert names(board_of(search_records())) == ["3", "own", "2", "off", "5", "6", "4", "7", "8"]


def test_a_metric_ranks_the_other_way_round():
    board = board_of(search_records(), objective="accuracy", higher_is_better=True)

    assert names(board)[:4] == ["3", "own", "2", "off"]  # the pieces' accuracy falls with the loss


def test_the_best_is_compared_with_the_users_own():
    board = board_of(search_records())

    assert board.best.name == "3"
    assert board.difference == pytest.approx(0.512 - 0.540)


def test_nothing_is_best_before_the_first_job_is_done():
    board = board_of((record_of("own", status="waiting"),))

    assert board.best is None
    assert board.difference is None


def test_a_sweep_without_jobs_has_no_candidates():
    assert board_of(()).candidates == ()


def test_a_loss_that_is_no_number_is_not_ranked():
    board = board_of((record_of("own", 0.5), record_of("2", 0.4, history=History([NAN]))))

    assert board.best.name == "own"
    assert board.candidates[1].value is None


def confirming(*, is_done: bool):
    """Own and 3 on a second fold, where own does well; 3 is done there or still running."""
    second = record_of("3", 0.70, fold=2, status="done" if is_done else "running")
    return board_of((record_of("own", 0.540), record_of("3", 0.512), record_of("own", 0.30, fold=2), second))


def test_a_further_fold_counts_only_when_all_its_jobs_have_ended():
    board = confirming(is_done=False)

    assert board.best.name == "3"
    assert len(board.best.counted) == 1
    assert board.own.value == pytest.approx(0.540)


def test_an_ended_fold_counts_for_all():
    board = confirming(is_done=True)

    assert board.best.name == "own"
    assert board.best.value == pytest.approx((0.540 + 0.30) / 2)


def test_more_runs_rank_above_fewer():
    board = board_of((record_of("own", 0.540), record_of("2", 0.1), record_of("own", 0.56, fold=2)))

    assert names(board) == ["own", "2"]


def test_a_difference_needs_the_same_folds():
    board = board_of((record_of("own", 0.540), record_of("2", 0.5), record_of("2", 0.5, fold=2)))

    assert board.best.name == "2"
    assert board.difference is None


def test_jobs_of_later_stages_count_as_waiting():
    assert board_of(search_records(), planned_jobs=12).counts == {
        "waiting": 5,  # 2 in the queue, 3 to come
        "running": 2,
        "done": 4,
        "pruned": 0,
        "failed": 1,
    }


def test_time_left_is_the_mean_time_over_the_workers():
    """Mean 14 s, 7 jobs left, 12 s of one of them spent: (7 · 14 − 12) / 2 workers."""
    assert board_of(search_records()).seconds_left == pytest.approx((7 * 14 - 12) / 2)


def test_the_last_job_has_one_worker_only():
    board = board_of((record_of("own", 0.5), record_of("2", status="waiting")), planned_jobs=2, workers_alive=8)

    assert board.seconds_left == pytest.approx(14.0)


@pytest.mark.parametrize(
    "board",
    [board_of((record_of("own", status="running"),)), board_of(search_records(), workers_alive=0)],
    ids=["before the first job is done", "without workers"],
)
def test_time_left_is_not_guessed(board):
    assert board.seconds_left is None


def test_no_time_is_left_when_all_jobs_have_ended():
    assert board_of((record_of("own", 0.5),), planned_jobs=1).seconds_left == 0.0


def test_machines_are_counted_by_their_jobs():
    records = with_status(search_records(), "3", host="bob")

    assert board_of(records).hosts == {"ada": 6, "bob": 1}
