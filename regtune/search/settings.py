"""The `sweep` section of a sweep file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from regtune.config.schema import Section
from regtune.search.study.job import Repetition

MOST_TRIALS = 10_000


class SweepSettings(Section):
    """How a sweep searches, confirms and where it runs."""

    trials: int = Field(
        default=20,
        ge=2,
        le=MOST_TRIALS,
        description="configs tried in the search, on one fold; the first two are your own and everything off",
    )
    confirm: int = Field(
        default=9, ge=0, description="best configs tried on a second fold, a third of them on all; 0: skip this stage"
    )
    folds: int = Field(
        default=5, ge=1, le=20, description="parts of the rows to hold out in turn; 1: the config's split"
    )
    seeds: int = Field(default=1, ge=1, le=100, description="seeds per fold")
    objective: str = Field(default="loss", description="loss (clean validation loss) or a metric of the task")
    space: dict[str, Any] | None = Field(
        default=None, description="dotted config key → a list of choices or {low, high, log, step, off}"
    )
    workers: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = Field(
        default="auto", description="processes; auto: one per GPU, else one per core as memory allows"
    )
    storage: str | None = Field(
        default=None, description="database URL of the study; left out: an SQLite file in the sweep's folder"
    )
    sampler: Literal["auto", "gp", "tpe", "random", "grid"] = Field(
        default="auto",
        description="auto: gp (Gaussian process), or tpe above 200 trials or where techniques switch off",
    )
    pruner: Literal["none", "median", "halving"] = Field(
        default="none", description="none: a trial ends by its own patience; the others stop trials that start slowly"
    )


def repetitions(settings: SweepSettings, *, seed: int) -> list[Repetition]:
    """Folds first, then further seeds; each has a seed of its own. The search runs on the first one."""
    return [
        Repetition(fold=fold, folds=settings.folds, seed=seed + number)
        for number, fold in enumerate(fold for _ in range(settings.seeds) for fold in range(1, settings.folds + 1))
    ]
