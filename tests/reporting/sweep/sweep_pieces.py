"""A sweep as the study tells it, and the pieces it is made of: records, a board, a result; hostile text included."""

import math
from dataclasses import replace

import numpy as np

from regtune.evaluation.answers import Answered
from regtune.history import Evaluation, History
from regtune.search.board import Board
from regtune.search.judging.result import Difference, Edge, PatienceCost, Standing, Verdict
from regtune.search.judging.sweep_result import Failure, SweepResult
from regtune.search.study.job import Job, Repetition
from regtune.search.study.record import Record

DROPOUT, DECAY, SMOOTHING, RATE = (
    "regularization.dropout",
    "regularization.weight_decay",
    "regularization.smoothing",
    "training.learning_rate",
)
OWN_VALUES = {DROPOUT: 0.1, DECAY: 0.01, SMOOTHING: 0.0, RATE: 5e-5}
SPACE = (
    {"key": DROPOUT, "low": 0.0, "high": 0.5, "log": False, "step": None, "off": False},
    {"key": DECAY, "low": 1e-3, "high": 0.3, "log": True, "step": None, "off": True},
    {"key": SMOOTHING, "choices": [0.0, 0.05, 0.1, 0.2]},
    {"key": RATE, "low": 1e-5, "high": 5e-4, "log": True, "step": None, "off": False},
)
HOSTILE = "</script><img src=x onerror=1>"


def history_of(best_loss: float, *, epochs: int = 6, best_at: int = 4, stops: bool = True) -> History:
    """A curve that falls to best_loss at epoch best_at and rises after it."""
    evaluations = []
    for epoch in range(1, epochs + 1):
        loss = best_loss + 0.12 * abs(best_at - epoch) * (1 if epoch < best_at else 0.3)
        evaluations.append(
            Evaluation(
                step=13 * epoch,
                epoch=float(epoch),
                train_loss=loss - 0.1 - 0.03 * epoch,
                validation_loss=loss,
                objective=loss + 0.2,
                metrics={"accuracy": 1 - loss / 2, "macro_f1": 0.98 - loss / 2},
                learning_rate=5e-5,
                patience_used=max(0, epoch - best_at),
                is_best=epoch <= best_at,
                stops=stops and epoch == epochs,
                elapsed_seconds=2.0 * epoch,
            )
        )
    return History(evaluations)


def answers_of(loss: float, *, rows: int = 40) -> Answered:
    """Row losses with the given mean and a standard deviation of half of it."""
    spread = np.where(np.arange(rows) % 2 == 0, 0.5, -0.5) * loss
    return Answered(answers=np.zeros((rows, 2)), labels=np.zeros(rows), losses=loss + spread, units=np.ones(rows, int))


def record_of(
    candidate: str,
    loss: float | None = None,
    *,
    fold: int = 1,
    number: int = 0,
    status: str = "done",
    changes: dict | None = None,
    stage: str = "search",
    **options: object,
) -> Record:
    """loss: the best validation loss; None: no evaluation yet."""
    repetition = Repetition(fold=fold, folds=5, seed=fold - 1)
    job = Job(key=f"{candidate}-{fold}", candidate=candidate, stage=stage, repetition=repetition, changes=changes)
    is_done = status == "done"
    values = {
        "number": number,
        "job": job,
        "status": status,
        "changes": changes,
        "params": {},
        "history": History() if loss is None else history_of(loss, stops=is_done),
        "attempts": 1,
        "host": None if status == "waiting" else "ada",
        "pid": None if status == "waiting" else 4000 + number,
        "seconds": 14.0 if is_done else None,
        "error": None,
        "load_answers": (lambda: answers_of(loss)) if is_done and loss is not None else None,
    }
    return Record(**{**values, **options})


def changes_of(dropout: float, decay: float, smoothing: float, rate: float) -> dict:
    return {DROPOUT: dropout, DECAY: decay, SMOOTHING: smoothing, RATE: rate}


def search_records() -> tuple[Record, ...]:
    """Own, off, three done, a running, a failed and two waiting trials, all on fold 1."""
    return (
        record_of("own", 0.540, number=0, changes={}),
        record_of("off", 0.601, number=1, changes=changes_of(0.0, 0.0, 0.0, 5e-5)),
        record_of("2", 0.571, number=2, changes=changes_of(0.31, 0.002, 0.1, 3.1e-5)),
        record_of("3", 0.512, number=3, changes=changes_of(0.22, 0.1, 0.05, 0.000123)),
        record_of(
            "4",
            number=4,
            status="failed",
            changes=changes_of(0.45, 0.3, 0.2, 5e-4),
            error="diverged: loss is nan at step 9",
        ),
        record_of("5", 0.6, number=5, status="running", changes=changes_of(0.18, 0.05, 0.05, 9e-5)),
        record_of("6", number=6, status="running", changes=changes_of(0.05, 0.01, 0.1, 2e-4)),
        record_of("7", number=7, status="waiting"),
        record_of("8", number=8, status="waiting"),
    )


