"""What a sweep searches when its file names no space, and the two configs every sweep tries first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from regtune.config.changes import value_at
from regtune.config.document import Plain
from regtune.config.schema import Config, DropoutSettings
from regtune.search.space.dimensions import short
from regtune.search.space.space import Space

TYPICAL_STEPS = 500  # 450 rows in batches of 16 for 20 epochs: 580
# Of the weights, how much decay alone must take away in a whole run to be worth a trial. Below a thousandth it is off
# in all but name; above two thirds what pretraining learnt is gone (regularization/weight_decay.py).
LEAST_SHRINK, MOST_SHRINK = 0.001, 0.67
DECAYS = (0.01, 0.1, 1.0, 10.0, 100.0)  # the usual 0.01 and 0.1 were found in runs of a hundred times the steps


def default_space(config: Config, *, task: str, steps: int = TYPICAL_STEPS) -> Space:
    """Dropout, weight decay, smoothing (where the task has classes) and the learning rate, around the config's own.

    Nothing in it is conditional: the Gaussian process needs every value in every trial, and 0 is in each range.
    steps: optimizer steps of the longest run, on which it depends which weight decay acts.
    """
    from regtune.tasks import TASKS

    rate = config.training.learning_rate
    dropout = "regularization.dropout"
    if isinstance(config.regularization.dropout, DropoutSettings):
        dropout += ".hidden"  # attention and embedding stay as the config has them
    entries: dict[str, Plain] = {
        # 0.1 is usual, 0.3 is for small data, 0.5 comes from older networks: past it nothing is left to learn from.
        dropout: {"low": 0.0, "high": 0.5, "step": 0.05},
        # Which regularization is best depends on the rate more than on anything else; a factor 5 either way covers
        # 2e-5 to 5e-4 around the 1e-4 of a small model.
        "training.learning_rate": {"low": short(rate / 5), "high": short(rate * 5), "log": True},
    }
    decays = _decays_that_act(rate, steps=steps)
    if decays:
        entries["regularization.weight_decay"] = [0.0, *decays]
    if TASKS[task].default_smoothing is not None:
        # 0.1 is usual; 0.3 is below the largest ε of two classes, 0.5.
        entries["regularization.smoothing"] = {"low": 0.0, "high": 0.3, "step": 0.05}
    return Space.from_entries(entries)


def _decays_that_act(rate: float, *, steps: int) -> list[float]:
    """λ whose run shrinks weights by 1 − exp(−λ·Σlr) within the two limits; Σlr is about lr·steps/2, as the rate falls
    to 0. At the highest rate searched, 5·lr, one step must not flip a weight's sign: λ·5·lr < 1."""
    shrinks = {decay: 1 - math.exp(-decay * rate * steps / 2) for decay in DECAYS}
    return [
        decay for decay, shrink in shrinks.items() if LEAST_SHRINK <= shrink <= MOST_SHRINK and decay * 5 * rate < 1
    ]


def everything_off(config: Config) -> dict[str, Plain]:
    """The changes that switch every technique off; empty where all are.

    Patience stays: it costs a trial nothing and only ends it early.
    """
    techniques = config.regularization
    changes: dict[str, Plain] = {"regularization.weight_decay": 0.0, "regularization.smoothing": 0.0}
    changes |= _zeros("regularization.dropout", techniques.dropout)
    changes |= _zeros("regularization.augmentation", techniques.augmentation)
    if techniques.drop_path is not None:  # left out, it is the model's own
        changes["regularization.drop_path"] = 0.0
    if config.model_settings.lora.dropout:
        changes["model.lora.dropout"] = 0.0
    return {key: off for key, off in changes.items() if value_at(config, key) != off}


def _zeros(key: str, value: Any) -> dict[str, Plain]:
    """A number, or `keep`, becomes 0; of a section every strength that is written. Those left out are 0, or follow."""
    if isinstance(value, (int, float, str)):
        return {key: 0.0}
    written: Iterable[str] = value.model_fields_set
    return {f"{key}.{name}": 0.0 for name in type(value).model_fields if name in written}
