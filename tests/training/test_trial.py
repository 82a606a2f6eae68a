"""A trial gives the numbers of the run it stands for, and survives being stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regtune.config.schema import Config
from regtune.history import History
from regtune.training.signals import StopSignals
from regtune.training.train import train
from regtune.training.trial import train_trial

Make = Callable[..., Config]


class Stop(Exception):
    """Raised by what a trial tells, as a pruner does."""


def quiet(history: History, started_from_step: int) -> None:
    pass


def test_a_trial_has_the_curve_of_the_run(make_config: Make, tmp_path: Path) -> None:
    config = make_config("training.epochs=3")

    run = train(config)
    trial = train_trial(config, tmp_path / "trial", told=quiet, checkpoint_seconds=0, signals=StopSignals())

    assert [e.validation_loss for e in trial.history] == [e.validation_loss for e in run.history]
    assert [e.metrics for e in trial.history] == [e.metrics for e in run.history]


def test_the_answers_are_those_of_the_best_evaluation(make_config: Make, tmp_path: Path) -> None:
    trial = train_trial(
        make_config("training.epochs=3"), tmp_path / "trial", told=quiet, checkpoint_seconds=9, signals=StopSignals()
    )

    best = trial.history.best
    assert best is not None
    assert trial.answered.losses.sum() / trial.answered.units.sum() == best.validation_loss


def test_a_trial_keeps_no_weights_and_leaves_the_test_rows_alone(make_config: Make, tmp_path: Path) -> None:
    train_trial(make_config(), tmp_path / "trial", told=quiet, checkpoint_seconds=0, signals=StopSignals())

    assert sorted(path.name for path in (tmp_path / "trial").iterdir()) == [".lock", "config.yaml", "history.jsonl"]


def test_a_trial_goes_on_from_its_checkpoint_and_ends_the_same(make_config: Make, tmp_path: Path) -> None:
    config = make_config("training.epochs=4", "regularization.dropout=0.3")
    whole = train_trial(config, tmp_path / "whole", told=quiet, checkpoint_seconds=0, signals=StopSignals())

    def stop_after_three(history: History, started_from_step: int) -> None:
        if len(history) == 3:
            raise Stop

    with pytest.raises(Stop):
        train_trial(config, tmp_path / "cut", told=stop_after_three, checkpoint_seconds=0, signals=StopSignals())
    resumed = train_trial(config, tmp_path / "cut", told=quiet, checkpoint_seconds=0, signals=StopSignals())

    assert resumed.started_from_step == whole.history.evaluations[1].step  # the third was measured, not saved
    assert [e.validation_loss for e in resumed.history] == [e.validation_loss for e in whole.history]
    np.testing.assert_array_equal(resumed.answered.losses, whole.answered.losses)


def test_checkpoints_of_another_config_are_not_gone_on_from(make_config: Make, tmp_path: Path) -> None:
    def stop_after_two(history: History, started_from_step: int) -> None:
        if len(history) == 2:
            raise Stop

    with pytest.raises(Stop):
        train_trial(
            make_config("training.epochs=3"),
            tmp_path / "trial",
            told=stop_after_two,
            checkpoint_seconds=0,
            signals=StopSignals(),
        )
    other = make_config("training.epochs=3", "regularization.dropout=0.4")

    assert (
        train_trial(
            other, tmp_path / "trial", told=quiet, checkpoint_seconds=0, signals=StopSignals()
        ).started_from_step
        == 0
    )


def test_what_is_told_begins_with_what_is_there_already(make_config: Make, tmp_path: Path) -> None:
    told: list[int] = []

    train_trial(
        make_config("training.epochs=2"),
        tmp_path / "trial",
        told=lambda history, started_from_step: told.append(len(history)),
        checkpoint_seconds=9,
        signals=StopSignals(),
    )

    assert told == [0, 1, 2]