def board_of(records: tuple[Record, ...], **options: object) -> Board:
    values = {
        "name": "sweep",
        "folder": "runs/sweep",
        "storage": "runs/sweep/sweep.db",
        "objective": "loss",
        "unit": "nats per row",
        "higher_is_better": False,
        "headline": "accuracy",
        "own_values": OWN_VALUES,
        "epochs": 8,
        "planned_jobs": 12,
        "stage": "search",
        "workers_alive": 2,
        "workers_asked": 2,
        "elapsed_seconds": 70.0,
        "records": records,
    }
    return Board(**{**values, **options})


def with_status(records: tuple[Record, ...], candidate: str, **changes: object) -> tuple[Record, ...]:
    """The records with one candidate's changed."""
    return tuple(replace(r, **changes) if r.job.candidate == candidate else r for r in records)


def difference_of(value: float, half_width: float, **options: object) -> Difference:
    low, high = value - half_width, value + half_width
    outcome = "better" if high < 0 else "worse" if low > 0 else "not distinguishable"
    values = {"measure": "loss", "value": value, "low": low, "high": high, "rows": 200, "repetitions": 5}
    return Difference(**{**values, "outcome": outcome, **options})


def standing_of(candidate: str, values: list[float], *, changes: dict | None = None, **options: object) -> Standing:
    mean = sum(values) / len(values)
    std = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None
    numbered = dict(enumerate(values))
    fields = {
        "candidate": candidate,
        "changes": changes or {},
        "values": numbered,
        "metrics": {"accuracy": {k: 1 - v / 2 for k, v in numbered.items()}},
        "mean": mean,
        "std": std,
        "against_own": None,
        "is_tied": False,
    }
    return Standing(**{**fields, **options})


def result_of(**options: object) -> SweepResult:
    """Trial 3 is better than the user's own, trial 2 tied with it."""
    difference = difference_of(-0.028, 0.017)
    values = {
        "name": "sweep",
        "folder": "runs/sweep",
        "storage": "runs/sweep/sweep.db",
        "model": "minilm",
        "task": "text-classification",
        "objective": "loss",
        "unit": "nats per row",
        "higher_is_better": False,
        "headline": "accuracy",
        "space": SPACE,
        "own_values": OWN_VALUES,
        "verdict": Verdict(
            outcome="better",
            best="3",
            recommended="3",
            difference=difference,
            sentence="Better: trial 3 has a loss lower than your config's by 0.028 (95 % CI 0.011 to 0.045).",
            optimism=0.0121,
            caveats=("5 folds share most of their training rows.",),
        ),
        "standings": (
            standing_of(
                "3",
                [0.512, 0.53, 0.49, 0.55, 0.52],
                changes=changes_of(0.22, 0.1, 0.05, 0.000123),
                against_own=difference,
            ),
            standing_of(
                "2",
                [0.571, 0.5, 0.5, 0.56, 0.53],
                changes=changes_of(0.31, 0.002, 0.1, 3.1e-5),
                against_own=difference_of(-0.01, 0.02),
                is_tied=True,
            ),
            standing_of("own", [0.54, 0.56, 0.53, 0.57, 0.54]),
            standing_of(
                "off",
                [0.601],
                changes=changes_of(0.0, 0.0, 0.0, 5e-5),
                against_own=difference_of(0.061, 0.03, repetitions=1),
            ),
        ),
        "patience": 3,
        "patience_costs": (
            PatienceCost(patience=1, evaluations=90, saved=0.31, lost=0.0123),
            PatienceCost(patience=2, evaluations=101, saved=0.22, lost=0.0008),
        ),
        "importances": {RATE: 0.61, DROPOUT: 0.25, DECAY: 0.09, SMOOTHING: 0.05},
        "edges": (Edge(key=RATE, value=5e-4, low=1e-5, high=5e-4),),
        "failures": (
            Failure(
                candidate="4",
                fold=1,
                folds=5,
                seed=0,
                changes=changes_of(0.45, 0.3, 0.2, 5e-4),
                attempts=2,
                error="diverged: loss is nan at step 9",
            ),
        ),
        "counts": {"waiting": 0, "running": 0, "done": 37, "pruned": 0, "failed": 1},
        "search_trials": 20,
        "seconds": 843.0,
        "trial_epochs": 231.0,
        "hosts": {"ada": 38},
        "notes": (),
    }
    return SweepResult(**{**values, **options})
