"""Runs with a known cause, as the curves they leave behind."""

from __future__ import annotations

import math

import pytest

from regtune.diagnosis import Facts
from regtune.history import Evaluation, History

STEPS_PER_EPOCH = 30


def _history(train, validation, *, stops=False, accuracy=0.8):
    history, best = History(), float("inf")
    for epoch, (train_loss, validation_loss) in enumerate(zip(train, validation, strict=True), start=1):
        is_best = validation_loss < best
        best = min(best, validation_loss)
        history.append(
            Evaluation(
                step=epoch * STEPS_PER_EPOCH,
                epoch=float(epoch),
                train_loss=train_loss,
                validation_loss=validation_loss,
                objective=train_loss + 0.3,
                metrics={"accuracy": accuracy},
                learning_rate=1e-5,
                patience_used=0,
                is_best=is_best,
                stops=stops and epoch == len(train),
                elapsed_seconds=float(epoch),
            )
        )
    return history


@pytest.fixture
def make_facts():
    """Facts of a run on 8 even classes; curves are lists of losses per epoch, any other fact a keyword."""

    def make(train, validation, *, stops=False, accuracy=0.8, **facts):
        defaults = {
            "history": _history(train, validation, stops=stops, accuracy=accuracy),
            "run_path": "runs/small",
            "config_name": "configs/small.yaml",
            "overrides": (),
            "dropout": 0.1,
            "dropout_key": "regularization.dropout",
            "reads_text": True,
            "weight_decay": 0.01,
            "patience": 3,
            "smoothing": 0.1,
            "can_augment": True,
            "can_smooth": True,
            "epochs": len(train),
            "learning_rate": 5e-5,
            "seed": 0,
            "rows": {"train": 480, "validation": 600},
            "class_counts": {f"intent {number}": 60 for number in range(8)},
            "chance_loss": math.log(8),
            "steps": len(train) * STEPS_PER_EPOCH,
            "parameters": 22_713_216,
        }
        return Facts(**{**defaults, **facts})

    return make


CURVES = {
    "overfitting": {"train": [1.2, 0.6, 0.3, 0.15, 0.07], "validation": [1.3, 0.8, 0.7, 0.8, 0.95]},
    "stopped_in_time": {"train": [1.2, 0.7, 0.5, 0.44, 0.4], "validation": [1.3, 0.8, 0.6, 0.65, 0.7], "stops": True},
    "large_gap": {"train": [1.2, 0.5, 0.2, 0.1, 0.1], "validation": [1.3, 0.8, 0.7, 0.69, 0.69]},
    "underfitting": {"train": [1.9, 1.6, 1.5, 1.49, 1.49], "validation": [1.9, 1.65, 1.55, 1.54, 1.54]},
    "too_short": {"train": [1.8, 1.4, 1.0, 0.7], "validation": [1.8, 1.5, 1.1, 0.8]},
    "stuck": {"train": [2.08, 2.09, 2.07, 2.08], "validation": [2.08, 2.08, 2.09, 2.08]},
    "healthy": {"train": [1.0, 0.5, 0.35, 0.32, 0.31], "validation": [1.1, 0.6, 0.45, 0.44, 0.44]},
}


@pytest.fixture
def curves():
    return CURVES
