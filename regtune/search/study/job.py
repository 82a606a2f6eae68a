"""What one trial has to do. Jobs lie in a study as attributes of its Optuna trials, so any worker can take one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from regtune.config.changes import with_changes
from regtune.config.document import Plain
from regtune.config.schema import Config

ATTRIBUTE = "job"  # the user attribute of an Optuna trial that holds its job


@dataclass(frozen=True)
class Repetition:
    """Which rows are held out and which seed trains: the same for every candidate that is compared on it."""

    fold: int  # 1-based
    folds: int  # 1: the config's own split
    seed: int  # of the new head, the row order and dropout; the split has the base config's


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training run of one candidate config."""

    key: str  # unique in the study, the name of the trial's folder: "007", "007-r1", "own-r0"
    candidate: str  # which config: "own", "off", the number of a search trial, or an arm of an ablation
    stage: str  # "search", "confirm" or "ablation"
    repetition: Repetition
    changes: dict[str, Plain] | None  # dotted key → value, against the base config; None: the sampler chooses

    def to_attribute(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_attribute(cls, value: Mapping[str, Any]) -> Job:
        return cls(**{**value, "repetition": Repetition(**value["repetition"])})


def job_config(base: Config, changes: Mapping[str, Plain], repetition: Repetition) -> Config:
    """The base config with a candidate's values on a repetition's rows and seed; trainable by hand as it is.

    Raises ConfigError for values that cannot stand together.
    """
    split_seed = base.training.seed if base.data.split_seed is None else base.data.split_seed
    fixed: dict[str, Plain] = {"data.split_seed": split_seed, "training.seed": repetition.seed}
    if repetition.folds > 1:
        fixed["data.validation"] = f"fold:{repetition.fold}/{repetition.folds}"
    return with_changes(base, {**changes, **fixed})
