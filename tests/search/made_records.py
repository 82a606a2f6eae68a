"""Records as a finished sweep leaves them, built by hand: no study, no training."""

from __future__ import annotations

import numpy as np

from regtune.evaluation.answers import Answered
from regtune.history import Evaluation, History
from regtune.search.study.job import Job, Repetition
from regtune.search.study.record import Record


def folds(count):
    """`count` repetitions: folds of the same rows."""
    return [Repetition(fold=fold, folds=count, seed=fold - 1) for fold in range(1, count + 1)]


def curve(losses, **metrics):
    """A history whose best evaluation is the lowest loss. metrics: name → one value per evaluation."""
    history = History()
    for number, loss in enumerate(losses, start=1):
        history.append(
            Evaluation(
                step=number * 10,
                epoch=float(number),
                train_loss=loss,
                validation_loss=loss,
                objective=loss,
                metrics={name: values[number - 1] for name, values in metrics.items()},
                learning_rate=1e-4,
                patience_used=0,
                is_best=loss <= min(losses[:number]),
                stops=False,
                elapsed_seconds=float(number),
            )
        )
    return history


def record(
    candidate, repetition, losses, *, number=0, changes=None, status="done", answers=None, params=None, **metrics
):
    """A record of `candidate` on `repetition`. losses: of its evaluations, a number is one. changes: default unique."""
    losses = losses if isinstance(losses, list) else [losses]
    if changes is None:
        changes = {} if candidate == "own" else {"regularization.dropout": f"of {candidate}"}
    return Record(
        number=number,
        job=Job(
            key=f"{candidate}-{repetition}", candidate=candidate, stage="search", repetition=repetition, changes=changes
        ),
        status=status,
        changes=changes,
        params={} if params is None else params,
        history=curve(losses, **{name: [value] * len(losses) for name, value in metrics.items()}),
        attempts=1,
        host="here",
        pid=1,
        seconds=1.0,
        error=None if status == "done" else "broken",
        load_answers=None if answers is None else lambda: answers,
    )


def answered(losses, *, labels=None):
    """Answers of a two-class model with these row losses; right where the loss is below ln 2."""
    losses = np.asarray(losses, dtype=np.float64)
    labels = np.zeros(len(losses), dtype=np.int64) if labels is None else np.asarray(labels)
    right = np.exp(-losses)
    answers = np.where(labels[:, None] == [0, 1], right[:, None], 1 - right[:, None])
    return Answered(answers=answers, labels=labels, losses=losses, units=np.ones(len(losses), dtype=np.int64))
