"""Evaluation records and their file."""

import json
import math

import pytest

from regtune.history import Evaluation, History


def evaluation(step: int, *, is_best: bool = False, accuracy: float = 0.5) -> Evaluation:
    return Evaluation(
        step=step,
        epoch=step / 10,
        train_loss=0.4,
        validation_loss=0.7,
        objective=0.9,
        metrics={"accuracy": accuracy},
        learning_rate=1e-5,
        patience_used=0,
        is_best=is_best,
        stops=False,
        elapsed_seconds=1.5,
    )


def test_gap_is_validation_minus_train() -> None:
    assert evaluation(1).gap == pytest.approx(0.3)


def test_value_reads_the_loss_or_a_metric() -> None:
    assert evaluation(1).value("loss") == 0.7
    assert evaluation(1).value("accuracy") == 0.5


def test_best_is_the_latest_one_marked() -> None:
    history = History([evaluation(1, is_best=True), evaluation(2, is_best=True), evaluation(3)])

    assert history.best is history.evaluations[1]


def test_an_empty_history_has_no_best() -> None:
    assert History().best is None


def test_jsonl_round_trip() -> None:
    history = History([evaluation(1, is_best=True), evaluation(2)])

    assert History.from_jsonl(history.to_jsonl()) == history


def test_a_nan_metric_is_null_in_the_file_and_nan_in_memory() -> None:
    line = evaluation(1, accuracy=math.nan).to_json()

    assert json.loads(line)["metrics"] == {"accuracy": None}
    assert math.isnan(Evaluation.from_json(line).metrics["accuracy"])
