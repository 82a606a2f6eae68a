"""The records of an ablation as workers leave them, by hand: curves and answers, no study, no training."""

from __future__ import annotations

import numpy as np

from regtune.evaluation.answers import Answered
from regtune.history import Evaluation, History
from regtune.search.study.job import Repetition
from regtune.search.study.record import Record

FOLDS = [Repetition(fold=1, folds=2, seed=0), Repetition(fold=2, folds=2, seed=1)]


def answers_of(right):
    """Two-class answers: each row's probability of its true class, 0 in all rows."""
    right = np.asarray(right, dtype=np.float64)
    return Answered(
        answers=np.stack([right, 1 - right], axis=1),
        labels=np.zeros(len(right), dtype=np.int64),
        losses=-np.log(right),
        units=np.ones(len(right), dtype=np.int64),
    )


def curve_of(losses, *, seconds_per_epoch=2.0, macro_f1=0.8, ece=0.1):
    """One evaluation an epoch; the best is the lowest loss so far."""
    return History(
        [
            Evaluation(
                step=10 * epoch,
                epoch=float(epoch),
                train_loss=loss / 2,
                validation_loss=loss,
                objective=loss,
                metrics={"accuracy": macro_f1, "macro_f1": macro_f1, "nll": loss, "ece": ece},
                learning_rate=1e-4,
                patience_used=0,
                is_best=loss == min(losses[:epoch]),
                stops=False,
                elapsed_seconds=seconds_per_epoch * epoch,
            )
            for epoch, loss in enumerate(losses, start=1)
        ]
    )


def finished(job, losses, right, **figures):
    """A done record. losses: clean validation loss of each epoch. right: see `answers_of`."""
    return Record(
        number=0,
        job=job,
        status="done",
        changes=job.changes,
        params={},
        history=curve_of(losses, **figures),
        attempts=1,
        host="here",
        pid=1,
        seconds=99.0,
        error=None,
        load_answers=lambda: answers_of(right),
    )


def unfinished(job, status, *, error=None):
    """A record without a result."""
    return Record(
        number=0,
        job=job,
        status=status,
        changes=job.changes,
        params={},
        history=History(),
        attempts=1,
        host=None,
        pid=None,
        seconds=None,
        error=error,
    )
