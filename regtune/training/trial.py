"""A run that is only ranked: trained like any other, but no weights are kept and the test split is not looked at.

What it shares with `train` is everything that decides the numbers: preparation, Trainer, evaluations, patience. What it
leaves out is what only a run that is used afterwards needs: a checkpoint at every evaluation, best weights restored and
exported, predictions, report. Its result are the curve and the validation answers at the best evaluation.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from regtune.config import check_contradictions, dump_config
from regtune.config.schema import Config
from regtune.errors import DivergedError, Interrupted
from regtune.evaluation.answers import Answered
from regtune.history import History
from regtune.run import Run, remove_leftovers, write_text
from regtune.training.checkpoints import Checkpoint, CheckpointStore
from regtune.training.keeping import KeepAnswers
from regtune.training.processes import Processes
from regtune.training.setup import prepare
from regtune.training.signals import StopRequested, StopSignals
from regtune.training.train import is_finished, memory_guard, remembered, train_on


@dataclass(frozen=True)
class TrialResult:
    """history: every evaluation. answered: validation rows at the best one. started_from_step: 0, or a checkpoint's."""

    history: History
    answered: Answered
    started_from_step: int


def train_trial(
    config: Config,
    folder: Path,
    *,
    told: Callable[[History, int], None],
    checkpoint_seconds: float,
    signals: StopSignals,
) -> TrialResult:
    """Train one trial in its folder, from the last checkpoint found there.

    told: called with the history and the step the trial started from, once at the start and after each evaluation;
    what it raises ends the trial and is passed on. signals: entered by the caller, who also learns of a stop that comes
    too late for this trial.
    Raises Interrupted after Ctrl-C or SIGTERM, everything saved; EnvironmentFault when another process has the folder;
    else what `train` raises.
    """
    check_contradictions(config)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder)
    with run.locked():
        remove_leftovers(run)
        store = CheckpointStore(run.checkpoints_path)
        checkpoint = checkpoint_of(run, config, store)
        with memory_guard(config):
            setup = prepare(config, scores_test=False)
        write_text(run.config_path, dump_config(config))
        history, progress = remembered(checkpoint)
        run.write_history(history)
        started_from = 0 if checkpoint is None else checkpoint.step
        told(history, started_from)
        keeping = KeepAnswers(
            every_seconds=checkpoint_seconds,
            told=lambda history: told(history, started_from),
        )
        if checkpoint is not None:
            keeping.restore(checkpoint)
        try:
            with memory_guard(config):
                if not is_finished(history, setup):
                    train_on(run, setup, Processes(), store, history, progress, keeping, (), checkpoint, signals)
        except StopRequested:
            assert signals.number is not None
            raise Interrupted(f"{folder}: interrupted, saved", signal_number=signals.number) from None
        store.remove_all()
        if keeping.answered is None:
            raise DivergedError(f"{config.regularization.monitor} was never a finite number")
        return TrialResult(history, keeping.answered, started_from)


def checkpoint_of(run: Run, config: Config, store: CheckpointStore) -> Checkpoint | None:
    """The newest intact checkpoint of this very config; those of another one are removed."""
    is_same = run.config_path.exists() and run.config_path.read_text("utf-8") == dump_config(config)
    if not is_same:
        shutil.rmtree(run.checkpoints_path, ignore_errors=True)
    return store.newest(on_damage=lambda damage: None)
